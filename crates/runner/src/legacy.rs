//! Runs made before networks were stacks of Burn's layers: what their files call a parameter.

use std::borrow::Cow;

use safetensors::SafeTensorError;
use safetensors::tensor::{SafeTensors, serialize};

/// What is said once of a file of such a run.
pub(crate) const WARNING: &str = "made by an earlier version of the runner; results may differ from that version's in \
                           their last bits";

/// The path of a parameter today: weight and bias are those of Burn's layer in ours.
pub(crate) fn path(old: &str) -> Cow<'_, str> {
    let is_layer = |layer: &str| {
        let index = layer.strip_prefix("hidden.");
        layer == "readout" || index.is_some_and(|index| index.parse::<usize>().is_ok())
    };
    match old.rsplit_once('.') {
        Some((layer, name @ ("weight" | "bias"))) if is_layer(layer) => {
            format!("{layer}.linear.{name}").into()
        }
        Some((layer, "recurrent")) if is_layer(layer) => format!("{old}.weight").into(),
        _ => old.into(),
    }
}

/// The weights of a safetensors file under the names of today, if it has older ones.
///
/// # Errors
///
/// If the bytes are no such file.
pub(crate) fn weights(bytes: &[u8]) -> Result<Option<Vec<u8>>, SafeTensorError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let tensors = SafeTensors::deserialize(bytes)?;
    if tensors.names().into_iter().all(|name| path(name) == name) {
        return Ok(None);
    }
    let views = tensors.iter().map(|(name, view)| (path(name), view));
    serialize(views, header.metadata().clone()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn names_of_layers_change_and_no_others() {
        for (old, new) in [
            ("hidden.10.weight", "hidden.10.linear.weight"),
            ("readout.bias", "readout.linear.bias"),
            ("hidden.1.recurrent", "hidden.1.recurrent.weight"),
            ("hidden.1.recurrent.weight", "hidden.1.recurrent.weight"),
            ("hidden.0.beta", "hidden.0.beta"),
            ("hidden.0.linear.weight", "hidden.0.linear.weight"),
            ("hidden.x.weight", "hidden.x.weight"),
        ] {
            assert_eq!(path(old), new);
        }
    }
}
