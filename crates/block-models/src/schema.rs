//! What the schemas of configs cannot derive.

use block_core::Surrogate;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// More neurons of a layer than any machine could hold.
pub(crate) const MANY: usize = 1 << 24;

/// A network's surrogate.
pub(crate) fn surrogate(_: &mut SchemaGenerator) -> Schema {
    let usual = json!(Surrogate::default());
    of_surrogate("default", &usual["kind"], &usual["scale"])
}

/// A layer's surrogate, whose absent keys are the network's.
pub(crate) fn layer_surrogate(_: &mut SchemaGenerator) -> Schema {
    let model = json!("the model's");
    of_surrogate("x-default", &model, &model)
}

/// A surrogate: the names are those that block-core knows. `default` is the name under which the defaults stand.
fn of_surrogate(default: &str, kind: &Value, scale: &Value) -> Schema {
    let all = Surrogate::all(1.0);
    let names: Vec<Value> = all.iter().map(|one| json!(one)["kind"].clone()).collect();
    json_schema!({
        "type": "object",
        "properties": {
            "kind": {
                "description": "The surrogate's formula.",
                "enum": names,
                default: kind,
            },
            "scale": {
                "description": "The surrogate's steepness.",
                "type": "number",
                "minimum": 1e-30,
                "maximum": 1e30,
                default: scale,
            },
        },
        "additionalProperties": false,
    })
}
