//! Which representation a client asked for: [`Format`] from `Accept` and from `Content-Type`.

/// The two representations of both APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`.
    Json,
    /// `application/xml`.
    Xml,
}

impl Format {
    /// The media type written in `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }

    /// The format of a media type without parameters; `None` for any other type.
    pub fn from_media_type(essence: &str) -> Option<Self> {
        let is = |known: &str| essence.eq_ignore_ascii_case(known);
        if is("application/json") || is("text/json") {
            Some(Self::Json)
        } else if is("application/xml") || is("text/xml") {
            Some(Self::Xml)
        } else {
            None
        }
    }
}

/// The type/subtype of a media type, and its `charset` parameter if it has one.
pub fn split_media_type(value: &str) -> (&str, Option<&str>) {
    let mut parts = value.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    (essence, charset)
}

/// The format an `Accept` value prefers by name. `None` when it names neither, or wants a
/// wildcard more: then the next rule decides. Of equal weights the first one listed wins.
pub fn preferred(accept: &str) -> Option<Format> {
    let mut best: Option<(u16, Format)> = None;
    let mut wildcard = 0;
    for range in accept.split(',') {
        let (essence, _) = split_media_type(range);
        let weight = weight(range);
        if weight == 0 {
            continue;
        }
        if essence == "*/*" || essence.eq_ignore_ascii_case("application/*") {
            wildcard = wildcard.max(weight);
        } else if let Some(format) = Format::from_media_type(essence)
            && best.is_none_or(|(known, _)| weight > known)
        {
            best = Some((weight, format));
        }
    }
    best.filter(|(weight, _)| *weight >= wildcard).map(|(_, format)| format)
}

/// Whether an `Accept-Encoding` value names gzip with a weight above zero.
pub fn accepts_gzip(accept_encoding: &str) -> bool {
    accept_encoding.split(',').any(|range| {
        let (coding, _) = split_media_type(range);
        (coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip")) && weight(range) > 0
    })
}

/// The `q` parameter in thousandths; 1000 when absent, 0 when it cannot be read.
fn weight(range: &str) -> u16 {
    range
        .split(';')
        .skip(1)
        .find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        })
        .map_or(1_000, |value| {
            value.parse::<f32>().map_or(0, |weight| {
                // The clamp keeps the product inside u16; NaN becomes 0.
                (weight.clamp(0.0, 1.0) * 1_000.0) as u16
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_prefers_by_weight_then_by_order() {
        assert_eq!(preferred("application/xml"), Some(Format::Xml));
        assert_eq!(preferred("application/json, application/xml"), Some(Format::Json));
        assert_eq!(preferred("application/json;q=0.5, application/xml;q=0.9"), Some(Format::Xml));
        assert_eq!(preferred("application/xml;q=0"), None);
        assert_eq!(preferred("*/*"), None);
        assert_eq!(preferred("application/xml;q=0.1, */*"), None);
        assert_eq!(preferred("application/xml, */*;q=0.1"), Some(Format::Xml));
        assert_eq!(preferred("text/html"), None);
        assert_eq!(preferred(",;=,q;q=nan"), None);
    }

    #[test]
    fn media_types_split_into_essence_and_charset() {
        assert_eq!(split_media_type(" application/json ; Charset=\"utf-8\""), ("application/json", Some("utf-8")));
        assert_eq!(split_media_type(""), ("", None));
    }

    #[test]
    fn gzip_needs_a_positive_weight() {
        assert!(accepts_gzip("br, gzip"));
        assert!(accepts_gzip("gzip;q=0.3"));
        assert!(!accepts_gzip("gzip;q=0"));
        assert!(!accepts_gzip("identity, *"));
    }
}
