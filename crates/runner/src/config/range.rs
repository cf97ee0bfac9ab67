//! What the value of a key may be, by its schema: compared, and in words.

use serde_json::Value as Node;
use toml::Value;

/// The schemas of which a value must match one.
fn alternatives(schema: &Node) -> Option<&Vec<Node>> {
    schema["anyOf"].as_array().or(schema["oneOf"].as_array())
}

fn has_type(schema: &Node, name: &str) -> bool {
    match &schema["type"] {
        Node::String(found) => found == name,
        Node::Array(found) => found.iter().any(|found| found == name),
        _ => false,
    }
}

/// Whether a value that is no table has the type and is in the range.
pub(super) fn accepts(schema: &Node, value: &Value) -> bool {
    if let Some(alternatives) = alternatives(schema) {
        return alternatives.iter().any(|schema| accepts(schema, value));
    }
    if let Some(names) = names(schema) {
        return value.as_str().is_some_and(|value| names.contains(&value));
    }
    match value {
        Value::Boolean(_) => has_type(schema, "boolean"),
        Value::String(_) => has_type(schema, "string"),
        Value::Integer(number) => {
            let integer = has_type(schema, "integer") || has_type(schema, "number");
            integer && within(schema, *number as f64)
        }
        Value::Float(number) => {
            has_type(schema, "number") && number.is_finite() && within(schema, *number)
        }
        Value::Array(elements) => {
            let enough = elements.len() as u64 >= schema["minItems"].as_u64().unwrap_or(0);
            let all = || elements.iter().all(|one| accepts(&schema["items"], one));
            has_type(schema, "array") && enough && all()
        }
        Value::Table(_) | Value::Datetime(_) => false,
    }
}

fn within(schema: &Node, number: f64) -> bool {
    let bound = |name: &str| schema[name].as_f64();
    bound("minimum").is_none_or(|least| number >= least)
        && bound("maximum").is_none_or(|most| number <= most)
        && bound("exclusiveMinimum").is_none_or(|below| number > below)
        && bound("exclusiveMaximum").is_none_or(|above| number < above)
}

/// The texts that a value can be, if it can be nothing else.
fn names(schema: &Node) -> Option<Vec<&str>> {
    match (&schema["enum"], &schema["const"]) {
        (Node::Array(names), _) => Some(names.iter().filter_map(Node::as_str).collect()),
        (_, Node::String(name)) => Some(vec![name]),
        _ => None,
    }
}

/// What a value may be, in words.
pub(super) fn expected(schema: &Node) -> String {
    if let Some(alternatives) = alternatives(schema) {
        let some = alternatives
            .iter()
            .filter(|schema| !has_type(schema, "null"));
        return some.map(expected).collect::<Vec<_>>().join(" or ");
    }
    if let Some(names) = names(schema) {
        let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
        return quoted.join(" or ");
    }
    let bound = |name: &str| Some(&schema[name]).filter(|bound| !bound.is_null());
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, most) => {
            let above = bound("exclusiveMinimum").map(|below| format!(" above {below}"));
            let below = bound("exclusiveMaximum").map(|above| format!(" below {above}"));
            let most = most.map(|most| format!(" at most {most}"));
            let parts: Vec<_> = [above, below, most].into_iter().flatten().collect();
            parts.join(" and")
        }
    };
    if has_type(schema, "integer") {
        format!("an integer{range}")
    } else if has_type(schema, "number") {
        let bounded = bound("minimum").is_some();
        format!("a {}number{range}", if bounded { "" } else { "finite " })
    } else if has_type(schema, "boolean") {
        "true or false".to_string()
    } else if has_type(schema, "array") {
        let elements = expected(&schema["items"]);
        let elements = elements.trim_start_matches("an ").trim_start_matches("a ");
        let (what, range) = elements.split_once(' ').unwrap_or((elements, ""));
        let enough = match schema["minItems"].as_u64() {
            Some(least) if least > 0 => format!(", at least {least}"),
            _ => String::new(),
        };
        format!("an array of {what}s {range}{enough}")
    } else {
        "a string".to_string()
    }
}
