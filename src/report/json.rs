//! The record itself: as one document, and as lines again.

use serde::Serialize;

use crate::record::{CaseRecord, Footer, Header, Line, RECORD_VERSION, Record, SummaryRecord, write_line};

use super::ReportError;

#[derive(Serialize)]
struct Document<'a> {
    record_version: u32,
    header: &'a Header,
    summary: &'a SummaryRecord,
    footer: &'a Footer,
    cases: &'a [CaseRecord],
}

pub(super) fn document(record: &Record) -> Result<Vec<u8>, ReportError> {
    let Record { header, cases, summary, footer } = record;
    let mut bytes =
        serde_json::to_vec_pretty(&Document { record_version: RECORD_VERSION, header, summary, footer, cases })?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub(super) fn lines(record: &Record) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    write_line(&Line::Header(Box::new(record.header.clone())), &mut bytes)?;
    for case in &record.cases {
        write_line(&Line::Case(Box::new(case.clone())), &mut bytes)?;
    }
    write_line(&Line::Summary(Box::new(record.summary.clone())), &mut bytes)?;
    write_line(&Line::Footer(Box::new(record.footer.clone())), &mut bytes)?;
    Ok(bytes)
}
