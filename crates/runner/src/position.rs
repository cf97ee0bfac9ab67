//! How far a run is, as a checkpoint says it.

use std::collections::BTreeMap;

use block_data::counted;
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::metrics::{Totals, bits};

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Finished epochs.
    pub epochs: usize,
    /// Batches done of the epoch after those.
    pub batches: usize,
    /// Sums over these batches.
    pub totals: Totals,
    /// Seconds that these batches took, loader included.
    pub seconds: f64,
    /// What of that was spent waiting for the loader.
    pub wait_seconds: f64,
    /// The learning rate.
    #[serde(with = "bits")]
    pub learning_rate: f64,
    /// The epoch with the lowest loss, from 1.
    pub best: Option<Best>,
    /// Bytes of `epochs.jsonl`.
    pub epochs_length: u64,
    /// Bytes of `batches.jsonl`.
    pub batches_length: u64,
    /// Steps of Adam, by the parameter's path.
    pub adam_steps: BTreeMap<String, usize>,
}

/// The epoch whose model is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Its loss.
    #[serde(with = "bits")]
    pub loss: f64,
}

impl Position {
    /// Begins the epoch under way anew, as what comes is another training: the learning rate is the one that `train` has
    /// at this epoch, and losses of before tell nothing of the best epoch to come.
    pub(crate) fn accept_changes(&mut self, train: &TrainConfig) {
        self.batches = 0;
        self.totals = Totals::default();
        (self.seconds, self.wait_seconds) = (0.0, 0.0);
        let milestones = train.milestones.iter().filter(|&&at| at <= self.epochs);
        self.learning_rate = milestones.fold(train.learning_rate, |rate, _| rate * train.gamma);
        if self.epochs < train.epochs {
            self.best = None;
        }
    }

    /// Before the first batch.
    pub(crate) fn start(learning_rate: f64) -> Self {
        Self {
            epochs: 0,
            batches: 0,
            totals: Totals::default(),
            seconds: 0.0,
            wait_seconds: 0.0,
            learning_rate,
            best: None,
            epochs_length: 0,
            batches_length: 0,
            adam_steps: BTreeMap::new(),
        }
    }

    /// Whether a training of `samples` samples in batches of `batch_size` can be there, else what cannot be.
    pub(crate) fn check(&self, samples: usize, batch_size: usize) -> Result<(), String> {
        let batches = samples.div_ceil(batch_size);
        if self.batches > batches {
            return Err(format!(
                "it has done {} of an epoch, which has {batches} by the config",
                counted(self.batches, "batch")
            ));
        }
        let (done, found) = (
            (self.batches * batch_size).min(samples),
            self.totals.samples,
        );
        if found != done as u64 {
            return Err(format!(
                "its {} had {}, expected {done} by the config",
                counted(self.batches, "batch"),
                counted(found, "sample")
            ));
        }
        let best = self
            .best
            .is_none_or(|best| (1..=self.epochs).contains(&best.epoch) && best.loss.is_finite());
        let rate = self.learning_rate.is_finite() && self.learning_rate > 0.0;
        match best && rate && self.totals.loss.is_finite() {
            true => Ok(()),
            false => {
                Err("its loss, learning rate or best epoch cannot be a training's".to_string())
            }
        }
    }
}
