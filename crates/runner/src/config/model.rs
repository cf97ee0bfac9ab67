//! `[model]`, whose struct is block-models' `NetworkConfig`.

use block_core::Surrogate;
use toml::{Table, Value};

use super::tree::Tree;

/// Gives the keys that a layer's surrogate leaves out the values of the model's.
pub(super) fn complete(tree: &mut Tree) {
    let mut usual = Table::try_from(Surrogate::default()).unwrap_or_default();
    if let Some(Value::Table(surrogate)) = tree.get("model.surrogate") {
        usual.extend(surrogate.clone());
    }
    let layers = tree.table_mut().get_mut("model");
    let layers = layers.and_then(|model| model.get_mut("layers"));
    for layer in layers.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(Value::Table(surrogate)) = layer.get_mut("surrogate") {
            for (name, value) in &usual {
                surrogate.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}
