use block_core::{LayerInput, NeuronModel, Neurons, SpikeError, Surrogate, Synapses};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hidden::{Firing, FusedLayer, HiddenLayer, LayerDefaults, LayerOutput};
use crate::parameters::{self, Decay};
use crate::schema::{self, MANY};
use crate::{ConfigError, Formulation, Shape, Signal};

/// Spiking neurons, each connected to every input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearConfig {
    /// Neurons.
    #[schemars(range(min = 1, max = MANY))]
    pub neurons: usize,
    /// Whether the layer's input is added to its output, which must have the same width. Default: the model's.
    pub skip: Option<bool>,
    /// How the neurons are computed. Default: the model's.
    pub formulation: Option<Formulation>,
    /// Initial decay β of the membrane potential a step. Default: `model.beta.hidden`.
    #[schemars(range(min = 0, max = 1))]
    pub beta: Option<f64>,
    /// Whether each neuron has a β of its own, rather than one for all. Default: the model's.
    pub beta_per_neuron: Option<bool>,
    /// Whether β is trained. Default: the model's.
    pub beta_trained: Option<bool>,
    /// Multiplies the bound of the initial weights, 1/√inputs. Default: `model.init_scale` for the first layer, 1
    /// for the others.
    #[schemars(range(min = 1e-30, max = 1e30))]
    pub init_scale: Option<f64>,
    /// What stands in for the derivative of the threshold. Default: the model's.
    #[serde(default)]
    #[schemars(schema_with = "schema::layer_surrogate")]
    pub surrogate: Option<Surrogate>,
}

/// A linear layer of spiking neurons: I = x·W + bias, from which the membrane potential
/// `V[t] = β·V[t−1] + I[t]` and the spikes follow by the neurons' model.
#[derive(Module, Debug)]
pub struct SpikingLinear {
    /// Weight `[inputs, neurons]` and bias `[neurons]`.
    pub linear: Linear,
    /// The decay β: `[neurons]` or, shared, `[1]`.
    pub beta: Param<Tensor<1>>,
    #[module(skip)]
    surrogate: Surrogate,
    #[module(skip)]
    formulation: Formulation,
    #[module(skip)]
    skip: bool,
}

impl LinearConfig {
    /// A layer of so many neurons with the network's own settings.
    pub fn new(neurons: usize) -> Self {
        Self {
            neurons,
            ..Self::default()
        }
    }

    /// Makes the layer. Its weight is drawn from U(−k, k) with k = init_scale/√inputs, its bias is 0.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it has no neuron, or a skip connection between different widths.
    pub fn init(
        &self,
        input: Shape,
        defaults: &LayerDefaults,
        device: &Device,
    ) -> Result<SpikingLinear, ConfigError> {
        let (inputs, neurons) = (input.units(), self.neurons);
        if neurons == 0 {
            return Err(ConfigError::new("neurons", 0, "at least 1"));
        }
        let skip = self.skip.unwrap_or(defaults.skip);
        if skip && inputs != neurons {
            let expected = format!(
                "false, or layers of equal width: this one takes {inputs} units and puts out {neurons}"
            );
            return Err(ConfigError::new("skip", true, expected));
        }
        let scale = self.init_scale.unwrap_or(defaults.init_scale);
        let decay = Decay {
            beta: self.beta.unwrap_or(defaults.beta),
            per_neuron: self.beta_per_neuron.unwrap_or(defaults.beta_per_neuron),
            trained: self.beta_trained.unwrap_or(defaults.beta_trained),
        };
        Ok(SpikingLinear {
            linear: parameters::linear(inputs, neurons, scale, device),
            beta: decay.init(neurons, device),
            surrogate: self.surrogate.unwrap_or(defaults.surrogate),
            formulation: self.formulation.unwrap_or(defaults.formulation),
            skip,
        })
    }
}

impl SpikingLinear {
    /// Runs the neurons, without the skip connection.
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
        let neurons = self.neurons(self.formulation.model());
        let activity = self.formulation.run(input, &self.synapses(), &neurons)?;
        let spikes = match self.formulation.has_kernels() {
            true => activity.to_input()?,
            false => activity.spikes().into(),
        };
        Ok(Firing { spikes, activity })
    }

    /// Weight and bias.
    pub fn synapses(&self) -> Synapses {
        parameters::synapses(&self.linear)
    }

    /// Neurons of a model, with the layer's β and surrogate.
    pub fn neurons(&self, model: NeuronModel) -> Neurons {
        Neurons::new(self.beta.val(), model).with_surrogate(self.surrogate)
    }
}

impl HiddenLayer for SpikingLinear {
    fn forward(&self, input: &Signal) -> Result<LayerOutput, SpikeError> {
        let firing = self.spikes(&input.spikes)?;
        let spikes = match self.skip {
            true => firing.spikes.add(&input.spikes)?,
            false => firing.spikes.clone(),
        };
        let shape = self.output();
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
        let sum = if self.skip { " plus its input" } else { "" };
        format!("{name} spikes{sum}")
    }

    fn neuron_model(&self) -> Option<NeuronModel> {
        Some(self.formulation.model())
    }

    /// With kernels: the dense spikes, their gradient, and the current's gradient. Convolutions keep all that lies
    /// on Burn's tape, a Toeplitz matrix and its gradient for each β, and events that became dense.
    fn kept(&self, batch: u128, steps: u128, first: bool) -> u128 {
        let [inputs, neurons] = parameters::sizes(&self.linear).map(|size| size as u128);
        let rows = batch * steps;
        if self.formulation.has_kernels() {
            return 3 * rows * neurons;
        }
        let betas = self.beta.lazy_shape().num_elements() as u128;
        let dense = if first { rows * inputs } else { 0 };
        6 * rows * neurons + dense + 2 * betas * steps * steps
    }

    fn fused(&self) -> Option<FusedLayer<'_>> {
        // A skip connection adds to what the readout receives.
        let same = self.formulation.has_kernels() && !self.skip;
        same.then_some(FusedLayer {
            linear: &self.linear,
            beta: &self.beta,
            model: self.formulation.model(),
            surrogate: self.surrogate,
        })
    }
}
