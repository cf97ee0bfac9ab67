use block_core::{
    Activity, LayerInput, NeuronModel, Neurons, SpikeError, Surrogate, Synapses, linear_layer,
    reference,
};
use burn::module::{Initializer, Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hidden::{Firing, HiddenLayer, LayerDefaults, LayerOutput};
use super::picture::refuse_skip;
use crate::parameters::{self, Decay};
use crate::schema::{self, MANY};
use crate::{ConfigError, Formulation, Shape, Signal};

/// Standard neurons, each connected to every input and to the spikes of all neurons of the layer one step before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecurrentConfig {
    /// Neurons.
    #[schemars(range(min = 1, max = MANY))]
    pub neurons: usize,
    /// How the neurons are computed, `standard-single` or `standard-multi`; the block model has no recurrence.
    /// Default: the model's.
    pub formulation: Option<Formulation>,
    /// Initial decay β of the membrane potential a step. Default: `model.beta.hidden`.
    #[schemars(range(min = 0, max = 1))]
    pub beta: Option<f64>,
    /// Whether each neuron has a β of its own, rather than one for all. Default: the model's.
    pub beta_per_neuron: Option<bool>,
    /// Whether β is trained. Default: the model's.
    pub beta_trained: Option<bool>,
    /// Multiplies the bound of the initial weights of the inputs, 1/√inputs. Default: `model.init_scale` for the
    /// first layer, 1 for the others.
    #[schemars(range(min = 1e-30, max = 1e30))]
    pub init_scale: Option<f64>,
    /// Multiplies the bound of the initial recurrent weights, 1/√neurons. Default: 1.
    #[schemars(range(min = 1e-30, max = 1e30))]
    pub recurrent_init_scale: Option<f64>,
    /// What stands in for the derivative of the threshold. Default: the model's.
    #[serde(default)]
    #[schemars(schema_with = "schema::layer_surrogate")]
    pub surrogate: Option<Surrogate>,
}

/// A layer of standard neurons with connections among them: `I[t] = x[t]·W + bias + S[t−1]·R`, with S\[−1\] = 0, from
/// which potential and spikes follow step by step.
#[derive(Module, Debug)]
pub struct SpikingRecurrent {
    /// Weight W `[inputs, neurons]` and bias `[neurons]`.
    pub linear: Linear,
    /// Weight R `[neurons, neurons]`, a row for each neuron whose spikes go out; there is no bias.
    pub recurrent: Linear,
    /// The decay β: `[neurons]` or, shared, `[1]`.
    pub beta: Param<Tensor<1>>,
    #[module(skip)]
    surrogate: Surrogate,
    #[module(skip)]
    formulation: Formulation,
}

impl RecurrentConfig {
    /// A layer of so many neurons with the network's own settings.
    pub fn new(neurons: usize) -> Self {
        Self {
            neurons,
            ..Self::default()
        }
    }

    /// Makes the layer. Its weights are drawn from U(−k, k), of the inputs with k = init_scale/√inputs, of the
    /// neurons with k = recurrent_init_scale/√neurons; its bias is 0.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it has no neuron, its neurons are the block model's, or the network has skip connections.
    pub fn init(
        &self,
        input: Shape,
        defaults: &LayerDefaults,
        device: &Device,
    ) -> Result<SpikingRecurrent, ConfigError> {
        refuse_skip("recurrent", defaults)?;
        let (inputs, neurons) = (input.units(), self.neurons);
        if neurons == 0 {
            return Err(ConfigError::new("neurons", 0, "at least 1"));
        }
        let formulation = self.formulation.unwrap_or(defaults.formulation);
        if !formulation.model().can_recur() {
            let name: &str = formulation.into();
            let whose = match self.formulation {
                Some(_) => "",
                None => ", which is the model's,",
            };
            let found = format!("{name:?}{whose} in a recurrent layer");
            let expected = "\"standard-single\" or \"standard-multi\", here or in the model: recurrence needs the spikes of the step before, \
                            which the block model has only when all steps are computed";
            return Err(ConfigError::new("formulation", found, expected));
        }
        let decay = Decay {
            beta: self.beta.unwrap_or(defaults.beta),
            per_neuron: self.beta_per_neuron.unwrap_or(defaults.beta_per_neuron),
            trained: self.beta_trained.unwrap_or(defaults.beta_trained),
        };
        let scale = self.init_scale.unwrap_or(defaults.init_scale);
        let bound = self.recurrent_init_scale.unwrap_or(1.0) / (neurons as f64).sqrt();
        let uniform = Initializer::Uniform {
            min: -bound,
            max: bound,
        };
        Ok(SpikingRecurrent {
            linear: parameters::linear(inputs, neurons, scale, device),
            recurrent: Linear {
                weight: uniform.init([neurons, neurons], device),
                bias: None,
            },
            beta: decay.init(neurons, device),
            surrogate: self.surrogate.unwrap_or(defaults.surrogate),
            formulation,
        })
    }
}

impl SpikingRecurrent {
    /// Runs the neurons, a step after the other.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, inputs]`
    /// - output spikes: `[batch, time, neurons]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    pub fn spikes(&self, input: &LayerInput) -> Result<Firing, SpikeError> {
        let model = self.formulation.model();
        let neurons = Neurons::new(self.beta.val(), model).with_surrogate(self.surrogate);
        let weight = self.recurrent.weight.val();
        let (mut spikes, mut membrane) = (Vec::new(), Vec::new());
        let mut state = None;
        for mut current in reference::unbind(self.current(input)?) {
            if let Some(before) = spikes.last() {
                current = current + Tensor::<2>::clone(before).matmul(weight.clone());
            }
            let (step, next) = neurons.step(current, state)?;
            spikes.push(step.spikes);
            membrane.push(step.membrane);
            state = Some(next);
        }
        let [spikes, membrane] = [spikes, membrane].map(|steps| Tensor::stack(steps, 1));
        let activity = Activity::from_steps(model, spikes, membrane);
        Ok(Firing {
            spikes: activity.to_input()?,
            activity,
        })
    }

    /// The inputs' share of the current, x\[t\]·W + bias: `[batch, time, neurons]`. Integrators without memory have it
    /// as their membrane, which events drive without a dense input.
    fn current(&self, input: &LayerInput) -> Result<Tensor<3>, SpikeError> {
        let synapses = self.synapses();
        let nothing = Tensor::zeros([1], (&synapses.bias.device(), synapses.bias.dtype()));
        let integrators = Neurons::new(nothing, NeuronModel::Integrator);
        Ok(linear_layer(input, &synapses, &integrators)?.membrane())
    }

    /// Weight and bias of the inputs.
    pub fn synapses(&self) -> Synapses {
        parameters::synapses(&self.linear)
    }
}

impl HiddenLayer for SpikingRecurrent {
    fn forward(&self, input: &Signal) -> Result<LayerOutput, SpikeError> {
        let firing = self.spikes(&input.spikes)?;
        let (spikes, shape) = (firing.spikes.clone(), self.output());
        Ok(LayerOutput {
            signal: input.with(spikes, shape),
            firing: Some(firing),
        })
    }

    fn input(&self) -> Shape {
        Shape::Units(parameters::sizes(&self.linear)[0])
    }

    fn output(&self) -> Shape {
        Shape::Units(parameters::sizes(&self.linear)[1])
    }

    fn summary(&self) -> String {
        let name: &str = self.formulation.into();
        format!("recurrent {name} spikes")
    }

    fn neuron_model(&self) -> Option<NeuronModel> {
        Some(self.formulation.model())
    }

    /// Burn's tape of every step: currents, potentials, crossings, their surrogates, resets or masks, and gradients.
    fn kept(&self, batch: u128, steps: u128, _: bool) -> u128 {
        let neurons = parameters::sizes(&self.linear)[1] as u128;
        // With a mask there is more of it.
        let a_step = if self.formulation.model().fires_once() {
            24
        } else {
            16
        };
        a_step * batch * steps * neurons
    }
}
