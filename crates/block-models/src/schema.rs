//! What the schemas of configs cannot derive.

use block_core::Surrogate;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// More neurons of a layer than any machine could hold.
pub(crate) const MANY: usize = 1 << 24;

/// A surrogate: the names are those that block-core knows.
pub(crate) fn surrogate(_: &mut SchemaGenerator) -> Schema {
    let usual = Surrogate::default();
    let name = |surrogate: &Surrogate| json!(surrogate)["kind"].clone();
    let names: Vec<Value> = Surrogate::all(usual.scale()).iter().map(name).collect();
    json_schema!({
        "type": "object",
        "properties": {
            "kind": {
                "description": "The surrogate's formula.",
                "enum": names,
                "default": name(&usual),
            },
            "scale": {
                "description": "The surrogate's steepness.",
                "type": "number",
                "exclusiveMinimum": 0,
                "default": usual.scale(),
            },
        },
        "additionalProperties": false,
    })
}
