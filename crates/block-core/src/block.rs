//! The block model: single-spike neurons whose whole time course is computed at once.
//!
//! ```text
//! V[t] = β·V[t−1] + I[t]            without reset
//! S̃[t] = 1 if V[t] − 1 > 0 else 0   faulty spikes: a neuron may be above threshold more than once
//! z[t] = Σ_{k≤t} (t−k+1)·S̃[k]       their order
//! S[t] = 1 if z[t] = 1 else 0       only the first
//! ```
//!
//! (Taylor, King & Harper 2022, arXiv 2205.15286.)
//!
//! The gradient of S passes unchanged to every `z[t]`, also where z ≠ 1, which is why a network that
//! starts silent still learns; that of S̃ is the [surrogate](crate::Surrogate)'s.

mod convolution;

pub use convolution::{Convolution, convolution};

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use crate::backend::{SpikeOps, has_kernels};
use crate::{LeakyNeurons, NeuronModel, SpikeError, Surrogate, check, plain};

/// What [`scan`] returns.
#[derive(Debug, Clone)]
pub struct BlockSpikes {
    /// Spikes S, 0 or 1, at most one a neuron: `[batch, time, neuron]`.
    pub spikes: Tensor<3>,
    /// Membrane potentials V without reset, detached: `[batch, time, neuron]`. For a loss on the
    /// membrane compose [`integrate`](crate::integrate) and [`first_spikes`].
    pub membrane: Tensor<3>,
    /// Step of each neuron's spike, or the number of steps if it stays silent: `[batch, neuron]`.
    pub first_steps: Tensor<2, Int>,
}

/// The block model as a scan and a latch, O(t) a neuron; z is never formed.
///
/// Gradients, with G = ∂L/∂S:
///
/// ```text
/// ∂L/∂S̃[k] = Σ_{t≥k} (t−k+1)·G[t]          two reverse cumulative sums
/// ∂L/∂V[k] = ∂L/∂S̃[k] · surrogate(V[k])
/// ∂L/∂I[k] = D[k] = ∂L/∂V[k] + β·D[k+1]
/// ∂L/∂β    = Σ D[t]·V[t−1]
/// ```
///
/// # Shapes
///
/// - `current`, spikes, membrane: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn scan(current: Tensor<3>, neurons: &LeakyNeurons) -> Result<BlockSpikes, SpikeError> {
    const NAME: &str = "block::scan";
    let [_, _, n] = current.dims();
    check::not_empty(NAME, current.dims())?;
    let decay = neurons.decay(NAME, n, current.dtype())?;
    let current = neurons.inject_initial(NAME, current, &decay)?;
    if !has_kernels(&current.device(), current.dtype()) {
        return Ok(plain::block(current, decay, neurons.surrogate));
    }
    let (spikes, membrane, first) = Dispatch::scan(
        current.into_dispatch(),
        decay.into_dispatch(),
        neurons.rule(NeuronModel::Block),
    );
    Ok(BlockSpikes {
        spikes: Tensor::from_dispatch(spikes),
        membrane: Tensor::from_dispatch(membrane),
        first_steps: Tensor::from_dispatch(first),
    })
}

/// The latch of the block model alone: spikes `[batch, time, neuron]` and first-spike steps
/// `[batch, neuron]` of a membrane potential that never resets.
///
/// # Shapes
///
/// - `membrane`, spikes: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if a dimension is empty.
pub fn first_spikes(
    membrane: Tensor<3>,
    surrogate: Surrogate,
) -> Result<(Tensor<3>, Tensor<2, Int>), SpikeError> {
    check::not_empty("block::first_spikes", membrane.dims())?;
    if !has_kernels(&membrane.device(), membrane.dtype()) {
        return Ok(plain::first_spikes(membrane, surrogate));
    }
    let (spikes, first) = Dispatch::first_spikes(membrane.into_dispatch(), surrogate);
    Ok((Tensor::from_dispatch(spikes), Tensor::from_dispatch(first)))
}
