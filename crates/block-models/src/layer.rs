use block_core::{
    LayerInput, NeuronModel, Neurons, SpikeError, Surrogate, Synapses, convolution, linear_layer,
    spike_counts,
};
use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Int, Tensor};

use crate::Formulation;

/// Configuration of a [`LeakyLinear`] layer. By itself a layer has one shared, fixed β of 0.9.
#[derive(Config, Debug)]
pub struct LeakyLinearConfig {
    /// Inputs.
    pub inputs: usize,
    /// Neurons.
    pub neurons: usize,
    /// Initial β, the decay of the membrane potential a step.
    #[config(default = 0.9)]
    pub beta: f64,
    /// One β a neuron (heterogeneous) rather than one for all.
    #[config(default = false)]
    pub beta_per_neuron: bool,
    /// Whether β is trained.
    #[config(default = false)]
    pub beta_trained: bool,
    /// Multiplies the bound of the initial weights, 1/√inputs.
    #[config(default = 1.0)]
    pub init_scale: f64,
    /// Stands in for the derivative of the threshold.
    #[config(default = "Surrogate::default()")]
    pub surrogate: Surrogate,
}

/// A linear layer of leaky neurons: I = x·W + bias, `V[t] = β·V[t−1] + I[t]`.
#[derive(Module, Debug)]
pub struct LeakyLinear {
    /// `[inputs, neurons]`, from U(−k, k) with k = init_scale/√inputs.
    pub weight: Param<Tensor<2>>,
    /// `[neurons]`, zeros at first.
    pub bias: Param<Tensor<1>>,
    /// `[neurons]` or, shared, `[1]`.
    pub beta: Param<Tensor<1>>,
    #[module(skip)]
    surrogate: Surrogate,
}

impl LeakyLinearConfig {
    /// Initializes the layer.
    pub fn init(&self, device: &Device) -> LeakyLinear {
        let bound = self.init_scale / (self.inputs as f64).sqrt();
        let uniform = Initializer::Uniform {
            min: -bound,
            max: bound,
        };
        let betas = if self.beta_per_neuron {
            self.neurons
        } else {
            1
        };
        let constant = |value, size: usize| Initializer::Constant { value }.init([size], device);
        LeakyLinear {
            weight: uniform.init([self.inputs, self.neurons], device),
            bias: constant(0.0, self.neurons),
            beta: constant(self.beta, betas).set_require_grad(self.beta_trained),
            surrogate: self.surrogate,
        }
    }
}

/// What a hidden layer puts out.
#[derive(Debug, Clone)]
pub struct Hidden {
    /// Its spikes, as the next layer takes them.
    pub spikes: LayerInput,
    /// Spikes of each sample, all neurons together, without a gradient: `[batch]`.
    pub counts: Tensor<1, Int>,
}

impl LeakyLinear {
    /// Runs the layer as spiking neurons.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, inputs]`
    /// - output spikes: `[batch, time, neurons]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    pub fn spikes(
        &self,
        input: &LayerInput,
        formulation: Formulation,
    ) -> Result<Hidden, SpikeError> {
        let Some(model) = formulation.model() else {
            let current = self.synapses().current(input)?;
            let spikes = convolution(current, &self.neurons(NeuronModel::Block))?.spikes;
            return Ok(Hidden {
                counts: a_sample(spike_counts(spikes.clone())),
                spikes: LayerInput::from(spikes),
            });
        };
        let out = linear_layer(input, &self.synapses(), &self.neurons(model))?;
        Ok(Hidden {
            counts: a_sample(out.counts()),
            spikes: out.to_input()?,
        })
    }

    /// Runs the layer as leaky integrators, a readout: `[batch, time, neurons]`.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    pub fn membrane(&self, input: &LayerInput) -> Result<Tensor<3>, SpikeError> {
        let integrators = self.neurons(NeuronModel::Integrator);
        Ok(linear_layer(input, &self.synapses(), &integrators)?.membrane())
    }

    /// Weight and bias.
    pub fn synapses(&self) -> Synapses {
        Synapses {
            weight: self.weight.val(),
            bias: self.bias.val(),
        }
    }

    /// Neurons of a model, with the layer's β and surrogate.
    pub fn neurons(&self, model: NeuronModel) -> Neurons {
        Neurons::new(self.beta.val(), model).with_surrogate(self.surrogate)
    }
}

/// Spikes of each sample, from the neurons' counts `[batch, neurons]`.
pub(crate) fn a_sample(counts: Tensor<2, Int>) -> Tensor<1, Int> {
    counts.sum_dim(1).squeeze_dim::<1>(1)
}
