//! The Groove `Error` object and its table of codes: [`GrooveError`], [`ErrorCode`].

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// The error codes this service gives (api-facts 2.1), all from the documented table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// A mandatory parameter is missing or empty.
    MissingInputParameter,
    /// A parameter cannot be read.
    InvalidInputParameter,
    /// The continuation token is none of ours.
    ContinuationTokenInvalid,
    /// No developer token.
    AccessTokenMissing,
    /// An unknown developer token.
    AccessTokenInvalid,
    /// A developer token that was valid once.
    AccessTokenExpired,
    /// A developer token without subscription.
    AccessTokenInvalidSubscription,
    /// No user token, or an unknown one (GRV-ADD-59).
    InvalidAuthorizationHeader,
    /// Nothing at this address.
    CatalogNoResult,
    /// Some entries of a batch failed (GRV-ADD-30).
    CollectionSomeOperationsFailed,
    /// No room for the track.
    CollectionFull,
    /// The batch is too large (GRV-ADD-39).
    CollectionInvalidOperation,
    /// The id cannot be added or deleted (GRV-ADD-25).
    CollectionInvalidId,
}

impl ErrorCode {
    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingInputParameter => "MISSING_INPUT_PARAMETER",
            Self::InvalidInputParameter => "INVALID_INPUT_PARAMETER",
            Self::ContinuationTokenInvalid => "CONTINUATION_TOKEN_INVALID_ERROR",
            Self::AccessTokenMissing => "ACCESS_TOKEN_MISSING",
            Self::AccessTokenInvalid => "ACCESS_TOKEN_INVALID",
            Self::AccessTokenExpired => "ACCESS_TOKEN_EXPIRED",
            Self::AccessTokenInvalidSubscription => "ACCESS_TOKEN_INVALID_SUBSCRIPTION",
            Self::InvalidAuthorizationHeader => "INVALID_AUTHORIZATION_HEADER",
            Self::CatalogNoResult => "CATALOG_NO_RESULT",
            Self::CollectionSomeOperationsFailed => "COLLECTION_SOME_OPERATIONS_FAILED",
            Self::CollectionFull => "COLLECTION_FULL",
            Self::CollectionInvalidOperation => "COLLECTION_INVALID_OPERATION",
            Self::CollectionInvalidId => "COLLECTION_INVALID_ID",
        }
    }

    /// The description on the wire.
    pub fn description(self) -> &'static str {
        match self {
            Self::MissingInputParameter => "Missing or empty mandatory parameter",
            Self::InvalidInputParameter => "Invalid parameter value",
            Self::ContinuationTokenInvalid => "The continuation token provided is incorrect",
            Self::AccessTokenMissing => "Azure Marketplace access token required",
            Self::AccessTokenInvalid => "Invalid Azure Marketplace token",
            Self::AccessTokenExpired => "Expired Azure Marketplace token",
            Self::AccessTokenInvalidSubscription => "The client id is not a subscriber to the data offer",
            Self::InvalidAuthorizationHeader => "Missing or invalid authorization header",
            Self::CatalogNoResult => "Item does not exist",
            Self::CollectionSomeOperationsFailed => "Some of the operations failed",
            Self::CollectionFull => "Your collection is full",
            Self::CollectionInvalidOperation => "This operation is not supported",
            Self::CollectionInvalidId => "Invalid collection id for this operation",
        }
    }

    /// The status of an answer whose whole-request error has this code.
    pub fn status(self) -> u16 {
        match self {
            Self::CollectionSomeOperationsFailed => 200,
            Self::AccessTokenMissing
            | Self::AccessTokenInvalid
            | Self::AccessTokenExpired
            | Self::AccessTokenInvalidSubscription
            | Self::InvalidAuthorizationHeader => 401,
            Self::CatalogNoResult => 404,
            Self::MissingInputParameter
            | Self::InvalidInputParameter
            | Self::ContinuationTokenInvalid
            | Self::CollectionFull
            | Self::CollectionInvalidOperation
            | Self::CollectionInvalidId => 400,
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An `Error` object: of one entry, of a batch, or of a whole request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrooveError {
    /// The code.
    pub error_code: ErrorCode,
    /// The description, for developers.
    pub description: &'static str,
    /// More context; absent where the documents show none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Cow<'static, str>>,
}

impl GrooveError {
    /// An error without `Message`.
    pub fn plain(code: ErrorCode) -> Self {
        Self { error_code: code, description: code.description(), message: None }
    }

    /// An error with `Message`.
    pub fn with_message(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: Some(message.into()), ..Self::plain(code) }
    }
}
