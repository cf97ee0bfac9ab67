//! What is measured of batches and epochs, and the lines of the logs.

use serde::{Deserialize, Serialize};

use crate::step::Forward;

/// Sums over the samples of an epoch, or of a part of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Samples.
    pub samples: u64,
    /// Samples for which the network's answer is their class.
    pub correct: u64,
    /// Losses.
    #[serde(with = "bits")]
    pub loss: f64,
    /// The part of the losses that is the penalty of spikes and silence.
    #[serde(default, with = "bits")]
    pub penalty: f64,
    /// Spikes of each hidden layer.
    pub spikes: Vec<u64>,
}

impl Totals {
    /// The sums over one batch.
    pub fn of(forward: &Forward) -> Self {
        let pairs = forward.predicted.iter().zip(&forward.targets);
        let samples = forward.targets.len() as u64;
        Self {
            samples,
            correct: pairs
                .filter(|(predicted, target)| predicted == target)
                .count() as u64,
            loss: f64::from(forward.loss_value) * samples as f64,
            penalty: f64::from(forward.penalty_value) * samples as f64,
            spikes: forward.spikes.clone(),
        }
    }

    /// Adds more samples.
    pub fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.correct += other.correct;
        self.loss += other.loss;
        self.penalty += other.penalty;
        self.spikes.resize(other.spikes.len(), 0);
        for (sum, spikes) in self.spikes.iter_mut().zip(&other.spikes) {
            *sum += spikes;
        }
    }

    fn per_sample(&self, sum: f64) -> Option<f64> {
        (self.samples > 0).then(|| sum / self.samples as f64)
    }

    /// The mean loss; none without samples.
    pub fn mean_loss(&self) -> Option<f64> {
        self.per_sample(self.loss)
    }

    /// The part of the mean loss that is the penalty of spikes and silence; none without samples.
    pub fn mean_penalty(&self) -> Option<f64> {
        self.per_sample(self.penalty)
    }

    /// The fraction of correct samples; none without samples.
    pub fn accuracy(&self) -> Option<f64> {
        self.per_sample(self.correct as f64)
    }

    /// Hidden spikes a sample, all layers together; none without samples, or without layers that spike.
    pub fn hidden_spikes(&self) -> Option<f64> {
        let spikes = self
            .spikes
            .iter()
            .copied()
            .reduce(|sum, spikes| sum + spikes)?;
        self.per_sample(spikes as f64)
    }

    /// Hidden spikes a sample, layer by layer; empty without samples.
    pub fn hidden_spikes_by_layer(&self) -> Vec<f64> {
        let one = |&spikes: &u64| self.per_sample(spikes as f64);
        self.spikes.iter().filter_map(one).collect()
    }
}

/// A line of `batches.jsonl`: a batch before its update. Keys that end in `_seconds` are timings,
/// all else is the same in every run of a config.
#[derive(Debug, Clone, Serialize)]
pub struct BatchRecord {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Batch of the epoch, from 1.
    pub batch: usize,
    /// Samples of the batch.
    pub samples: u64,
    /// The mean loss: cross entropy and penalty.
    pub loss: f32,
    /// The part of the loss that is the penalty of spikes and silence, where the config has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty: Option<f64>,
    /// The fraction of correct samples.
    pub accuracy: Option<f64>,
    /// Hidden spikes a sample, all layers together.
    pub hidden_spikes: Option<f64>,
    /// Hidden spikes a sample, layer by layer.
    pub hidden_spikes_by_layer: Vec<f64>,
    /// The forward pass, until loss, scores and spike counts are on the host.
    pub forward_seconds: f64,
    /// The backward pass and Adam, until the device is done.
    pub backward_seconds: f64,
}

/// What of such a line a summary needs.
#[derive(Debug, Deserialize)]
pub(crate) struct BatchTimes {
    pub epoch: usize,
    pub batch: usize,
    pub forward_seconds: f64,
    pub backward_seconds: f64,
}

/// A line of `epochs.jsonl`. Null stands where there was nothing to measure. Keys that end in `_seconds` are timings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epoch, from 1.
    pub epoch: usize,
    /// The learning rate during the epoch.
    pub learning_rate: f64,
    /// The mean loss over the samples, while the weights change.
    pub train_loss: Option<f64>,
    /// The part of the loss that is the penalty of spikes and silence, where the config has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_penalty: Option<f64>,
    /// The fraction of correct samples, while the weights change.
    pub train_accuracy: Option<f64>,
    /// Hidden spikes a sample, all layers together.
    pub hidden_spikes: Option<f64>,
    /// Hidden spikes a sample, layer by layer.
    pub hidden_spikes_by_layer: Vec<f64>,
    /// The mean loss on the validation samples.
    pub validation_loss: Option<f64>,
    /// The fraction of correct validation samples.
    pub validation_accuracy: Option<f64>,
    /// Hidden spikes a validation sample.
    pub validation_hidden_spikes: Option<f64>,
    /// Whether the epoch's training loss is the lowest so far, so that the model is kept.
    pub best: bool,
    /// The training pass, loader included.
    pub train_seconds: f64,
    /// The part of the training pass that was spent waiting for the loader.
    pub wait_seconds: f64,
    /// The validation pass.
    pub validation_seconds: Option<f64>,
}

/// A measured number with some decimals, times a factor; a dash where there was nothing to measure.
pub(crate) fn shown(value: Option<f64>, factor: f64, decimals: usize) -> String {
    match value {
        Some(value) => format!("{:.decimals$}", factor * value),
        None => "–".to_string(),
    }
}

/// A number of seconds without meaningless digits.
pub(crate) fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// Floats as the integer of the same bits: text would have to be parsed without any rounding.
pub(crate) mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the bits.
    ///
    /// # Errors
    ///
    /// The serializer's.
    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.to_bits().serialize(serializer)
    }

    /// Reads the bits.
    ///
    /// # Errors
    ///
    /// The deserializer's.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_survive_json_to_the_last_bit() {
        let totals = Totals {
            samples: 3,
            correct: 1,
            loss: 0.1 + 0.2,
            penalty: 0.25,
            spikes: vec![7, 2],
        };
        let text = serde_json::to_string(&totals).unwrap();
        assert_eq!(serde_json::from_str::<Totals>(&text).unwrap(), totals);
        assert_eq!(totals.hidden_spikes(), Some(3.0));
    }

    #[test]
    fn nothing_is_measured_over_nothing() {
        let none = Totals::default();
        assert_eq!((none.mean_loss(), none.accuracy()), (None, None));
        assert_eq!(none.hidden_spikes(), None);
        assert_eq!(shown(none.accuracy(), 100.0, 2), "–");
        let none = Totals {
            spikes: vec![0, 0],
            ..none
        };
        assert_eq!(none.hidden_spikes_by_layer(), [0.0; 0]);
        let silent = Totals {
            samples: 2,
            ..Totals::default()
        };
        assert_eq!(
            (silent.accuracy(), silent.hidden_spikes()),
            (Some(0.0), None)
        );
    }
}
