use block_core::{LayerInput, NeuronModel, Neurons, SpikeError, Synapses, linear_layer};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::parameters::{self, Decay};
use crate::{ReadoutReduction, Shape};

/// A linear layer of leaky integrators, which never spike or reset: `V[t] = β·V[t−1] + x[t]·W + bias`.
#[derive(Module, Debug)]
pub struct Readout {
    /// Weight `[inputs, classes]` and bias `[classes]`.
    pub linear: Linear,
    /// The decay β of the membrane potential a step: `[classes]` or, shared, `[1]`.
    pub beta: Param<Tensor<1>>,
    #[module(skip)]
    reduction: ReadoutReduction,
}

impl Readout {
    pub(crate) fn init(
        inputs: Shape,
        classes: usize,
        decay: Decay,
        reduction: ReadoutReduction,
        device: &Device,
    ) -> Self {
        Self {
            linear: parameters::linear(inputs.units(), classes, 1.0, device),
            beta: decay.init(classes, device),
            reduction,
        }
    }

    /// The membrane: `[batch, time, classes]`.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    pub fn membrane(&self, input: &LayerInput) -> Result<Tensor<3>, SpikeError> {
        Ok(linear_layer(input, &self.synapses(), &self.integrators())?.membrane())
    }

    /// The class scores of a membrane `[batch, time, classes]`: `[batch, classes]`.
    pub fn logits(&self, membrane: Tensor<3>) -> Tensor<2> {
        self.reduction.reduce(membrane)
    }

    /// Weight and bias.
    pub fn synapses(&self) -> Synapses {
        parameters::synapses(&self.linear)
    }

    /// The integrators, with the layer's β.
    pub fn integrators(&self) -> Neurons {
        Neurons::new(self.beta.val(), NeuronModel::Integrator)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        parameters::sizes(&self.linear)[1]
    }

    /// What is taken of the membrane over time.
    pub fn reduction(&self) -> ReadoutReduction {
        self.reduction
    }
}
