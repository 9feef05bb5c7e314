//! Cases that are set aside on the disk: [`Spool`] takes them while a large suite is loaded, and [`Aside`] gives each back
//! when its turn comes. The file has no name and goes with the process.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::spec::{Case, Step};
use crate::model::suite::CaseSource;

/// Where something stands in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Piece {
    at: u64,
    length: u32,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    steps: Piece,
    case: Piece,
    /// The steps are those of its neighbour too, as rows of a case have them.
    shared: bool,
}

/// Cases packed one behind the other.
pub(super) struct Packed {
    bytes: Vec<u8>,
    /// Counted from the beginning of `bytes`.
    places: Vec<Place>,
}

impl Packed {
    /// Packs the cases of a file.
    ///
    /// # Errors
    /// A piece that is longer than 4 GiB.
    pub(super) fn of(cases: &[Case]) -> io::Result<Self> {
        let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(cases.len()));
        let mut last: Option<(&Arc<Vec<Step>>, Piece)> = None;
        for case in cases {
            let known = last.filter(|(steps, _)| Arc::ptr_eq(steps, &case.steps)).map(|(_, piece)| piece);
            let steps = match known {
                Some(piece) => {
                    places.iter_mut().next_back().into_iter().for_each(|before: &mut Place| before.shared = true);
                    piece
                }
                None => pack(&*case.steps, &mut bytes)?,
            };
            last = Some((&case.steps, steps));
            places.push(Place { steps, case: pack(case, &mut bytes)?, shared: known.is_some() });
        }
        Ok(Self { bytes, places })
    }
}

fn pack(value: &impl serde::Serialize, bytes: &mut Vec<u8>) -> io::Result<Piece> {
    let at = bytes.len();
    *bytes = postcard::to_extend(value, std::mem::take(bytes)).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len() - at).map_err(io::Error::other)?;
    Ok(Piece { at: at as u64, length })
}

fn unpack<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(io::Error::other)
}

/// Takes packed cases.
pub(super) struct Spool {
    file: File,
    end: u64,
}

impl Spool {
    /// An empty one.
    ///
    /// # Errors
    /// Those of making a file where the system keeps temporary ones.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, end: 0 })
    }

    /// Writes packed cases. Gives where each stands.
    ///
    /// # Errors
    /// Those of writing: a full disk.
    pub(super) fn add(&mut self, packed: Packed) -> io::Result<Vec<Place>> {
        let Packed { bytes, mut places } = packed;
        self.file.write_all(&bytes)?;
        for Place { steps, case, .. } in &mut places {
            steps.at += self.end;
            case.at += self.end;
        }
        self.end += bytes.len() as u64;
        Ok(places)
    }

    /// Gives back the cases that stand at these places, in the order of the suite.
    pub(super) fn finish(self, places: Vec<Place>) -> Aside {
        Aside { file: self.file, places, last: Mutex::default() }
    }
}

/// Gives cases back.
pub(super) struct Aside {
    file: File,
    places: Vec<Place>,
    /// The steps that were read last and are shared.
    last: Mutex<Option<(Piece, Arc<Vec<Step>>)>>,
}

impl Aside {
    fn read(&self, piece: Piece) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; piece.length as usize];
        self.file.read_exact_at(&mut bytes, piece.at)?;
        Ok(bytes)
    }

    fn get(&self, place: Place) -> io::Result<Case> {
        if place.shared {
            let mut case: Case = unpack(&self.read(place.case)?)?;
            case.steps = self.shared(place.steps)?;
            return Ok(case);
        }
        // The case stands behind its steps.
        let length = place.steps.length.checked_add(place.case.length).ok_or(io::ErrorKind::InvalidData)?;
        let bytes = self.read(Piece { length, ..place.steps })?;
        let (steps, case) = bytes.split_at(place.steps.length as usize);
        let mut case: Case = unpack(case)?;
        case.steps = Arc::new(unpack(steps)?);
        Ok(case)
    }

    fn shared(&self, piece: Piece) -> io::Result<Arc<Vec<Step>>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, steps)) = &*last
            && *known == piece
        {
            return Ok(Arc::clone(steps));
        }
        let steps = Arc::new(unpack(&self.read(piece)?)?);
        *last = Some((piece, Arc::clone(&steps)));
        Ok(steps)
    }
}

impl CaseSource for Aside {
    fn case(&self, index: usize) -> Result<Arc<Case>, String> {
        self.get(self.places[index])
            .map(Arc::new)
            .map_err(|error| format!("the case was set aside and cannot be read back: {error}"))
    }
}
