//! A network as a model of Burn's `Learner`.

use block_core::LayerInput;
use burn::tensor::{Int, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};

use crate::{Network, NetworkOutput};

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
    ClassificationOutput::new(loss, ranked(&output), classes)
}

/// The logits, with each sample's answer above the others of equal score: Burn's metrics take the first of these.
fn ranked(output: &NetworkOutput) -> Tensor<2> {
    let logits = output.logits.clone().detach();
    if output.decider.is_none() {
        return logits;
    }
    let answers: Vec<i64> = output
        .answers()
        .iter()
        .map(|&answer| answer as i64)
        .collect();
    let answers = Tensor::<1, Int>::from_data(&answers[..], &logits.device());
    let answers = answers.one_hot::<2>(logits.dims()[1]).float();
    let answers = answers.cast(logits.dtype());
    // More than the rounding of a score, less than what a step makes in any usual number of steps.
    let above = logits.clone().abs() * 1e-5 + 1e-5;
    logits + answers * above
}
