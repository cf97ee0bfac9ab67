//! Trains on Yin-Yang in plain Burn: `cargo run -p block-models --example yin_yang`.

#![expect(clippy::print_stdout, reason = "an example")]

use block_data::{Encoding, Locations, SpikeLoader, open};
use block_models::{Adam, NetworkConfig, Shape};
use burn::optim::GradientsParams;
use burn::tensor::Device;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = open("yin-yang", &Locations::new(None))?;
    let loader = SpikeLoader::new(data.train(), Encoding::new(100)?, 128)?.with_shuffle(0);
    let mut config = NetworkConfig::of([120]);
    config.init_scale = 4.0;
    let mut network = config.init(Shape::Units(4), 3, &Device::default().autodiff())?;
    let mut adam = Adam::default();
    for epoch in 0..5 {
        let mut sum = 0.0;
        for batch in loader.epoch(epoch) {
            let (spikes, classes) = batch?.into();
            let loss = network.forward(&spikes)?.cross_entropy(classes);
            sum += loss.clone().into_scalar::<f32>() / loader.batches() as f32;
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = adam.step(0.001, network, gradients);
        }
        println!("epoch {}: mean loss {sum:.3}", epoch + 1);
    }
    Ok(())
}
