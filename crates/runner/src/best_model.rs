//! The best model of a run, to look at.

use std::fs;
use std::path::Path;

use block_models::Network;
use burn::tensor::Device;

use crate::config::Config;
use crate::error::{Result, RunnerError};
use crate::plan::Plan;
use crate::run_folder::{self, BEST, CONFIG};
use crate::train::restore;
use crate::weights;

/// The best model of a run with its config and test split.
pub struct BestModel {
    /// What the run does; its training split is empty.
    pub plan: Plan,
    /// The network after the run's best epoch, without autodiff.
    pub network: Network,
}

impl BestModel {
    /// Reads a run folder, whose data lie where its config says.
    ///
    /// # Errors
    ///
    /// [`RunnerError`] with what is missing, damaged, or does not fit.
    pub fn load(run: &Path, device: &Device) -> Result<Self> {
        run_folder::check(run)?;
        let path = run.join(BEST);
        let bytes = fs::read(&path).map_err(|source| RunnerError::Read {
            path: path.clone(),
            source,
            expected: "the weights of the run's best epoch, written when an epoch ends",
        })?;
        weights::verify(&bytes).map_err(|error| RunnerError::Checkpoint {
            path: path.clone(),
            problem: format!("{error:#}; put it back from a copy"),
        })?;
        let config = Config::load(&run.join(CONFIG), &[])?;
        let plan = Plan::prepare_test(config)?;
        let network = restore(&plan, device, bytes, &path)?;
        Ok(Self { plan, network })
    }
}
