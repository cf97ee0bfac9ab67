//! The standard models, the baselines: neurons simulated step by step, differentiated through time by
//! Burn's autodiff.

use burn::tensor::Tensor;

use crate::{LeakyNeurons, SpikeError, check, plain};

/// What a standard model returns, each `[batch, time, neuron]` and differentiable.
#[derive(Debug, Clone)]
pub struct StandardSpikes {
    /// Spikes, 0 or 1.
    pub spikes: Tensor<3>,
    /// Recorded membrane potentials; which ones, the model says.
    pub membrane: Tensor<3>,
}

/// Multi-spike neurons with a soft reset: `u = β·V + I[t]`; s = 1 if u − 1 > 0; V ← u − s. The gradient
/// flows through the reset. Records u, the potential before the reset.
///
/// # Shapes
///
/// - `current`, outputs: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn multi_spike(
    current: Tensor<3>,
    neurons: &LeakyNeurons,
) -> Result<StandardSpikes, SpikeError> {
    simulate("standard::multi_spike", current, neurons, |neurons| {
        let surrogate = neurons.surrogate;
        move |u: Tensor<2>| {
            let spikes = surrogate.spike(u.clone());
            Step {
                next: u.clone() - spikes.clone(),
                membrane: u,
                spikes,
            }
        }
    })
}

/// Single-spike neurons: with m the mask of neurons that have fired, s = (V − 1 > 0)·(1 − m),
/// V ← V·(1 − m), then m ← max(m, s). No reset. Gradients flow through s, V and m; where m and s tie,
/// each gets half. Records V after masking.
///
/// # Shapes
///
/// - `current`, outputs: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn single_spike(
    current: Tensor<3>,
    neurons: &LeakyNeurons,
) -> Result<StandardSpikes, SpikeError> {
    masked("standard::single_spike", current, neurons, true)
}

/// Leaky integrators, the standard models' readout: as [`single_spike`], but V is never masked. For
/// the membrane alone [`integrate`](crate::integrate) is the fast way.
///
/// # Shapes
///
/// - `current`, outputs: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn integrator(
    current: Tensor<3>,
    neurons: &LeakyNeurons,
) -> Result<StandardSpikes, SpikeError> {
    masked("standard::integrator", current, neurons, false)
}

fn masked(
    name: &'static str,
    current: Tensor<3>,
    neurons: &LeakyNeurons,
    mask_membrane: bool,
) -> Result<StandardSpikes, SpikeError> {
    simulate(name, current, neurons, |neurons| {
        let surrogate = neurons.surrogate;
        let mut mask: Option<Tensor<2>> = None;
        move |v: Tensor<2>| {
            let fired = mask.take().unwrap_or_else(|| v.zeros_like());
            let silent = -fired.clone() + 1.0;
            let spikes = surrogate.spike(v.clone()) * silent.clone();
            let membrane = if mask_membrane { v * silent } else { v };
            // max(m, s) with half of a tie's gradient to each side.
            let gap = (fired.clone() - spikes.clone()).abs();
            mask = Some((fired + spikes.clone() + gap) * 0.5);
            Step {
                next: membrane.clone(),
                membrane,
                spikes,
            }
        }
    })
}

/// One time step, each `[batch, neuron]`.
struct Step {
    spikes: Tensor<2>,
    membrane: Tensor<2>,
    /// The potential that decays into the next step.
    next: Tensor<2>,
}

/// Runs a model over time: its step gets the integrated potential `β·V + I[t]`.
fn simulate<S: FnMut(Tensor<2>) -> Step>(
    name: &'static str,
    current: Tensor<3>,
    neurons: &LeakyNeurons,
    model: impl FnOnce(&LeakyNeurons) -> S,
) -> Result<StandardSpikes, SpikeError> {
    let [batch, _, n] = current.dims();
    check::not_empty(name, current.dims())?;
    let decay = neurons.decay(name, n, current.dtype())?.unsqueeze::<2>();
    if let Some(initial) = &neurons.initial {
        check::shape(
            name,
            "initial",
            &initial.dims(),
            &[batch, n],
            "(batch, neurons)",
        )?;
    }
    // Half precision would lose small currents on the way.
    let dtype = current.dtype();
    let wide = plain::wide(dtype);
    let decay = decay.cast(wide);
    let mut potential = neurons.initial.clone().map(|v| v.cast(wide));
    let mut step = model(neurons);
    let (mut spikes, mut membrane) = (Vec::new(), Vec::new());
    for current in plain::unbind(current.cast(wide)) {
        let v = match potential.take() {
            Some(v) => v * decay.clone() + current,
            None => current,
        };
        let out = step(v);
        spikes.push(out.spikes);
        membrane.push(out.membrane);
        potential = Some(out.next);
    }
    Ok(StandardSpikes {
        spikes: Tensor::stack(spikes, 1).cast(dtype),
        membrane: Tensor::stack(membrane, 1).cast(dtype),
    })
}
