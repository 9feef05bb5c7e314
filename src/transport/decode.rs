//! Undoes content codings (RFC 9110, section 8.4) with a cap on what comes out.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Caps;
use super::error::TransportError;
use crate::model::verdict::Stage;

/// More layers than this is an attack, not a coding.
const MOST_LAYERS: usize = 3;

/// What a small body may always grow to.
const ALWAYS: u64 = 1 << 20;

/// Undoes the codings that the `Content-Encoding` values name.
pub(super) fn decode<'a>(
    codings: impl Iterator<Item = &'a [u8]>,
    body: Bytes,
    caps: Caps,
) -> Result<Bytes, TransportError> {
    let mut layers: Vec<String> = Vec::new();
    for value in codings {
        for name in String::from_utf8_lossy(value).split(',') {
            let name = name.trim().to_ascii_lowercase();
            if !name.is_empty() && name != "identity" {
                layers.push(name);
            }
        }
    }
    if layers.is_empty() || body.is_empty() {
        return Ok(body);
    }
    if layers.len() > MOST_LAYERS {
        return Err(TransportError::new(Stage::Decode, format!("{} layers of content coding", layers.len())));
    }
    let most = caps.body.min((body.len() as u64).saturating_mul(caps.ratio).max(ALWAYS));
    let mut bytes = body;
    for layer in layers.iter().rev() {
        bytes = undo(layer, &bytes, most)?;
    }
    Ok(bytes)
}

fn undo(coding: &str, bytes: &[u8], most: u64) -> Result<Bytes, TransportError> {
    match coding {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(bytes), coding, most),
        // Servers disagree whether `deflate` has the zlib header that RFC 9110 asks for.
        "deflate" if bytes.first().is_some_and(|byte| byte & 0x0f == 8) => read(ZlibDecoder::new(bytes), coding, most),
        "deflate" => read(DeflateDecoder::new(bytes), coding, most),
        other => Err(TransportError::new(
            Stage::Decode,
            format!("the answer has the content coding `{}`, which was not asked for", other.escape_debug()),
        )),
    }
}

fn read(decoder: impl Read, coding: &str, most: u64) -> Result<Bytes, TransportError> {
    let mut out = Vec::new();
    decoder
        .take(most + 1)
        .read_to_end(&mut out)
        .map_err(|error| TransportError::new(Stage::Decode, format!("the body is not {coding}: {error}")))?;
    if out.len() as u64 > most {
        return Err(TransportError::new(
            Stage::BodyTooLarge,
            format!("the {coding} body grows beyond {most} bytes when decoded"),
        ));
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    fn undo_all(header: &str, body: Bytes) -> Result<Bytes, TransportError> {
        decode([header.as_bytes()].into_iter(), body, Caps::default())
    }

    #[test]
    fn gzip_in_gzip_is_undone_from_the_outside() {
        assert_eq!(undo_all("gzip, gzip", gzip(&gzip(b"abc"))).unwrap(), "abc");
    }

    #[test]
    fn a_bomb_is_refused_by_ratio_before_it_fills_the_memory() {
        let bomb = gzip(&vec![0; 9 << 20]);
        assert!(bomb.len() < 20_000);
        let error = undo_all("gzip", bomb).unwrap_err();
        assert_eq!(error.stage, Stage::BodyTooLarge);
    }

    #[test]
    fn what_is_not_gzip_says_so_and_an_unknown_coding_is_named() {
        assert_eq!(undo_all("gzip", Bytes::from_static(b"{}")).unwrap_err().stage, Stage::Decode);
        assert!(undo_all("br", Bytes::from_static(b"{}")).unwrap_err().detail.contains("`br`"));
        assert_eq!(undo_all("identity", Bytes::from_static(b"{}")).unwrap(), "{}");
    }
}
