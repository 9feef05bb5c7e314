//! `[auth]` of a target file.

use std::collections::BTreeMap;

use super::{Reader, dotted};
use crate::case::reader::{Node, check};
use crate::case::{fields, template};
use crate::model::suite::FixtureKind;
use crate::model::target::Auth;

/// What `[auth]` may name.
pub(super) struct Known<'a> {
    /// Values and secrets of the file.
    pub(super) name: &'a dyn Fn(&str) -> bool,
    /// Its secrets alone.
    pub(super) secret: &'a dyn Fn(&str) -> bool,
    /// Whether the target is no mock, which may hold its secrets.
    pub(super) real: bool,
}

impl Reader<'_> {
    pub(super) fn auths(&self, node: &Node<'_>, above: &str, known: &Known<'_>, auth: &mut BTreeMap<String, Auth>) {
        for (key, span, value) in node.entries() {
            let name = dotted(above, key);
            let Some(inner) = Node::of(value) else {
                self.file.error(value.span(), format!("the auth scheme `{name}` must be a table"));
                continue;
            };
            if self.kind(&name) != Some(FixtureKind::Auth) {
                let leaf = inner.entries().iter().any(|(_, _, value)| !value.get_ref().is_table())
                    || inner.get("basic").is_some();
                if leaf || self.kind(&name).is_some() || inner.table.is_empty() {
                    self.unknown(&name, span, |kind| kind == FixtureKind::Auth, "auth");
                } else {
                    self.auths(&inner, &name, known, auth);
                }
                continue;
            }
            check(self.file, &inner, &fields::AUTH);
            let keys: Vec<_> =
                ["header", "value", "basic", "bearer"].into_iter().filter(|key| inner.get(key).is_some()).collect();
            let scheme = match keys.as_slice() {
                ["header", "value"] => {
                    let header = inner.owned("header");
                    if http::HeaderName::from_bytes(header.as_bytes()).is_err() {
                        self.file.error(inner.span_of("header"), format!("`{header}` is no header name"));
                    }
                    Auth::Header { name: header, value: self.template(&inner, "value", known.name) }
                }
                ["basic"] => {
                    let Some(basic) = inner.node("basic") else { continue };
                    self.must_be_secret(&basic, "password", known);
                    Auth::Basic {
                        user: self.template(&basic, "user", known.name),
                        password: self.template(&basic, "password", known.name),
                    }
                }
                ["bearer"] => {
                    self.must_be_secret(&inner, "bearer", known);
                    Auth::Bearer(self.template(&inner, "bearer", known.name))
                }
                _ => {
                    let message = format!("the auth scheme `{name}` needs header with value, basic, or bearer");
                    self.file.error(value.span(), message);
                    continue;
                }
            };
            auth.insert(name, scheme);
        }
    }

    /// Refuses a password or token that stands in the file itself: one in which none of the secrets is.
    fn must_be_secret(&self, node: &Node<'_>, key: &str, known: &Known<'_>) {
        let Some(Ok(template)) = node.text(key).map(template::parse) else { return };
        let mut names = Vec::new();
        template.names(&mut names);
        let is_known = |name: &&str| self.kind(name).is_some() || (known.name)(name);
        if known.real && names.iter().all(is_known) && !names.iter().any(|name| (known.secret)(name)) {
            let help = "name one of [secrets], which come from the environment or a file".to_owned();
            self.file.error_help(node.span_of(key), format!("the `{key}` stands in the file"), Some(help));
        }
    }
}
