//! Writes a record, one [`Line`] at a time.

use std::io::{self, Write as _};

use super::{Line, line};

/// Writes one line and its line feed in a single call, so that a killed run leaves at most one half line behind;
/// only lines that may name every case are written piece by piece.
/// Gives the number of bytes.
///
/// # Errors
/// Those of the writer.
pub fn write_line(line: &Line, out: &mut impl io::Write) -> io::Result<usize> {
    let Line::Case(case) = line else { return write_long(line, out) };
    let mut bytes = Vec::with_capacity(4 << 10);
    line::case(case, &mut bytes)?;
    bytes.push(b'\n');
    out.write_all(&bytes)?;
    Ok(bytes.len())
}

fn write_long(line: &Line, out: &mut impl io::Write) -> io::Result<usize> {
    let mut counted = Counted { out: io::BufWriter::with_capacity(64 << 10, out), bytes: 0 };
    serde_json::to_writer(&mut counted, line)?;
    counted.write_all(b"\n")?;
    counted.flush()?;
    Ok(counted.bytes)
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    bytes: usize,
}

impl<W: io::Write> io::Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
