//! Writes a record with every verdict and with hostile text to standard output, so that reports of it can be checked:
//! `cargo run --example sample_record [CASES]`. With a number, the record is filled up to so many cases.

use std::io::{self, Write};

use casebook::model::id::CaseId;
use casebook::model::verdict::Verdict;
use casebook::record::{Counts, Line, Record, sample, write_line};

fn main() -> io::Result<()> {
    let wanted = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut record = sample::record();
    fill(&mut record, wanted);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let Record { header, cases, summary, footer } = record;
    write_line(&Line::Header(Box::new(header)), &mut out)?;
    for case in cases {
        write_line(&Line::Case(Box::new(case)), &mut out)?;
    }
    write_line(&Line::Summary(Box::new(summary)), &mut out)?;
    write_line(&Line::Footer(Box::new(footer)), &mut out)?;
    out.flush()
}

/// Adds cases until there are so many: most passed, every twentieth failed in a way of its own.
fn fill(record: &mut Record, wanted: usize) {
    let title = "A track that is known is added to the collection of the user and answered by its id";
    let passed = sample::case("groove/bulk/x", 100, title, Verdict::Passed);
    let typed = record.cases.iter().find(|case| case.id.as_str().ends_with("/typed")).cloned();
    for number in record.cases.len()..wanted {
        let mut case = match &typed {
            Some(typed) if number % 20 == 0 => {
                let mut case = typed.clone();
                for mismatch in &mut case.judgement.mismatches {
                    mismatch.check = format!("{}/{number}", mismatch.check);
                }
                case
            }
            _ => passed.clone(),
        };
        case.id = CaseId::new(&format!("groove/bulk/part-{}/case-number-{number:06}", number % 40));
        record.cases.push(case);
    }
    record.cases.sort_by(|a, b| a.id.cmp(&b.id));
    record.header.selected = record.cases.iter().map(|case| case.id.clone()).collect();
    record.header.suite.cases = record.header.suite.cases.max(record.cases.len());
    record.footer.counts = Counts::default();
    record.cases.iter().for_each(|case| record.footer.counts.add(&case.outcome));
}
