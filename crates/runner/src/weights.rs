//! Weights of a network as the bytes of a safetensors file, whose metadata has a checksum of it.

use std::path::Path;

use anyhow::Context;
use block_models::Network;
use burn_store::{ApplyError, ModuleSnapshot, SafetensorsStore};
use safetensors::SafeTensors;

use crate::error::{Result, RunnerError};
use crate::{integrity, legacy};

/// The bytes of a safetensors file with the network's weights.
///
/// # Errors
///
/// [`RunnerError::Checkpoint`] under the name of `file` if the device does not hand them out.
pub(crate) fn to_bytes(network: &Network, file: &Path) -> Result<Vec<u8>> {
    // One entry only: the order of several would differ from file to file.
    let mut store = SafetensorsStore::from_bytes(None)
        .skip_enum_variants(true)
        .clear_metadata()
        .metadata(integrity::KEY, integrity::BLANK);
    let bytes = network
        .save_into(&mut store)
        .and_then(|()| store.get_bytes());
    let mut bytes = bytes.map_err(|error| damaged(file, &error))?;
    integrity::stamp(&mut bytes).map_err(|error| damaged(file, &format!("{error:#}")))?;
    Ok(bytes)
}

/// Compares a file of weights with the checksum in it; whether it has one, which earlier runners did not write.
///
/// # Errors
///
/// What is wrong with the file.
pub(crate) fn verify(bytes: &[u8]) -> anyhow::Result<bool> {
    let (_, header) = SafeTensors::read_metadata(bytes).context("not a whole file of weights")?;
    let metadata = header.metadata().as_ref();
    match metadata.and_then(|metadata| metadata.get(integrity::KEY)) {
        Some(found) => integrity::verify(bytes, found).map(|()| true),
        None => Ok(false),
    }
}

/// Whether a file has these weights, maybe under the names of earlier runners.
pub(crate) fn is_same(file: &[u8], weights: &[u8]) -> bool {
    let renamed = legacy::weights(file).ok().flatten();
    renamed.as_deref().unwrap_or(file) == weights
}

/// Puts weights into a network of the same layers, also those of a run made before parameters had the names of
/// today. `file` stands for them in messages.
///
/// # Errors
///
/// [`RunnerError::Checkpoint`] with the tensor that is missing, or of another shape.
pub(crate) fn load(network: &mut Network, bytes: Vec<u8>, file: &Path) -> Result<()> {
    let renamed = legacy::weights(&bytes).map_err(|error| damaged(file, &error))?;
    if renamed.is_some() {
        tracing::warn!("{}: {}", file.display(), legacy::WARNING);
    }
    let mut store = SafetensorsStore::from_bytes(Some(renamed.unwrap_or(bytes)))
        .skip_enum_variants(true)
        .validate(false)
        .allow_partial(true);
    let result = network
        .load_from(&mut store)
        .map_err(|error| damaged(file, &error))?;
    let problem = if let Some(error) = result.errors.first() {
        match error {
            ApplyError::ShapeMismatch {
                path,
                expected,
                found,
            } => format!(
                "`{path}` has shape {:?}, expected {:?} by the config",
                found.to_vec(),
                expected.to_vec()
            ),
            other => other.to_string(),
        }
    } else if let Some((path, _)) = result.missing.first() {
        format!("`{path}` is missing, which the config's network has")
    } else if let Some(path) = result.unused.first() {
        format!("`{path}` belongs to no layer of the config's network")
    } else {
        return Ok(());
    };
    Err(damaged(file, &problem))
}

/// The units that a network takes and the classes that it tells apart, by the bytes of a safetensors file of its weights; none
/// of a network whose first layer has no weights of one input each.
pub(crate) fn ends(bytes: &[u8]) -> Option<[usize; 2]> {
    let renamed = legacy::weights(bytes).ok()?;
    let tensors = SafeTensors::deserialize(renamed.as_deref().unwrap_or(bytes)).ok()?;
    let shape = |name: &str| <[usize; 2]>::try_from(tensors.tensor(name).ok()?.shape()).ok();
    let [units, _] = shape("hidden.0.linear.weight")?;
    let [_, classes] = shape("readout.linear.weight")?;
    Some([units, classes])
}

/// The parameters, by name, that hold a float32 number that is not finite, of the bytes of a safetensors file.
pub(crate) fn not_finite(bytes: &[u8]) -> Vec<String> {
    let Ok(tensors) = SafeTensors::deserialize(bytes) else {
        return Vec::new();
    };
    let is_finite = |bytes: &[u8]| {
        let mut numbers = bytes.as_chunks::<4>().0.iter();
        numbers.all(|&bytes| f32::from_le_bytes(bytes).is_finite())
    };
    let all = tensors.iter();
    let bad = all.filter(|(_, tensor)| !is_finite(tensor.data()));
    let mut names: Vec<_> = bad.map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names
}

/// What a person should know of decays β beyond [0, 1], which training may leave in a file and a network clamps when it
/// reads them.
pub(crate) fn beta_beyond(bytes: &[u8]) -> Option<String> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let mut found = Vec::new();
    for (name, tensor) in tensors.iter() {
        if name.rsplit('.').next() != Some("beta") {
            continue;
        }
        let numbers = tensor.data().as_chunks::<4>().0.iter();
        let numbers: Vec<f32> = numbers.map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let beyond = numbers.iter().filter(|beta| !(0.0..=1.0).contains(*beta));
        let count = beyond.count();
        if count > 0 {
            let least = numbers.iter().copied().fold(f32::INFINITY, f32::min);
            let most = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            found.push(format!(
                "{count} of {} in `{name}` ({least} to {most})",
                numbers.len()
            ));
        }
    }
    found.sort();
    (!found.is_empty()).then(|| {
        format!(
            "decays β beyond [0, 1]: {}; the network takes them as 0 and 1, so whoever reads the file elsewhere must too",
            found.join(", ")
        )
    })
}

fn damaged(file: &Path, problem: &impl ToString) -> RunnerError {
    RunnerError::Checkpoint {
        path: file.to_path_buf(),
        problem: problem.to_string().replace('\n', " "),
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use super::*;

    #[test]
    fn every_bit_of_a_file_of_weights_counts() {
        let network = block_models::NetworkConfig::of([2]);
        let network = network.init(
            block_models::Shape::Units(1),
            1,
            &burn::tensor::Device::flex(),
        );
        let network = network.unwrap();
        let bytes = to_bytes(&network, Path::new("a")).unwrap();
        assert_eq!(bytes, to_bytes(&network, Path::new("b")).unwrap());
        assert!(verify(&bytes).unwrap());
        let header = bytes.len() - 4 * network.num_params();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            // A name in the header may become that of no checksum; the run's folder knows better.
            assert!(
                !verify(&changed).is_ok_and(|checked| checked || at >= header),
                "byte {at}"
            );
        }
        assert!(verify(&bytes[..bytes.len() - 1]).is_err() && verify(b"").is_err());
    }

    #[test]
    fn a_parameter_that_is_no_number_is_found() {
        let bytes = |last: f32| {
            let numbers = [1.0, f32::MAX, last].map(f32::to_le_bytes).concat();
            let view = TensorView::new(Dtype::F32, vec![3], &numbers).unwrap();
            safetensors::serialize([("b", view.clone()), ("a", view)], None).unwrap()
        };
        assert!(not_finite(&bytes(-2.0)).is_empty());
        for bad in [f32::NAN, f32::INFINITY] {
            assert_eq!(not_finite(&bytes(bad)), ["a", "b"]);
        }
    }
}
