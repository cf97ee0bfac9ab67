//! The config that a command line means.

use std::path::Path;

use crate::config::{Config, absolute_folder};
use crate::error::{Result, RunnerError};

/// A config with the folder of data sets that the command line names.
pub(super) fn load(path: &Path, set: &[String], data_dir: Option<&Path>) -> Result<Config> {
    let mut config = Config::load(path, set)?;
    if let Some(folder) = data_dir {
        let absolute = absolute_folder(folder).map_err(|expected| {
            RunnerError::Usage(format!("--data-dir is {folder:?}, expected {expected}"))
        })?;
        config.data.dir = Some(absolute);
    }
    Ok(config)
}
