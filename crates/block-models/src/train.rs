//! A network as a model of Burn's `Learner`.

use block_core::LayerInput;
use burn::tensor::{Int, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};

use crate::Network;

/// Forward and backward pass of a batch: its spikes `[batch, time, inputs]` and its classes `[batch]`. The loss is the
/// mean cross entropy.
///
/// # Panics
///
/// `step` panics if the spikes do not fit the network, as the trait has no way to return an error.
impl TrainStep for Network {
    type Input = (LayerInput, Tensor<1, Int>);
    type Output = ClassificationOutput;

    fn step(&self, batch: Self::Input) -> TrainOutput<ClassificationOutput> {
        let output = classify(self, batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

/// Forward pass of a batch, with the same loss.
///
/// # Panics
///
/// `step` panics if the spikes do not fit the network.
impl InferenceStep for Network {
    type Input = (LayerInput, Tensor<1, Int>);
    type Output = ClassificationOutput;

    fn step(&self, batch: Self::Input) -> ClassificationOutput {
        classify(self, batch)
    }
}

fn classify(
    network: &Network,
    (spikes, classes): (LayerInput, Tensor<1, Int>),
) -> ClassificationOutput {
    let output = match network.forward(&spikes) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    };
    let loss = output.cross_entropy(classes.clone());
    ClassificationOutput::new(loss, output.logits, classes)
}
