//! What is meant by a name, and where it is.

use std::path::Path;

use block_data::{DATA_SETS, DataSet, DataSource, EventFiles, Locations};

use super::arguments::DataPlace;
use crate::cli::load::load;
use crate::error::Result;
use crate::plan::Plan;

/// How samples become spikes, as far as that is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Steps {
    /// Time steps.
    pub steps: Option<usize>,
    /// Milliseconds of a step.
    pub dt: Option<f32>,
}

/// The data set that is meant, also by its name without hyphens.
pub(super) fn known(name: &str) -> Option<&'static DataSet> {
    let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
    DATA_SETS.iter().find(|set| plain(set.name) == plain(name))
}

impl DataPlace {
    /// Where data sets are looked for.
    pub(crate) fn locations(&self) -> Locations {
        Locations::new(self.data_dir.clone())
    }

    /// Opens a data set by its name, that of a config, or recordings by their path; and its time steps,
    /// with the milliseconds of each for recordings.
    pub(crate) fn open(&self, name: &str) -> Result<(DataSource, Steps)> {
        let path = Path::new(name);
        if path.extension().is_some_and(|end| end == "toml") {
            let config = load(path, &[], self.data_dir.as_deref())?;
            let steps = Steps {
                steps: Some(config.encode.steps),
                dt: config.encode.dt.map(|dt| dt as f32),
            };
            return Ok((Plan::prepare(config)?.source, steps));
        }
        let set = known(name);
        if set.is_none() && path.exists() {
            let files = EventFiles {
                train: path.to_path_buf(),
                test: path.to_path_buf(),
                units: None,
                classes: None,
            };
            let source = files.open(&Locations::new(None))?;
            return Ok((source, Steps::default()));
        }
        let set = set.map_or_else(|| DataSet::known(name), Ok)?;
        let steps = Steps {
            steps: set.timing.map(|timing| timing.steps),
            dt: set.timing.map(|timing| timing.dt),
        };
        Ok((set.open(&self.locations())?, steps))
    }
}
