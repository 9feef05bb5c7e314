//! A record whose cases stay where they were written: [`Stored`]. Its memory does not grow with cases that passed.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::{CaseRecord, Footer, Header, Record, SummaryRecord};
use crate::model::id::CaseId;
use crate::model::verdict::Verdict;

/// Most bytes of lines of cases that did not pass of which a record is made; beyond that, all of it is read.
const MOST: u64 = 16 << 20;

/// Takes the JSON of a case.
pub type TakeCase<'t> = dyn FnMut(&[u8]) -> io::Result<()> + 't;

/// How the line of a case begins; the rest of it is the case's JSON.
const BEGIN: &[u8] = b"{\"line\":\"case\",";

/// Where the lines of cases stand in a record's file.
#[derive(Debug, Default)]
pub struct Places {
    places: Vec<Place>,
    offset: u64,
    notable: u64,
}

#[derive(Debug)]
struct Place {
    id: CaseId,
    offset: u64,
    length: u32,
    notable: bool,
}

impl Places {
    /// Something that is no case was written.
    pub fn skip(&mut self, bytes: usize) {
        self.offset += bytes as u64;
    }

    /// The line of a case was written.
    pub fn add(&mut self, id: &CaseId, outcome: &Verdict, bytes: usize) {
        let notable = !matches!(outcome, Verdict::Passed | Verdict::Observed);
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.places.push(Place { id: id.clone(), offset: self.offset, length, notable });
        self.notable += if notable { u64::from(length) } else { 0 };
        self.offset += bytes as u64;
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.offset
    }
}

/// A record of a run that ended, and the file that its cases stand in.
#[derive(Debug)]
pub struct Stored<R> {
    record: Record,
    places: Vec<Place>,
    input: BufReader<R>,
}

impl<R: Read + Seek> Stored<R> {
    /// `None` when so many cases did not pass that the record is better read as a whole.
    ///
    /// # Errors
    /// When the file cannot be read, or does not hold what was written.
    pub fn open(
        input: R,
        places: Places,
        header: Header,
        summary: SummaryRecord,
        footer: Footer,
    ) -> io::Result<Option<Self>> {
        // The counts are of the very cases that were written, unless something went wrong on the way.
        let Places { mut places, notable, .. } = places;
        if notable > MOST || footer.counts.total() != places.len() as u64 {
            return Ok(None);
        }
        places.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let record = Record { header, cases: Vec::new(), summary, footer };
        let mut stored = Self { record, places, input: BufReader::with_capacity(64 << 10, input) };
        let mut cases = Vec::new();
        stored.each(|place| place.notable, &mut |line| {
            cases.push(serde_json::from_slice::<CaseRecord>(line)?);
            Ok(())
        })?;
        stored.record.cases = cases;
        Ok(Some(stored))
    }

    /// The record; of its cases only those that did not pass.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The record, and what hands over the JSON of every case, sorted by id.
    pub fn split(&mut self) -> (&Record, impl FnMut(&mut TakeCase<'_>) -> io::Result<()>) {
        let Self { record, places, input } = self;
        (record, |take: &mut TakeCase<'_>| each(input, places, |_| true, take))
    }

    fn each(&mut self, which: impl Fn(&Place) -> bool, take: &mut TakeCase<'_>) -> io::Result<()> {
        each(&mut self.input, &self.places, which, take)
    }
}

fn each<R: Read + Seek>(
    input: &mut BufReader<R>,
    places: &[Place],
    which: impl Fn(&Place) -> bool,
    take: &mut TakeCase<'_>,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut at = None;
    for place in places.iter().filter(|place| which(place)) {
        // Cases end nearly in the order in which they are told, so that the next is often in the buffer already.
        match at {
            Some(at) => {
                let (from, to): (u64, u64) = (at, place.offset);
                input.seek_relative(to.cast_signed() - from.cast_signed())?;
            }
            None => drop(input.seek(SeekFrom::Start(place.offset))?),
        }
        line.resize(place.length as usize, 0);
        input.read_exact(&mut line)?;
        at = Some(place.offset + u64::from(place.length));
        if !line.starts_with(BEGIN) || !line.ends_with(b"\n") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the record changed while it was read"));
        }
        // The name of the line is left out: its last byte makes room for the brace.
        line[BEGIN.len() - 1] = b'{';
        take(&line[BEGIN.len() - 1..line.len() - 1])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Line, sample, write_line};
    use crate::report::{Format, can_be_streamed, render, render_stored};

    #[test]
    fn reports_of_it_are_those_of_the_whole_record() {
        let record = sample::record();
        let mut file = Vec::new();
        let mut places = Places::default();
        places.skip(write_line(&Line::Header(Box::new(record.header.clone())), &mut file).expect("written"));
        for case in record.cases.iter().rev() {
            let bytes = write_line(&Line::Case(Box::new(case.clone())), &mut file).expect("written");
            places.add(&case.id, &case.outcome, bytes);
        }
        let (header, summary, footer) = (record.header.clone(), record.summary.clone(), record.footer.clone());
        let stored = Stored::open(io::Cursor::new(file), places, header, summary, footer).expect("read");
        let mut stored = stored.expect("few cases failed");
        assert!(stored.record().cases.len() < record.cases.len());
        for format in Format::ALL.into_iter().filter(|format| can_be_streamed(*format)) {
            let mut out = Vec::new();
            let (head, mut cases) = stored.split();
            render_stored(format, head, &mut cases, &mut out).expect("rendered");
            let whole = render(format, &record).expect("rendered");
            assert_eq!(String::from_utf8(out).expect("UTF-8"), String::from_utf8(whole).expect("UTF-8"), "{format}");
        }
    }
}
