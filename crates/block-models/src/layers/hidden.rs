//! What all hidden layers have in common.

use block_core::{Activity, LayerInput, NeuronModel, Neurons, SpikeError, Surrogate, Synapses};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Int, Tensor};

use crate::parameters::synapses;
use crate::{Formulation, Shape, Signal};

/// The network's settings, which a layer takes over where its own config sets none.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerDefaults {
    /// How the neurons are computed.
    pub formulation: Formulation,
    /// What stands in for the derivative of the threshold.
    pub surrogate: Surrogate,
    /// The initial decay β.
    pub beta: f64,
    /// Whether each neuron has a β of its own.
    pub beta_per_neuron: bool,
    /// Whether β is trained.
    pub beta_trained: bool,
    /// What the bound of the initial weights is multiplied by.
    pub init_scale: f64,
    /// Whether a layer's input is added to its output.
    pub skip: bool,
}

/// What every hidden layer can do and say.
pub trait HiddenLayer {
    /// Runs the layer.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    fn forward(&self, input: &Signal) -> Result<LayerOutput, SpikeError>;

    /// The shape of what the layer takes.
    fn input(&self) -> Shape;

    /// The shape of what the layer puts out.
    fn output(&self) -> Shape;

    /// What the layer puts out, in a few words for a table.
    fn summary(&self) -> String;

    /// The model of the layer's neurons; `None` if it has none.
    fn neuron_model(&self) -> Option<NeuronModel>;

    /// The numbers that a training step keeps of a batch for the layer's backward pass; `first` if the input
    /// comes as events only.
    fn kept(&self, batch: u128, steps: u128, first: bool) -> u128;

    /// The layer as one operation with a readout takes it, [`linear_readout`](block_core::linear_readout), if
    /// that is the same function.
    fn fused(&self) -> Option<FusedLayer<'_>> {
        None
    }
}

/// A linear layer of spiking neurons that may be one operation with a readout.
#[derive(Debug)]
pub struct FusedLayer<'a> {
    /// Weight and bias.
    pub linear: &'a Linear,
    /// The decay β: `[neurons]` or, shared, `[1]`.
    pub beta: &'a Param<Tensor<1>>,
    /// The neurons' model.
    pub model: NeuronModel,
    /// What stands in for the derivative of the threshold.
    pub surrogate: Surrogate,
}

impl FusedLayer<'_> {
    /// Weight and bias as the operation takes them.
    pub fn synapses(&self) -> Synapses {
        synapses(self.linear)
    }

    /// The neurons as the operation takes them.
    pub fn neurons(&self) -> Neurons {
        Neurons::new(self.beta.val(), self.model).with_surrogate(self.surrogate)
    }
}

/// What a hidden layer puts out.
#[derive(Debug, Clone)]
pub struct LayerOutput {
    /// What the next layer takes: the spikes, with the layer's input added by a skip connection.
    pub signal: Signal,
    /// What the layer's own neurons did, if it has any.
    pub firing: Option<Firing>,
}

/// What the neurons of a layer did.
#[derive(Debug, Clone)]
pub struct Firing {
    /// The layer's spikes, as a next layer takes them: `[batch, time, neuron]`.
    pub spikes: LayerInput,
    /// The spikes and the membrane, each computed when it is asked for.
    pub activity: Activity,
}

impl Firing {
    /// Spikes of each sample, all neurons together, without a gradient: `[batch]`.
    pub fn counts(&self) -> Tensor<1, Int> {
        a_sample(self.activity.counts())
    }
}

/// Spikes of each sample, from the neurons' counts `[batch, neurons]`.
pub(crate) fn a_sample(counts: Tensor<2, Int>) -> Tensor<1, Int> {
    counts.sum_dim(1).squeeze_dim::<1>(1)
}
