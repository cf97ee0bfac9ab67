//! Weights of a network as the bytes of a safetensors file.

use std::path::Path;

use block_models::Network;
use burn_store::{ApplyError, ModuleSnapshot, SafetensorsStore};

use crate::error::{Result, RunnerError};
use crate::legacy;

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
        .metadata("format", "safetensors");
    network
        .save_into(&mut store)
        .and_then(|()| store.get_bytes())
        .map_err(|error| damaged(file, &error))
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

fn damaged(file: &Path, problem: &impl ToString) -> RunnerError {
    RunnerError::Checkpoint {
        path: file.to_path_buf(),
        problem: problem.to_string().replace('\n', " "),
    }
}
