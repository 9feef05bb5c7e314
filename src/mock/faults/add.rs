//! Faults of the add operation in what it does and when it refuses.

use super::Fault;
use super::edit::{is_add, is_batch, is_denied, is_malformed, is_partial, is_too_many, object, refuse, sent_ids, set};
use crate::mock::policy::{ApplicationTokens, Count, Echo, Effect, Reach, UserTokens};

pub(super) const FAULTS: &[Fault] = &[
    Fault::response(
        "groove-add-not-found",
        "GRV-ADD-01",
        "POST on the documented path is answered 404.",
        |response, moment| {
            if is_add(moment) {
                refuse(response, 404, "CATALOG_NO_RESULT");
            }
        },
    ),
    Fault::policy(
        "groove-add-stores-nothing",
        "GRV-ADD-02",
        "The answer names new ids, but no track is stored.",
        |policy, _| policy.groove.add.effect = Effect::Nothing,
    ),
    Fault::policy(
        "groove-add-stores-first-only",
        "GRV-ADD-02",
        "Of a batch only the first good track is stored.",
        |policy, _| policy.groove.add.effect = Effect::First,
    ),
    Fault::policy(
        "groove-add-large-batch-stores-nothing",
        "GRV-ADD-02",
        "A batch of 50 entries or more is answered well, but nothing is stored.",
        |policy, moment| {
            if is_add(moment) && sent_ids(moment).len() >= 50 {
                policy.groove.add.effect = Effect::Nothing;
            }
        },
    ),
    Fault::policy(
        "groove-add-every-user",
        "GRV-ADD-02",
        "The tracks are stored in every user's collection.",
        |policy, _| policy.groove.add.reach = Reach::Everyone,
    ),
    Fault::policy(
        "groove-add-user-optional",
        "GRV-ADD-03",
        "A request without a user token is carried out.",
        |policy, _| policy.groove.add.requires_user = false,
    ),
    Fault::policy(
        "groove-add-stops-at-failure",
        "GRV-ADD-04",
        "The first failed entry ends the batch; later ids have no result.",
        |policy, _| policy.groove.add.stops_at_failure = true,
    ),
    Fault::policy(
        "groove-add-gives-up-after-failure",
        "GRV-ADD-04",
        "Tracks after the first failed entry are answered well, but not stored.",
        |policy, _| policy.groove.add.effect = Effect::BeforeFailure,
    ),
    Fault::response("groove-add-partial-207", "GRV-ADD-05", "A partial failure has status 207.", |response, moment| {
        if is_add(moment) && is_partial(response) {
            response.status = 207;
        }
    }),
    Fault::response("groove-add-partial-400", "GRV-ADD-05", "A partial failure has status 400.", |response, moment| {
        if is_add(moment) && is_partial(response) {
            response.status = 400;
        }
    }),
    Fault::response(
        "groove-add-large-partial-400",
        "GRV-ADD-05",
        "A partial failure of 50 entries or more has status 400.",
        |response, moment| {
            if is_add(moment) && is_partial(response) && sent_ids(moment).len() >= 50 {
                response.status = 400;
            }
        },
    ),
    Fault::policy(
        "groove-add-limit-99",
        "GRV-ADD-07",
        "A batch of 100 tracks is refused for its size.",
        |policy, _| policy.groove.add.limit = Some(99),
    ),
    Fault::policy("groove-add-limit-101", "GRV-ADD-07", "A batch of 101 tracks is accepted.", |policy, _| {
        policy.groove.add.limit = Some(101);
    }),
    Fault::policy(
        "groove-add-limit-second-request",
        "GRV-ADD-07",
        "The limit does not hold from the second request of a connection on.",
        |policy, moment| {
            if moment.request.sequence > 1 {
                policy.groove.add.limit = None;
            }
        },
    ),
    Fault::policy(
        "groove-add-common-parameters-refused",
        "GRV-ADD-08",
        "A request with language, country, contentType or jsonp is refused.",
        |policy, moment| policy.groove.common_parameters = !is_add(moment),
    ),
    Fault::response(
        "groove-add-malformed-code",
        "GRV-ADD-09",
        "A malformed request has an error code outside the table.",
        |response, moment| {
            if is_add(moment) && is_malformed(response) {
                object(response, "/Error", |error| {
                    set(error, "ErrorCode", "BAD_REQUEST");
                });
            }
        },
    ),
    Fault::response(
        "groove-add-malformed-status",
        "GRV-ADD-10",
        "A malformed request has status 422, which is in no list.",
        |response, moment| {
            if is_add(moment) && is_malformed(response) {
                response.status = 422;
            }
        },
    ),
    Fault::response(
        "groove-add-malformed-crash",
        "GRV-ADD-10",
        "A malformed request is answered 500 with a page for people.",
        |response, moment| {
            if is_add(moment) && is_malformed(response) {
                response.status = 500;
                response.set_header("content-type", "text/html");
                response.body = "<html><body>Server Error</body></html>".into();
            }
        },
    ),
    Fault::policy(
        "groove-add-any-namespace",
        "GRV-ADD-11",
        "Any namespace in the path is taken for music.",
        |policy, moment| policy.groove.any_namespace = is_add(moment),
    ),
    Fault::policy(
        "groove-add-application-third-request",
        "GRV-ADD-12",
        "Every third add refuses a valid developer token.",
        |policy, moment| {
            if is_add(moment) && moment.nth.is_multiple_of(3) {
                policy.groove.applications = ApplicationTokens::Nobody;
            }
        },
    ),
    Fault::policy("groove-add-any-application", "GRV-ADD-12", "Any developer token is accepted.", |policy, moment| {
        if is_add(moment) {
            policy.groove.applications = ApplicationTokens::Any;
        }
    }),
    Fault::policy(
        "groove-add-expired-application",
        "GRV-ADD-12",
        "An expired developer token is accepted.",
        |policy, moment| {
            if is_add(moment) {
                policy.groove.applications = ApplicationTokens::OrExpired;
            }
        },
    ),
    Fault::response(
        "groove-add-needs-country",
        "GRV-ADD-14",
        "A request whose only query parameter is accessToken is refused.",
        |response, moment| {
            if is_batch(response) && is_add(moment) && moment.request.parameter("country").is_none() {
                refuse(response, 400, "MISSING_INPUT_PARAMETER");
            }
        },
    ),
    Fault::policy(
        "groove-add-token-decoded-twice",
        "GRV-ADD-15",
        "The developer token is decoded twice, so the documented form is refused.",
        |policy, moment| {
            if is_add(moment) {
                policy.groove.applications = ApplicationTokens::DecodedTwice;
            }
        },
    ),
    Fault::policy(
        "groove-add-user-second-request",
        "GRV-ADD-16",
        "A valid user token is refused from the second request of a connection on.",
        |policy, moment| {
            if is_add(moment) && moment.request.sequence > 1 {
                policy.groove.users = UserTokens::Nobody;
            }
        },
    ),
    Fault::policy("groove-add-json-refused", "GRV-ADD-17", "A JSON body is refused.", |policy, moment| {
        policy.groove.json_requests = !is_add(moment);
    }),
    Fault::policy(
        "groove-add-other-member",
        "GRV-ADD-18",
        "The ids are looked for in the member Ids.",
        |policy, moment| {
            if is_add(moment) {
                policy.groove.json_member = "Ids";
            }
        },
    ),
    Fault::policy(
        "groove-add-lower-guid-unknown",
        "GRV-ADD-19",
        "A catalog GUID in lower case is not found.",
        |policy, _| policy.groove.lower_guid = false,
    ),
    Fault::policy(
        "groove-add-merges-duplicates",
        "GRV-ADD-21",
        "Equal ids of a batch are answered by one result.",
        |policy, _| policy.groove.add.merges_duplicates = true,
    ),
    Fault::policy(
        "groove-add-echo-as-sent",
        "GRV-ADD-22",
        "InputId repeats the GUID in the letter case of the request.",
        |policy, _| policy.groove.add.echo = Echo::AsSent,
    ),
    Fault::policy("groove-add-echo-lower", "GRV-ADD-22", "InputId has the GUID in lower case.", |policy, _| {
        policy.groove.add.echo = Echo::LowerGuid;
    }),
    Fault::policy(
        "groove-add-failure-undoes-all",
        "GRV-ADD-34",
        "When one entry fails, the good ones are answered well but not stored.",
        |policy, _| policy.groove.add.effect = Effect::UnlessFailed,
    ),
    Fault::policy("groove-add-limit-200", "GRV-ADD-35", "The limit is 200.", |policy, _| {
        policy.groove.add.limit = Some(200);
    }),
    Fault::policy("groove-add-no-limit", "GRV-ADD-36", "There is no limit.", |policy, _| {
        policy.groove.add.limit = None;
    }),
    Fault::response(
        "groove-add-too-many-413",
        "GRV-ADD-36",
        "A batch above the limit has status 413.",
        |response, moment| {
            if is_add(moment) && is_too_many(response) {
                response.status = 413;
            }
        },
    ),
    Fault::response(
        "groove-add-too-many-200",
        "GRV-ADD-36",
        "A batch above the limit is refused with status 200.",
        |response, moment| {
            if is_add(moment) && is_too_many(response) {
                response.status = 200;
            }
        },
    ),
    Fault::policy("groove-add-limit-distinct", "GRV-ADD-42", "The limit counts distinct ids.", |policy, _| {
        policy.groove.add.counts = Count::Distinct;
    }),
    Fault::policy(
        "groove-add-refused-batch-stored",
        "GRV-ADD-43",
        "A batch refused for its size is stored nevertheless.",
        |policy, _| policy.groove.add.refused_takes_effect = true,
    ),
    Fault::policy(
        "groove-add-any-user",
        "GRV-ADD-55",
        "Any user token of the right form is accepted.",
        |policy, moment| {
            if is_add(moment) {
                policy.groove.users = UserTokens::AnyWellFormed;
            }
        },
    ),
    Fault::response(
        "groove-add-denied-403",
        "GRV-ADD-56",
        "A missing user token has status 403.",
        |response, moment| {
            if is_add(moment) && is_denied(response) && moment.request.header("authorization").is_none() {
                response.status = 403;
            }
        },
    ),
    Fault::response(
        "groove-add-denied-200",
        "GRV-ADD-56",
        "A missing user token has the documented body with status 200.",
        |response, moment| {
            if is_add(moment) && is_denied(response) {
                response.status = 200;
            }
        },
    ),
    Fault::policy("groove-add-expired-user", "GRV-ADD-62", "An expired user token is accepted.", |policy, moment| {
        if is_add(moment) {
            policy.groove.users = UserTokens::OrExpired;
        }
    }),
    Fault::response(
        "groove-add-invalid-user-403",
        "GRV-ADD-62",
        "An invalid user token has status 403, a missing one 401.",
        |response, moment| {
            if is_add(moment) && is_denied(response) && moment.request.header("authorization").is_some() {
                response.status = 403;
            }
        },
    ),
    Fault::response(
        "groove-add-invalid-user-code",
        "GRV-ADD-62",
        "An invalid user token has another error code than a missing one.",
        |response, moment| {
            if is_add(moment) && is_denied(response) && moment.request.header("authorization").is_some() {
                object(response, "/Error", |error| {
                    set(error, "ErrorCode", "UNAUTHORIZED_API_METHOD");
                });
            }
        },
    ),
    Fault::policy(
        "groove-add-application-is-user",
        "GRV-ADD-63",
        "A developer token in the Authorization header is taken for a user token.",
        |policy, moment| {
            if is_add(moment) {
                policy.groove.users = UserTokens::OrApplication;
            }
        },
    ),
    Fault::policy(
        "groove-add-denied-batch-stored",
        "GRV-ADD-64",
        "A batch refused for its user token is stored in the first user's collection.",
        |policy, _| policy.groove.add.denied_takes_effect = true,
    ),
];
