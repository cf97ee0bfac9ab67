//! Linear layers of neurons, from dense spikes or from events.

pub(super) mod cpu;
pub(super) mod cpu_backward;
#[cfg(feature = "cube")]
pub(crate) mod gpu;

use std::sync::Arc;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, ExtensionType, backend_extension};
use burn::tensor::{Int, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops};

use super::activity::{Activity, Spiking};
use super::autodiff::{deliver, record};
use super::scan::{Output, scan_for};
use crate::device::{has_kernels, on_host};
use crate::error::{check_dtype, check_not_empty, check_shape};
use crate::neuron::{Rule, reference};
use crate::spikes::{Form, HostEvents};
use crate::{LayerInput, Neurons, SpikeError, SpikeEvents};

/// What connects a layer to its inputs: I = x·W + bias.
///
/// # Shapes
///
/// - `weight`: `[inputs, neurons]`
/// - `bias`: `[neurons]`
#[derive(Debug, Clone)]
pub struct Synapses {
    /// One row an input, so that an event reads one row.
    pub weight: Tensor<2>,
    /// Added at every step.
    pub bias: Tensor<1>,
}

impl Synapses {
    /// The input current x·W + bias of dense or event inputs, through a matrix product.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, inputs]`
    /// - output: `[batch, time, neuron]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
    pub fn current(&self, input: &LayerInput) -> Result<Tensor<3>, SpikeError> {
        self.check("Synapses::current", input)?;
        let dense = input.to_dense(&self.weight.device(), self.weight.dtype());
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        Ok(reference::project(dense, weight, bias))
    }

    /// Input, weight and bias must fit each other; returns the number of neurons.
    pub(super) fn check(
        &self,
        operation: &'static str,
        input: &LayerInput,
    ) -> Result<usize, SpikeError> {
        let [batch, steps, units] = input.shape();
        let [inputs, n] = self.weight.dims();
        check_not_empty(operation, [batch, steps, n])?;
        if units == 0 {
            let what = "input unit";
            return Err(SpikeError::Empty { operation, what });
        }
        let dtype = self.weight.dtype();
        check_dtype(operation, "bias", self.bias.dtype(), dtype)?;
        if let Some(found) = input.dtype() {
            check_dtype(operation, "input", found, dtype)?;
        }
        let (found, expected) = ([inputs, n], [units, n]);
        check_shape(operation, "weight", &found, &expected, "(inputs, neurons)")?;
        check_shape(operation, "bias", &self.bias.dims(), &[n], "(neurons)")?;
        Ok(n)
    }
}

/// A linear layer of neurons: [`scan`](crate::scan) of x·W + bias. Hidden layers spike; a readout is a layer of
/// [integrators](crate::NeuronModel::Integrator), of which the membrane is taken.
///
/// If events drive the layer, the dense input is never formed: each event adds one row of the weight, and the
/// weight's gradient is gathered by event, in a fixed order. (With an initial potential, or on another kind of
/// device than the weight, events become dense first.) If the input also has dense spikes, these receive a
/// gradient, ∂L/∂I·Wᵀ. Dense inputs go through a matrix product. All agree to rounding.
///
/// # Shapes
///
/// - `input`: `[batch, time, inputs]`
/// - spikes, membrane: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
pub fn linear_layer(
    input: &LayerInput,
    synapses: &Synapses,
    neurons: &Neurons,
) -> Result<Activity, SpikeError> {
    const NAME: &str = "linear_layer";
    let n = synapses.check(NAME, input)?;
    let Some(events) = event_route(input, synapses, neurons) else {
        return scan_for(NAME, synapses.current(input)?, neurons);
    };
    let layer = EventLayer::new(NAME, events, input, synapses, neurons, n)?;
    let rule = neurons.rule();
    let [batch, steps, _] = input.shape();
    let membrane = {
        let layer = layer.clone();
        move || Tensor::from_dispatch(Dispatch::event_membrane(layer, rule))
    };
    let spiking = move || {
        let (spikes, first, counts) = Dispatch::event_spikes(layer, rule);
        Spiking {
            spikes: Tensor::from_dispatch(spikes).into(),
            first_steps: Tensor::<2, Int>::from_dispatch(first),
            counts: Tensor::<2, Int>::from_dispatch(counts),
            events: None,
        }
    };
    let shape = [batch, steps, n];
    Ok(Activity::new(shape, rule.model, spiking, membrane))
}

/// The events to run on, where there are kernels for them beside the weight; else they become dense there.
pub(super) fn event_route<'a>(
    input: &'a LayerInput,
    synapses: &Synapses,
    neurons: &Neurons,
) -> Option<&'a SpikeEvents> {
    let device = synapses.weight.device();
    let kernels = has_kernels(&device, synapses.weight.dtype());
    let beside = |events: &&SpikeEvents| match events.form() {
        Form::Host(_) => on_host(&device),
        Form::Device { .. } => events.device().inner() == device.clone().inner(),
    };
    // The kernel starts from rest.
    let events = input.events().filter(beside);
    events.filter(|_| kernels && neurons.initial.is_none())
}

/// A layer's events where its kernels read them.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) enum Events<B: Backend> {
    /// In the host's memory.
    Host(Arc<HostEvents>),
    /// On the device; see [`Form::Device`].
    Device {
        steps: usize,
        offsets: IntTensor<B>,
        units: IntTensor<B>,
        unit_offsets: IntTensor<B>,
        unit_rows: IntTensor<B>,
    },
}

/// A tensor, or nothing.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) enum Maybe<B: Backend> {
    Nothing,
    Tensor(FloatTensor<B>),
}

/// Events and the layer that they drive: weight `[in, n]`, bias and β `[n]`. β is clamped and one per neuron;
/// every shape has been checked.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct EventLayer<B: Backend> {
    #[extension_type]
    pub events: Events<B>,
    /// What receives the gradient of the spikes, `[b, t, in]`; its values are not read.
    #[extension_type]
    pub dense: Maybe<B>,
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
}

impl EventLayer<Dispatch> {
    pub(super) fn new(
        operation: &'static str,
        events: &SpikeEvents,
        input: &LayerInput,
        synapses: &Synapses,
        neurons: &Neurons,
        n: usize,
    ) -> Result<Self, SpikeError> {
        let beta = neurons.decay(operation, n, synapses.weight.dtype())?;
        let int = |tensor: &Tensor<1, Int>| tensor.clone().into_dispatch();
        Ok(Self {
            events: match events.form() {
                Form::Host(events) => Events::Host(events.clone()),
                Form::Device {
                    offsets,
                    units,
                    unit_offsets,
                    unit_rows,
                } => Events::Device {
                    steps: events.steps(),
                    offsets: int(offsets),
                    units: int(units),
                    unit_offsets: int(unit_offsets),
                    unit_rows: int(unit_rows),
                },
            },
            dense: match input.carrier() {
                Some(dense) => Maybe::Tensor(dense.clone().into_dispatch()),
                None => Maybe::Nothing,
            },
            weight: synapses.weight.clone().into_dispatch(),
            bias: synapses.bias.clone().into_dispatch(),
            beta: beta.into_dispatch(),
        })
    }
}

/// Gradients of a layer, shaped as what they are the gradients of.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct LayerGradient<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
    /// The gradient of the dense spikes, if it was asked for.
    #[extension_type]
    pub dense: Maybe<B>,
}

impl<B: Backend> LayerGradient<B> {
    /// The gradients in the order of [`untrack`]'s nodes.
    pub(super) fn into_list(self) -> Vec<FloatTensor<B>> {
        let mut list = vec![self.weight, self.bias, self.beta];
        if let Maybe::Tensor(dense) = self.dense {
            list.push(dense);
        }
        list
    }
}

/// The forward pass of a layer.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait EventLayerOps: Backend {
    /// Spikes `[b, t, n]`, first-spike steps and spike counts `[b, n]`.
    #[fusion(meta = fusion::spikes)]
    fn event_spikes(
        #[extension_type] layer: EventLayer<Self>,
        rule: Rule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>);

    /// Membrane, before reset and after mask, `[b, t, n]`.
    #[fusion(meta = fusion::membrane)]
    fn event_membrane(#[extension_type] layer: EventLayer<Self>, rule: Rule) -> FloatTensor<Self>;
}

/// Backward, for backends without autodiff.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait EventLayerGradient: Backend {
    /// The layer's gradients from that of an output `[b, t, n]`; for the dense spikes only if it is `wanted`.
    #[fusion(meta = fusion::backward)]
    fn event_layer_backward(
        gradient: FloatTensor<Self>,
        #[extension_type] layer: EventLayer<Self>,
        rule: Rule,
        output: Output,
        wanted: bool,
    ) -> LayerGradient<Self>;
}

/// Shapes and types of the results, for kernel fusion, which must know them before it runs.
#[cfg(feature = "cube")]
pub(super) mod fusion {
    use burn::backend::fusion::custom::TensorSpec;

    use super::{EventLayerMetadata, EventsMetadata, LayerGradientMetadata, MaybeMetadata};
    use crate::neuron::Rule;
    use crate::ops::scan::{Output, per_neuron};

    pub(crate) fn membrane(layer: &EventLayerMetadata, _: &Rule) -> TensorSpec {
        let [batch, steps] = match &layer.events {
            EventsMetadata::Host(events) => [events.batch, events.steps],
            EventsMetadata::Device { steps, offsets, .. } => {
                [(offsets.shape[0] - 1) / steps, *steps]
            }
        };
        let n = layer.beta.shape[0];
        TensorSpec::new([batch, steps, n].into(), layer.weight.dtype)
    }

    pub(crate) fn spikes(
        layer: &EventLayerMetadata,
        rule: &Rule,
    ) -> (TensorSpec, TensorSpec, TensorSpec) {
        let spikes = membrane(layer, rule);
        let each = per_neuron(&spikes);
        (spikes, each.clone(), each)
    }

    pub(crate) fn backward(
        _: &TensorSpec,
        layer: &EventLayerMetadata,
        _: &Rule,
        _: &Output,
        wanted: &bool,
    ) -> LayerGradientMetadata {
        layer_gradient(layer, *wanted)
    }

    pub(crate) fn layer_gradient(
        layer: &EventLayerMetadata,
        wanted: bool,
    ) -> LayerGradientMetadata {
        LayerGradientMetadata {
            weight: layer.weight.clone(),
            bias: layer.bias.clone(),
            beta: layer.beta.clone(),
            dense: match wanted {
                true => layer.dense.clone(),
                false => MaybeMetadata::Nothing,
            },
        }
    }
}

impl<B: EventLayerOps + EventLayerGradient, C: CheckpointStrategy> EventLayerOps
    for Autodiff<B, C>
{
    fn event_spikes(
        layer: EventLayer<Self>,
        rule: Rule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>) {
        let (layer, nodes) = untrack(layer);
        let (spikes, first, counts) = B::event_spikes(layer.clone(), rule);
        let output = Output::Spikes;
        let step = EventOutput { rule, output };
        let spikes = nodes.record::<B, C, _, _>(step, layer, spikes);
        (spikes, first, counts)
    }

    fn event_membrane(layer: EventLayer<Self>, rule: Rule) -> FloatTensor<Self> {
        let (layer, nodes) = untrack(layer);
        let membrane = B::event_membrane(layer.clone(), rule);
        let output = Output::Membrane;
        nodes.record::<B, C, _, _>(EventOutput { rule, output }, layer, membrane)
    }
}

/// The nodes of a layer's weight, bias and β, and of its dense spikes if it has any.
pub(super) struct LayerNodes {
    pub parameters: [NodeGuard; 3],
    pub dense: Option<NodeGuard>,
}

impl LayerNodes {
    /// Registers a backward step; with the dense spikes' node there is a fourth parent.
    pub(super) fn record<B: Backend, C: CheckpointStrategy, T, S>(
        self,
        step: S,
        state: T,
        out: FloatTensor<B>,
    ) -> FloatTensor<Autodiff<B, C>>
    where
        T: Clone + Send + std::fmt::Debug + 'static,
        S: Backward<B, 3, State = T> + Backward<B, 4, State = T>,
    {
        let [weight, bias, beta] = self.parameters;
        match self.dense {
            None => record!(step, C, [weight, bias, beta], state, out),
            Some(dense) => record!(step, C, [weight, bias, beta, dense], state, out),
        }
    }
}

/// A layer's inner tensors and its nodes.
pub(super) fn untrack<B: Backend, C: CheckpointStrategy>(
    layer: EventLayer<Autodiff<B, C>>,
) -> (EventLayer<B>, LayerNodes) {
    let (weight, weight_node) = layer.weight.into_parts();
    let (bias, bias_node) = layer.bias.into_parts();
    let (beta, beta_node) = layer.beta.into_parts();
    let (dense, dense_node) = match layer.dense {
        Maybe::Nothing => (Maybe::Nothing, None),
        Maybe::Tensor(dense) => {
            let (dense, node) = dense.into_parts();
            (Maybe::Tensor(dense), Some(node))
        }
    };
    let events = match layer.events {
        Events::Host(events) => Events::Host(events),
        Events::Device {
            steps,
            offsets,
            units,
            unit_offsets,
            unit_rows,
        } => Events::Device {
            steps,
            offsets,
            units,
            unit_offsets,
            unit_rows,
        },
    };
    let inner = EventLayer {
        events,
        dense,
        weight,
        bias,
        beta,
    };
    let nodes = LayerNodes {
        parameters: [weight_node, bias_node, beta_node],
        dense: dense_node,
    };
    (inner, nodes)
}

#[derive(Debug)]
struct EventOutput {
    rule: Rule,
    output: Output,
}

impl<B: EventLayerGradient, const N: usize> Backward<B, N> for EventOutput {
    type State = EventLayer<B>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let wanted = matches!(ops.parents.get(3), Some(Some(_)));
        let (layer, rule) = (ops.state, self.rule);
        let layer = B::event_layer_backward(gradient, layer, rule, self.output, wanted);
        deliver!(grads, ops.parents, layer.into_list());
    }
}
