//! Convolutions over pictures that drive neurons, from dense spikes or from events.

mod cpu;
mod cpu_backward;
mod cpu_input;
mod geometry;

use std::sync::Arc;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, ExtensionType, backend_extension};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Int, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};

use super::activity::{Activity, Spiking};
use super::autodiff::deliver;
use super::event_dense::dense_spikes;
use super::event_layer::{LayerGradient, LayerNodes, Maybe};
use super::scan::{Output, scan_for};
use crate::device::{has_kernels, on_host};
use crate::error::{check_dtype, check_not_empty, check_shape};
use crate::neuron::Rule;
use crate::spikes::{Form, HostEvents};
use crate::{LayerInput, Neurons, SpikeError, SpikeEvents};

use geometry::Geometry;

/// What connects a layer to pictures of spikes: I = x ∗ W + bias, a convolution over the rows and columns of each
/// time step.
///
/// # Shapes
///
/// - `weight`: `[channels, input channels, rows, columns]`
/// - `bias`: `[channels]`
#[derive(Debug, Clone)]
pub struct ConvSynapses {
    /// The kernel of each channel.
    pub weight: Tensor<4>,
    /// Added at every step and place.
    pub bias: Tensor<1>,
    /// Channels, rows and columns of the input, whose units are numbered row by row, channel after channel.
    pub input: [usize; 3],
    /// Rows and columns by which the kernel moves on.
    pub stride: usize,
    /// Rows and columns of zeros on each side of the input.
    pub padding: usize,
}

impl ConvSynapses {
    /// Channels, rows and columns of the neurons, which are numbered row by row, channel after channel.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if a size is 0, the weight does not fit the input's channels, or the kernel is larger than
    /// the input with its padding.
    pub fn output(&self) -> Result<[usize; 3], SpikeError> {
        Ok(self.geometry("ConvSynapses::output")?.output)
    }

    /// The input current x ∗ W + bias of dense or event inputs, by Burn's convolution.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, input channels · rows · columns]`
    /// - output: `[batch, time, channels · rows · columns]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
    pub fn current(&self, input: &LayerInput) -> Result<Tensor<3>, SpikeError> {
        let geometry = self.check("ConvSynapses::current", input)?;
        let [batch, steps, _] = input.shape();
        let dense = input.to_dense(&self.weight.device(), self.weight.dtype());
        let [channels, height, width] = self.input;
        let pictures = dense.reshape([batch * steps, channels, height, width]);
        let options = ConvOptions::new([self.stride; 2], [self.padding; 2], [1; 2], 1);
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        let current = conv2d(pictures, weight, Some(bias), options);
        Ok(current.reshape([batch, steps, geometry.neurons()]))
    }

    fn geometry(&self, operation: &'static str) -> Result<Geometry, SpikeError> {
        let [channels, inputs, rows, columns] = self.weight.dims();
        for (what, size) in [
            ("stride", self.stride),
            ("channel", channels),
            ("input unit", self.input.iter().product()),
            ("kernel", rows * columns),
        ] {
            if size == 0 {
                return Err(SpikeError::Empty { operation, what });
            }
        }
        let padded = |axis: usize| self.input[axis] + 2 * self.padding;
        let (height, width) = (padded(1), padded(2));
        if inputs != self.input[0] || rows > height || columns > width {
            let input = self.input[0];
            return Err(SpikeError::Shape {
                operation,
                tensor: "weight",
                found: vec![channels, inputs, rows, columns],
                expected: format!(
                    "(channels, {input}, rows up to {height}, columns up to {width}), as the input is"
                ),
            });
        }
        Ok(Geometry {
            input: self.input,
            output: [
                channels,
                (height - rows) / self.stride + 1,
                (width - columns) / self.stride + 1,
            ],
            kernel: [rows, columns],
            stride: self.stride,
            padding: self.padding,
        })
    }

    /// Input, weight and bias must fit each other.
    fn check(&self, operation: &'static str, input: &LayerInput) -> Result<Geometry, SpikeError> {
        let geometry = self.geometry(operation)?;
        let [batch, steps, units] = input.shape();
        check_not_empty(operation, [batch, steps, geometry.neurons()])?;
        let (found, expected) = ([batch, steps, units], [batch, steps, geometry.units()]);
        let words = "(batch, time, input channels · rows · columns)";
        check_shape(operation, "input", &found, &expected, words)?;
        let channels = geometry.output[0];
        check_shape(
            operation,
            "bias",
            &self.bias.dims(),
            &[channels],
            "(channels)",
        )?;
        let dtype = self.weight.dtype();
        check_dtype(operation, "bias", self.bias.dtype(), dtype)?;
        if let Some(found) = input.dtype() {
            check_dtype(operation, "input", found, dtype)?;
        }
        Ok(geometry)
    }
}

/// A layer of neurons driven by a convolution: [`scan`](crate::scan) of x ∗ W + bias, a neuron a channel and place.
///
/// If events drive the layer on the CPU, neither the dense input nor the current is formed, nor the dense spikes unless
/// they are asked for: each event adds the kernel's rows to the places that it reaches, and the weight's gradient is
/// gathered by event, in a fixed order.
/// If the input also has dense spikes, these receive a gradient. Dense inputs go through Burn's convolution; so do
/// events where there is no kernel for them: on GPUs, or with an initial potential. All agree to rounding. Events
/// are the faster form while spikes are sparse; for frequent spikes pass the dense form.
///
/// # Shapes
///
/// - `input`: `[batch, time, input channels · rows · columns]`
/// - spikes, membrane: `[batch, time, channels · rows · columns]`
/// - β of the neurons: one each, or `[1]`
///
/// # Errors
///
/// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
pub fn conv_layer(
    input: &LayerInput,
    synapses: &ConvSynapses,
    neurons: &Neurons,
) -> Result<Activity, SpikeError> {
    const NAME: &str = "conv_layer";
    let geometry = synapses.check(NAME, input)?;
    let Some(events) = event_route(input, synapses, neurons) else {
        return scan_for(NAME, synapses.current(input)?, neurons);
    };
    let weight = &synapses.weight;
    let beta = neurons.decay(NAME, geometry.neurons(), weight.dtype())?;
    let layer = ConvLayer {
        events: events.clone(),
        dense: match input.carrier() {
            Some(dense) => Maybe::Tensor(dense.clone().into_dispatch()),
            None => Maybe::Nothing,
        },
        weight: weight.clone().into_dispatch(),
        bias: synapses.bias.clone().into_dispatch(),
        beta: beta.into_dispatch(),
        geometry,
    };
    let (rule, device) = (neurons.rule(), weight.device());
    let membrane = {
        let layer = layer.clone();
        move || Tensor::from_dispatch(Dispatch::conv_membrane(layer, rule))
    };
    let spiking = move || {
        let firing = Dispatch::conv_spikes(layer, rule);
        Spiking {
            spikes: dense_spikes(firing.carrier, firing.events.clone()),
            first_steps: Tensor::<2, Int>::from_dispatch(firing.first),
            counts: Tensor::<2, Int>::from_dispatch(firing.counts),
            events: Some(SpikeEvents::of_host(firing.events, &device)),
        }
    };
    let [batch, steps, _] = input.shape();
    let shape = [batch, steps, geometry.neurons()];
    Ok(Activity::new(shape, rule.model, spiking, membrane))
}

/// The events to run on, where there is a kernel for them.
fn event_route<'a>(
    input: &'a LayerInput,
    synapses: &ConvSynapses,
    neurons: &Neurons,
) -> Option<&'a Arc<HostEvents>> {
    let device = synapses.weight.device();
    let kernels = on_host(&device) && has_kernels(&device, synapses.weight.dtype());
    let events = match input.events()?.form() {
        Form::Host(events) => events,
        Form::Device { .. } => return None,
    };
    // The kernel starts from rest.
    (kernels && neurons.initial.is_none()).then_some(events)
}

/// Events and the layer that they drive: weight `[channels, input channels, rows, columns]`, bias `[channels]`, β
/// `[n]`. β is clamped and one per neuron; every shape has been checked.
#[derive(ExtensionType, Clone, Debug)]
pub(crate) struct ConvLayer<B: Backend> {
    pub events: Arc<HostEvents>,
    /// What receives the gradient of the spikes, `[b, t, in]`; its values are not read.
    #[extension_type]
    pub dense: Maybe<B>,
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
    pub geometry: Geometry,
}

/// What the neurons did: their spikes as events, first-spike steps and spike counts `[b, n]`.
#[derive(ExtensionType, Clone, Debug)]
pub(crate) struct ConvFiring<B: Backend> {
    /// Receives the gradient of the spikes, `[b, t, n]`; nothing dense is formed for them.
    pub carrier: FloatTensor<B>,
    pub first: IntTensor<B>,
    pub counts: IntTensor<B>,
    pub events: Arc<HostEvents>,
}

/// The forward pass of a layer.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait EventConvOps: Backend {
    /// The neurons' spikes.
    fn conv_spikes(#[extension_type] layer: ConvLayer<Self>, rule: Rule) -> ConvFiring<Self>;

    /// Membrane, before reset and after mask, `[b, t, n]`.
    fn conv_membrane(#[extension_type] layer: ConvLayer<Self>, rule: Rule) -> FloatTensor<Self>;
}

/// Backward, for backends without autodiff.
#[backend_extension(Flex)]
pub(crate) trait EventConvGradient: Backend {
    /// The layer's gradients from that of an output `[b, t, n]`; for the dense spikes only if it is `wanted`.
    fn conv_backward(
        gradient: FloatTensor<Self>,
        #[extension_type] layer: ConvLayer<Self>,
        rule: Rule,
        output: Output,
        wanted: bool,
    ) -> LayerGradient<Self>;
}

impl<B: EventConvOps + EventConvGradient, C: CheckpointStrategy> EventConvOps for Autodiff<B, C> {
    fn conv_spikes(layer: ConvLayer<Self>, rule: Rule) -> ConvFiring<Self> {
        let (layer, nodes) = untrack(layer);
        let firing = B::conv_spikes(layer.clone(), rule);
        let output = Output::Spikes;
        ConvFiring {
            carrier: nodes.record::<B, C, _, _>(ConvOutput { rule, output }, layer, firing.carrier),
            first: firing.first,
            counts: firing.counts,
            events: firing.events,
        }
    }

    fn conv_membrane(layer: ConvLayer<Self>, rule: Rule) -> FloatTensor<Self> {
        let (layer, nodes) = untrack(layer);
        let membrane = B::conv_membrane(layer.clone(), rule);
        let output = Output::Membrane;
        nodes.record::<B, C, _, _>(ConvOutput { rule, output }, layer, membrane)
    }
}

/// A layer's inner tensors, without the dense spikes, whose values no pass reads; and its nodes.
fn untrack<B: Backend, C: CheckpointStrategy>(
    layer: ConvLayer<Autodiff<B, C>>,
) -> (ConvLayer<B>, LayerNodes) {
    let (weight, weight_node) = layer.weight.into_parts();
    let (bias, bias_node) = layer.bias.into_parts();
    let (beta, beta_node) = layer.beta.into_parts();
    let dense = match layer.dense {
        Maybe::Nothing => None,
        Maybe::Tensor(dense) => Some(dense.into_parts().1),
    };
    let inner = ConvLayer {
        events: layer.events,
        dense: Maybe::Nothing,
        weight,
        bias,
        beta,
        geometry: layer.geometry,
    };
    let nodes = LayerNodes {
        parameters: [weight_node, bias_node, beta_node],
        dense,
    };
    (inner, nodes)
}

#[derive(Debug)]
struct ConvOutput {
    rule: Rule,
    output: Output,
}

impl<B: EventConvGradient, const N: usize> Backward<B, N> for ConvOutput {
    type State = ConvLayer<B>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let wanted = matches!(ops.parents.get(3), Some(Some(_)));
        let layer = B::conv_backward(gradient, ops.state, self.rule, self.output, wanted);
        deliver!(grads, ops.parents, layer.into_list());
    }
}
