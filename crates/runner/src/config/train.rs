use block_models::Penalties;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

use super::tree::Tree;
use crate::error::Result;

/// `[train]`: the training.
#[derive(Debug, Clone, PartialEq, SmartDefault, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training samples.
    #[default(140)]
    #[schemars(range(min = 1, max = 16_777_216))]
    pub epochs: usize,
    /// Samples of a batch.
    #[default(128)]
    #[schemars(range(min = 1, max = 16_777_216))]
    pub batch_size: usize,
    /// Adam's learning rate at first.
    #[default(0.001)]
    #[schemars(range(min = 1e-30, max = 1e38))]
    pub learning_rate: f64,
    /// Numbers of finished epochs, in increasing order, at which the learning rate falls, the best model is
    /// loaded and Adam starts afresh.
    #[default(vec![15, 90, 120])]
    #[schemars(inner(range(min = 1, max = 16_777_216)))]
    pub milestones: Vec<usize>,
    /// What the learning rate is multiplied by at a milestone.
    #[default(0.1)]
    #[schemars(range(min = 1e-30, max = 1))]
    pub gamma: f64,
    /// λ of hidden spikes: the loss grows by λ times the mean number of a sample's hidden spikes. With a penalty, of
    /// spikes or of silence, hidden layers and readout run one by one, which takes longer.
    #[default(0.0)]
    #[schemars(range(min = 0, max = 1e30))]
    pub spike_penalty: f64,
    /// λ of silent neurons: the loss grows by λ times the mean of (1 − max V)² over the samples of a batch and
    /// the hidden neurons that fire on none of them, with the highest potential V of all time steps.
    #[default(0.0)]
    #[schemars(range(min = 0, max = 1e30))]
    pub silence_penalty: f64,
}

impl TrainConfig {
    /// What is added to the cross entropy.
    pub fn penalties(&self) -> Penalties {
        Penalties {
            spikes: self.spike_penalty,
            silence: self.silence_penalty,
        }
    }

    pub(super) fn check(&self, tree: &Tree) -> Result<()> {
        if self.milestones.windows(2).any(|pair| pair[0] >= pair[1]) {
            let expected = "numbers of finished epochs in increasing order";
            return Err(tree.refuse("train.milestones", expected));
        }
        Ok(())
    }
}
