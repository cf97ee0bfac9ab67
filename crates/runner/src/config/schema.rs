//! What the structs say of their keys: which there are, types, ranges, defaults, documentation. The schema that
//! they derive is the only list of keys.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value as Node;
use toml::{Table, Value};

use super::range::{accepts, expected};
use super::tree::{Tree, show};
use crate::error::{Result, RunnerError};

/// A key of a config; tables are keys too.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The path, in which N stands for the number of an array's element.
    pub path: String,
    /// What the value may be.
    pub expected: String,
    /// The value of an absent key, as in TOML or in words.
    pub default: Option<String>,
    /// Whether the table that the key is in must have it.
    pub required: bool,
    /// What the key means.
    pub meaning: String,
}

/// What a config can say, as a JSON schema without references.
pub(super) struct Schema(Node);

impl Schema {
    pub(super) fn of<T: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12();
        let settings = settings.with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<T>();
        Self(schema.into())
    }

    /// Every key, those of an array's elements once for each kind of element.
    pub(super) fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        collect(&self.0, "", &mut keys);
        keys
    }

    /// Checks that every key is known, and every value of its type and in its range.
    ///
    /// # Errors
    ///
    /// [`RunnerError::UnknownKey`] or [`RunnerError::Value`].
    pub(super) fn check(&self, tree: &Tree) -> Result<()> {
        self.check_table(&self.0, tree.table(), "", tree)
    }

    fn check_table(&self, parent: &Node, table: &Table, prefix: &str, tree: &Tree) -> Result<()> {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match parent["properties"].get(name) {
                Some(schema) => self.check_value(schema, value, &key, tree)?,
                None => {
                    return Err(RunnerError::UnknownKey {
                        place: tree.place(&key).to_string(),
                        nearest: nearest(&key, self.known_in(parent, prefix)),
                        key,
                    });
                }
            }
        }
        Ok(())
    }

    /// The keys that are known beside and in a table: of an array's element those of its own kind.
    fn known_in(&self, table: &Node, prefix: &str) -> Vec<Key> {
        let inside = general(prefix);
        let mut known = self.keys();
        if !inside.is_empty() {
            known.retain(|key| !key.path.starts_with(&inside));
            collect(table, &inside, &mut known);
        }
        known
    }

    fn check_value(&self, schema: &Node, value: &Value, key: &str, tree: &Tree) -> Result<()> {
        let refuse =
            |key: &str, found: String, expected: &str| Err(tree.refuse_value(key, found, expected));
        if properties(schema).is_some() {
            return match value {
                Value::Table(table) => self.check_table(schema, table, &format!("{key}."), tree),
                other => refuse(key, show(other), &format!("a table, [{key}]")),
            };
        }
        let Some(kinds) = kinds(&schema["items"]) else {
            return match accepts(schema, value) {
                true => Ok(()),
                false => refuse(key, show(value), &expected(schema)),
            };
        };
        let Value::Array(elements) = value else {
            return refuse(key, show(value), &format!("an array of tables, [[{key}]]"));
        };
        if (elements.len() as u64) < schema["minItems"].as_u64().unwrap_or(0) {
            return refuse(key, show(value), "at least one table");
        }
        for (index, element) in elements.iter().enumerate() {
            let key = format!("{key}.{index}");
            let Value::Table(table) = element else {
                return refuse(&key, show(element), "a table");
            };
            let Some(kind) = kind_of(&kinds, table) else {
                let found = table.get("kind").map_or("absent".to_string(), show);
                let names = kinds
                    .iter()
                    .map(|kind| expected(&kind["properties"]["kind"]));
                let names: Vec<_> = names.collect();
                return refuse(&format!("{key}.kind"), found, &names.join(" or "));
            };
            self.check_table(kind, table, &format!("{key}."), tree)?;
            for name in kind["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if !table.contains_key(name) {
                    let expected = expected(&kind["properties"][name]);
                    return refuse(&format!("{key}.{name}"), "absent".to_string(), &expected);
                }
            }
        }
        Ok(())
    }

    /// Gives absent keys of the tables that are there their default.
    pub(super) fn fill(&self, tree: &mut Tree) {
        fill_table(&self.0, tree.table_mut());
    }
}

fn collect(parent: &Node, table: &str, keys: &mut Vec<Key>) {
    for (name, schema) in properties(parent).into_iter().flatten() {
        let path = format!("{table}{name}");
        let kinds = kinds(&schema["items"]).unwrap_or_default();
        let default = match (&schema["x-default"], &schema["default"]) {
            _ if properties(schema).is_some() => None,
            (Node::String(words), _) => Some(words.clone()),
            (_, Node::Null) => None,
            (_, default) => Some(default.to_string()),
        };
        // The name of a kind of tables is all that its key can be: it means what the kind is.
        let described = if schema["const"].is_string() {
            parent
        } else {
            schema
        };
        let meaning = described["description"].as_str().unwrap_or_default();
        let mut required = parent["required"].as_array().into_iter().flatten();
        keys.push(Key {
            path: path.clone(),
            expected: match kinds.is_empty() {
                _ if properties(schema).is_some() => "a table".to_string(),
                true => expected(schema),
                false => "an array of tables".to_string(),
            },
            default,
            required: required.any(|one| one == name),
            meaning: meaning.replace('\n', " "),
        });
        collect(schema, &format!("{path}."), keys);
        for kind in kinds {
            collect(kind, &format!("{path}.N."), keys);
        }
    }
}

fn fill_table(schema: &Node, table: &mut Table) {
    for (name, schema) in properties(schema).into_iter().flatten() {
        match table.get_mut(name) {
            Some(Value::Table(table)) => fill_table(schema, table),
            Some(Value::Array(elements)) => {
                for element in elements.iter_mut().filter_map(Value::as_table_mut) {
                    let kinds = kinds(&schema["items"]).unwrap_or_default();
                    if let Some(kind) = kind_of(&kinds, element) {
                        fill_table(kind, element);
                    }
                }
            }
            Some(_) => (),
            None => {
                let known = schema["x-default"].is_null();
                let default = Value::try_from(&schema["default"]).ok();
                if let Some(default) = default.filter(|_| known) {
                    table.insert(name.clone(), default);
                }
            }
        }
    }
}

/// The keys of a table, if the schema is one's.
fn properties(schema: &Node) -> Option<&serde_json::Map<String, Node>> {
    schema["properties"].as_object()
}

/// The kinds of tables that the elements of an array can be, each named by its key `kind`.
fn kinds(items: &Node) -> Option<Vec<&Node>> {
    if properties(items).is_some() {
        return Some(vec![items]);
    }
    let kinds: Vec<_> = items["oneOf"].as_array()?.iter().collect();
    let tables = kinds.iter().all(|kind| properties(kind).is_some());
    tables.then_some(kinds)
}

/// The kind that a table says it is of.
fn kind_of<'a>(kinds: &[&'a Node], table: &Table) -> Option<&'a Node> {
    let found = table.get("kind")?;
    let mut kinds = kinds.iter().copied();
    kinds.find(|kind| accepts(&kind["properties"]["kind"], found))
}

fn is_number(part: &&str) -> bool {
    part.parse::<usize>().is_ok()
}

/// A path with N for the numbers of elements.
fn general(path: &str) -> String {
    let parts = path.split('.');
    let parts = parts.map(|part| if is_number(&part) { "N" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

/// The known key most like this one: by its whole path, or nearly so by its last part. It is none of the tables that this one
/// stands in.
fn nearest(key: &str, known: Vec<Key>) -> String {
    let general = general(key);
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_string();
    let score = |known: &String| {
        let whole = strsim::normalized_damerau_levenshtein(&general, known);
        let part = strsim::normalized_damerau_levenshtein(&last(&general), &last(known));
        whole.max(0.95 * part)
    };
    let known = known.into_iter().map(|key| key.path);
    let around = |table: &String| general.starts_with(&format!("{table}."));
    let best = known
        .filter(|key| !around(key))
        .max_by(|a, b| score(a).total_cmp(&score(b)));
    let mut best = best.unwrap_or_default();
    for number in key.split('.').filter(is_number) {
        best = best.replacen(".N", &format!(".{number}"), 1);
    }
    best
}
