//! What came out of a run, from its logs and the kept model's test.

use burn::module::Module;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::files::read_lines;
use crate::metrics::{BatchTimes, EpochRecord, microseconds};
use crate::plan::Plan;
use crate::room::peak_memory_bytes;
use crate::run_folder::{BATCHES, EPOCHS, RunFolder};
use block_core::device::NamedDevice;

/// Written to `summary.json`. Timings and memory apart, it is the same in every run of a config
/// on a device. Null stands where there was nothing to measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The data set.
    pub data: String,
    /// The fraction of the test split that the kept model gets right.
    pub test_accuracy: Option<f64>,
    /// The kept model's mean loss on the test split.
    pub test_loss: Option<f64>,
    /// The kept model's hidden spikes a test sample, all layers together.
    pub hidden_spikes_per_sample: Option<f64>,
    /// The kept model's hidden spikes a test sample, layer by layer.
    pub hidden_spikes_per_sample_by_layer: Vec<f64>,
    /// The mean training loss of the last epoch.
    pub train_loss: Option<f64>,
    /// The training accuracy of the last epoch.
    pub train_accuracy: Option<f64>,
    /// The epoch whose model was kept: that of the lowest training loss, from 1.
    pub best_epoch: usize,
    /// Finished epochs.
    pub epochs: usize,
    /// Numbers that the network consists of.
    pub parameters: usize,
    /// The seed.
    pub seed: u64,
    /// The device.
    pub device: String,
    /// Threads that compute.
    pub threads: usize,
    /// A training pass, loader included, evaluation not: the median, without the first epoch when
    /// there are more.
    pub seconds_per_epoch: Option<f64>,
    /// Forward, backward and Adam of a batch: the median, without the first epoch when there are
    /// more.
    pub step_seconds_median: Option<f64>,
    /// The most memory that the process had at once, where the system tells it.
    pub peak_memory_bytes: Option<u64>,
}

impl Summary {
    /// The summary of a finished run.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Checkpoint`](crate::RunnerError::Checkpoint) if a log is damaged.
    pub fn new(
        plan: &Plan,
        device: &NamedDevice,
        folder: &RunFolder,
        test: &Evaluation,
        best_epoch: usize,
    ) -> Result<Self> {
        let epochs: Vec<EpochRecord> = read_lines(&folder.file(EPOCHS))?.values;
        let batches: Vec<BatchTimes> = read_lines(&folder.file(BATCHES))?.values;
        let finished = plan.config.train.epochs;
        // The lines of some epochs may have been lost.
        let last = epochs.last().filter(|record| record.epoch == finished);
        let first = if finished > 1 { 2 } else { 1 };
        let passes = epochs.iter().filter(|record| record.epoch >= first);
        let steps = batches.iter().filter(|batch| batch.epoch >= first);
        let step =
            |batch: &BatchTimes| microseconds(batch.forward_seconds + batch.backward_seconds);
        Ok(Self {
            data: plan.source.name().to_string(),
            test_accuracy: test.totals.accuracy(),
            test_loss: test.totals.mean_loss(),
            hidden_spikes_per_sample: test.totals.hidden_spikes(),
            hidden_spikes_per_sample_by_layer: test.totals.hidden_spikes_by_layer(),
            train_loss: last.and_then(|record| record.train_loss),
            train_accuracy: last.and_then(|record| record.train_accuracy),
            best_epoch,
            epochs: finished,
            parameters: plan.network.num_params(),
            seed: plan.config.seed,
            device: device.name.clone(),
            threads: device.threads(),
            seconds_per_epoch: median(passes.map(|record| record.train_seconds).collect()),
            step_seconds_median: median(steps.map(step).collect()),
            peak_memory_bytes: peak_memory_bytes(),
        })
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        len if len % 2 == 1 => Some(values[middle]),
        _ => Some(microseconds((values[middle - 1] + values[middle]) / 2.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
