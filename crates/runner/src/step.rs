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
    /// The network's answer for each sample.
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
        let loss = output.cross_entropy(targets.clone());
        let total = |counts: Tensor<1, Int>| counts.into_data().iter::<i64>().sum::<i64>() as u64;
        Ok(Self {
            loss_value: loss.clone().detach().into_scalar(),
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
