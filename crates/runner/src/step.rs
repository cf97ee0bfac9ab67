//! A step of the training: the network on a batch, the loss, and Adam.

use block_core::LayerInput;
use block_data::SpikeBatch;
use block_models::{Adam, Network, Penalties};
use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor};

use crate::error::Result;

/// A batch after its forward pass.
pub struct Forward {
    /// The mean cross entropy plus the penalty, `[1]`, for the backward pass.
    pub loss: Tensor<1>,
    /// The loss on the host.
    pub loss_value: f32,
    /// The penalty on the host, 0 without one.
    pub penalty_value: f32,
    /// The network's answer for each sample.
    pub predicted: Vec<usize>,
    /// The class of each sample.
    pub targets: Vec<usize>,
    /// Spikes of each hidden layer, all samples together.
    pub spikes: Vec<u64>,
}

impl Forward {
    /// Runs a network on a batch, adds the penalties to the loss, and waits for the numbers.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Spikes`](crate::RunnerError::Spikes) if the batch does not fit the network.
    pub fn run(network: &Network, batch: SpikeBatch, penalties: Penalties) -> Result<Self> {
        let (spikes, targets): (LayerInput, Tensor<1, Int>) = batch.into();
        let (output, penalty) = match penalties.are_zero() {
            true => (network.forward(&spikes)?, None),
            false => {
                let (output, hidden) = network.layered(&spikes)?;
                (output, penalties.of(&hidden))
            }
        };
        let mut loss = output.cross_entropy(targets.clone());
        let mut penalty_value = 0.0;
        if let Some(penalty) = penalty {
            penalty_value = penalty.clone().detach().into_scalar();
            loss = loss + penalty;
        }
        let total = |counts: Tensor<1, Int>| counts.into_data().iter::<i64>().sum::<i64>() as u64;
        Ok(Self {
            loss_value: loss.clone().detach().into_scalar(),
            penalty_value,
            loss,
            predicted: output.answers(),
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
