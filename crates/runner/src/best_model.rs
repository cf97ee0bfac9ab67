//! The best model of a run, to look at.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use block_models::Network;
use burn::tensor::Device;

use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::error::{Result, RunnerError};
use crate::plan::Plan;
use crate::run_folder::{self, BEST, CONFIG, PREVIOUS, RESUME};
use crate::train::restore;
use crate::weights;

/// How often weights and checkpoint are read until they agree: a training in progress may write both.
const READINGS: usize = 4;

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
        let (bytes, _) = best_weights(run)?;
        let config = Config::load(&run.join(CONFIG), &[])?;
        let plan = Plan::prepare_test(config)?;
        let network = restore(&plan, device, bytes, &path)?;
        Ok(Self { plan, network })
    }
}

/// The weights to score, if they are what the run's folder says of its best epoch, and the run's checkpoint.
///
/// # Errors
///
/// [`RunnerError::Checkpoint`] if they were changed or damaged, [`RunnerError::Read`].
pub(crate) fn best_weights(run: &Path) -> Result<(Vec<u8>, Option<Checkpoint>)> {
    let path = run.join(BEST);
    let mut reading = 1;
    loop {
        let bytes = fs::read(&path).map_err(|source| RunnerError::Read {
            path: path.clone(),
            source,
            expected: "the weights of the run's best epoch, written when an epoch ends",
        })?;
        let last = Checkpoint::look_at(&run.join(RESUME));
        let is_last = last.as_ref().map(|last| last.has_best(&bytes));
        if is_last == Some(false) && reading < READINGS {
            reading += 1;
            sleep(Duration::from_millis(50));
            continue;
        }
        let previous = || Checkpoint::look_at(&run.join(PREVIOUS));
        let refuse = |problem: String, last: Option<&Checkpoint>| {
            let remedy = match last.is_some_and(|last| last.best.is_some()) {
                true => format!(
                    "--resume {} writes it anew from the checkpoint",
                    run.display()
                ),
                false => "put it back from a copy".to_string(),
            };
            let (path, problem) = (path.clone(), format!("{problem}; {remedy}"));
            RunnerError::Checkpoint { path, problem }
        };
        let checked = weights::verify(&bytes);
        let checked = checked.map_err(|error| refuse(format!("{error:#}"), last.as_ref()))?;
        let place = path.display();
        match is_last {
            Some(true) => (),
            Some(false) if previous().is_some_and(|previous| previous.has_best(&bytes)) => {
                tracing::warn!(
                    "{place} is the best model of the checkpoint before the last one: the run was ended while it wrote the \
                     last one's, which --resume does"
                );
            }
            Some(false) => {
                let problem = format!(
                    "found other weights than those of the run's best epoch, which {RESUME} has: the file was changed, or \
                     belongs to another run"
                );
                return Err(refuse(problem, last.as_ref()));
            }
            None if checked => tracing::warn!(
                "{place} is whole; without {RESUME} it cannot be told whether it belongs to the run"
            ),
            None => tracing::warn!(
                "{place} was made by an earlier runner, which kept no checksum of weights: without {RESUME} it cannot be \
                 told whether it is whole and belongs to the run"
            ),
        }
        return Ok((bytes, last.or_else(previous)));
    }
}
