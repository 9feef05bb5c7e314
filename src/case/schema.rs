//! JSON Schemas (draft-07, which every TOML editor reads) generated from the field tables: [`case_schema`] and its like.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::{self, Kind, Table};

/// Schema of a file of cases.
#[must_use]
pub fn case_schema() -> Value {
    schema(&fields::CASE_FILE)
}

/// Schema of `service.toml`.
#[must_use]
pub fn service_schema() -> Value {
    schema(&fields::SERVICE_FILE)
}

/// Schema of `clauses.toml`.
#[must_use]
pub fn clauses_schema() -> Value {
    schema(&fields::CLAUSE_FILE)
}

/// Schema of a target file.
#[must_use]
pub fn target_schema() -> Value {
    schema(&fields::TARGET_FILE)
}

fn schema(root: &'static Table) -> Value {
    let mut definitions = BTreeMap::new();
    let mut schema = table(root, &mut definitions);
    if let Value::Object(members) = &mut schema {
        let properties = members.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(properties) = properties {
            // Where an editor that does not read the comment finds the schema named.
            properties.insert("$schema".to_owned(), json!({ "type": "string" }));
        }
        members.shift_insert(0, "$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        members.shift_insert(1, "title".to_owned(), json!(root.name));
        members.insert("definitions".to_owned(), definitions.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    }
    schema
}

type Definitions = BTreeMap<&'static str, Value>;

fn table(table: &'static Table, definitions: &mut Definitions) -> Value {
    let mut properties = Map::new();
    for field in table.fields {
        let mut schema = kind(&field.kind, definitions);
        if let Value::Object(members) = &mut schema {
            if members.contains_key("$ref") {
                // Draft-07 ignores what stands beside a reference.
                let reference = std::mem::take(members);
                members.insert("allOf".to_owned(), json!([reference]));
            }
            members.insert("description".to_owned(), json!(field.doc));
        }
        properties.insert(field.key.to_owned(), schema);
    }
    let required: Vec<_> = table.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    let mut schema = json!({
        "type": "object",
        "description": table.doc,
        "additionalProperties": table.open,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn definition(inner: &'static Table, definitions: &mut Definitions) -> Value {
    if !definitions.contains_key(inner.name) {
        // The name first, so that a table that contains itself ends.
        definitions.insert(inner.name, Value::Null);
        let schema = table(inner, definitions);
        definitions.insert(inner.name, schema);
    }
    json!({ "$ref": format!("#/definitions/{}", inner.name) })
}

fn kind(kind: &'static Kind, definitions: &mut Definitions) -> Value {
    match kind {
        Kind::Text | Kind::Template => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer(least, i64::MAX) => json!({ "type": "integer", "minimum": least }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Number => json!({ "type": "number", "minimum": 0 }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Value => json!({}),
        Kind::Values => json!({ "type": "object" }),
        Kind::Table(table) => definition(table, definitions),
        Kind::Tables(table) => json!({ "type": "array", "items": definition(table, definitions) }),
        Kind::Named(table) => json!({ "type": "object", "additionalProperties": definition(table, definitions) }),
        Kind::Map(inner) => json!({ "type": "object", "additionalProperties": self::kind(inner, definitions) }),
        Kind::List(inner) => json!({ "type": "array", "items": self::kind(inner, definitions) }),
        Kind::AnyOf(kinds) => {
            json!({ "anyOf": kinds.iter().map(|each| self::kind(each, definitions)).collect::<Vec<_>>() })
        }
    }
}

/// A reference of every key of every kind of file, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from("# Keys\n");
    for (file, root) in [
        ("Case files", &fields::CASE_FILE),
        ("`service.toml`", &fields::SERVICE_FILE),
        ("`clauses.toml`", &fields::CLAUSE_FILE),
        ("Target files", &fields::TARGET_FILE),
    ] {
        out.push_str(&format!("\n## {file}\n"));
        let mut seen = vec![root.name];
        let mut waiting = vec![root];
        while !waiting.is_empty() {
            let table = waiting.remove(0);
            out.push_str(&format!(
                "\n### {}\n\n{}\n\n| key | value | meaning |\n|---|---|---|\n",
                table.name, table.doc
            ));
            for field in table.fields {
                let required = if field.required { " (required)" } else { "" };
                let meaning = field.doc.replace('|', "\\|");
                out.push_str(&format!("| `{}`{required} | {} | {meaning} |\n", field.key, words(&field.kind)));
                inner(&field.kind, &mut |each| {
                    if !seen.contains(&each.name) {
                        seen.push(each.name);
                        waiting.push(each);
                    }
                });
            }
            if table.open {
                out.push_str("| any other | any value | a value that the author names |\n");
            }
        }
    }
    out
}

/// A kind in words, tables by name.
fn words(kind: &Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Template => "string with `${…}`".to_owned(),
        Kind::Bool => "boolean".to_owned(),
        Kind::Integer(least, i64::MAX) => format!("integer, {least} or more"),
        Kind::Integer(least, most) => format!("integer, {least} to {most}"),
        Kind::Number => "number".to_owned(),
        Kind::Word(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        Kind::Texts => "list of strings".to_owned(),
        Kind::Value => "any value".to_owned(),
        Kind::Values => "table of names and values".to_owned(),
        Kind::Table(table) => format!("[{0}](#{0})", table.name),
        Kind::Tables(table) => format!("list of [{0}](#{0})", table.name),
        Kind::Named(table) => format!("table of names, each a [{0}](#{0})", table.name),
        Kind::Map(inner) => format!("table of names, each {}", words(inner)),
        Kind::List(inner) => format!("list of {}", words(inner)),
        Kind::AnyOf(kinds) => kinds.iter().map(words).collect::<Vec<_>>().join(", or "),
    }
}

fn inner(kind: &Kind, found: &mut impl FnMut(&'static Table)) {
    match kind {
        Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) => found(table),
        Kind::AnyOf(kinds) => {
            for each in *kinds {
                inner_one(each, found);
            }
        }
        _ => {}
    }
}

/// One alternative; alternatives do not nest.
fn inner_one(kind: &Kind, found: &mut impl FnMut(&'static Table)) {
    if let Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) = kind {
        found(table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::fields::case::{CAPTURE, CASE, REQUEST};
    use crate::case::fields::target::KNOWN_FAILURE;

    fn valid(schema: &Value, text: &str) -> bool {
        let value: toml::Value = toml::from_str(text).unwrap();
        let value = serde_json::to_value(value).unwrap();
        jsonschema::draft7::new(schema).unwrap().is_valid(&value)
    }

    #[test]
    fn schemas_are_schemas() {
        for schema in [case_schema(), service_schema(), clauses_schema(), target_schema()] {
            assert!(jsonschema::draft7::meta::is_valid(&schema), "{schema:#}");
        }
    }

    #[test]
    fn the_schema_agrees_with_the_reader() {
        let good = "suite = \"a\"\nservice = \"g\"\n[[case]]\nid = \"x\"\ntitle = \"X\"\nrow = [{ id = \"a\", n = 1 }]\n[case.request]\nheaders.a = [\"b\", \"c\"]\n[case.expect]\nstatus = [{ is = [200, \"4xx\"], clause = [\"X\"] }]\nheaders.b = { is = \"c\" }\nbody = \"empty\"\n";
        assert!(valid(&case_schema(), good));
        assert!(!valid(&case_schema(), &good.replace("body =", "bodi =")));
        assert!(!valid(&case_schema(), &good.replace("title = \"X\"\n", "")));
        assert!(!valid(&case_schema(), &good.replace("\"empty\"", "\"epmty\"")));
        assert!(!valid(&case_schema(), &good.replace("[200, \"4xx\"]", "99")));
    }

    #[test]
    fn the_reference_names_every_key() {
        let text = reference();
        for table in [&CASE, &REQUEST, &fields::EXPECT, &CAPTURE, &KNOWN_FAILURE] {
            for field in table.fields {
                assert!(text.contains(&format!("| `{}`", field.key)), "{}", field.key);
            }
        }
        assert!(!text.contains("\n\n\n"));
    }
}
