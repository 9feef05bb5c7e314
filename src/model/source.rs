//! Where something was written: [`SourceRef`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in a file that people can open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRef {
    /// Path as given to the loader (relative to the working directory where possible), `/` separated.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
}
