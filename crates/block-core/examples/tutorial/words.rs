//! A hard task: ten words of 100 steps, each a time for every one of a hundred units, spoken badly. A third of a
//! word's spikes is missing, every spike comes up to 5 steps early or late, and as many come from elsewhere.

use block_core::{
    FusedAdam, LayerInput, NeuronModel, Neurons, SpikeEventsBuilder, Synapses, linear_readout,
};
use burn::module::{Initializer, Module, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Result;

const CLASSES: usize = 10;
const UNITS: usize = 100;
const STEPS: usize = 100;
const HIDDEN: usize = 100;
const BATCH: usize = 128;
const UPDATES: usize = 1200;
/// Samples that no update has seen.
const TEST: usize = 2000;
/// Steps that a spike comes too early or too late, at most.
const JITTER: i64 = 5;
const RATE: f64 = 0.002;

/// What the training of a network comes to.
pub(crate) struct Trained {
    /// Of every update's batch.
    pub losses: Vec<f64>,
    /// Percent of unseen samples.
    pub accuracy: f64,
    /// The hidden neurons' β at the end.
    pub beta: Vec<f32>,
}

/// The time of every unit's spike in each word.
pub(crate) struct Words([[u32; UNITS]; CLASSES]);

impl Words {
    pub(crate) fn new() -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
        Self([(); CLASSES].map(|()| [(); UNITS].map(|()| rng.random_range(0..STEPS as u32))))
    }

    /// So many samples and their words.
    fn speak(&self, samples: usize, rng: &mut impl RngExt, device: &Device) -> Result<Spoken> {
        let mut events = SpikeEventsBuilder::new(STEPS, UNITS);
        let mut words = Vec::with_capacity(samples);
        let last = STEPS as i64 - 1;
        for _ in 0..samples {
            let word = rng.random_range(0..CLASSES);
            let mut spikes = Vec::new();
            for (unit, &time) in self.0[word].iter().enumerate() {
                let shift: i64 = rng.random_range(-JITTER..=JITTER);
                let noise = (
                    rng.random_range(0..STEPS as u32),
                    rng.random_range(0..UNITS as u32),
                );
                if rng.random_bool(2.0 / 3.0) {
                    let time = (i64::from(time) + shift).clamp(0, last);
                    spikes.extend([(time as u32, unit as u32), noise]);
                }
            }
            events.push_sample(&spikes)?;
            words.push(word as i64);
        }
        let words = TensorData::new(words, [samples, 1]);
        Ok(Spoken {
            input: LayerInput::from(events.build(device)),
            words: Tensor::from_data(words, device),
        })
    }
}

struct Spoken {
    input: LayerInput,
    /// `[sample, 1]`.
    words: Tensor<2, Int>,
}

/// 100 inputs, 100 single-spike neurons of the block model, 10 integrators.
#[derive(Module, Debug)]
struct Network {
    hidden: Layer,
    readout: Layer,
}

#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
}

impl Layer {
    /// One fixed β of 0.9, or each neuron its own, trained.
    fn new([inputs, neurons]: [usize; 2], gain: f64, trained: bool, device: &Device) -> Self {
        let max = gain / (inputs as f64).sqrt();
        let uniform = Initializer::Uniform { min: -max, max };
        let constant = |value, size: usize| Initializer::Constant { value }.init([size], device);
        let betas = if trained { neurons } else { 1 };
        Self {
            weight: uniform.init([inputs, neurons], device),
            bias: constant(0.0, neurons),
            beta: constant(0.9, betas).set_require_grad(trained),
        }
    }

    fn synapses(&self) -> Synapses {
        Synapses {
            weight: self.weight.val(),
            bias: self.bias.val(),
        }
    }

    fn neurons(&self, model: NeuronModel) -> Neurons {
        Neurons::new(self.beta.val(), model)
    }
}

impl Network {
    fn new(trained: bool, device: &Device) -> Self {
        device.seed(0);
        Self {
            // So that some neurons fire from the start.
            hidden: Layer::new([UNITS, HIDDEN], 2.0, trained, device),
            readout: Layer::new([HIDDEN, CLASSES], 1.0, trained, device),
        }
    }

    /// The readouts' potentials, summed over time: `[sample, word]`.
    fn scores(&self, input: &LayerInput) -> Result<Tensor<2>> {
        let trace = linear_readout(
            input,
            &self.hidden.synapses(),
            &self.hidden.neurons(NeuronModel::Block),
            &self.readout.synapses(),
            &self.readout.neurons(NeuronModel::Integrator),
        )?;
        Ok(trace.membrane.sum_dim(1).squeeze_dim(1))
    }
}

/// Trains a network on words that are new in every batch.
pub(crate) fn train(words: &Words, trained: bool, device: &Device) -> Result<Trained> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut network = Network::new(trained, device);
    let mut optimizer = ModuleOptimizer::from(FusedAdam::default());
    let mut losses = Vec::with_capacity(UPDATES);
    for _ in 0..UPDATES {
        let spoken = words.speak(BATCH, &mut rng, device)?;
        let scores = network.scores(&spoken.input)?;
        let loss = -log_softmax(scores, 1).gather(1, spoken.words).mean();
        losses.push(loss.clone().into_scalar::<f64>());
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(RATE, network, gradients);
    }
    let spoken = words.speak(TEST, &mut rng, device)?;
    let heard = network.scores(&spoken.input)?.argmax(1);
    let right = heard.equal(spoken.words).int().sum().into_scalar::<i64>();
    let beta = network.hidden.beta.val().into_data();
    Ok(Trained {
        losses,
        accuracy: 100.0 * right as f64 / TEST as f64,
        beta: beta
            .iter::<f32>()
            .map(|beta| beta.clamp(0.0, 1.0))
            .collect(),
    })
}
