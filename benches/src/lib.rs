//! Workloads: a network, a batch of synthetic spikes of the data set's density, an optimizer.
//!
//! | workload | network | steps | batch | input spikes |
//! |---|---|---|---|---|
//! | fmnist | 784-1000-10 | 100 | 128 | every input once, half of them at the last step |
//! | shd | 700-300-20 | 500 | 128 | 2.3 % of all entries |
//! | yinyang | 4-120-3 | 100 | 128 | every input once |
//! | deep | 784-1000-1000-1000-10 | 100 | 128 | as fmnist |
//!
//! A step is forward, cross entropy, backward and Adam; it ends with the loss on the host, which waits
//! for the device.

use block_core::{FusedAdam, SpikeEvents, SpikeEventsBuilder, SpikeTrain};
use block_models::{Formulation, LinearNetwork, LinearNetworkConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
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
    /// Three hidden layers on Fashion-MNIST.
    Deep,
}

/// A workload's sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Input units.
    pub inputs: usize,
    /// Neurons of each hidden layer.
    pub hidden: Vec<usize>,
    /// Readout neurons.
    pub classes: usize,
    /// Time steps.
    pub steps: usize,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fmnist, Self::Shd, Self::YinYang, Self::Deep];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fmnist => "fmnist",
            Self::Shd => "shd",
            Self::YinYang => "yinyang",
            Self::Deep => "deep",
        }
    }

    /// Its sizes.
    pub fn sizes(self) -> Sizes {
        let (inputs, hidden, classes, steps) = match self {
            Self::Fmnist => (784, vec![1000], 10, 100),
            Self::Shd => (700, vec![300], 20, 500),
            Self::YinYang => (4, vec![120], 3, 100),
            Self::Deep => (784, vec![1000; 3], 10, 100),
        };
        Sizes {
            inputs,
            hidden,
            classes,
            steps,
        }
    }

    /// A batch of synthetic spikes.
    pub fn events(self, batch: usize, device: &Device) -> SpikeEvents {
        let Sizes { inputs, steps, .. } = self.sizes();
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
                    let dark = if self == Self::YinYang { 0.0 } else { 0.5 };
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
    pub fn new(
        workload: Workload,
        formulation: Formulation,
        batch: usize,
        device: &Device,
    ) -> Self {
        let Sizes {
            inputs,
            hidden,
            classes,
            ..
        } = workload.sizes();
        let config =
            LinearNetworkConfig::new(inputs, hidden, classes).with_formulation(formulation);
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

/// The matrix products of dense hidden layers alone: one a layer forward, and backward one for each
/// weight and one for each boundary between hidden layers.
pub struct Gemm {
    /// Input `[batch · steps, inputs]` and weight `[inputs, neurons]` of each hidden layer.
    layers: Vec<(Tensor<2>, Tensor<2>)>,
}

impl Gemm {
    /// Random matrices of a workload's sizes.
    pub fn new(workload: Workload, batch: usize, device: &Device) -> Self {
        let sizes = workload.sizes();
        let random = |rows, columns| {
            Tensor::random([rows, columns], Distribution::Uniform(-1.0, 1.0), device)
        };
        let mut inputs = sizes.inputs;
        let mut layers = Vec::new();
        for neurons in sizes.hidden {
            layers.push((random(batch * sizes.steps, inputs), random(inputs, neurons)));
            inputs = neurons;
        }
        Self { layers }
    }

    /// The forward products.
    pub fn forward(&self) -> Vec<Tensor<2>> {
        let products = self.layers.iter();
        products
            .map(|(input, weight)| input.clone().matmul(weight.clone()))
            .collect()
    }

    /// Forward and backward products.
    pub fn step(&self) -> Vec<Tensor<2>> {
        let gradients = self.forward();
        let mut products = Vec::new();
        for (index, ((input, weight), gradient)) in self.layers.iter().zip(gradients).enumerate() {
            products.push(input.clone().transpose().matmul(gradient.clone()));
            if index > 0 {
                products.push(gradient.matmul(weight.clone().transpose()));
            }
        }
        products
    }
}
