//! Trains on Yin-Yang with Burn's `Learner`: `cargo run -p block-models --features train --example learner`.

#![expect(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use block_core::FusedAdam;
use block_data::{Encoding, Locations, SpikeLoader, open};
use block_models::{Network, NetworkConfig, Shape};
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Int, Tensor};
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{Learner, SupervisedTraining};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join("yin-yang-learner");
    let accuracy = train(20, &folder)?;
    println!(
        "test accuracy {accuracy:.3}; the learner's logs are in {}",
        folder.display()
    );
    Ok(())
}

/// The share of the test split that a network classifies as it should, after so many epochs.
pub(crate) fn train(epochs: usize, folder: &Path) -> Result<f64, Box<dyn Error>> {
    let data = open("yin-yang", &Locations::new(None))?;
    let (train, validation) = data.split_validation(0.1, 0)?;
    let loader = |samples| SpikeLoader::new(samples, Encoding::new(100)?, 128);
    let device = Device::flex();
    device.seed(0);
    let mut config = NetworkConfig::of([120]);
    config.init_scale = 4.0;
    let network = config.init(Shape::Units(4), 3, &device.clone().autodiff())?;
    let learner = Learner::new(network, ModuleOptimizer::from(FusedAdam::default()), 0.001);
    let train = Arc::new(loader(train)?.with_shuffle(0));
    let validation = Arc::new(loader(validation)?);
    let trained = SupervisedTraining::<Network>::new(folder, train, validation)
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .num_epochs(epochs)
        .summary()
        .launch(learner);
    if let Some(error) = trained.error {
        return Err(error.into());
    }
    accuracy(&trained.model, &loader(data.test())?.with_device(device))
}

fn accuracy(network: &Network, loader: &SpikeLoader) -> Result<f64, Box<dyn Error>> {
    let mut right = 0;
    for batch in loader.epoch(0) {
        let (spikes, classes): (_, Tensor<1, Int>) = batch?.into();
        let found = network
            .forward(&spikes)?
            .logits
            .argmax(1)
            .squeeze_dim::<1>(1);
        right += found.equal(classes).int().sum().into_scalar::<i64>();
    }
    Ok(right as f64 / loader.len() as f64)
}
