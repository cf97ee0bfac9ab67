//! Neurons driven by a current, in one pass over time.

mod cpu;
#[cfg(feature = "cube")]
pub(crate) mod gpu;
#[cfg(feature = "cube")]
pub(crate) mod gpu_chunked;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};

use super::activity::{Activity, Spiking};
use super::autodiff::{deliver, record};
use crate::device::has_kernels;
use crate::error::check_not_empty;
use crate::neuron::{Rule, reference};
use crate::spikes::spike_counts;
use crate::{NeuronModel, Neurons, SpikeError};

/// Neurons driven by a current: one pass over time forward and one backward, O(t) a neuron, by any
/// [model](NeuronModel).
///
/// The potential u, before reset and mask, and the gradients with G = ∂L/∂S and M = ∂L/∂V:
///
/// ```text
/// u[t] = β·V[t−1] + I[t]
/// ∂L/∂I[t] = D[t] = ∂L/∂u[t]                  what step t+1 hands back is part of it
/// ∂L/∂β    = Σ D[t]·V[t−1]
///
/// block        D[t] = ∂L/∂S̃[t]·surrogate(u[t]) + M[t] + β·D[t+1]
///              ∂L/∂S̃[t] = Σ_{k≥t} (k−t+1)·G[k]              two reverse cumulative sums
/// integrator   D[t] = M[t] + β·D[t+1]                       the readout; it has no use for G
/// multi-spike  D[t] = (G[t] − β·D[t+1])·surrogate(u[t]) + M[t] + β·D[t+1]
/// ```
///
/// The single-spike model also carries the gradient of its mask; `neuron/cpu.rs` has it in closed form.
/// The order z of the block model's crossings is never formed: it reaches t(t+1)/2, and a latch suffices. For
/// the paper's own formulation see [`convolution`](crate::convolution).
///
/// To apply the latch alone, to a potential that is known already, run the scan with β = 0.
///
/// # Shapes
///
/// - `current`, spikes, membrane: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn scan(current: Tensor<3>, neurons: &Neurons) -> Result<Activity, SpikeError> {
    scan_for("scan", current, neurons)
}

/// [`scan`] as a part of an operation that errors name.
pub(super) fn scan_for(
    operation: &'static str,
    current: Tensor<3>,
    neurons: &Neurons,
) -> Result<Activity, SpikeError> {
    let shape = current.dims();
    let [batch, steps, n] = shape;
    check_not_empty(operation, shape)?;
    let beta = neurons.decay(operation, n, current.dtype())?;
    neurons.check_initial(operation, batch, n)?;
    let rule = neurons.rule();
    if !has_kernels(&current.device(), current.dtype()) {
        let reference::Steps { spikes, membrane } = reference::scan(current, neurons)?;
        return Ok(Activity::from_steps(rule.model, spikes, membrane));
    }
    let current = neurons.inject_initial(operation, current, &beta)?;
    let beta = beta.into_dispatch();
    let (potential, first) = Dispatch::scan(current.into_dispatch(), beta.clone(), rule.model);
    let output = move |output| {
        let (potential, first, beta) = (potential.clone(), first.clone(), beta.clone());
        let out = Dispatch::scan_output(potential, first.clone(), beta, rule, output);
        (
            Tensor::<3>::from_dispatch(out),
            Tensor::<2, Int>::from_dispatch(first),
        )
    };
    let membrane = {
        let output = output.clone();
        move || output(Output::Membrane).0
    };
    let spiking = move || {
        let (spikes, first_steps) = output(Output::Spikes);
        let counts = match rule.model.fires_once() {
            true => first_steps.clone().lower_elem(steps as i64).int(),
            false => spike_counts(spikes.clone()),
        };
        Spiking {
            spikes: spikes.into(),
            first_steps,
            counts,
            events: None,
        }
    };
    Ok(Activity::new(shape, rule.model, spiking, membrane))
}

/// What of a layer's activity is wanted, or what a gradient is the gradient of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Output {
    /// The spikes S.
    Spikes,
    /// The membrane V, before reset and after mask.
    Membrane,
}

/// Forward. β is clamped and one per neuron; every shape has been checked.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait ScanOps: Backend {
    /// Current `[b, t, n]` and β `[n]` → potential u before reset and mask `[b, t, n]`, first-spike steps
    /// `[b, n]`.
    ///
    /// Under autodiff the potential stands for the current: what it receives as gradient is ∂L/∂I, and only
    /// [`scan_output`](Self::scan_output) may hand it one.
    #[fusion(meta = |current, _, _| (current.clone(), per_neuron(current)))]
    fn scan(
        current: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        model: NeuronModel,
    ) -> (FloatTensor<Self>, IntTensor<Self>);

    /// Spikes or membrane of potential and first-spike steps, `[b, t, n]`.
    #[fusion(dtype = potential, shape = potential)]
    fn scan_output(
        potential: FloatTensor<Self>,
        first: IntTensor<Self>,
        beta: FloatTensor<Self>,
        rule: Rule,
        output: Output,
    ) -> FloatTensor<Self>;
}

/// Backward, for backends without autodiff.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait ScanGradient: Backend {
    /// The gradient of an output → ∂L/∂I `[b, t, n]`, ∂L/∂β `[n]`.
    #[fusion(meta = |gradient, _, _, beta, _, _| (gradient.clone(), beta.clone()))]
    fn scan_backward(
        gradient: FloatTensor<Self>,
        potential: FloatTensor<Self>,
        first: IntTensor<Self>,
        beta: FloatTensor<Self>,
        rule: Rule,
        output: Output,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// `[b, n]` beside `[b, t, n]`, for kernel fusion, which must know shapes before it runs.
#[cfg(feature = "cube")]
pub(crate) fn per_neuron(
    of: &burn::backend::fusion::custom::TensorSpec,
) -> burn::backend::fusion::custom::TensorSpec {
    let [batch, _, n] = of.shape.dims();
    let dtype = burn::tensor::DType::I32;
    burn::backend::fusion::custom::TensorSpec::new([batch, n].into(), dtype)
}

impl<B: ScanOps + ScanGradient, C: CheckpointStrategy> ScanOps for Autodiff<B, C> {
    fn scan(
        current: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        model: NeuronModel,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        let (current, node) = current.into_parts();
        let (potential, first) = B::scan(current, beta.into_parts().0, model);
        (record!(Hand, C, [node], (), potential), first)
    }

    fn scan_output(
        potential: FloatTensor<Self>,
        first: IntTensor<Self>,
        beta: FloatTensor<Self>,
        rule: Rule,
        output: Output,
    ) -> FloatTensor<Self> {
        let (potential, node) = potential.into_parts();
        let (beta, beta_node) = beta.into_parts();
        let out = B::scan_output(potential.clone(), first.clone(), beta.clone(), rule, output);
        let step = ScanOutput { rule, output };
        record!(step, C, [node, beta_node], (potential, first, beta), out)
    }
}

/// The potential's node: it hands ∂L/∂I on to the current, as it is.
#[derive(Debug)]
struct Hand;

impl<B: Backend> Backward<B, 1> for Hand {
    type State = ();

    fn backward(self, ops: Ops<(), 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        deliver!(grads, ops.parents, [gradient]);
    }
}

/// The gradient of one output. It is linear in what arrives, so spikes and membrane need not know of each
/// other.
#[derive(Debug)]
struct ScanOutput {
    rule: Rule,
    output: Output,
}

impl<B: ScanGradient> Backward<B, 2> for ScanOutput {
    type State = (FloatTensor<B>, IntTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (potential, first, beta) = ops.state;
        let (d_current, d_beta) =
            B::scan_backward(gradient, potential, first, beta, self.rule, self.output);
        deliver!(grads, ops.parents, [d_current, d_beta]);
    }
}
