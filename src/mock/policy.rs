//! What the honest mock decides where the documents could be read or broken otherwise.
//!
//! A [`Policy`] is a small plain value. Its default is the honest reading; every field names the
//! clause or the ambiguity it stands for. Faults and variations change a copy of it for one
//! request, so the code that answers never knows that either exists.

/// All decisions for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Decisions of the Groove collection API.
    pub groove: GroovePolicy,
    /// Decisions of the Oracle collections API.
    pub oracle: OraclePolicy,
}

/// How entries of a batch are counted against its limit (GRV-ADD-42).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Every entry counts.
    Raw,
    /// Equal ids count once.
    Distinct,
}

/// How an input id comes back in `InputId` (GRV-ADD-22, A-06).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// A catalog GUID in upper case, everything else as sent.
    UpperGuid,
    /// Exactly as sent.
    AsSent,
    /// A catalog GUID in lower case, everything else as sent.
    LowerGuid,
    /// Catalog GUIDs and collection ids in upper case.
    UpperAll,
}

/// Which entries of an accepted batch really take effect (GRV-ADD-02, GRV-ADD-34).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Every good entry.
    Every,
    /// No entry, although the answer says so.
    Nothing,
    /// Every good entry, unless any entry of the batch failed.
    UnlessFailed,
    /// The good entries before the first failed one.
    BeforeFailure,
    /// The first good entry only.
    First,
}

/// Whose collection an operation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only the caller's.
    Caller,
    /// Every user's.
    Everyone,
    /// That of whoever owns the id, for a delete.
    AnyOwner,
}

/// The answer to a batch in which nothing succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllFailed {
    /// 200 with one result per entry, as for a partial failure.
    Partial,
    /// 400 with one result per entry.
    BadRequest,
}

/// Decisions of one Groove batch operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPolicy {
    /// The largest batch (GRV-ADD-07); `None` is no limit (A-01 for delete).
    pub limit: Option<usize>,
    /// What is counted against the limit.
    pub counts: Count,
    /// Whether a batch refused for its size takes effect nevertheless (GRV-ADD-43).
    pub refused_takes_effect: bool,
    /// Whether a request refused for its user token takes effect on the first user (GRV-ADD-64).
    pub denied_takes_effect: bool,
    /// Which good entries take effect.
    pub effect: Effect,
    /// Whose collection is touched.
    pub reach: Reach,
    /// Whether a user token is needed (GRV-ADD-03, GRV-DEL-03).
    pub requires_user: bool,
    /// Whether a developer token is needed (GRV-ADD-12, A-11).
    pub requires_application: bool,
    /// Whether a failed entry carries `Message` (GRV-ADD-27, GRV-DEL-20).
    pub entry_message: bool,
    /// How input ids are echoed.
    pub echo: Echo,
    /// The answer when every entry failed.
    pub all_failed: AllFailed,
    /// Whether a failure ends the batch, leaving the later entries out (GRV-ADD-04).
    pub stops_at_failure: bool,
    /// Whether equal ids are answered by one result (GRV-ADD-21).
    pub merges_duplicates: bool,
    /// Whether `MUSIC.` is read as `music.`.
    pub prefix_ignores_case: bool,
}

impl BatchPolicy {
    const ADD: Self = Self {
        limit: Some(100),
        counts: Count::Raw,
        refused_takes_effect: false,
        denied_takes_effect: false,
        effect: Effect::Every,
        reach: Reach::Caller,
        requires_user: true,
        requires_application: true,
        entry_message: true,
        echo: Echo::UpperGuid,
        all_failed: AllFailed::Partial,
        stops_at_failure: false,
        merges_duplicates: false,
        prefix_ignores_case: false,
    };

    const DELETE: Self = Self { limit: None, entry_message: false, ..Self::ADD };
}

/// Which user tokens are taken (GRV-ADD-62).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserTokens {
    /// Those of the seed that have not expired.
    Current,
    /// Expired ones too.
    OrExpired,
    /// Any value of the `XBL3.0` form; an unknown one is the first user's.
    AnyWellFormed,
    /// A developer token too, which then is the first user's (GRV-ADD-63).
    OrApplication,
    /// None at all.
    Nobody,
}

/// Which developer tokens are taken (GRV-ADD-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicationTokens {
    /// Those of the seed that are neither expired nor unsubscribed.
    Current,
    /// Expired ones too.
    OrExpired,
    /// Any value that is not empty.
    Any,
    /// Those of the seed, compared after decoding the query twice (GRV-ADD-15).
    DecodedTwice,
    /// None at all.
    Nobody,
}

/// Adding a track that the collection already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readd {
    /// The answer names the id it already has; the count stays.
    SameId,
    /// The entry fails with `COLLECTION_INVALID_ID`.
    Fails,
}

/// An empty or missing `TrackIds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyBatch {
    /// 400 `MISSING_INPUT_PARAMETER`.
    Refused,
    /// 200 with an empty list.
    Accepted,
}

/// Adding to a collection without room (api-facts input 91).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The entry fails with `COLLECTION_FULL`.
    PerEntry,
    /// The whole batch is refused with 400.
    WholeBatch,
}

/// What selects the representation of a Groove answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatPolicy {
    /// `Accept` is honoured.
    pub accept: bool,
    /// An XML request without other wish is answered in XML.
    pub content_type: bool,
    /// Errors of the whole request are always JSON.
    pub errors_json: bool,
}

/// Decisions of the Groove collection API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroovePolicy {
    /// The add operation.
    pub add: BatchPolicy,
    /// The delete operation.
    pub delete: BatchPolicy,
    /// Which user tokens are taken.
    pub users: UserTokens,
    /// Which developer tokens are taken.
    pub applications: ApplicationTokens,
    /// Whether the user token is checked before the developer token.
    pub user_first: bool,
    /// Whether any namespace is read as `music` (GRV-ADD-11).
    pub any_namespace: bool,
    /// Whether a GUID in lower case is found in the catalog (GRV-ADD-19).
    pub lower_guid: bool,
    /// Whether a collection id is matched without regard to case.
    pub ids_ignore_case: bool,
    /// Whether a stored track may be deleted by its collection id (GRV-DEL-29).
    pub delete_by_collection_id: bool,
    /// Whether a stored track may be deleted by its catalog id.
    pub delete_by_catalog_id: bool,
    /// Whether deleting an id that is not there succeeds (GRV-DEL-14).
    pub delete_unknown_succeeds: bool,
    /// Adding a stored track again.
    pub readd: Readd,
    /// An empty batch.
    pub empty: EmptyBatch,
    /// A full collection.
    pub full: Full,
    /// What selects the representation.
    pub format: FormatPolicy,
    /// Whether JSON request bodies are read (GRV-ADD-17).
    pub json_requests: bool,
    /// The member of a JSON request that holds the ids (GRV-ADD-18).
    pub json_member: &'static str,
    /// Whether XML request bodies are read (GRV-ADD-45, A-03).
    pub xml_requests: bool,
    /// Whether `TrackId` in the platform namespace is taken for an item too (api-facts 2.4).
    pub xml_track_id: bool,
    /// Whether XML namespaces of a request are checked (GRV-ADD-46, GRV-ADD-47).
    pub xml_namespaces: bool,
    /// The namespace of the elements of an XML request (GRV-ADD-46).
    pub xml_platform: &'static str,
    /// The namespace of the items of an XML request (GRV-ADD-47).
    pub xml_arrays: &'static str,
    /// Whether the common parameters are taken (GRV-ADD-08).
    pub common_parameters: bool,
    /// Whether action words of the path ignore case (api-facts 2.3).
    pub path_ignores_case: bool,
}

impl Default for GroovePolicy {
    fn default() -> Self {
        Self {
            add: BatchPolicy::ADD,
            delete: BatchPolicy::DELETE,
            users: UserTokens::Current,
            applications: ApplicationTokens::Current,
            user_first: false,
            any_namespace: false,
            lower_guid: true,
            ids_ignore_case: false,
            delete_by_collection_id: true,
            delete_by_catalog_id: false,
            delete_unknown_succeeds: false,
            readd: Readd::SameId,
            empty: EmptyBatch::Refused,
            full: Full::PerEntry,
            format: FormatPolicy { accept: true, content_type: true, errors_json: false },
            json_requests: true,
            json_member: "TrackIds",
            xml_requests: true,
            xml_track_id: true,
            xml_namespaces: true,
            xml_platform: "http://schemas.microsoft.com/xboxmusic/2013/10/platform",
            xml_arrays: "http://schemas.microsoft.com/2003/10/Serialization/Arrays",
            common_parameters: true,
            path_ignores_case: true,
        }
    }
}

/// What a delete of an Oracle collection does (OCM-DEL-02, OCM-DEL-42).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Moves it to the trash.
    ToTrash,
    /// Does nothing, although the answer says so.
    Nothing,
    /// Removes it for good.
    Purge,
    /// Moves every collection of its owner to the trash.
    Everything,
}

/// The answer about another user's trashed collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignTrash {
    /// As if it did not exist.
    NotFound,
    /// As any collection without rights.
    Forbidden,
}

/// The answer about an id of the wrong form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// 400 with the seven-member error body.
    BadRequest,
    /// 404, as for a missing collection.
    NotFound,
}

/// Which shared role may delete (api-facts input 115).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteRole {
    /// Managers.
    Manager,
    /// Managers and contributors.
    Contributor,
    /// Only the owner.
    Owner,
}

/// Decisions of the Oracle collections API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OraclePolicy {
    /// What a delete does.
    pub removal: Removal,
    /// Whether a refused delete takes effect nevertheless (OCM-DEL-43).
    pub refused_takes_effect: bool,
    /// Whether rights are checked (OCM-DEL-11).
    pub checks_rights: bool,
    /// Whether the caller's trash is told apart from missing (OCM-DEL-41).
    pub knows_trash: bool,
    /// Whether a collection in the trash is deleted again with 200 (OCM-DEL-12).
    pub trash_deletes_again: bool,
    /// Whether a missing collection is deleted with 200 (OCM-DEL-29).
    pub missing_succeeds: bool,
    /// Another user's trash.
    pub foreign_trash: ForeignTrash,
    /// Ids of the wrong form.
    pub malformed: Malformed,
    /// Whether only hexadecimal ids count as well formed (OCM-DEL-09).
    pub hexadecimal_ids: bool,
    /// Who may delete a shared collection.
    pub delete_role: DeleteRole,
    /// Whether credentials are needed.
    pub requires_user: bool,
    /// Whether expired Bearer tokens are taken.
    pub expired_tokens: bool,
    /// Whether ids are matched without regard to case (api-facts input 118).
    pub ids_ignore_case: bool,
    /// Whether `Accept` selects XML (OCM-DEL-06).
    pub xml: bool,
}

impl Default for OraclePolicy {
    fn default() -> Self {
        Self {
            removal: Removal::ToTrash,
            refused_takes_effect: false,
            checks_rights: true,
            knows_trash: true,
            trash_deletes_again: false,
            missing_succeeds: false,
            foreign_trash: ForeignTrash::NotFound,
            malformed: Malformed::BadRequest,
            hexadecimal_ids: false,
            delete_role: DeleteRole::Manager,
            requires_user: true,
            expired_tokens: false,
            ids_ignore_case: false,
            xml: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_documented_reading() {
        let policy = Policy::default();
        assert_eq!(policy.groove.add.limit, Some(100));
        assert_eq!(policy.groove.add.counts, Count::Raw);
        assert!(policy.groove.add.entry_message);
        assert!(!policy.groove.delete.entry_message);
        assert_eq!(policy.groove.delete.limit, None);
        assert_eq!(policy.oracle.removal, Removal::ToTrash);
    }
}
