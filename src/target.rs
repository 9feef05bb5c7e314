//! The profile of the service under test: [`read`] makes a [`TargetFile`] of TOML text, which is a
//! [`Target`] but for the secrets, which only [`crate::load`] may fetch.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use crate::case::reader::{File, Node, Value, check, number};
use crate::case::{Diagnostic, SourceFile, fields, suggestion, template};
use crate::model::json::Json;
use crate::model::spec::Effect;
use crate::model::suite::{FixtureKind, Suite};
use crate::model::target::{Identity, KnownFailure, Limits, Safety, Target, TargetClass};
use crate::model::template::Template;

mod auth;
mod connection;
mod mask;

use auth::Known;
pub(crate) use mask::masked;

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file, relative to the target file.
    File(String),
    /// The text itself; only for a mock.
    Value(String),
}

/// A secret's source and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where it comes from.
    pub source: SecretSource,
    /// Byte range in the target file.
    pub span: Range<usize>,
}

/// A target without the values of its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetFile {
    /// The target; its `values` and `secrets` lack the secrets.
    pub target: Target,
    /// Sources of the secrets by dotted name.
    pub secrets: BTreeMap<String, Origin>,
}

impl TargetFile {
    /// The target with the values of its secrets, by dotted name.
    #[must_use]
    pub fn resolve(self, values: BTreeMap<String, String>) -> Target {
        let mut target = self.target;
        for (name, value) in values {
            target.secrets.push(name.clone());
            target.values.insert(name, Json::string(value));
        }
        target
    }
}

/// Reads a target file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(path: &str, text: &str, suite: &Suite) -> Result<TargetFile, Vec<Diagnostic>> {
    let source = SourceFile { path: Arc::from(path), text: text.to_owned() };
    let file = File::new(&source);
    let table = file.parse(false);
    let target = table.as_ref().map(|table| {
        let root = Node::new(table.get_ref(), table.span());
        Reader { file: &file, suite, own: own_names(&root) }.target(&root)
    });
    drop(table);
    let mut found = file.finish();
    match target {
        Some(target) if found.is_empty() => Ok(target),
        _ => {
            crate::case::sort(&mut found);
            Err(found)
        }
    }
}

struct Reader<'a> {
    file: &'a File<'a>,
    suite: &'a Suite,
    /// What the file's own templates mention: such a name needs no declaration in a service.toml, since no case can
    /// use it.
    own: BTreeSet<String>,
}

/// Every name that a template of `[auth]`, `[headers]` or `[connection]` mentions.
fn own_names(root: &Node<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut left: Vec<Node<'_>> = ["auth", "headers", "connection"].iter().filter_map(|key| root.node(key)).collect();
    while let Some(node) = left.pop() {
        for (_, _, value) in node.entries() {
            if let Some(Ok(template)) = value.get_ref().as_str().map(template::parse) {
                let mut found = Vec::new();
                template.names(&mut found);
                names.extend(found.into_iter().map(str::to_owned));
            }
            left.extend(Node::of(value));
        }
    }
    names
}

impl Reader<'_> {
    fn target(&self, root: &Node<'_>) -> TargetFile {
        check(self.file, root, &fields::TARGET_FILE);
        let identity = self.identity(root);
        let mut values = BTreeMap::new();
        for (table, kinds) in [
            ("variables", &[FixtureKind::Text, FixtureKind::List, FixtureKind::Flag][..]),
            ("fixtures", &[FixtureKind::Text, FixtureKind::List, FixtureKind::Flag][..]),
        ] {
            if let Some(node) = root.node(table) {
                self.values(&node, table, "", kinds, &mut values);
            }
        }
        let mut secrets = BTreeMap::new();
        if let Some(node) = root.node("secrets") {
            self.secrets(&node, "", identity.class, &mut secrets);
        }
        for (name, origin) in &secrets {
            if values.contains_key(name) {
                self.file.error(origin.span.clone(), format!("`{name}` is given twice: as a secret and as a value"));
            }
        }
        let mut auth = BTreeMap::new();
        let known = |name: &str| values.contains_key(name) || secrets.contains_key(name);
        if let Some(node) = root.node("auth") {
            let real = identity.class == TargetClass::Real;
            // What a service.toml declares as one is never a value of the file.
            let secret = |name: &str| secrets.contains_key(name) || self.kind(name) == Some(FixtureKind::Secret);
            let known = Known { name: &known, secret: &secret, real };
            self.auths(&node, "", &known, &mut auth);
        }
        let services = self.services(root);
        let headers = self.headers(root, &known);
        let connection = self.connection(root, &services, &secrets, &known);
        let target = Target {
            services,
            headers,
            connection,
            values,
            secrets: Vec::new(),
            auth,
            safety: safety(root),
            limits: self.limits(root),
            known: root.nodes("known_failure").map(|node| self.known(&node)).collect(),
            identity,
        };
        TargetFile { target, secrets }
    }

    fn identity(&self, root: &Node<'_>) -> Identity {
        let node = root.node("target");
        let text = |key| node.as_ref().map(|node| node.owned(key)).unwrap_or_default();
        let class = if text("class") == "mock" { TargetClass::Mock } else { TargetClass::Real };
        Identity {
            name: text("name"),
            product: text("product"),
            version: text("version"),
            operator: text("operator"),
            class,
        }
    }

    fn services(&self, root: &Node<'_>) -> BTreeMap<String, String> {
        let mut services = BTreeMap::new();
        for (name, span, value) in root.node("services").map(|node| node.entries()).unwrap_or_default() {
            let Some(text) = value.get_ref().as_str() else { continue };
            if !self.suite.services.contains_key(name) {
                let help = suggestion(name, self.suite.services.keys().map(String::as_str));
                self.file.error_help(span, format!("unknown service `{name}`"), help);
            }
            match url::Url::parse(text) {
                Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                    self.file.error(value.span(), "a base URL begins with http:// or https://");
                }
                Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                    self.file.error(value.span(), "a base URL has neither query nor fragment");
                }
                Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                    self.file.error(value.span(), "a base URL has no credentials; write them as secrets and [auth]");
                }
                Ok(_) => {
                    services.insert(name.to_owned(), text.trim_end_matches('/').to_owned());
                }
                Err(error) => self.file.error(value.span(), format!("not a URL: {error}")),
            }
        }
        services
    }

    fn kind(&self, name: &str) -> Option<FixtureKind> {
        self.suite.fixtures.iter().find(|each| each.name == name).map(|each| each.kind)
    }

    /// Reports a name that no service declares, or that has another kind.
    fn unknown(&self, name: &str, span: Range<usize>, fits: impl Fn(FixtureKind) -> bool, table: &str) {
        match self.kind(name) {
            Some(kind) => self.file.error(span, format!("`{name}` is {}, and belongs in {}", words(kind), home(kind))),
            None => {
                let known = self.suite.fixtures.iter().filter(|each| fits(each.kind)).map(|each| each.name.as_str());
                let help = suggestion(name, known)
                    .or_else(|| Some(format!("names of [{table}] are the fixtures that a service.toml declares")));
                self.file.error_help(span, format!("unknown name `{name}`"), help);
            }
        }
    }

    fn values(
        &self,
        node: &Node<'_>,
        table: &str,
        above: &str,
        kinds: &[FixtureKind],
        values: &mut BTreeMap<String, Json<'static>>,
    ) {
        for (key, span, value) in node.entries() {
            let name = dotted(above, key);
            let own = || (self.own.contains(&name) && Node::of(value).is_none()).then_some(FixtureKind::Text);
            let Some(kind) = self.kind(&name).or_else(own).filter(|kind| kinds.contains(kind)) else {
                match Node::of(value) {
                    Some(inner) if self.kind(&name).is_none() => self.values(&inner, table, &name, kinds, values),
                    _ => self.unknown(&name, span, |kind| kinds.contains(&kind), table),
                }
                continue;
            };
            let Some(found) = json(value, kind) else {
                self.file.error(value.span(), format!("`{name}` must be {}", words(kind)));
                continue;
            };
            if values.insert(name.clone(), found).is_some() {
                self.file.error(span, format!("`{name}` is given twice"));
            }
        }
    }

    fn secrets(&self, node: &Node<'_>, above: &str, class: TargetClass, secrets: &mut BTreeMap<String, Origin>) {
        for (key, span, value) in node.entries() {
            let name = dotted(above, key);
            let inner = Node::of(value);
            let own = self.kind(&name).is_none() && self.own.contains(&name);
            if self.kind(&name) != Some(FixtureKind::Secret) && !own {
                match inner {
                    Some(inner) if self.kind(&name).is_none() && !["env", "file", "value"].contains(&key) => {
                        self.secrets(&inner, &name, class, secrets);
                    }
                    _ => self.unknown(&name, span, |kind| kind == FixtureKind::Secret, "secrets"),
                }
                continue;
            }
            let Some(inner) = inner else {
                self.file.error_help(
                    value.span(),
                    format!("the secret `{name}` must be a table"),
                    Some("write { env = \"NAME\" } or { file = \"path\" }".to_owned()),
                );
                continue;
            };
            check(self.file, &inner, &fields::SECRET);
            let source = match (inner.text("env"), inner.text("file"), inner.text("value")) {
                (Some(env), None, None) => SecretSource::Env(env.to_owned()),
                (None, Some(file), None) => SecretSource::File(file.to_owned()),
                (None, None, Some(text)) => {
                    if class != TargetClass::Mock {
                        self.file.error_help(
                            inner.span_of("value"),
                            format!("the secret `{name}` stands in the file"),
                            Some("that is for class = \"mock\" only; use env or file".to_owned()),
                        );
                    }
                    SecretSource::Value(text.to_owned())
                }
                _ => {
                    self.file.error(value.span(), format!("the secret `{name}` needs one of env, file, value"));
                    continue;
                }
            };
            secrets.insert(name, Origin { source, span: value.span() });
        }
    }

    /// A template whose names are fixtures, or values of this file.
    fn template(&self, node: &Node<'_>, key: &str, known: &dyn Fn(&str) -> bool) -> Template {
        let Some(text) = node.text(key) else { return Template::default() };
        let span = node.span_of(key);
        match template::parse(text) {
            Ok(template) => {
                let mut names = Vec::new();
                template.names(&mut names);
                for name in names.into_iter().filter(|name| self.kind(name).is_none() && !known(name)) {
                    let help = suggestion(name, self.suite.fixtures.iter().map(|each| each.name.as_str()));
                    self.file.error_help(self.file.word(&span, name), format!("unknown name `{name}`"), help);
                }
                template
            }
            Err(error) => {
                self.file.error_help(self.file.inside(&span, text, error.offset), error.message, error.help);
                Template::default()
            }
        }
    }

    fn limits(&self, root: &Node<'_>) -> Limits {
        let Some(node) = root.node("limits") else { return Limits::default() };
        let per_second = node.get("per_second").and_then(number);
        if per_second.is_some_and(|rate| rate == 0.0 || !rate.is_finite()) {
            self.file.error(node.span_of("per_second"), "`per_second` must be more than 0");
        }
        let count = |key| node.integer(key).and_then(|count| usize::try_from(count).ok());
        let seconds = |key| node.integer(key).and_then(|count| u64::try_from(count).ok()).map(Duration::from_secs);
        Limits {
            jobs: count("jobs"),
            per_second,
            connections: count("connections"),
            retry_after: seconds("retry_after"),
        }
    }

    fn known(&self, node: &Node<'_>) -> KnownFailure {
        if node.get("case").is_none() && node.get("clause").is_none() {
            self.file.error(node.span.clone(), "a known failure needs `case` or `clause`");
        }
        for key in ["case", "clause"] {
            if let Some(Err(error)) = node.text(key).map(globset::Glob::new) {
                self.file.error(node.span_of(key), format!("not a pattern: {}", error.kind()));
            }
        }
        if node.text("reason").is_some_and(|reason| reason.trim().is_empty()) {
            self.file.error(node.span_of("reason"), "a known failure must say why it is accepted");
        }
        if let Some(Err(error)) = node.text("expires").map(str::parse::<jiff::civil::Date>) {
            self.file.error(node.span_of("expires"), format!("not a date (YYYY-MM-DD): {error}"));
        }
        let text = |key| node.text(key).map(str::to_owned);
        KnownFailure {
            case: text("case"),
            clause: text("clause"),
            check: text("check"),
            got: text("got"),
            reason: node.owned("reason"),
            issue: text("issue"),
            expires: text("expires"),
            flaky: node.flag("flaky"),
        }
    }
}

fn safety(root: &Node<'_>) -> Safety {
    let Some(node) = root.node("safety") else { return Safety::default() };
    let allow = node.texts("allow").into_iter().filter_map(|(word, _)| match word {
        "read" => Some(Effect::Read),
        "write" => Some(Effect::Write),
        "destructive" => Some(Effect::Destructive),
        _ => None,
    });
    Safety {
        allow: allow.collect(),
        hosts: node.strings("hosts"),
        unprobed: node.get("probe").is_some() && !node.flag("probe"),
    }
}

fn dotted(above: &str, key: &str) -> String {
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

/// A value of a kind.
fn json(value: &Value<'_>, kind: FixtureKind) -> Option<Json<'static>> {
    match (kind, value.get_ref()) {
        (FixtureKind::Text, DeValue::String(text)) => Some(Json::string(text.to_string())),
        (FixtureKind::Flag, DeValue::Boolean(flag)) => Some(Json::Bool(*flag)),
        (FixtureKind::List, DeValue::Array(items)) => items
            .iter()
            .map(|each| each.get_ref().as_str().map(|text| Json::string(text.to_owned())))
            .collect::<Option<Vec<_>>>()
            .map(Json::Array),
        _ => None,
    }
}

fn words(kind: FixtureKind) -> &'static str {
    match kind {
        FixtureKind::Text => "a string",
        FixtureKind::List => "a list of strings",
        FixtureKind::Secret => "a secret",
        FixtureKind::Flag => "true or false",
        FixtureKind::Auth => "an auth scheme",
    }
}

fn home(kind: FixtureKind) -> &'static str {
    match kind {
        FixtureKind::Text | FixtureKind::List | FixtureKind::Flag => "[variables] or [fixtures]",
        FixtureKind::Secret => "[secrets]",
        FixtureKind::Auth => "[auth]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::SourceRef;
    use crate::model::suite::{Fixture, Service};

    fn suite() -> Suite {
        let source = SourceRef { file: Arc::from("service.toml"), line: 1 };
        let fixture = |name: &str, kind| Fixture {
            name: name.to_owned(),
            kind,
            text: String::new(),
            example: None,
            source: source.clone(),
        };
        let service = Service {
            id: "g".to_owned(),
            title: String::new(),
            extra: crate::model::spec::Extra::Fail,
            query_style: crate::model::spec::QueryStyle::Form,
            timeout: Duration::from_secs(1),
            source: source.clone(),
        };
        Suite {
            services: BTreeMap::from([("g".to_owned(), service)]),
            fixtures: vec![
                fixture("g.ns", FixtureKind::Text),
                fixture("g.tracks", FixtureKind::List),
                fixture("g.token", FixtureKind::Secret),
                fixture("g.fast", FixtureKind::Flag),
                fixture("g.user", FixtureKind::Auth),
                fixture("g.other", FixtureKind::Auth),
            ],
            ..Suite::default()
        }
    }

    const HEAD: &str = "[target]\nname = \"t\"\nclass = \"real\"\n";

    fn only(rest: &str) -> (u32, u32, String, Option<String>) {
        let mut found = read("t.toml", &format!("{HEAD}{rest}"), &suite()).unwrap_err();
        assert_eq!(found.len(), 1, "{found:#?}");
        let each = found.remove(0);
        (each.line, each.column, each.message, each.help)
    }

    #[test]
    fn a_whole_target_is_read_and_its_secrets_are_not() {
        let text = format!(
            "{HEAD}[services]\ng = \"http://127.0.0.1:1/\"\n[variables]\ng.ns = \"music\"\n[secrets]\ng.token = {{ env = \"T\" }}\n[fixtures.g]\ntracks = [\"a\", \"b\"]\nfast = true\n[auth.\"g.user\"]\nheader = \"Authorization\"\nvalue = \"X ${{g.token}}\"\n[auth.g]\nother.basic = {{ user = \"u\", password = \"${{g.token}}\" }}\n[limits]\njobs = 3\nper_second = 1.5\n[safety]\nallow = [\"write\"]\nhosts = [\"a.test\"]\n[[known_failure]]\ncase = \"g/*\"\nreason = \"r\"\nexpires = \"2030-01-31\"\n"
        );
        let file = read("t.toml", &text, &suite()).unwrap();
        assert_eq!(file.target.services["g"], "http://127.0.0.1:1");
        assert_eq!(file.target.values.keys().collect::<Vec<_>>(), ["g.fast", "g.ns", "g.tracks"]);
        assert_eq!(file.secrets["g.token"].source, SecretSource::Env("T".to_owned()));
        assert_eq!(file.target.auth.len(), 2);
        assert_eq!((file.target.limits.jobs, file.target.limits.per_second), (Some(3), Some(1.5)));
        assert_eq!(file.target.safety.allow, [Effect::Write]);
        assert_eq!(file.target.known[0].expires.as_deref(), Some("2030-01-31"));
        let target = file.resolve(BTreeMap::from([("g.token".to_owned(), "s3cret".to_owned())]));
        assert_eq!(target.secrets, ["g.token"]);
        assert_eq!(target.values["g.token"].as_str(), Some("s3cret"));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let did = |text: &str| Some(format!("did you mean `{text}`?"));
        assert_eq!(only("[variables]\ng.nss = \"x\"\n"), (5, 3, "unknown name `g.nss`".to_owned(), did("g.ns")));
        assert_eq!(
            only("[fixtures]\ng.tracks = \"x\"\n"),
            (5, 12, "`g.tracks` must be a list of strings".to_owned(), None)
        );
        assert_eq!(only("[fixtures]\ng.fast = \"x\"\n").2, "`g.fast` must be true or false");
        assert_eq!(only("[variables]\ng.token = \"x\"\n").2, "`g.token` is a secret, and belongs in [secrets]");
        assert_eq!(only("[secrets]\ng.token = \"x\"\n").2, "the secret `g.token` must be a table");
        assert_eq!(only("[secrets]\ng.token = { value = \"x\" }\n").2, "the secret `g.token` stands in the file");
        assert_eq!(
            only("[secrets]\ng.token = { env = \"X\", file = \"x\" }\n").2,
            "the secret `g.token` needs one of env, file, value"
        );
        assert_eq!(
            only("[auth.\"g.usr\"]\nbearer = \"x\"\n"),
            (4, 7, "unknown name `g.usr`".to_owned(), did("g.user"))
        );
        assert_eq!(only("[auth.\"g.user\"]\nbearer = \"${g.tokn}\"\n").3, did("g.token"));
        assert_eq!(only("[auth.\"g.user\"]\nbearer = \"x\"\n").2, "the `bearer` stands in the file");
        let basic = "[variables]\ng.ns = \"x\"\n[auth.\"g.user\"]\nbasic = { user = \"u\", password = \"${g.ns}\" }\n";
        assert_eq!(only(basic).2, "the `password` stands in the file");
        assert_eq!(only("[services]\nh = \"http://a\"\n").2, "unknown service `h`");
        assert_eq!(only("[services]\ng = \"ftp://a\"\n").2, "a base URL begins with http:// or https://");
        assert_eq!(
            only("[services]\ng = \"http://u:p@a\"\n").2,
            "a base URL has no credentials; write them as secrets and [auth]"
        );
        assert_eq!(only("[[known_failure]]\nreason = \"r\"\n").2, "a known failure needs `case` or `clause`");
        assert_eq!(only("[[known_failure]]\ncase = \"[\"\nreason = \"r\"\n").0, 5);
        assert_eq!(only("[limits]\nper_second = 0\n").2, "`per_second` must be more than 0");
        assert_eq!(only("[safty]\n").3, did("safety"));
    }

    #[test]
    fn what_only_auth_uses_needs_no_declaration() {
        let text = format!(
            "{HEAD}[variables]\ng.login = \"me\"\n[secrets]\ng.password = {{ env = \"P\" }}\n[auth.\"g.user\"]\nbasic = {{ user = \"${{g.login}}\", password = \"${{g.password}}\" }}\n"
        );
        let file = read("t.toml", &text, &suite()).unwrap();
        assert_eq!(file.secrets["g.password"].source, SecretSource::Env("P".to_owned()));
        assert_eq!(file.target.values["g.login"].as_str(), Some("me"));
    }

    #[test]
    fn a_mock_may_hold_its_secrets() {
        let text = HEAD.replace("real", "mock") + "[secrets]\ng.token = { value = \"x\" }\n";
        let file = read("t.toml", &text, &suite()).unwrap();
        assert_eq!(file.secrets["g.token"].source, SecretSource::Value("x".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(\\PC|\n){0,120}", tail in "[a-z0-9.=\"\\[\\]{}$ \n]{0,60}") {
            let _ = read("t.toml", &text, &suite());
            let _ = read("t.toml", &format!("{HEAD}[secrets]\n{tail}"), &suite());
        }
    }
}
