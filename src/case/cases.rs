//! Case files: [`read`] gives the cases of one, rows expanded.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Shared;
use super::context::{Assets, Reader};
use super::diagnostic::{Diagnostic, suggestion};
use super::expect::{open_check, open_pattern};
use super::fields;
use super::reader::{File, Node, check};
use super::scope::{Least, Mention, RESERVED, Row, Scope, needs};
use super::step::{PartialStep, StepPlace, effect, millis};
use crate::model::id::{CaseId, ClauseId};
use crate::model::spec::{Case, CheckSpec, Contents, Step, StepRole};
use crate::model::suite::FixtureKind;
use crate::model::template::{JsonTemplate, Template};

/// Most rows that a matrix may make.
const MOST_ROWS: usize = 10_000;

/// What a file of cases gives.
#[derive(Debug, Default)]
pub struct FileCases {
    /// Its cases.
    pub(super) cases: Vec<Case>,
    /// Where the id of each is written.
    pub(super) spans: Vec<Range<usize>>,
    /// What is wrong.
    pub(super) found: Vec<Diagnostic>,
}

impl FileCases {
    /// The cases, in the order in which they are written.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Ids of the cases, in the order in which they are written.
    pub fn ids(&self) -> impl Iterator<Item = &CaseId> {
        self.cases.iter().map(|case| &case.id)
    }

    /// Whether anything is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.found.is_empty()
    }

    /// Takes the cases of another file too.
    pub fn append(&mut self, mut other: Self) {
        self.cases.append(&mut other.cases);
        self.spans.append(&mut other.spans);
        self.found.append(&mut other.found);
    }
}

/// Reads one file of cases.
pub(super) fn read<'a>(file: &'a File<'a>, root: &Node<'a>, shared: &'a Shared, assets: &'a Assets<'a>) -> FileCases {
    check(file, root, &fields::CASE_FILE);
    let mut out = FileCases::default();
    let suite = root.text("suite").unwrap_or_default();
    if root.get("suite").is_some() && !is_id(suite) {
        file.error(
            root.span_of("suite"),
            format!("`{suite}` is no suite: write lower-case words with `-`, joined by `/`"),
        );
    }
    let service = root.text("service").unwrap_or_default();
    if root.get("service").is_some() && !shared.services.contains_key(service) {
        let help = suggestion(service, shared.services.keys().map(String::as_str));
        file.error_help(root.span_of("service"), format!("unknown service `{service}`"), help);
    }
    let mut reader = Reader::new(file, shared, assets);
    for node in root.nodes("case") {
        reader.scope = Scope::default();
        reader.cited.clear();
        reader.row_auth.clear();
        case(&mut reader, &node, suite, service, &mut out);
    }
    out
}

/// Whether a text is of lower-case words, digits, `-`, `_`, `.` joined by `/`.
fn is_id(text: &str) -> bool {
    text.split('/').all(|part| {
        !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
    })
}

fn case<'a>(reader: &mut Reader<'a>, node: &Node<'a>, suite: &str, service: &'a str, out: &mut FileCases) {
    let file = reader.file;
    let id = node.text("id").unwrap_or_default();
    if node.get("id").is_some() && !is_id(id) {
        file.error_help(
            node.span_of("id"),
            format!("`{id}` is no id"),
            Some("write lower-case letters, digits, `-`, `_`, `.` and `/`".to_owned()),
        );
    }
    let shared = reader.shared;
    let own;
    (reader.scope.rows, own) = rows(reader, node);
    let declared = declared(reader, node);
    reader.scope.mentions.extend(declared);
    let lets = lets(reader, node);
    let whole = reader.cites(node, "clauses");
    let whole_count = reader.cited.len();
    let steps = steps(reader, node, service, &whole);
    let checks = checks(reader, node);
    let open = open_place(&steps, &checks);
    if whole.is_empty() {
        if reader.cited.len() == whole_count
            && node.get("clauses").is_none_or(|value| super::reader::texts(value).is_empty())
        {
            file.error_help(
                node.span.clone(),
                format!("case `{id}` has no clause"),
                Some("name what it proves in `clauses`, or beside its checks".to_owned()),
            );
        } else if let Some((what, source)) = open
            && node.get("clauses").is_none()
        {
            file.error_help(
                node.span.clone(),
                format!("case `{id}` checks {what} (step `{source}`) without a clause"),
                Some("cite one beside the check (`clause`, `cite`, `$clause`), or name it in `clauses`".to_owned()),
            );
        }
    } else if open.is_none() && !node.flag("observe") {
        file.error_help(
            node.span_of("clauses"),
            "no check is left to prove `clauses`: every one of them cites a clause of its own".to_owned(),
            Some("remove the key, or the citation of the check that proves it".to_owned()),
        );
    }
    shared.mark(&reader.cited);
    let id = format!("{suite}/{id}");
    let source = file.source(&node.span);
    let mut contents = Contents {
        aliases: node.strings("aliases"),
        title: node.owned("title"),
        service: service.to_owned(),
        clauses: whole,
        tags: node.strings("tags"),
        effect: effect(file, node, &steps),
        needs: Vec::new(),
        locks: node.strings("locks"),
        observe: node.flag("observe"),
        cookies: node.flag("cookies"),
        strict: node.flag("strict"),
        timeout: millis(node, "timeout_ms"),
        lets,
        row: BTreeMap::new(),
        steps: Arc::new(steps),
        checks,
    };
    let rows = std::mem::take(&mut reader.scope.rows);
    if rows.is_empty() {
        contents.needs = needs(shared, &reader.scope.mentions, None);
        out.cases.push(Case { id: CaseId::new(&id), source, contents: Arc::new(contents) });
        out.spans.push(node.span_of("id"));
        return;
    }
    let common = std::mem::take(&mut reader.scope.mentions);
    for (at, row) in rows.into_iter().enumerate() {
        let mut mentions = common.clone();
        // What stands in one row alone is needed by that row alone.
        mentions.extend(own.get(at).into_iter().flatten().cloned());
        for (name, span) in std::mem::take(&mut reader.row_auth) {
            if let Some(JsonTemplate::Text(value)) = row.1.get(&name)
                && let Some(value) = value.as_literal()
            {
                reader.auth_name(value, span.clone());
                mentions.append(&mut reader.scope.mentions);
            }
            reader.row_auth.push((name, span));
        }
        let contents = Contents {
            aliases: contents.aliases.iter().map(|alias| format!("{alias}[{}]", row.0)).collect(),
            needs: needs(shared, &mentions, Some(&row)),
            row: row.1,
            ..contents.clone()
        };
        let id = CaseId::new(&format!("{id}[{}]", row.0));
        out.cases.push(Case { id, source: source.clone(), contents: Arc::new(contents) });
        out.spans.push(node.span_of("id"));
    }
}

/// The rows of a case, and what each `[[case.row]]` mentions of the target.
fn rows<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> (Vec<Row>, Vec<Vec<Mention>>) {
    let file = reader.file;
    if node.get("row").is_some() && node.get("matrix").is_some() {
        file.error(node.span_of("matrix"), "a case has either `row` or `matrix`");
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut own = Vec::new();
    for row in node.nodes("row") {
        let id = row.owned("id");
        let before = std::mem::take(&mut reader.scope.mentions);
        let mut values: BTreeMap<_, _> = reader.values(&row).into_iter().collect();
        own.push(std::mem::replace(&mut reader.scope.mentions, before));
        values.remove("id");
        if id.is_empty() || id.chars().any(|c| c.is_control() || matches!(c, '[' | ']')) {
            file.error(row.span_of("id"), "a row's id is not empty and has no brackets");
        }
        if rows.iter().any(|(other, _)| *other == id) {
            file.error(row.span_of("id"), format!("row `{id}` exists already"));
        }
        // An id is a value too; most rows need no other.
        values.insert("id".to_owned(), JsonTemplate::Text(Template::literal(&id)));
        rows.push((id, values));
    }
    let Some(matrix) = node.node("matrix") else { return (rows, own) };
    let mut product: Vec<Row> = vec![(String::new(), BTreeMap::new())];
    for (name, span, value) in matrix.entries() {
        let Some(items) = value.get_ref().as_array() else { continue };
        if items.is_empty() {
            file.error(value.span(), format!("`{name}` has no values, so that the case would never run"));
        }
        if product.len().saturating_mul(items.len()) > MOST_ROWS {
            file.error(span, format!("the matrix makes more than {MOST_ROWS} rows"));
            return (rows, own);
        }
        let values: Vec<_> = items.iter().map(|each| (reader.value(each), each.span())).collect();
        let mut next = Vec::with_capacity(product.len() * values.len());
        for (id, row) in &product {
            for (value, span) in &values {
                let word = match value {
                    JsonTemplate::Text(text) => text.as_literal().unwrap_or_default().to_owned(),
                    JsonTemplate::Number(number) => number.clone(),
                    JsonTemplate::Bool(flag) => flag.to_string(),
                    _ => String::new(),
                };
                if word.is_empty() || word.contains(['[', ']', ',']) {
                    let help = "use [[case.row]], where each row has an id".to_owned();
                    file.error_help(span.clone(), "this value of a matrix cannot be part of an id", Some(help));
                    return (rows, own);
                }
                let mut row = row.clone();
                row.insert(name.to_owned(), value.clone());
                next.push((if id.is_empty() { word } else { format!("{id},{word}") }, row));
            }
        }
        product = next;
    }
    product.retain(|(id, _)| !id.is_empty());
    rows.extend(product);
    (rows, own)
}

/// What `fixtures` asks for.
fn declared(reader: &Reader<'_>, node: &Node<'_>) -> Vec<(usize, Least)> {
    let mut mentions = Vec::new();
    for (text, span) in node.texts("fixtures") {
        let (name, count) = match text.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
            Some((name, count)) => (name, count.parse::<usize>().ok()),
            None => (text, Some(1)),
        };
        let Some(count) = count else {
            reader.file.error(span, format!("`{text}` must be a name or `name[number of entries]`"));
            continue;
        };
        match reader.shared.fixture_index.get(name) {
            Some(&index) => {
                if name.len() < text.len() && reader.shared.fixtures[index].kind != FixtureKind::List {
                    reader.file.error(span, format!("`{name}` is not a list"));
                }
                mentions.push((index, Least::Count(count)));
            }
            None => reader.file.error_help(
                span,
                format!("unknown fixture `{name}`"),
                suggestion(name, reader.shared.fixtures.iter().map(|each| each.name.as_str())),
            ),
        }
    }
    mentions
}

fn lets<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Vec<(String, JsonTemplate)> {
    let mut lets = Vec::new();
    for (name, span, value) in node.node("let").map(|node| node.entries()).unwrap_or_default() {
        if RESERVED.contains(&name) || reader.shared.fixture_index.contains_key(name) {
            reader.file.error(span.clone(), format!("`{name}` means something else and cannot be a `let`"));
        } else if name.contains('.') {
            reader.file.error(span.clone(), "the name of a `let` has no dots");
        }
        let value = reader.value(value);
        reader.scope.lets.push(name.to_owned());
        lets.push((name.to_owned(), value));
    }
    lets
}

fn steps<'a>(reader: &mut Reader<'a>, node: &Node<'a>, service: &'a str, whole: &[ClauseId]) -> Vec<Step> {
    let file = reader.file;
    let single = node.get("request").is_some();
    if single && node.get("step").is_some() {
        file.error(node.span_of("request"), "a case has either one `request` or several [[case.step]]");
    }
    if !single && node.get("step").is_none() {
        file.error(node.span.clone(), format!("case `{}` sends nothing", node.text("id").unwrap_or_default()));
    }
    if !single {
        for key in ["expect", "wanted", "capture"].into_iter().filter(|key| node.get(key).is_some()) {
            file.error(node.span_of(key), format!("`{key}` belongs to a step: the case has no `request`"));
        }
    }
    let mut tables: Vec<(StepRole, Node<'a>)> = Vec::new();
    tables.extend(node.nodes("setup").map(|node| (StepRole::Setup, node)));
    if single {
        tables.push((StepRole::Main, node.clone()));
    } else {
        tables.extend(node.nodes("step").map(|node| (StepRole::Main, node)));
    }
    tables.extend(node.nodes("teardown").map(|node| (StepRole::Teardown, node)));
    let mut places: Vec<StepPlace<'a>> = Vec::new();
    let observe = node.flag("observe");
    let mut numbers = [0; 3];
    for (role, table) in &tables {
        let (word, number) = match role {
            StepRole::Setup => ("setup", &mut numbers[0]),
            StepRole::Main => ("step", &mut numbers[1]),
            StepRole::Teardown => ("teardown", &mut numbers[2]),
        };
        *number += 1;
        let main = single && *role == StepRole::Main;
        let id = match table.text("id") {
            _ if main => "main".to_owned(),
            Some(id) => id.to_owned(),
            None => format!("{word}-{number}"),
        };
        if !main && (id.contains('.') || RESERVED.contains(&id.as_str())) {
            file.error(table.span_of("id"), format!("a step cannot be called `{id}`"));
        }
        // The step of a single request is called `main`, wherever it stands; the other one has to yield.
        if (single && !main && id == "main") || (!main && places.iter().any(|other| other.id == id)) {
            file.error(table.span_of("id"), format!("step `{id}` exists already"));
        }
        places.push(StepPlace { id, role: *role, service, observe, span: table.span.clone() });
    }
    reader.scope.later = places.iter().map(|place| place.id.clone()).collect();
    let mut steps = Vec::with_capacity(places.len());
    let mut pending = Vec::new();
    let mut joined = false;
    for ((role, table), place) in tables.iter().zip(&places) {
        let before = reader.cited.len();
        let together = table.flag("together")
            || table.text("use").and_then(|name| reader.shared.steps.get(name)).is_some_and(|step| step.together);
        if !(together && joined) {
            // Steps that are sent at the same moment see nothing of each other, and all that came before.
            reader.scope.captures.append(&mut pending);
        }
        joined = together;
        let with = if single && *role == StepRole::Main { Vec::new() } else { reader.values_at(table, "with") };
        reader.scope.with = with.iter().map(|(name, _)| name.clone()).collect();
        let mut step = reader.step(&(*table).clone());
        if let Some(shared) = shared_step(reader, table, &with) {
            if table.get("expect").is_none()
                && let Some(expect) = &shared.expect
            {
                reader.cited.extend(&expect.cited);
            }
            reader.scope.mentions.extend(shared.mentions.iter().cloned());
            step = step.over(shared);
        }
        reader.ledger(table, &mut step);
        reader.scope.with.clear();
        let fallback = if *role == StepRole::Main { whole } else { &[] };
        let step = step.finish(reader, place, with, fallback);
        if *role != StepRole::Main {
            // What prepares or clears up proves nothing.
            reader.cited.truncate(before);
        }
        pending.push((step.id.clone(), step.captures.iter().map(|each| each.name.clone()).collect()));
        steps.push(step);
    }
    reader.scope.captures.append(&mut pending);
    steps
}

/// The shared step that a step uses.
fn shared_step<'a>(reader: &Reader<'a>, node: &Node<'a>, with: &[(String, JsonTemplate)]) -> Option<&'a PartialStep> {
    let shared = reader.shared;
    let Some(name) = node.text("use") else {
        if node.get("with").is_some() {
            reader.file.error(node.span_of("with"), "`with` is for a shared step, and the step has no `use`");
        }
        return None;
    };
    let Some(step) = shared.steps.get(name) else {
        let help = suggestion(name, shared.steps.keys().map(String::as_str));
        reader.file.error_help(node.span_of("use"), format!("unknown shared step `{name}`"), help);
        return None;
    };
    for missing in step.with.iter().filter(|each| !with.iter().any(|(given, _)| given == *each)) {
        let message = format!("shared step `{name}` needs `with.{missing}`");
        reader.file.error(node.span_of("use"), message);
    }
    Some(step)
}

fn checks<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Vec<CheckSpec> {
    let mut checks = Vec::new();
    for check in node.nodes("check") {
        let Some(value) = check.get("value") else { continue };
        let value = reader.value(value);
        let Some(is) = reader.pattern_at(&check, "is") else { continue };
        let clauses = reader.cites(&check, "clause");
        let source = reader.file.source(&check.span);
        checks.push(CheckSpec {
            title: check.owned("title"),
            value,
            is,
            clauses,
            wanted: check.flag("wanted"),
            source,
        });
    }
    checks
}

/// What, if anything, is checked without a clause of its own: what it is, and in which step.
fn open_place(steps: &[Step], checks: &[CheckSpec]) -> Option<(&'static str, String)> {
    let main = steps.iter().filter(|step| step.role == StepRole::Main);
    main.into_iter().find_map(|step| Some((open_check(&step.expect)?, step.id.clone()))).or_else(|| {
        let check = checks.iter().find(|each| !each.wanted && each.clauses.is_empty() && open_pattern(&each.is))?;
        Some(("a comparison", check.title.clone()))
    })
}
