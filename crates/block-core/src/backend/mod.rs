//! Where an operation runs: the one place that knows backends.
//!
//! [`has_kernels`] decides. With kernels, the operations of [`SpikeOps`] run as fused kernels with
//! hand-written gradients; without, callers compose plain tensor operations ([`crate::plain`]).
//! A further backend implements [`SpikeOps`] and [`SpikeGradients`] in a file beside `flex.rs` and
//! joins the list in `#[backend_extension]`. Under Burn's kernel fusion an operation is deferred; what it
//! will return is declared by `#[fusion]`.

mod autodiff;
#[cfg(feature = "cube")]
mod cube;
mod flex;
#[cfg(feature = "cube")]
mod outputs;

#[cfg(feature = "cuda-source")]
pub use cube::{Source, cuda_sources};

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, DispatchDevice, ExtensionType, backend_extension};
use burn::tensor::{DType, Device};

use crate::Surrogate;
pub(crate) use crate::kernels::AdamStep;
use crate::neurons::{NeuronModel, SpikeRule};

/// Whether the fused kernels cover a device and data type.
pub(crate) fn has_kernels(device: &Device, dtype: DType) -> bool {
    match device.clone().inner().as_dispatch() {
        DispatchDevice::Flex(_) => matches!(dtype, DType::F32 | DType::F64),
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(_) => matches!(dtype, DType::F32 | DType::F16 | DType::BF16),
        _ => false,
    }
}

/// Whether a device works in the host's memory: what is made on the host is then at hand, and events
/// need no second listing by unit.
pub(crate) fn on_host(device: &Device) -> bool {
    matches!(
        device.clone().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    )
}

/// Forward operations. β is clamped and one per neuron; every shape has been checked.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait SpikeOps: Backend {
    /// Current `[b, t, n]` and β `[n]` → membrane `[b, t, n]`.
    #[fusion(dtype = current, shape = current)]
    fn leaky_integrate(current: FloatTensor<Self>, beta: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Membrane `[b, t, n]` → spikes `[b, t, n]`, first-spike steps `[b, n]`.
    #[fusion(meta = outputs::latch)]
    fn first_spikes(
        membrane: FloatTensor<Self>,
        surrogate: Surrogate,
    ) -> (FloatTensor<Self>, IntTensor<Self>);

    /// Current `[b, t, n]` and β `[n]` → spikes and (detached) membrane before reset or mask
    /// `[b, t, n]`, first-spike steps `[b, n]`.
    #[fusion(meta = outputs::scan)]
    fn scan(
        current: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        rule: SpikeRule,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, IntTensor<Self>);

    /// An event-driven layer → spikes `[b, t, n]`, first-spike steps and spike counts `[b, n]`.
    #[fusion(meta = outputs::event_spikes)]
    fn event_spikes(
        #[extension_type] layer: EventLayer<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>);

    /// An event-driven leaky integrator → membrane `[b, t, n]`.
    #[fusion(meta = outputs::event_membrane)]
    fn event_membrane(#[extension_type] layer: EventLayer<Self>, steps: usize)
    -> FloatTensor<Self>;

    /// An event-driven layer and its readout (weight `[n, c]`, bias and β `[c]`) as one operation →
    /// the readout's membrane `[b, t, c]`, first-spike steps and spike counts of the layer `[b, n]`.
    #[fusion(meta = outputs::event_readout)]
    fn event_readout(
        #[extension_type] layer: EventLayer<Self>,
        #[extension_type] readout: Readout<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (FloatTensor<Self>, IntTensor<Self>, IntTensor<Self>);

    /// One step of Adam → parameter, first and second moment. Not differentiable.
    #[fusion(meta = outputs::adam)]
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
/// The events once more by unit, `unit_offsets` `[in + 1]` and `unit_rows` `[spikes]`, are empty on the
/// host. `through` is the same spike train as a tensor `[b, t, in]`, which then receives its gradient, or
/// an empty tensor.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct EventLayer<B: Backend> {
    pub offsets: IntTensor<B>,
    pub units: IntTensor<B>,
    pub unit_offsets: IntTensor<B>,
    pub unit_rows: IntTensor<B>,
    pub through: FloatTensor<B>,
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
}

/// A readout: weight `[n, c]`, bias and β `[c]`.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct Readout<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
}

/// The gradient that reaches an event-driven layer; see the forward operations for the shapes.
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
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
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct LayerGradient<B: Backend> {
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
    /// ∂L/∂through if it was asked for, else empty.
    pub through: FloatTensor<B>,
    /// ∂L/∂W of the readout above where only the layer's pass knows the spikes, for multi-spike neurons;
    /// else empty.
    pub readout_weight: FloatTensor<B>,
}

/// Gradients of a readout, and what the layer below it needs ([`Upstream::Readout`]).
#[derive(ExtensionType, Clone, Debug)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub(crate) struct ReadoutGradient<B: Backend> {
    /// Of no meaning for multi-spike neurons: see [`LayerGradient::readout_weight`].
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub beta: FloatTensor<B>,
    /// ∂L/∂I of the readout `[b, t, c]`, for the block model summed twice over time.
    pub narrow: FloatTensor<B>,
}

/// Backward operations of [`SpikeOps`], for backends without autodiff.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait SpikeGradients: Backend {
    /// ∂L/∂V → ∂L/∂I, ∂L/∂β.
    #[fusion(meta = outputs::integrate_backward)]
    fn leaky_integrate_backward(
        gradient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        beta: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// ∂L/∂S → ∂L/∂V.
    #[fusion(dtype = membrane, shape = membrane)]
    fn first_spikes_backward(
        gradient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        surrogate: Surrogate,
    ) -> FloatTensor<Self>;

    /// ∂L/∂S → ∂L/∂I, ∂L/∂β.
    #[fusion(meta = outputs::scan_backward)]
    fn scan_backward(
        gradient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        first: IntTensor<Self>,
        beta: FloatTensor<Self>,
        rule: SpikeRule,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = outputs::layer_backward)]
    fn event_layer_backward(
        #[extension_type] layer: EventLayer<Self>,
        #[extension_type] upstream: Upstream<Self>,
        steps: usize,
        rule: SpikeRule,
        through: bool,
    ) -> LayerGradient<Self>;

    /// ∂L/∂trace `[b, t, c]` → gradients of the readout; `first` `[b, n]`, weight `[n, c]`.
    #[fusion(meta = outputs::readout_backward)]
    fn readout_backward(
        gradient: FloatTensor<Self>,
        trace: FloatTensor<Self>,
        first: IntTensor<Self>,
        beta: FloatTensor<Self>,
        model: NeuronModel,
    ) -> ReadoutGradient<Self>;
}
