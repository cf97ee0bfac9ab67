//! Where an operation runs: the one place that knows backends.
//!
//! [`has_kernels`] decides. With kernels, the operations of [`SpikeOps`] run as fused kernels with
//! hand-written gradients; without, callers compose plain tensor operations ([`crate::plain`]).
//! A further backend implements [`SpikeOps`] and [`SpikeGradients`] in a file beside `flex.rs` and
//! joins the list in `#[backend_extension]`.

mod autodiff;
mod flex;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, DispatchDevice, ExtensionType, backend_extension};
use burn::tensor::{DType, Device};

use crate::Surrogate;
pub(crate) use crate::kernels::AdamStep;
use crate::neurons::{NeuronModel, SpikeRule};

/// Whether the fused kernels cover a device and data type.
pub(crate) fn has_kernels(device: &Device, dtype: DType) -> bool {
    matches!(
        device.clone().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    ) && matches!(dtype, DType::F32 | DType::F64)
}

/// Forward operations. β is clamped and one per neuron; every shape has been checked.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait SpikeOps: Backend {
    /// Current `[b, t, n]` and β `[n]` → membrane `[b, t, n]`.
    fn leaky_integrate(current: FloatTensor<Self>, beta: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Membrane `[b, t, n]` → spikes `[b, t, n]`, first-spike steps `[b, n]`.
    fn first_spikes(
        membrane: FloatTensor<Self>,
        surrogate: Surrogate,
    ) -> (FloatTensor<Self>, IntTensor<Self>);

    /// Current `[b, t, n]` and β `[n]` → spikes and (detached) membrane `[b, t, n]`, first-spike
    /// steps `[b, n]`.
    fn block_scan(
        current: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        surrogate: Surrogate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, IntTensor<Self>);

    /// An event-driven layer → spikes `[b, t, n]`, first-spike steps and spike counts `[b, n]`.
    fn event_spikes(
        #[extension_type] layer: EventLayer<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>);

    /// An event-driven leaky integrator → membrane `[b, t, n]`.
    fn event_membrane(#[extension_type] layer: EventLayer<Self>, steps: usize)
    -> FloatTensor<Self>;

    /// An event-driven layer and its readout (weight `[n, c]`, bias and β `[c]`) as one operation →
    /// the readout's membrane `[b, t, c]`, first-spike steps and spike counts of the layer `[b, n]`.
    fn event_readout(
        #[extension_type] layer: EventLayer<Self>,
        #[extension_type] readout: Readout<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>);

    /// One step of Adam → parameter, first and second moment. Not differentiable.
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Spike events (offsets `[b·t + 1]`, units `[spikes]`) and the layer that they drive: weight
/// `[in, n]`, bias and β `[n]`.
///
/// `through` is the same spike train as a tensor `[b, t, in]`, which then receives its gradient, or
/// an empty tensor.
#[derive(ExtensionType, Clone, Debug)]
pub(crate) struct EventLayer<B: Backend> {
    pub offsets: IntTensor<B>,
    pub units: IntTensor<B>,
    pub through: FloatTensor<B>,
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
}

/// A readout: weight `[n, c]`, bias and β `[c]`.
#[derive(ExtensionType, Clone, Debug)]
pub(crate) struct Readout<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
}

/// The gradient that reaches an event-driven layer; see the forward operations for the shapes.
pub(crate) enum Upstream<B: Backend> {
    Spikes(FloatTensor<B>),
    Membrane(FloatTensor<B>),
    Readout {
        /// Readout weight `[n, c]` and [`ReadoutGradient::narrow`].
        weight: FloatTensor<B>,
        narrow: FloatTensor<B>,
    },
}

/// Gradients of an event-driven layer.
pub(crate) struct LayerGradient<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
    /// ∂L/∂through, when it was asked for.
    pub through: Option<FloatTensor<B>>,
    /// ∂L/∂W of the readout above, where only the layer's pass knows the spikes.
    pub readout_weight: Option<FloatTensor<B>>,
}

/// Gradients of a readout, and what the layer below it needs ([`Upstream::Readout`]).
pub(crate) struct ReadoutGradient<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
    /// ∂L/∂I of the readout `[b, t, c]`, for the block model summed twice over time.
    pub narrow: FloatTensor<B>,
}

/// Backward operations of [`SpikeOps`], for backends without autodiff.
pub(crate) trait SpikeGradients: Backend {
    /// ∂L/∂V → ∂L/∂I, ∂L/∂β.
    fn leaky_integrate_backward(
        gradient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        beta: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// ∂L/∂S → ∂L/∂V.
    fn first_spikes_backward(
        gradient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        surrogate: Surrogate,
    ) -> FloatTensor<Self>;

    /// ∂L/∂S → ∂L/∂I, ∂L/∂β.
    fn block_scan_backward(
        gradient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        surrogate: Surrogate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    fn event_layer_backward(
        layer: EventLayer<Self>,
        upstream: Upstream<Self>,
        steps: usize,
        rule: SpikeRule,
        through: bool,
    ) -> LayerGradient<Self>;

    /// ∂L/∂trace `[b, t, c]` → gradients of the readout; `first` `[b, n]`, weight `[n, c]`.
    fn readout_backward(
        gradient: FloatTensor<Self>,
        trace: FloatTensor<Self>,
        first: IntTensor<Self>,
        beta: FloatTensor<Self>,
        model: NeuronModel,
    ) -> ReadoutGradient<Self>;
}
