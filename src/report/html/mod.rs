//! One self-contained page that needs no script to be read: what the run shows, failures first and grouped, then every
//! clause, choice, operation and case. Rendered from views in which all text of the service is [`Text`].

mod diff;
mod exchange;
mod failure;
mod view;

use std::fmt;

use askama::Template as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::record::Record;

use super::ReportError;
use super::escape::{shorten, visible, visible_lines};

const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");

/// Text with nothing hidden in it; the template escapes its markup. Views hold no other strings from a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Text(String);

impl Text {
    /// On one line.
    fn line(text: &str) -> Self {
        Self(visible(text).into_owned())
    }

    /// On one line of at most `limit` bytes.
    fn short(text: &str, limit: usize) -> Self {
        Self(visible(&shorten(text, limit)).into_owned())
    }

    /// With its line feeds, at most `limit` bytes.
    fn lines(text: &str, limit: usize) -> Self {
        Self(visible_lines(&shorten(text, limit)).into_owned())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the page may still hold of details, in bytes of text. The rows of all cases are always there.
#[derive(Debug)]
struct Budget {
    left: usize,
}

impl Budget {
    /// Takes the bytes if they are left.
    fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left;
        if fits {
            self.left -= bytes;
        }
        fits
    }
}

/// The source expression of a Content Security Policy that allows exactly this text.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

pub(super) fn render(record: &Record) -> Result<Vec<u8>, ReportError> {
    let page = view::page(record, STYLE, SCRIPT, hash(STYLE), hash(SCRIPT));
    let mut bytes = page.render()?.into_bytes();
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::CaseId;
    use crate::model::verdict::Verdict;
    use crate::record::sample;

    fn html(record: &Record) -> String {
        String::from_utf8(render(record).expect("rendered")).expect("UTF-8")
    }

    #[test]
    fn hostile_text_is_only_text() {
        let page = html(&sample::record());
        let body = page.replace(SCRIPT, "").replace(STYLE, "");
        assert!(!body.contains("alert(1)</script>"));
        assert_eq!(body.matches("<script>").count(), 1);
        assert_eq!(body.matches("</script>").count(), 1);
        assert!(!body.chars().any(|c| c != '\n' && super::super::escape::is_hidden(c)));
        assert!(body.contains("\\u{202e}abc"));
    }

    #[test]
    fn nothing_is_fetched_and_only_our_script_runs() {
        let page = html(&sample::record());
        assert!(page.contains("default-src 'none'"));
        assert!(page.contains(&hash(SCRIPT)) && page.contains(&hash(STYLE)));
        for word in [" src=", "<link", "url(", "@import", " style=", " onclick"] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains(&format!("<script>{SCRIPT}</script>")), "the hash is of the very bytes between the tags");
        assert!(page.contains(&format!("<style>{STYLE}</style>")));
    }

    #[test]
    fn every_part_is_there_once_and_empty_ones_are_not() {
        let mut record = sample::record();
        let page = html(&record);
        for id in
            ["failures", "errors", "tolerated", "clauses", "choices", "operations", "not-run", "ledger", "cases", "run"]
        {
            assert_eq!(page.matches(&format!("<section id=\"{id}\"")).count(), 1, "{id}");
            assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
        }
        assert!(page.contains("Exit 1<"));
        assert!(page.contains("status 401 (implied)"), "documented and never seen");
        record.cases.retain(|case| case.outcome == Verdict::Passed);
        record.summary.choices.clear();
        record.header.suite.operations.clear();
        record.footer.left_behind.clear();
        let page = html(&record);
        for id in ["failures", "errors", "tolerated", "choices", "operations", "not-run", "ledger"] {
            assert!(!page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn ids_are_unique_and_links_lead_somewhere() {
        let page = html(&sample::record());
        let all = |before: &str| -> Vec<String> {
            let parts = page.split(before).skip(1);
            parts.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
        };
        let ids = all(" id=\"");
        let unique: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        for link in all("href=\"#") {
            assert!(ids.contains(&link), "{link}");
        }
    }

    /// WCAG 2.2, 1.4.3: 4.5 to 1 for text, on every background that it stands on, in both colour schemes.
    #[test]
    fn colours_have_enough_contrast() {
        fn luminance(colour: &str) -> f64 {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("hex")) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        }
        let (light, dark) = STYLE.split_once("@media (prefers-color-scheme: dark)").expect("both schemes");
        for scheme in [light, dark] {
            let colour = |name: &str| {
                let at = scheme.find(&format!("--{name}: ")).expect("the colour") + name.len() + 4;
                luminance(&scheme[at..at + 7])
            };
            let pairs = [
                ("text", "page"),
                ("text", "panel"),
                ("soft", "page"),
                ("link", "page"),
                ("good", "page"),
                ("bad", "page"),
                ("warn", "page"),
                ("good", "good-back"),
                ("bad", "bad-back"),
                ("warn", "warn-back"),
                ("calm", "calm-back"),
                ("text", "mark"),
                ("link", "panel"),
            ];
            for (front, back) in pairs {
                let (a, b) = (colour(front), colour(back));
                let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(ratio >= 4.5, "{front} on {back}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn ten_thousand_cases_make_a_small_page() {
        let mut record = sample::record();
        let passed =
            sample::case("x", 1, "A track that is known is added to the collection of the user", Verdict::Passed);
        let failed = record.cases.iter().find(|case| case.id.as_str().ends_with("hostile")).expect("there").clone();
        record.cases.clear();
        for n in 0..10_000 {
            let mut case = passed.clone();
            if n % 10 == 0 {
                case = failed.clone();
                case.judgement.mismatches[0].check = format!("json:/{n}");
            }
            case.id = CaseId::new(&format!("groove/collection/add/case-number-{n:05}"));
            record.cases.push(case);
        }
        let page = html(&record);
        assert!(page.len() < 15_000_000, "{} bytes", page.len());
        assert!(page.contains("groove/collection/add/case-number-09999"));
        assert!(page.contains("left out of this page"));
    }
}
