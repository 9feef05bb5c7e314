//! Credentials of the Oracle API: Basic and Bearer (api-facts 2.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::mock::http::Request;
use crate::mock::state::OracleState;

/// The challenges of a 401.
pub(super) const CHALLENGES: &str = "Basic realm=\"documents\", Bearer realm=\"documents\"";

/// The caller, as an index into the users; `None` when the credentials name nobody.
pub(super) fn user(state: &OracleState, expired_too: bool, request: &Request) -> Option<usize> {
    let mut values = request.header_values("authorization");
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, credentials) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(credentials.trim()).ok()?;
        let decoded = String::from_utf8(decoded).ok()?;
        let (login, password) = decoded.split_once(':')?;
        state.users.iter().position(|user| user.login == login && user.password == password)
    } else if scheme.eq_ignore_ascii_case("bearer") {
        state
            .users
            .iter()
            .position(|user| user.bearer == credentials || (expired_too && user.expired_bearer == credentials))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::seed::Seed;
    use crate::mock::state::State;

    #[test]
    fn both_schemes_find_their_user() {
        let seed = Seed::embedded().unwrap();
        let state = State::new(&seed).oracle;
        let find = |value: &str| {
            let request = Request::new("GET", "/").with_header("authorization", value);
            user(&state, false, &request)
        };
        let known = &seed.oracle.users[1];
        let basic = STANDARD.encode(format!("{}:{}", known.login, known.password));
        assert_eq!(find(&format!("Basic {basic}")), Some(1));
        assert_eq!(find(&format!("bearer {}", known.bearer)), Some(1));
        let wrong = STANDARD.encode(format!("{}:x", known.login));
        for bad in [
            format!("Basic {wrong}"),
            "Basic ???".to_owned(),
            "Bearer ".to_owned(),
            "Bearer".to_owned(),
            format!("Bearer {}", known.expired_bearer),
            format!("Digest {basic}"),
        ] {
            assert_eq!(find(&bad), None, "{bad}");
        }
    }
}
