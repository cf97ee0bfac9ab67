use block_core::{LayerInput, SpikeEvents, SpikeEventsBuilder};
use block_models::{NetworkConfig, Shape};
use burn::tensor::{Device, Distribution, Tensor};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::dense::{INPUTS, dense_spikes};
use crate::pictures;

/// Samples of a batch, but for [`Workload::Conv`].
pub const BATCH: usize = 128;

/// What is trained; the table stands in the [crate's documentation](crate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Fashion-MNIST's linear network, fresh: its hidden neurons hardly fire.
    Fmnist,
    /// The same with hidden neurons that fire as often as trained ones.
    FmnistFiring,
    /// SHD's linear network.
    Shd,
    /// Yin-Yang's linear network.
    YinYang,
    /// A cell of the paper's speed benchmark: one layer on dense spikes.
    Layer {
        /// Neurons.
        neurons: usize,
        /// Time steps.
        steps: usize,
    },
    /// Three hidden layers on Fashion-MNIST.
    Deep,
    /// Very many time steps.
    Long,
    /// MNIST's convolutional network.
    Conv,
    /// CIFAR-10's VGG.
    Vgg,
}

/// A workload's sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Input units.
    pub inputs: usize,
    /// Neurons of each hidden layer that has some.
    pub hidden: Vec<usize>,
    /// Readout neurons; 0 for a layer without a readout.
    pub classes: usize,
    /// Time steps.
    pub steps: usize,
    /// Samples.
    pub batch: usize,
}

/// A dense product that a layer consists of: `[rows, inputs]` times `[inputs, outputs]`, in a convolution a row
/// for each place of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Product {
    pub rows: usize,
    pub inputs: usize,
    pub outputs: usize,
}

/// The samples of a batch whose last step costs the event-driven kernels no additions: every unit fires
/// once, and more of them at the last step than there are steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Closing {
    pub samples: usize,
    /// Their spikes at that step.
    pub spikes: usize,
}

const fn layer(neurons: usize, steps: usize) -> Workload {
    Workload::Layer { neurons, steps }
}

impl Workload {
    /// All workloads.
    pub const ALL: [Self; 15] = [
        Self::Fmnist,
        Self::FmnistFiring,
        Self::Shd,
        Self::YinYang,
        layer(100, 32),
        layer(100, 128),
        layer(100, 512),
        layer(100, 2048),
        layer(1000, 32),
        layer(1000, 128),
        layer(1000, 512),
        Self::Deep,
        Self::Long,
        Self::Conv,
        Self::Vgg,
    ];

    /// The workloads' names, each once.
    pub const NAMES: [&str; 9] = [
        "fmnist",
        "fmnist-firing",
        "shd",
        "yinyang",
        "layer",
        "deep",
        "long",
        "conv",
        "vgg",
    ];

    /// The name on the command line, which all cells of the speed benchmark share.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fmnist => "fmnist",
            Self::FmnistFiring => "fmnist-firing",
            Self::Shd => "shd",
            Self::YinYang => "yinyang",
            Self::Layer { .. } => "layer",
            Self::Deep => "deep",
            Self::Long => "long",
            Self::Conv => "conv",
            Self::Vgg => "vgg",
        }
    }

    /// The workload's sizes.
    pub fn sizes(self) -> Sizes {
        let (inputs, hidden, classes, steps) = match self {
            Self::Fmnist | Self::FmnistFiring => (784, vec![1000], 10, 100),
            Self::Shd => (700, vec![300], 20, 500),
            Self::YinYang => (4, vec![120], 3, 100),
            Self::Layer { neurons, steps } => (INPUTS, vec![neurons], 0, steps),
            Self::Deep => (784, vec![1000; 3], 10, 100),
            Self::Long => (784, vec![1000], 10, 4096),
            Self::Conv => (784, vec![32 * 28 * 28, 64 * 14 * 14, 1000], 10, 8),
            Self::Vgg => {
                let [first, second, third] = [128 * 32 * 32, 256 * 16 * 16, 512 * 8 * 8];
                let hidden = vec![first, second, second, third, third, 2048, 1000];
                (3 * 32 * 32, hidden, 10, 4)
            }
        };
        Sizes {
            inputs,
            hidden,
            classes,
            steps,
            batch: if self == Self::Conv { 64 } else { BATCH },
        }
    }

    /// Whether its layers are convolutions.
    pub(crate) fn is_of_pictures(self) -> bool {
        matches!(self, Self::Conv | Self::Vgg)
    }

    /// The network and the shape of its input; of the speed benchmark's layer there is none.
    pub fn network(self) -> (NetworkConfig, Shape) {
        let sizes = self.sizes();
        match self {
            Self::Conv => (pictures::mnist(), Shape::from([1, 28, 28])),
            Self::Vgg => (pictures::vgg(), Shape::from([3, 32, 32])),
            _ => (NetworkConfig::of(sizes.hidden), Shape::Units(sizes.inputs)),
        }
    }

    /// The dense products of the hidden layers, from the input on.
    pub(crate) fn products(self) -> Vec<Product> {
        let sizes = self.sizes();
        let rows = sizes.batch * sizes.steps;
        let product = |rows, inputs, outputs| Product {
            rows,
            inputs,
            outputs,
        };
        match self {
            Self::Conv => {
                return vec![
                    product(rows * 28 * 28, 25, 32),
                    product(rows * 14 * 14, 32 * 25, 64),
                    product(rows, 64 * 7 * 7, 1000),
                ];
            }
            Self::Vgg => {
                return vec![
                    product(rows * 32 * 32, 3 * 9, 128),
                    product(rows * 16 * 16, 128 * 9, 256),
                    product(rows * 16 * 16, 256 * 9, 256),
                    product(rows * 8 * 8, 256 * 9, 512),
                    product(rows * 8 * 8, 512 * 9, 512),
                    product(rows, 512 * 4 * 4, 2048),
                    product(rows, 2048, 1000),
                ];
            }
            _ => (),
        }
        let inputs = std::iter::once(&sizes.inputs).chain(&sizes.hidden);
        let layers = inputs.zip(&sizes.hidden);
        layers
            .map(|(&inputs, &n)| product(rows, inputs, n))
            .collect()
    }

    /// Hidden neurons × time steps × samples.
    pub fn neuron_steps(self) -> usize {
        let sizes = self.sizes();
        sizes.hidden.iter().sum::<usize>() * sizes.steps * sizes.batch
    }

    /// The decay of the hidden neurons' membrane, for people.
    pub fn beta(self) -> &'static str {
        match self {
            Self::Layer { .. } => "0.9 at first, trained per neuron",
            Self::Conv => "1 at first, trained per neuron",
            Self::Vgg => "1, not trained",
            _ => "exp(-1/10) at first, trained per neuron",
        }
    }

    /// The first batch of synthetic spikes, the same every time.
    pub fn input(self, device: &Device) -> LayerInput {
        let mut batches = self.batches(1, device);
        batches.swap_remove(0)
    }

    /// So many batches of synthetic spikes, the same every time.
    pub(crate) fn batches(self, count: usize, device: &Device) -> Vec<LayerInput> {
        let rng = &mut rng();
        let batch = |index: usize| match self {
            Self::Fmnist | Self::FmnistFiring | Self::Deep | Self::YinYang | Self::Conv => {
                self.once(rng, device).into()
            }
            Self::Shd => self.anywhere(0.023, rng, device).into(),
            Self::Long => self.anywhere(40.0 / 4096.0, rng, device).into(),
            Self::Vgg => self.frames(device).into(),
            Self::Layer { steps, .. } => {
                let shape = [BATCH, steps, INPUTS];
                dense_spikes(shape, index as u64 + 1, device).into()
            }
        };
        (0..count).map(batch).collect()
    }

    /// Normalised images, each the same at every step, as dense as their network takes them.
    fn frames(self, device: &Device) -> Tensor<3> {
        let Sizes {
            inputs,
            steps,
            batch,
            ..
        } = self.sizes();
        let image = Tensor::random([batch, 1, inputs], Distribution::Normal(0.0, 1.0), device);
        image.repeat_dim(1, steps)
    }

    fn once(self, rng: &mut Xoshiro256PlusPlus, device: &Device) -> SpikeEvents {
        let Sizes { inputs, steps, .. } = self.sizes();
        let mut builder = SpikeEventsBuilder::new(steps, inputs);
        for steps in self.first_steps(rng) {
            builder
                .push_first_spikes(&steps)
                .expect("the spikes are drawn in range");
        }
        builder.build(device)
    }

    /// Of every sample the steps of its units' only spikes, a share of them the last; empty where units
    /// may fire more than once.
    fn first_steps(self, rng: &mut Xoshiro256PlusPlus) -> Vec<Vec<u32>> {
        let dark = match self {
            Self::Fmnist | Self::FmnistFiring | Self::Deep => 0.5,
            Self::YinYang => 0.0,
            // Of MNIST's pixels.
            Self::Conv => 0.8,
            Self::Shd | Self::Long | Self::Layer { .. } | Self::Vgg => return Vec::new(),
        };
        let Sizes {
            inputs,
            steps,
            batch,
            ..
        } = self.sizes();
        let last = steps as u32 - 1;
        let mut spike = || match rng.random_bool(dark) {
            true => last,
            false => rng.random_range(0..last),
        };
        let mut sample = || (0..inputs).map(|_| spike()).collect();
        (0..batch).map(|_| sample()).collect()
    }

    /// What of the first batch needs no additions.
    pub(crate) fn closing(self) -> Closing {
        let steps = self.sizes().steps;
        let mut closing = Closing::default();
        for sample in self.first_steps(&mut rng()) {
            let last = sample.iter().max();
            let spikes = sample.iter().filter(|&step| Some(step) == last).count();
            if spikes > steps {
                closing.samples += 1;
                closing.spikes += spikes;
            }
        }
        closing
    }

    /// Spikes at random units and steps, so many that they would fill this share of all entries.
    fn anywhere(self, density: f64, rng: &mut Xoshiro256PlusPlus, device: &Device) -> SpikeEvents {
        let Sizes { inputs, steps, .. } = self.sizes();
        let count = (density * (inputs * steps) as f64) as usize;
        let mut builder = SpikeEventsBuilder::new(steps, inputs);
        for _ in 0..BATCH {
            let spike = |_| {
                let step = rng.random_range(0..steps as u32);
                (step, rng.random_range(0..inputs as u32))
            };
            let spikes: Vec<_> = (0..count).map(spike).collect();
            builder
                .push_sample(&spikes)
                .expect("the spikes are drawn in range");
        }
        builder.build(device)
    }
}

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_workload_and_every_workload_a_name() {
        let mut names: Vec<_> = Workload::ALL.iter().map(|w| w.name()).collect();
        names.dedup();
        assert_eq!(names, Workload::NAMES);
    }

    #[test]
    fn the_networks_are_as_large_as_their_sizes_say() {
        for workload in Workload::ALL {
            let (config, input) = workload.network();
            let sizes = workload.sizes();
            assert_eq!(input.units(), sizes.inputs);
            let network = config.init(input, sizes.classes.max(1), &Default::default());
            let layers = network.unwrap().layers().into_iter();
            let spiking = layers.filter(|layer| layer.spiking.is_some());
            let neurons: Vec<usize> = spiking.map(|layer| layer.output.units()).collect();
            assert_eq!(neurons, sizes.hidden, "{}", workload.name());
        }
    }

    #[test]
    fn dense_spikes_are_as_many_as_the_rates_say() {
        let cpu = block_core::device::select("cpu").unwrap();
        let train = layer(100, 32).input(&cpu.device);
        let dense = train.dense().unwrap().clone();
        let share = dense.mean().into_scalar::<f32>();
        // 1 − exp(−r/32), averaged over r: 0.84 for many samples.
        assert!((0.75..0.93).contains(&share), "{share}");
    }
}
