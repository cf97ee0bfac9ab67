use block_core::{LayerInput, NeuronModel, SpikeError, Surrogate, linear_readout};
use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use thiserror::Error;

use crate::layer::a_sample;
use crate::{Formulation, LeakyLinear, LeakyLinearConfig, ReadoutReduction};

/// The membrane decay β of a network: initial values, and which of them are trained.
#[derive(Config, Debug)]
pub struct BetaConfig {
    /// Initial β of hidden neurons: exp(−1/10).
    #[config(default = 0.904837418)]
    pub hidden: f64,
    /// Initial β of readout neurons: exp(−1/20).
    #[config(default = 0.951229425)]
    pub readout: f64,
    /// One β a neuron rather than one a layer.
    #[config(default = true)]
    pub per_neuron: bool,
    /// Whether β is trained, in hidden and readout layers alike.
    #[config(default = true)]
    pub trained: bool,
}

/// Configuration of a [`LinearNetwork`].
#[derive(Config, Debug)]
pub struct LinearNetworkConfig {
    /// Input units.
    pub inputs: usize,
    /// Neurons of each hidden layer.
    pub hidden: Vec<usize>,
    /// Readout neurons.
    pub classes: usize,
    /// How hidden neurons are computed.
    #[config(default = "Formulation::Scan")]
    pub formulation: Formulation,
    /// What is taken of the readout's membrane over time.
    #[config(default = "ReadoutReduction::Sum")]
    pub readout: ReadoutReduction,
    /// Adds a hidden layer's output to its input, from the second layer on; hidden layers are then of
    /// equal width.
    #[config(default = false)]
    pub skip: bool,
    /// Multiplies the bound of the first hidden layer's initial weights, 1/√inputs.
    #[config(default = 1.0)]
    pub init_scale: f64,
    /// Membrane decay.
    #[config(default = "BetaConfig::new()")]
    pub beta: BetaConfig,
    /// Stands in for the derivative of the threshold.
    #[config(default = "Surrogate::default()")]
    pub surrogate: Surrogate,
}

/// Why a network cannot be built.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A layer has no neuron, or there is no layer.
    #[error("{what} must be at least 1, found 0")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// Skip connections between layers of different width.
    #[error("skip connections need hidden layers of equal width, found {hidden:?}")]
    SkipWidths {
        /// Widths of the hidden layers.
        hidden: Vec<usize>,
    },
}

/// Hidden layers of spiking neurons and a readout of leaky integrators.
#[derive(Module, Debug)]
pub struct LinearNetwork {
    /// Hidden layers, from the input on.
    pub hidden: Vec<LeakyLinear>,
    /// The readout, which never spikes or resets.
    pub readout: LeakyLinear,
    #[module(skip)]
    formulation: Formulation,
    #[module(skip)]
    reduction: ReadoutReduction,
    #[module(skip)]
    skip: bool,
}

/// What a network puts out.
#[derive(Debug, Clone)]
pub struct NetworkOutput {
    /// The readout's membrane, summed or maximised over time: `[batch, classes]`.
    pub logits: Tensor<2>,
    /// Spikes of each hidden layer a sample, without a gradient: `[batch]` each.
    pub hidden_spikes: Vec<Tensor<1, Int>>,
}

/// Everything that a network computes on the way, all differentiable.
#[derive(Debug, Clone)]
pub struct NetworkTrace {
    /// Spikes of each hidden layer, without skip sums: `[batch, time, neurons]` each.
    pub hidden: Vec<Tensor<3>>,
    /// What goes into the readout (the last hidden layer's spikes, with skip sums).
    pub readout_input: Tensor<3>,
    /// The readout's membrane: `[batch, time, classes]`.
    pub membrane: Tensor<3>,
    /// The membrane summed or maximised over time: `[batch, classes]`.
    pub logits: Tensor<2>,
}

impl LinearNetworkConfig {
    /// Initializes the network.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the sizes make no network.
    pub fn init(&self, device: &Device) -> Result<LinearNetwork, ConfigError> {
        let empty = |what| Err(ConfigError::Empty { what });
        if self.hidden.is_empty() {
            return empty("the number of hidden layers");
        }
        if self.hidden.contains(&0) || self.inputs == 0 || self.classes == 0 {
            return empty("the width of every layer");
        }
        if self.skip && self.hidden.windows(2).any(|pair| pair[0] != pair[1]) {
            let hidden = self.hidden.clone();
            return Err(ConfigError::SkipWidths { hidden });
        }
        let layer = |inputs, neurons, beta| {
            LeakyLinearConfig::new(inputs, neurons)
                .with_beta(beta)
                .with_beta_per_neuron(self.beta.per_neuron)
                .with_beta_trained(self.beta.trained)
                .with_surrogate(self.surrogate)
        };
        let mut inputs = self.inputs;
        let mut hidden = Vec::with_capacity(self.hidden.len());
        for (index, &neurons) in self.hidden.iter().enumerate() {
            let scale = if index == 0 { self.init_scale } else { 1.0 };
            let config = layer(inputs, neurons, self.beta.hidden).with_init_scale(scale);
            hidden.push(config.init(device));
            inputs = neurons;
        }
        Ok(LinearNetwork {
            hidden,
            readout: layer(inputs, self.classes, self.beta.readout).init(device),
            formulation: self.formulation,
            reduction: self.readout,
            skip: self.skip,
        })
    }
}

impl LinearNetwork {
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
        // A skip connection adds to what the readout receives.
        let skips = self.skip && self.hidden.len() > 1;
        let fused = self.formulation.model().filter(|_| !skips);
        let layered = self.hidden.len() - usize::from(fused.is_some());
        let mut hidden_spikes = Vec::with_capacity(self.hidden.len());
        let mut spikes = input.clone();
        for index in 0..layered {
            let (next, hidden) = self.hidden_layer(index, &spikes)?;
            spikes = next;
            hidden_spikes.push(hidden.counts);
        }
        let membrane = if let Some(model) = fused {
            let last = &self.hidden[layered];
            let out = linear_readout(
                &spikes,
                &last.synapses(),
                &last.neurons(model),
                &self.readout.synapses(),
                &self.readout.neurons(NeuronModel::Integrator),
            )?;
            hidden_spikes.push(a_sample(out.counts));
            out.membrane
        } else {
            self.readout.membrane(&spikes)?
        };
        Ok(NetworkOutput {
            logits: self.reduce(membrane),
            hidden_spikes,
        })
    }

    /// Everything on the way, layer by layer; for losses on hidden spikes, and for looking inside.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the network.
    pub fn trace(&self, input: &LayerInput) -> Result<NetworkTrace, SpikeError> {
        let mut hidden = Vec::with_capacity(self.hidden.len());
        let mut spikes = input.clone();
        for index in 0..self.hidden.len() {
            let (next, out) = self.hidden_layer(index, &spikes)?;
            spikes = next;
            hidden.push(dense(&out.spikes));
        }
        let membrane = self.readout.membrane(&spikes)?;
        Ok(NetworkTrace {
            hidden,
            readout_input: dense(&spikes),
            logits: self.reduce(membrane.clone()),
            membrane,
        })
    }

    /// A hidden layer's spikes, and with the skip sum what goes into the next layer.
    fn hidden_layer(
        &self,
        index: usize,
        input: &LayerInput,
    ) -> Result<(LayerInput, crate::Hidden), SpikeError> {
        let out = self.hidden[index].spikes(input, self.formulation)?;
        let next = if self.skip && index > 0 {
            out.spikes.add(input)?
        } else {
            out.spikes.clone()
        };
        Ok((next, out))
    }

    fn reduce(&self, membrane: Tensor<3>) -> Tensor<2> {
        match self.reduction {
            ReadoutReduction::Sum => membrane.sum_dim(1).squeeze_dim(1),
            ReadoutReduction::Max => membrane.max_dim(1).squeeze_dim(1),
        }
    }
}

/// The dense form of a layer's spikes, which layers always have.
fn dense(spikes: &LayerInput) -> Tensor<3> {
    spikes
        .dense()
        .cloned()
        .unwrap_or_else(|| unreachable!("a layer puts out dense spikes"))
}
