//! One self-contained page.
use super::ReportError;
use crate::record::Record;
pub(super) fn render(_: &Record) -> Result<Vec<u8>, ReportError> {
    Ok(Vec::new())
}
