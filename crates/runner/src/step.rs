//! A step of the training: the network on a batch, the loss, and Adam.

use block_core::LayerInput;
use block_data::SpikeBatch;
use block_models::{Adam, Network};
use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor};

use crate::error::Result;

/// A batch after its forward pass.
pub struct Forward {
    /// The mean cross entropy, `[1]`, for the backward pass.
    pub loss: Tensor<1>,
    /// The same on the host.
    pub loss_value: f32,
    /// The class of highest score of each sample.
    pub predicted: Vec<usize>,
    /// The class of each sample.
    pub targets: Vec<usize>,
    /// Spikes of each hidden layer, all samples together.
    pub spikes: Vec<u64>,
}

impl Forward {
    /// Runs a network on a batch, and waits for the numbers.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Spikes`](crate::RunnerError::Spikes) if the batch does not fit the network.
    pub fn run(network: &Network, batch: SpikeBatch) -> Result<Self> {
        let (spikes, targets): (LayerInput, Tensor<1, Int>) = batch.try_into()?;
        let output = network.forward(&spikes)?;
        let classes = output.logits.dims()[1];
        let loss = output.cross_entropy(targets.clone());
        let logits: Vec<f32> = output.logits.detach().into_data().iter().collect();
        let total = |counts: Tensor<1, Int>| counts.into_data().iter::<i64>().sum::<i64>() as u64;
        Ok(Self {
            loss_value: loss.clone().detach().into_scalar(),
            loss,
            predicted: logits.chunks_exact(classes).map(argmax).collect(),
            targets: targets
                .into_data()
                .iter::<i64>()
                .map(|class| class as usize)
                .collect(),
            spikes: output.hidden_spikes.into_iter().map(total).collect(),
        })
    }

    /// Takes a step of Adam against the gradient of the loss.
    pub fn update(self, network: Network, adam: &mut Adam, rate: f64) -> Network {
        let gradients = GradientsParams::from_grads(self.loss.backward(), &network);
        adam.step(rate, network, gradients)
    }
}

/// The first of the largest.
fn argmax(scores: &[f32]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_scores_wins() {
        assert_eq!(argmax(&[1.0, 2.0, 2.0]), 1);
        assert_eq!(argmax(&[f32::NAN, 2.0]), 0);
    }
}
