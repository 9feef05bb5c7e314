//! The `${…}` grammar: [`parse`] makes a [`Template`] of text.
//!
//! ```text
//! value  = term { "|" filter [ "(" list ")" ] }
//! term   = atom { "[" value [ ".." value ] "]" }
//! atom   = name | function "(" list ")" | integer | "'" text "'" | "(" value ")"
//! ```

use super::diagnostic::suggestion;
use crate::model::template::{Expr, Filter, Function, Part, Template};

/// Deepest nesting of one `${…}`.
const DEEPEST: usize = 32;

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub help: Option<String>,
}

/// Parses text with `${…}` in it. `$${` is a literal `${`.
///
/// # Errors
/// The first place that does not follow the grammar.
pub fn parse(text: &str) -> Result<Template, TemplateError> {
    if memchr::memchr(b'$', text.as_bytes()).is_none() {
        return Ok(Template::literal(text));
    }
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'$', &text.as_bytes()[at..]) {
        let dollar = at + next;
        literal.push_str(&text[at..dollar]);
        let rest = &text[dollar..];
        if rest.starts_with("$${") {
            literal.push_str("${");
            at = dollar + 3;
        } else if rest.starts_with("${") {
            let mut parser = Parser { text, at: dollar + 2, start: dollar, depth: 0 };
            let value = parser.value()?;
            parser.expect('}')?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Value(value));
            at = parser.at;
        } else {
            literal.push('$');
            at = dollar + 1;
        }
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(Template { parts })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where the `${` stands, for the message when its end is missing.
    start: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error<T>(&self, offset: usize, message: impl Into<String>) -> Result<T, TemplateError> {
        Err(TemplateError { offset, message: message.into(), help: None })
    }

    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), TemplateError> {
        if self.take(wanted) {
            return Ok(());
        }
        match self.peek() {
            None => self.error(self.start, "`${` without its `}`"),
            Some(other) => self.error(self.at, format!("expected `{wanted}` and found `{other}`")),
        }
    }

    fn value(&mut self) -> Result<Expr, TemplateError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.error(self.at, "nested too deep");
        }
        let mut value = self.term()?;
        while self.take('|') {
            self.peek();
            let start = self.at;
            let word = self.word(false);
            if word.is_empty() {
                return self.error(start, "expected the name of a filter after `|`");
            }
            let Some(filter) = Filter::from_word(&word) else {
                return Err(TemplateError {
                    offset: start,
                    message: format!("unknown filter `{word}`"),
                    help: suggestion(&word, Filter::ALL.iter().map(|each| each.word())),
                });
            };
            let arguments = if self.take('(') { self.list()? } else { Vec::new() };
            self.arity("filter", &word, filter.arity(), arguments.len(), start)?;
            value = Expr::Filter(Box::new(value), filter, arguments);
        }
        self.depth -= 1;
        Ok(value)
    }

    fn term(&mut self) -> Result<Expr, TemplateError> {
        let mut value = self.atom()?;
        let mut indexes = 0;
        while self.take('[') {
            indexes += 1;
            if indexes > DEEPEST {
                return self.error(self.at, "nested too deep");
            }
            let from = self.value()?;
            self.peek();
            if self.text[self.at..].starts_with("..") {
                self.at += 2;
                let to = self.value()?;
                value = Expr::Slice(Box::new(value), Box::new(from), Box::new(to));
            } else {
                value = Expr::Index(Box::new(value), Box::new(from));
            }
            self.expect(']')?;
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<Expr, TemplateError> {
        match self.peek() {
            None => self.error(self.start, "`${` without its `}`"),
            Some('}') => self.error(self.at, "nothing stands in `${}`"),
            Some('\'') => self.quoted(),
            Some('(') => {
                self.at += 1;
                let value = self.value()?;
                self.expect(')')?;
                Ok(value)
            }
            Some(first) if first == '-' || first.is_ascii_digit() => self.integer(),
            Some(first) if first == '_' || first.is_alphabetic() => {
                let start = self.at;
                let word = self.word(true);
                if !self.take('(') {
                    return Ok(Expr::Name(word));
                }
                let Some(function) = Function::from_word(&word) else {
                    return Err(TemplateError {
                        offset: start,
                        message: format!("unknown function `{word}`"),
                        help: suggestion(&word, Function::ALL.iter().map(|each| each.word())),
                    });
                };
                let arguments = self.list()?;
                self.arity("function", &word, function.arity(), arguments.len(), start)?;
                Ok(Expr::Call(function, arguments))
            }
            Some(other) => self.error(self.at, format!("expected a name, a number or a text and found `{other}`")),
        }
    }

    fn quoted(&mut self) -> Result<Expr, TemplateError> {
        let start = self.at + 1;
        let Some(length) = self.text[start..].find('\'') else {
            return self.error(self.at, "a text without its closing `'`");
        };
        self.at = start + length + 1;
        Ok(Expr::Text(self.text[start..start + length].to_owned()))
    }

    fn integer(&mut self) -> Result<Expr, TemplateError> {
        let start = self.at;
        let rest = &self.text[start..];
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        self.at += sign + digits;
        match rest[..sign + digits].parse() {
            Ok(number) => Ok(Expr::Integer(number)),
            Err(_) => self.error(start, "not an integer of 64 bits"),
        }
    }

    /// Letters, digits, `_`, `-`; dots too when `dotted`, but never the `..` of a slice.
    fn word(&mut self, dotted: bool) -> String {
        let rest = &self.text[self.at..];
        let mut end = 0;
        for (index, letter) in rest.char_indices() {
            let dot = dotted && letter == '.' && !rest[index + 1..].starts_with('.');
            if !(letter.is_alphanumeric() || letter == '_' || letter == '-' || dot) {
                break;
            }
            end = index + letter.len_utf8();
        }
        self.at += end;
        rest[..end].to_owned()
    }

    fn list(&mut self) -> Result<Vec<Expr>, TemplateError> {
        let mut values = Vec::new();
        if self.take(')') {
            return Ok(values);
        }
        loop {
            values.push(self.value()?);
            if !self.take(',') {
                self.expect(')')?;
                return Ok(values);
            }
        }
    }

    fn arity(
        &self,
        what: &str,
        word: &str,
        (least, most): (usize, usize),
        given: usize,
        offset: usize,
    ) -> Result<(), TemplateError> {
        if (least..=most).contains(&given) {
            return Ok(());
        }
        let takes = match (least, most) {
            (0, 0) => "no arguments".to_owned(),
            (1, 1) => "1 argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, _) => format!("at least {least} arguments"),
        };
        self.error(offset, format!("{what} `{word}` takes {takes} and is given {given}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Expr {
        Expr::Name(text.to_owned())
    }

    #[test]
    fn literal_text_stays() {
        assert_eq!(parse("plain $5").unwrap(), Template::literal("plain $5"));
        assert_eq!(parse("a $${b}").unwrap().as_literal(), Some("a ${b}"));
        assert_eq!(parse("").unwrap().parts, []);
    }

    #[test]
    fn every_form_is_read() {
        let one = |text: &str| match parse(text).unwrap().parts.as_slice() {
            [Part::Value(value)] => value.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            one("${ groove.tracks[0] }"),
            Expr::Index(Box::new(name("groove.tracks")), Box::new(Expr::Integer(0)))
        );
        assert_eq!(
            one("${a[0..row.n]}"),
            Expr::Slice(Box::new(name("a")), Box::new(Expr::Integer(0)), Box::new(name("row.n")))
        );
        assert_eq!(
            one("${repeat('x', -2) | join(',')}"),
            Expr::Filter(
                Box::new(Expr::Call(Function::Repeat, vec![Expr::Text("x".to_owned()), Expr::Integer(-2)])),
                Filter::Join,
                vec![Expr::Text(",".to_owned())]
            )
        );
        assert_eq!(
            one("${ids[index] | upper_guid}"),
            Expr::Filter(
                Box::new(Expr::Index(Box::new(name("ids")), Box::new(name("index")))),
                Filter::UpperGuid,
                vec![]
            )
        );
    }

    #[test]
    fn errors_say_where_and_what() {
        let error = |text: &str| {
            let error = parse(text).unwrap_err();
            (error.offset, error.message, error.help)
        };
        assert_eq!(error("a ${b"), (2, "`${` without its `}`".to_owned(), None));
        assert_eq!(error("${}"), (2, "nothing stands in `${}`".to_owned(), None));
        assert_eq!(
            error("${x | uper}"),
            (6, "unknown filter `uper`".to_owned(), Some("did you mean `upper`?".to_owned()))
        );
        assert_eq!(
            error("${repeet(x, 1)}"),
            (2, "unknown function `repeet`".to_owned(), Some("did you mean `repeat`?".to_owned()))
        );
        assert_eq!(error("${repeat(x)}").1, "function `repeat` takes 2 arguments and is given 1");
        assert_eq!(error("${x | join}").1, "filter `join` takes 1 argument and is given 0");
        assert_eq!(error("${99999999999999999999}").1, "not an integer of 64 bits");
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let deep = format!("${{{}x{}}}", "(".repeat(5_000), ")".repeat(5_000));
        assert_eq!(parse(&deep).unwrap_err().message, "nested too deep");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,60}", inner in "[a-z0-9.'(),|\\[\\] -]{0,40}") {
            let _ = parse(&text);
            let _ = parse(&format!("${{{inner}}}"));
        }
    }
}
