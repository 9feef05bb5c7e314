//! Resolves variables and functions in requests and expectations: [`Scope`] holds the values, [`resolve_text`] and
//! [`resolve_json`] insert them, [`request`](request::prepare) and [`expect`](expect::resolve) build what is sent and
//! what is compared.

mod eval;
pub mod expect;
pub mod request;
mod scope;

pub use eval::{Mode, TemplateError, Value, evaluate, random_guid, resolve_json, resolve_text};
pub use scope::{RunValues, Scope};
