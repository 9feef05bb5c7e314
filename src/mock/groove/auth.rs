//! The two tokens of a Groove request: the application's in the query, the user's in the header.

use super::error::{ErrorCode, GrooveError};
use crate::mock::http::{Request, decode_segment};
use crate::mock::policy::{ApplicationTokens, UserTokens};
use crate::mock::state::GrooveState;

/// Why a user token was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// There is none, or it is unknown.
    Unknown,
    /// It was valid once.
    Expired,
}

impl Denied {
    /// The documented refusal (GRV-ADD-59 to 61), the same for both reasons (GRV-ADD-62).
    pub(super) fn error(self) -> GrooveError {
        GrooveError::with_message(ErrorCode::InvalidAuthorizationHeader, "You need user authentication to use this API")
    }

    /// The challenge that every 401 needs (RFC 9110 section 11.6.1).
    pub(super) fn challenge(self) -> &'static str {
        match self {
            Self::Unknown => "XBL3.0",
            Self::Expired => "XBL3.0 error='token_expired'",
        }
    }
}

/// Checks the developer token (GRV-ADD-12), decoded once from the query (GRV-ADD-15).
///
/// # Errors
/// One of the `ACCESS_TOKEN_*` codes; `INVALID_INPUT_PARAMETER` when the parameter is repeated.
pub(super) fn application(state: &GrooveState, rule: ApplicationTokens, request: &Request) -> Result<(), GrooveError> {
    let mut given = request.parameters("accessToken");
    let token = given.next().unwrap_or_default();
    if given.next().is_some() {
        return Err(GrooveError::with_message(
            ErrorCode::InvalidInputParameter,
            "Parameter accessToken must be given once",
        ));
    }
    if token.is_empty() {
        return Err(GrooveError::plain(ErrorCode::AccessTokenMissing));
    }
    let tokens = &state.applications;
    let token = match rule {
        ApplicationTokens::DecodedTwice => decode_segment(&token).into_owned(),
        ApplicationTokens::Nobody => String::new(),
        _ => token,
    };
    if rule == ApplicationTokens::Any || tokens.valid.contains(&token) {
        Ok(())
    } else if tokens.expired.contains(&token) {
        match rule {
            ApplicationTokens::OrExpired => Ok(()),
            _ => Err(GrooveError::plain(ErrorCode::AccessTokenExpired)),
        }
    } else if tokens.unsubscribed.contains(&token) {
        Err(GrooveError::plain(ErrorCode::AccessTokenInvalidSubscription))
    } else {
        Err(GrooveError::plain(ErrorCode::AccessTokenInvalid))
    }
}

/// Finds the user of the `Authorization` header (GRV-ADD-16). The scheme ignores case as
/// RFC 9110 section 11.1 demands; the credentials do not.
///
/// # Errors
/// [`Denied`] when there is not exactly one value, or it is no user's.
pub(super) fn user(state: &GrooveState, rule: UserTokens, request: &Request) -> Result<usize, Denied> {
    let mut values = request.header_values("authorization");
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Denied::Unknown);
    };
    let given = std::str::from_utf8(value).map_err(|_| Denied::Unknown)?;
    match rule {
        UserTokens::Nobody => return Err(Denied::Unknown),
        UserTokens::OrApplication if state.applications.valid.iter().any(|t| t == given) => {
            return Ok(0);
        }
        _ => {}
    }
    if let Some(index) = state.users.iter().position(|user| same_credentials(&user.authorization, given)) {
        return Ok(index);
    }
    let expired = state.users.iter().position(|user| user.expired.iter().any(|value| same_credentials(value, given)));
    match (rule, expired) {
        (UserTokens::OrExpired | UserTokens::AnyWellFormed, Some(index)) => Ok(index),
        (UserTokens::AnyWellFormed, None) if is_well_formed(given) => Ok(0),
        (_, Some(_)) => Err(Denied::Expired),
        (_, None) => Err(Denied::Unknown),
    }
}

fn same_credentials(known: &str, given: &str) -> bool {
    match (known.split_once(' '), given.split_once(' ')) {
        (Some((scheme, token)), Some((given_scheme, given_token))) => {
            scheme.eq_ignore_ascii_case(given_scheme) && token == given_token
        }
        _ => false,
    }
}

/// Whether the value has the form `XBL3.0 x=<digits>;<token>`.
fn is_well_formed(value: &str) -> bool {
    value
        .strip_prefix("XBL3.0 x=")
        .and_then(|rest| rest.split_once(';'))
        .is_some_and(|(hash, token)| !hash.is_empty() && hash.bytes().all(|b| b.is_ascii_digit()) && !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::seed::Seed;
    use crate::mock::state::State;

    fn with(value: &str) -> Request {
        Request::new("POST", "/").with_header("authorization", value)
    }

    #[test]
    fn a_user_is_the_whole_value() {
        let seed = Seed::embedded().unwrap();
        let state = State::new(&seed).groove;
        let own = &seed.groove.users[1].authorization;
        let find = |value: &str| user(&state, UserTokens::Current, &with(value));
        assert_eq!(find(own), Ok(1));
        assert_eq!(find(&own.replacen("XBL3.0", "xbl3.0", 1)), Ok(1));
        let token = own.split_once(';').unwrap().1;
        let other = seed.groove.users[0].authorization.split_once(';').unwrap().0;
        for bad in ["", "XBL3.0", &format!("{other};{token}"), &own.to_uppercase()] {
            assert_eq!(find(bad), Err(Denied::Unknown), "{bad}");
        }
        let twice = with(own).with_header("authorization", own);
        assert_eq!(user(&state, UserTokens::Current, &twice), Err(Denied::Unknown));
        assert_eq!(find(&seed.groove.users[0].expired[0]), Err(Denied::Expired));
    }

    #[test]
    fn developer_tokens_have_four_fates() {
        let seed = Seed::embedded().unwrap();
        let state = State::new(&seed).groove;
        let check = |token: &str| {
            let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
            let request = Request::new("POST", &format!("/?accessToken={encoded}"));
            application(&state, ApplicationTokens::Current, &request).map_err(|e| e.error_code)
        };
        let tokens = &seed.groove.applications;
        assert_eq!(check(&tokens.valid[0]), Ok(()));
        assert_eq!(check(&tokens.expired[0]), Err(ErrorCode::AccessTokenExpired));
        assert_eq!(check(&tokens.unsubscribed[0]), Err(ErrorCode::AccessTokenInvalidSubscription));
        assert_eq!(check(""), Err(ErrorCode::AccessTokenMissing));
        let bare = tokens.valid[0].trim_start_matches("Bearer ");
        assert_eq!(check(bare), Err(ErrorCode::AccessTokenInvalid));
    }
}
