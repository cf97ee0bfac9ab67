//! Trains on Yin-Yang in plain Burn: `cargo run -p block-models --example yin_yang`.

#![expect(clippy::print_stdout, reason = "an example")]

use block_core::FusedAdam;
use block_data::{Encoding, Locations, SpikeLoader, open};
use block_models::{NetworkConfig, Shape};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex().autodiff();
    let data = open("yin-yang", &Locations::new(None))?;
    let loader = SpikeLoader::new(data.train(), Encoding::new(100)?, 128)?.with_shuffle(0);
    let mut config = NetworkConfig::of([120]);
    config.init_scale = 4.0;
    let mut network = config.init(Shape::Units(4), 3, &device)?;
    let mut adam = ModuleOptimizer::from(FusedAdam::default());
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    for epoch in 0..5 {
        let mut sum = 0.0;
        for batch in loader.epoch(epoch) {
            let batch = batch?;
            let logits = network.forward(&batch.input.into_events()?.into())?.logits;
            let loss = cross_entropy.forward(logits, batch.targets);
            sum += loss.clone().detach().into_scalar::<f32>();
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = adam.step(0.001, network, gradients);
        }
        println!(
            "epoch {}: mean loss {:.3}",
            epoch + 1,
            sum / loader.batches() as f32
        );
    }
    Ok(())
}
