//! The parameters that layers of neurons and readouts have in common, made of Burn's modules.

use block_core::Synapses;
use burn::module::{Initializer, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

/// Burn's linear layer with a weight `[inputs, neurons]` from U(−k, k), k = `scale`/√inputs, and a bias of 0.
pub(crate) fn linear(inputs: usize, neurons: usize, scale: f64, device: &Device) -> Linear {
    let bound = scale / (inputs as f64).sqrt();
    let uniform = Initializer::Uniform {
        min: -bound,
        max: bound,
    };
    Linear {
        weight: uniform.init([inputs, neurons], device),
        bias: Some(Initializer::Zeros.init([neurons], device)),
    }
}

/// The decay β of neurons: `[neurons]`, or `[1]` if they share one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decay {
    pub beta: f64,
    pub per_neuron: bool,
    pub trained: bool,
}

impl Decay {
    pub(crate) fn init(self, neurons: usize, device: &Device) -> Param<Tensor<1>> {
        let number = if self.per_neuron { neurons } else { 1 };
        let constant = Initializer::Constant { value: self.beta };
        constant
            .init([number], device)
            .set_require_grad(self.trained)
    }
}

/// Weight and bias of a linear layer, as an operation takes them.
pub(crate) fn synapses(linear: &Linear) -> Synapses {
    let weight = linear.weight.val();
    let bias = match &linear.bias {
        Some(bias) => bias.val(),
        None => Tensor::zeros([weight.dims()[1]], (&weight.device(), weight.dtype())),
    };
    Synapses { weight, bias }
}

/// Inputs and neurons of a linear layer, without drawing its weight.
pub(crate) fn sizes(linear: &Linear) -> [usize; 2] {
    linear.weight.lazy_shape().dims()
}
