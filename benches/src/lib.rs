//! Workloads: a network, a batch of synthetic spikes of the data set's density, an optimizer.
//!
//! | workload | network | steps | batch | input spikes |
//! |---|---|---|---|---|
//! | fmnist | 784-1000-10 | 100 | 128 | every input once, half of them at the last step |
//! | shd | 700-300-20 | 500 | 128 | 2.3 % of all entries |
//! | yinyang | 4-120-3 | 100 | 128 | every input once |
//!
//! A step is forward, cross entropy, backward and Adam; it ends with the loss on the host, which waits
//! for the device.

use block_core::{FusedAdam, SpikeEvents, SpikeEventsBuilder, SpikeTrain};
use block_models::{LinearNetwork, LinearNetworkConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A training workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Fashion-MNIST's linear network.
    Fmnist,
    /// SHD's linear network.
    Shd,
    /// Yin-Yang's linear network.
    YinYang,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fmnist, Self::Shd, Self::YinYang];

    /// Inputs, hidden neurons, classes, steps.
    pub fn sizes(self) -> [usize; 4] {
        match self {
            Self::Fmnist => [784, 1000, 10, 100],
            Self::Shd => [700, 300, 20, 500],
            Self::YinYang => [4, 120, 3, 100],
        }
    }

    /// A batch of synthetic spikes.
    pub fn events(self, batch: usize, device: &Device) -> SpikeEvents {
        let [inputs, _, _, steps] = self.sizes();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut builder = SpikeEventsBuilder::new(steps, inputs);
        for _ in 0..batch {
            let pushed = match self {
                Self::Shd => {
                    let count = (0.023 * (inputs * steps) as f64) as usize;
                    let spike = |_| {
                        let step = rng.random_range(0..steps as u32);
                        (step, rng.random_range(0..inputs as u32))
                    };
                    builder.push_sample(&(0..count).map(spike).collect::<Vec<_>>())
                }
                _ => {
                    let last = steps as u32 - 1;
                    let dark = if self == Self::Fmnist { 0.5 } else { 0.0 };
                    let spike = |_| match rng.random_bool(dark) {
                        true => last,
                        false => rng.random_range(0..last),
                    };
                    builder.push_first_spikes(&(0..inputs).map(spike).collect::<Vec<_>>())
                }
            };
            pushed.expect("the spikes are drawn in range");
        }
        builder.build(device)
    }
}

/// A network in training.
pub struct Training {
    network: Option<LinearNetwork>,
    optimizer: ModuleOptimizer,
    loss: CrossEntropyLoss,
    input: SpikeTrain,
    targets: Tensor<1, Int>,
}

impl Training {
    /// A fresh network on a fixed batch.
    pub fn new(workload: Workload, batch: usize, device: &Device) -> Self {
        let [inputs, hidden, classes, _] = workload.sizes();
        let config = LinearNetworkConfig::new(inputs, vec![hidden], classes);
        let targets: Vec<i32> = (0..batch).map(|i| (i % classes) as i32).collect();
        Self {
            network: Some(config.init(device).expect("the sizes make a network")),
            optimizer: ModuleOptimizer::from(FusedAdam::default()),
            loss: CrossEntropyLossConfig::new().init(device),
            input: workload.events(batch, device).into(),
            targets: Tensor::from_data(TensorData::new(targets, [batch]), device),
        }
    }

    /// Forward and loss alone.
    pub fn forward(&self) -> f32 {
        self.batch_loss().into_scalar()
    }

    /// One whole training step; returns its loss.
    pub fn step(&mut self) -> f32 {
        let loss = self.batch_loss();
        let network = self.network.take().expect("put back below");
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.optimizer.step(0.001, network, gradients));
        loss.into_scalar()
    }

    fn batch_loss(&self) -> Tensor<1> {
        let network = self.network.as_ref().expect("always there between steps");
        let output = network
            .forward(&self.input)
            .expect("the batch fits the network");
        self.loss.forward(output.logits, self.targets.clone())
    }
}
