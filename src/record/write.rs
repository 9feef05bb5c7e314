//! Writes a record, one [`Line`] at a time.

use std::io;

use super::{Line, line};

/// Writes one line and its line feed in a single call, so that a killed run leaves at most one half line behind.
/// Gives the number of bytes.
///
/// # Errors
/// Those of the writer.
pub fn write_line(line: &Line, out: &mut impl io::Write) -> io::Result<usize> {
    let mut bytes = Vec::with_capacity(4 << 10);
    match line {
        Line::Case(case) => line::case(case, &mut bytes)?,
        other => serde_json::to_writer(&mut bytes, other)?,
    }
    bytes.push(b'\n');
    out.write_all(&bytes)?;
    Ok(bytes.len())
}
