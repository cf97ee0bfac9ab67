use block_core::{LayerInput, NeuronModel, SpikeError, Surrogate, linear_readout};
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

use crate::layers::a_sample;
use crate::parameters::Decay;
use crate::readout::ReadoutRule;
use crate::schema::{self, MANY};
use crate::{
    ConfigError, Firing, Formulation, FusedLayer, Layer, LayerConfig, LayerDefaults, LinearConfig,
    Penalties, Readout, ReadoutOutput, ReadoutReduction, Shape, Signal,
};

/// The membrane decay β of a network: initial values, and which of them are trained.
#[derive(Debug, Clone, PartialEq, SmartDefault, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BetaConfig {
    /// Initial β of hidden neurons; the default is exp(−1/10).
    #[default(0.904837418)]
    #[schemars(range(min = 0, max = 1))]
    pub hidden: f64,
    /// Initial β of readout neurons; the default is exp(−1/20).
    #[default(0.951229425)]
    #[schemars(range(min = 0, max = 1))]
    pub readout: f64,
    /// Whether each neuron has a β of its own, rather than one for all of its layer.
    #[default(true)]
    pub per_neuron: bool,
    /// Whether β is trained, in hidden layers and in the readout alike.
    #[default(true)]
    pub trained: bool,
}

/// Configuration of a [`Network`]: a stack of hidden layers and a readout.
#[derive(Debug, Clone, PartialEq, SmartDefault, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// How hidden neurons are computed.
    pub formulation: Formulation,
    /// What is taken of the readout over time, of its membrane or, with `time-to-first-spike`, of its neurons' spikes.
    pub readout: ReadoutReduction,
    /// For the readout `time-to-first-spike`: the time constant τ, in time steps, of the scores −t/τ. Default: a tenth
    /// of all steps.
    #[schemars(range(min = 1e-30, max = 1e30))]
    pub readout_tau: Option<f64>,
    /// Neurons of each hidden layer: short for `layers` of kind `linear`. Default: `[1000]`, if there are no
    /// `layers`.
    #[schemars(inner(range(min = 1, max = MANY)), length(min = 1))]
    pub hidden: Option<Vec<usize>>,
    /// Whether every hidden layer but the first adds its input to its output; the layers are then linear and of
    /// equal width.
    pub skip: bool,
    /// Multiplies the bound of the first hidden layer's initial weights, 1/√inputs.
    #[default(1.0)]
    #[schemars(range(min = 1e-30, max = 1e30))]
    pub init_scale: f64,
    /// Multiplies the bound of the readout's initial weights, 1/√inputs.
    #[default(1.0)]
    #[schemars(range(min = 1e-30, max = 1e30))]
    pub readout_init_scale: f64,
    /// Membrane decay.
    pub beta: BetaConfig,
    /// What stands in for the derivative of the threshold.
    #[schemars(schema_with = "schema::surrogate")]
    pub surrogate: Surrogate,
    /// The hidden layers from the input on, each with what differs from the model's own settings.
    #[schemars(length(min = 1))]
    pub layers: Option<Vec<LayerConfig>>,
}

impl NetworkConfig {
    /// A network whose hidden layers are linear and have these numbers of neurons.
    pub fn of(hidden: impl Into<Vec<usize>>) -> Self {
        Self {
            hidden: Some(hidden.into()),
            ..Self::default()
        }
    }

    /// Spells out the hidden layers where the config says nothing of them.
    pub fn resolve(&mut self) {
        if self.layers.is_none() {
            self.hidden.get_or_insert_with(|| vec![1000]);
        }
    }

    /// Checks what can be told without an input: the hidden layers are given in one way, and the readout is
    /// possible.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the key at fault.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.layers()?;
        let name: &str = self.readout.into();
        let rule = self.readout_rule();
        match (rule.spiking(), self.readout_tau) {
            (Some(model), _) if !model.fires_once() => {
                let formulation: &str = self.formulation.into();
                let found = format!("{name:?} beside formulation = {formulation:?}");
                let expected = "\"sum\", \"max\" or \"last\", or a formulation whose neurons fire once, such as \"scan\" \
                                or \"standard-single\": several spikes have no single time; hidden layers may have \
                                formulations of their own";
                Err(ConfigError::new("readout", found, expected))
            }
            (None, Some(tau)) => {
                let expected = format!(
                    "no such key unless readout = \"time-to-first-spike\", which has times; the readout is {name:?}"
                );
                Err(ConfigError::new("readout_tau", tau, expected))
            }
            _ => Ok(()),
        }
    }

    fn readout_rule(&self) -> ReadoutRule {
        ReadoutRule {
            reduction: self.readout,
            formulation: self.formulation,
            surrogate: self.surrogate,
            tau: self.readout_tau,
        }
    }

    /// The hidden layers, whichever way they are given.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if they are given in both ways, or there are none.
    pub fn layers(&self) -> Result<Vec<LayerConfig>, ConfigError> {
        let mut config = self.clone();
        config.resolve();
        let hidden = match (config.hidden, config.layers) {
            (Some(hidden), None) => hidden,
            (None, Some(layers)) if layers.is_empty() => {
                return Err(ConfigError::new("layers", "empty", "at least one layer"));
            }
            (None, Some(layers)) => return Ok(layers),
            (hidden, _) => {
                let found = format!("{:?} beside `layers`", hidden.unwrap_or_default());
                let expected = "one of the two: it is short for layers of kind \"linear\"";
                return Err(ConfigError::new("hidden", found, expected));
            }
        };
        let refuse = |expected| Err(ConfigError::new("hidden", format!("{hidden:?}"), expected));
        if hidden.is_empty() || hidden.contains(&0) {
            return refuse("at least one hidden layer, and a neuron in each");
        }
        if self.skip && hidden.windows(2).any(|pair| pair[0] != pair[1]) {
            return refuse("hidden layers of equal width, because skip is true");
        }
        let layers = hidden.into_iter().map(LinearConfig::new);
        Ok(layers.map(LayerConfig::from).collect())
    }

    /// What a layer takes where its own config says nothing; `first` if no layer before it has neurons.
    pub fn layer_defaults(&self, first: bool) -> LayerDefaults {
        LayerDefaults {
            formulation: self.formulation,
            surrogate: self.surrogate,
            beta: self.beta.hidden,
            beta_per_neuron: self.beta.per_neuron,
            beta_trained: self.beta.trained,
            init_scale: if first { self.init_scale } else { 1.0 },
            skip: self.skip && !first,
        }
    }

    /// Makes the network.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the layers do not fit each other or the input, the readout is impossible, or something is
    /// empty.
    pub fn init(
        &self,
        input: Shape,
        classes: usize,
        device: &Device,
    ) -> Result<Network, ConfigError> {
        for (what, size) in [("inputs", input.units()), ("classes", classes)] {
            if size == 0 {
                return Err(ConfigError::new(what, 0, "at least 1"));
            }
        }
        self.check()?;
        let mut shape = input;
        let mut hidden = Vec::new();
        for (index, config) in self.layers()?.iter().enumerate() {
            let neurons = |layer: &Layer| layer.neuron_model().is_some();
            let defaults = self.layer_defaults(!hidden.iter().any(neurons));
            let layer = config.init(shape, &defaults, device);
            let layer = layer.map_err(|error| error.below(&format!("layers.{index}")))?;
            shape = layer.output();
            hidden.push(layer);
        }
        let decay = Decay {
            beta: self.beta.readout,
            per_neuron: self.beta.per_neuron,
            trained: self.beta.trained,
        };
        let scale = self.readout_init_scale;
        let readout = Readout::init(shape, classes, scale, decay, self.readout_rule(), device);
        Ok(Network {
            hidden,
            readout,
            input,
        })
    }
}

/// A stack of hidden layers, and a readout.
#[derive(Module, Debug)]
pub struct Network {
    /// Hidden layers, from the input on.
    pub hidden: Vec<Layer>,
    /// The readout.
    pub readout: Readout,
    #[module(skip)]
    input: Shape,
}

/// What a network puts out.
#[derive(Debug, Clone)]
pub struct NetworkOutput {
    /// The class scores: `[batch, classes]`.
    pub logits: Tensor<2>,
    /// What decides between classes of equal score, as [`ReadoutOutput::decider`](crate::ReadoutOutput) says.
    pub decider: Option<Tensor<2>>,
    /// Spikes of each hidden layer that has neurons, a sample, without a gradient: `[batch]` each.
    pub hidden_spikes: Vec<Tensor<1, Int>>,
}

impl NetworkOutput {
    /// The class of highest score of each sample; among equal scores the one that the decider prefers, then the first.
    /// With times to the first spike it is the earliest class; among equal times the one with the higher potential.
    pub fn answers(&self) -> Vec<usize> {
        answers(&self.logits, self.decider.as_ref())
    }

    /// The mean cross entropy of the logits, `[1]`, with the classes of the samples, `[batch]`.
    pub fn cross_entropy(&self, classes: Tensor<1, Int>) -> Tensor<1> {
        let loss = CrossEntropyLossConfig::new().init(&self.logits.device());
        loss.forward(self.logits.clone(), classes)
    }
}

fn answers(logits: &Tensor<2>, decider: Option<&Tensor<2>>) -> Vec<usize> {
    // Float64 scores may differ by less than float32 tells.
    let host = |tensor: &Tensor<2>| -> Vec<f64> {
        let data = tensor.clone().detach().into_data();
        data.iter().collect()
    };
    let scores = host(logits);
    let deciders = decider.map_or(scores.clone(), host);
    let classes = logits.dims()[1];
    let samples = scores.chunks(classes).zip(deciders.chunks(classes));
    samples
        .map(|(scores, deciders)| first_best(scores, deciders))
        .collect()
}

/// The first of the largest scores, and of the largest deciders among these.
fn first_best(scores: &[f64], deciders: &[f64]) -> usize {
    let mut best = 0;
    for class in 1..scores.len() {
        let equal = scores[class] == scores[best];
        if scores[class] > scores[best] || equal && deciders[class] > deciders[best] {
            best = class;
        }
    }
    best
}

/// Everything that a network computes on the way, all differentiable.
#[derive(Debug, Clone)]
pub struct NetworkTrace {
    /// Spikes of each hidden layer that has neurons, without skip sums: `[batch, time, neurons]` each.
    pub hidden: Vec<Tensor<3>>,
    /// What goes into the readout (the last hidden layer's spikes, with skip sums).
    pub readout_input: Tensor<3>,
    /// The readout's spikes, if it spikes: `[batch, time, classes]`.
    pub readout_spikes: Option<Tensor<3>>,
    /// The readout's membrane: `[batch, time, classes]`.
    pub membrane: Tensor<3>,
    /// The class scores: `[batch, classes]`.
    pub logits: Tensor<2>,
    /// What decides between classes of equal score, as [`ReadoutOutput::decider`](crate::ReadoutOutput) says.
    pub decider: Option<Tensor<2>>,
}

impl NetworkTrace {
    /// The class of each sample, as [`NetworkOutput::answers`] has it.
    pub fn answers(&self) -> Vec<usize> {
        answers(&self.logits, self.decider.as_ref())
    }
}

/// A layer as a row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSummary {
    /// `hidden.0`, …, `readout`, as in the parameters' names.
    pub name: String,
    /// The shape of the layer's input.
    pub input: Shape,
    /// The shape of the layer's output.
    pub output: Shape,
    /// What the layer puts out, in a few words.
    pub summary: String,
    /// How many numbers the layer's parameters hold.
    pub parameters: usize,
    /// The model of the layer's neurons, if they spike.
    pub spiking: Option<NeuronModel>,
}

impl Network {
    /// Class scores and spike counts.
    ///
    /// The last hidden layer and the readout run as one operation where that is the same function.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, inputs]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the network.
    pub fn forward(&self, input: &LayerInput) -> Result<NetworkOutput, SpikeError> {
        let (layered, fused) = self.split();
        let (signal, mut hidden_spikes) = self.through(layered, input, |firing| firing.counts())?;
        let readout = match fused {
            Some(last) => {
                let out = linear_readout(
                    &signal.spikes,
                    &last.synapses(),
                    &last.neurons(),
                    &self.readout.synapses(),
                    &self.readout.neurons(),
                )?;
                hidden_spikes.push(a_sample(out.counts));
                self.readout.of_membrane(out.membrane)
            }
            None => self.readout.forward(&signal.spikes)?,
        };
        Ok(readout.with(hidden_spikes))
    }

    /// As [`forward`](Self::forward), but layer by layer, with what the neurons of each hidden layer did: for losses
    /// on hidden spikes and potentials, such as [`Penalties`].
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the network.
    pub fn layered(&self, input: &LayerInput) -> Result<(NetworkOutput, Vec<Firing>), SpikeError> {
        let (signal, hidden) = self.through(&self.hidden, input, |firing| firing)?;
        let spikes = hidden.iter().map(Firing::counts).collect();
        Ok((self.readout.forward(&signal.spikes)?.with(spikes), hidden))
    }

    /// What comes out of some layers, and what is `taken` of those that have neurons.
    fn through<T>(
        &self,
        layers: &[Layer],
        input: &LayerInput,
        taken: impl Fn(Firing) -> T,
    ) -> Result<(Signal, Vec<T>), SpikeError> {
        let mut signal = Signal {
            spikes: input.clone(),
            shape: self.input,
            dtype: self.readout.linear.weight.val().dtype(),
        };
        let mut all = Vec::with_capacity(layers.len());
        for layer in layers {
            let out = layer.forward(&signal)?;
            signal = out.signal;
            all.extend(out.firing.map(&taken));
        }
        Ok((signal, all))
    }

    /// Everything on the way, layer by layer, densely; for looking inside.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the network.
    pub fn trace(&self, input: &LayerInput) -> Result<NetworkTrace, SpikeError> {
        let (signal, hidden) =
            self.through(&self.hidden, input, |firing| firing.activity.spikes())?;
        let readout = self.readout.forward(&signal.spikes)?;
        Ok(NetworkTrace {
            hidden,
            readout_input: signal.to_dense(),
            readout_spikes: readout.spikes,
            membrane: readout.membrane,
            logits: readout.logits,
            decider: readout.decider,
        })
    }

    /// The shape of the input.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.readout.classes()
    }

    /// The layers from the input on, the readout last. No parameter is drawn for it.
    pub fn layers(&self) -> Vec<LayerSummary> {
        let hidden = self.hidden.iter().enumerate();
        let mut layers: Vec<_> = hidden
            .map(|(index, layer)| LayerSummary {
                name: format!("hidden.{index}"),
                input: layer.input(),
                output: layer.output(),
                summary: layer.summary(),
                parameters: layer.num_params(),
                spiking: layer.neuron_model(),
            })
            .collect();
        layers.push(LayerSummary {
            name: "readout".to_string(),
            input: layers.last().map_or(self.input, |layer| layer.output),
            output: Shape::Units(self.classes()),
            summary: self.readout.summary(),
            parameters: self.readout.num_params(),
            spiking: self.readout.spiking(),
        });
        layers
    }

    /// The numbers that a training step keeps of a batch for its backward pass, without the batch itself.
    ///
    /// A last hidden layer that is one operation with the readout keeps nothing of size batch · steps ·
    /// neurons. With penalties no layer is fused; for that of silence each layer keeps its potential, the potential's
    /// gradient and the current's, and the maximum's intermediate results.
    ///
    /// `events`: whether the batch comes as events, and not as dense frames.
    pub fn kept(&self, batch: u128, steps: u128, events: bool, penalties: Penalties) -> u128 {
        let layered = match penalties.are_zero() {
            true => self.split().0,
            false => &self.hidden,
        };
        let layers = layered.iter().enumerate();
        let layers: u128 = layers
            .map(|(index, layer)| layer.kept(batch, steps, index == 0 && events))
            .sum();
        let potentials = match penalties.silence == 0.0 {
            true => 0,
            false => {
                let neurons = self
                    .hidden
                    .iter()
                    .filter(|layer| layer.neuron_model().is_some());
                4 * batch
                    * steps
                    * neurons
                        .map(|layer| layer.output().units() as u128)
                        .sum::<u128>()
            }
        };
        layers + potentials + self.readout.kept(batch, steps)
    }

    /// The hidden layers that run by themselves, and the one that runs with the readout.
    fn split(&self) -> (&[Layer], Option<FusedLayer<'_>>) {
        let integrates = self.readout.spiking().is_none();
        let last = self.hidden.split_last().filter(|_| integrates);
        let fused = last.and_then(|(last, before)| Some((before, Some(last.fused()?))));
        fused.unwrap_or((&self.hidden, None))
    }
}

impl ReadoutOutput {
    fn with(self, hidden_spikes: Vec<Tensor<1, Int>>) -> NetworkOutput {
        NetworkOutput {
            logits: self.logits,
            decider: self.decider,
            hidden_spikes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::first_best;

    #[test]
    fn the_first_of_equal_scores_wins() {
        let alone = |scores: &[f64]| first_best(scores, scores);
        assert_eq!(alone(&[1.0, 2.0, 2.0]), 1);
        assert_eq!(alone(&[f64::NAN, 2.0]), 0);
        assert_eq!(first_best(&[2.0, 2.0, 1.0], &[0.5, 0.75, 3.0]), 1);
    }
}
