//! A linear layer of spiking neurons and its readout as one operation.

mod cpu;
#[cfg(feature = "cube")]
pub(crate) mod gpu;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, ExtensionType, backend_extension};
use burn::tensor::{Int, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};

use super::autodiff::{deliver, record};
use super::event_layer::{EventLayer, LayerGradient, Synapses, event_route, linear_layer, untrack};
use crate::error::{check_dtype, check_shape};
use crate::neuron::Rule;
use crate::{LayerInput, NeuronModel, Neurons, SpikeError};

/// What [`linear_readout`] returns.
#[derive(Debug, Clone)]
pub struct ReadoutTrace {
    /// Membrane potentials of the readout: `[batch, time, class]`.
    pub membrane: Tensor<3>,
    /// The step of each hidden neuron's first spike, or the number of steps if it stays silent, without a
    /// gradient: `[batch, neuron]`.
    pub first_steps: Tensor<2, Int>,
    /// How often each hidden neuron fires, without a gradient: `[batch, neuron]`.
    pub counts: Tensor<2, Int>,
}

/// A linear layer of spiking neurons and the readout that it feeds, as one operation:
/// [`linear_layer`] of the spikes of [`linear_layer`].
///
/// Fused, the hidden spikes are never formed, and the two reverse cumulative sums over time of the block model's
/// gradient are applied to the readout's small gradient instead of the hidden layer's. This is valid because
/// they commute with the readout's constant weight W₂, with D₂ = ∂L/∂I of the readout:
///
/// ```text
/// ∂L/∂S̃[t] = Σ_{k≥t} (k−t+1)·D₂[k]·W₂ᵀ = (Σ_{k≥t} (k−t+1)·D₂[k])·W₂ᵀ
/// ```
///
/// The hidden spikes have no gradient of their own here: for a loss that touches them compose the layers.
///
/// # Shapes
///
/// - `input`: `[batch, time, inputs]`
/// - `readout`: weight `[neurons, classes]`
///
/// # Errors
///
/// [`SpikeError`] if shapes or element types do not fit each other, a dimension is empty, or `integrators`
/// are neurons of another model.
pub fn linear_readout(
    input: &LayerInput,
    synapses: &Synapses,
    neurons: &Neurons,
    readout: &Synapses,
    integrators: &Neurons,
) -> Result<ReadoutTrace, SpikeError> {
    const NAME: &str = "linear_readout";
    let n = synapses.check(NAME, input)?;
    let classes = check_readout(NAME, synapses, n, readout, integrators)?;
    let fused = event_route(input, synapses, neurons).filter(|_| integrators.initial.is_none());
    let Some(events) = fused else {
        let hidden = linear_layer(input, synapses, neurons)?;
        let trace = linear_layer(&hidden.to_input()?, readout, integrators)?;
        return Ok(ReadoutTrace {
            membrane: trace.membrane(),
            first_steps: hidden.first_steps(),
            counts: hidden.counts(),
        });
    };
    let layer = EventLayer::new(NAME, events, input, synapses, neurons, n)?;
    let beta = integrators.decay(NAME, classes, synapses.weight.dtype())?;
    let readout = Readout {
        weight: readout.weight.clone().into_dispatch(),
        bias: readout.bias.clone().into_dispatch(),
        beta: beta.into_dispatch(),
    };
    let (membrane, first, counts) = Dispatch::event_readout(layer, readout, neurons.rule());
    Ok(ReadoutTrace {
        membrane: Tensor::from_dispatch(membrane),
        first_steps: Tensor::<2, Int>::from_dispatch(first),
        counts: Tensor::<2, Int>::from_dispatch(counts),
    })
}

/// The readout must fit the layer of `n` neurons; returns its number of classes.
fn check_readout(
    operation: &'static str,
    synapses: &Synapses,
    n: usize,
    readout: &Synapses,
    integrators: &Neurons,
) -> Result<usize, SpikeError> {
    let classes = readout.weight.dims()[1];
    if classes == 0 {
        let what = "class";
        return Err(SpikeError::Empty { operation, what });
    }
    let (found, expected) = (readout.weight.dims(), [n, classes]);
    let words = "(neurons, classes)";
    check_shape(operation, "readout.weight", &found, &expected, words)?;
    let found = readout.bias.dims();
    check_shape(operation, "readout.bias", &found, &[classes], "(classes)")?;
    let dtype = synapses.weight.dtype();
    check_dtype(operation, "readout.weight", readout.weight.dtype(), dtype)?;
    check_dtype(operation, "readout.bias", readout.bias.dtype(), dtype)?;
    match integrators.model {
        NeuronModel::Integrator => Ok(classes),
        other => Err(SpikeError::Model {
            operation,
            argument: "integrators",
            found: other.name(),
            expected: NeuronModel::Integrator.name(),
        }),
    }
}

/// A readout: weight `[n, c]`, bias and β `[c]`.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct Readout<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
}

/// Gradients of a layer and its readout, shaped as what they are the gradients of.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct ReadoutGradient<B: Backend> {
    #[extension_type]
    pub layer: LayerGradient<B>,
    #[extension_type]
    pub readout: Readout<B>,
}

/// The forward pass of a layer and its readout.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait EventReadoutOps: Backend {
    /// The readout's membrane `[b, t, c]`, first-spike steps and spike counts of the layer `[b, n]`.
    #[fusion(meta = fusion::forward)]
    fn event_readout(
        #[extension_type] layer: EventLayer<Self>,
        #[extension_type] readout: Readout<Self>,
        rule: Rule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>);
}

/// Backward, for backends without autodiff.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait EventReadoutGradient: Backend {
    /// From the gradient of the readout's membrane, the membrane itself `[b, t, c]` and the layer's first-spike
    /// steps `[b, n]`; the gradient of the dense spikes only if it is `wanted`.
    #[fusion(meta = fusion::backward)]
    fn event_readout_backward(
        gradient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        first: IntTensor<Self>,
        #[extension_type] layer: EventLayer<Self>,
        #[extension_type] readout: Readout<Self>,
        rule: Rule,
        wanted: bool,
    ) -> ReadoutGradient<Self>;
}

/// Shapes and types of the results, for kernel fusion, which must know them before it runs.
#[cfg(feature = "cube")]
mod fusion {
    use burn::backend::fusion::custom::TensorSpec;

    use super::{ReadoutGradientMetadata, ReadoutMetadata};
    use crate::neuron::Rule;
    use crate::ops::event_layer::{EventLayerMetadata, fusion};

    pub(crate) fn forward(
        layer: &EventLayerMetadata,
        readout: &ReadoutMetadata,
        rule: &Rule,
    ) -> (TensorSpec, TensorSpec, TensorSpec) {
        let (mut membrane, first, counts) = fusion::spikes(layer, rule);
        membrane.shape[2] = readout.beta.shape[0];
        (membrane, first, counts)
    }

    pub(crate) fn backward(
        _: &TensorSpec,
        _: &TensorSpec,
        _: &TensorSpec,
        layer: &EventLayerMetadata,
        readout: &ReadoutMetadata,
        _: &Rule,
        wanted: &bool,
    ) -> ReadoutGradientMetadata {
        ReadoutGradientMetadata {
            layer: fusion::layer_gradient(layer, *wanted),
            readout: readout.clone(),
        }
    }
}

impl<B: EventReadoutOps + EventReadoutGradient, C: CheckpointStrategy> EventReadoutOps
    for Autodiff<B, C>
{
    fn event_readout(
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        rule: Rule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>) {
        let (layer, nodes) = untrack(layer);
        let (weight, above_weight) = readout.weight.into_parts();
        let (bias, above_bias) = readout.bias.into_parts();
        let (beta, above_beta) = readout.beta.into_parts();
        let readout = Readout { weight, bias, beta };
        let (trace, first, counts) = B::event_readout(layer.clone(), readout.clone(), rule);
        let state = (layer, readout, trace.clone(), first.clone());
        let step = EventReadout { rule };
        let [weight, bias, beta] = nodes.parameters;
        let parameters = [above_weight, above_bias, above_beta, weight, bias, beta];
        let trace = match nodes.dense {
            None => record!(step, C, parameters, state, trace),
            Some(dense) => {
                let [a, b, c, d, e, f] = parameters;
                record!(step, C, [a, b, c, d, e, f, dense], state, trace)
            }
        };
        (trace, first, counts)
    }
}

#[derive(Debug)]
struct EventReadout {
    rule: Rule,
}

/// With the dense spikes' node there is a seventh parent.
impl<B: EventReadoutGradient, const N: usize> Backward<B, N> for EventReadout {
    type State = (EventLayer<B>, Readout<B>, FloatTensor<B>, IntTensor<B>);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (layer, readout, trace, first) = ops.state;
        let wanted = matches!(ops.parents.get(6), Some(Some(_)));
        let out =
            B::event_readout_backward(gradient, trace, first, layer, readout, self.rule, wanted);
        let mut gradients = vec![out.readout.weight, out.readout.bias, out.readout.beta];
        gradients.extend(out.layer.into_list());
        deliver!(grads, ops.parents, gradients);
    }
}
