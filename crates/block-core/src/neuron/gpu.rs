//! The dynamics of one neuron as device code, shared by all kernels. State is float32 whatever the
//! tensors' type.

use cubecl::prelude::*;

use super::{Curve, NeuronModel};

/// The surrogate derivative at a potential; see [`Surrogate`](crate::Surrogate).
#[cube]
pub(crate) fn derivative(potential: f32, scale: f32, #[comptime] curve: Curve) -> f32 {
    let u = potential - 1.0f32;
    match curve {
        Curve::FastSigmoid => {
            let d = scale * u.abs() + 1.0f32;
            1.0f32 / (d * d)
        }
        Curve::Sigmoid => {
            let s = 1.0f32 / (1.0f32 + (0.0f32 - scale * u).exp());
            scale * s * (1.0f32 - s)
        }
        Curve::Arctan => {
            let w = 1.5707964f32 * scale * u;
            0.5f32 * scale / (1.0f32 + w * w)
        }
        Curve::Triangular => max(1.0f32 - scale * u.abs(), 0.0f32),
    }
}

/// A value as the tensor's type keeps it. Spikes are decided on it, as the backward pass has no other.
#[cube]
pub(crate) fn rounded<F: Float>(value: f32) -> f32 {
    f32::cast_from(F::cast_from(value))
}

/// 1 above threshold, else 0.
#[cube]
pub(crate) fn above(potential: f32) -> f32 {
    select(potential - 1.0f32 > 0.0f32, 1.0f32, 0.0f32)
}

/// The spike (1 or 0) of a potential; `first` is the step of the first spike so far, or the number of steps.
#[cube]
pub(crate) fn spike(potential: f32, first: i32, steps: i32, #[comptime] model: NeuronModel) -> f32 {
    match model {
        NeuronModel::MultiSpike => above(potential),
        NeuronModel::Block | NeuronModel::SingleSpike | NeuronModel::Integrator => {
            select(first == steps, above(potential), 0.0f32)
        }
    }
}

/// What is left of a potential at step `t` to decay into the next, after reset or mask; `first` is the step
/// of the first spike, this one included.
#[cube]
pub(crate) fn remaining(
    potential: f32,
    spike: f32,
    first: i32,
    t: i32,
    #[comptime] model: NeuronModel,
) -> f32 {
    match model {
        NeuronModel::Block | NeuronModel::Integrator => potential,
        NeuronModel::SingleSpike => unless_fired(potential, first, t),
        NeuronModel::MultiSpike => potential - spike,
    }
}

/// A value if the first spike is at step `t` or later, else 0.
#[cube]
pub(crate) fn unless_fired(value: f32, first: i32, t: i32) -> f32 {
    select(first >= t, value, 0.0f32)
}

/// What a neuron's sweep back carries from the step after.
#[derive(CubeType)]
pub(crate) struct Reverse {
    /// β·∂L/∂I.
    pub carried: f32,
    /// Block: the spikes' gradient summed once over time. Single-spike: the mask's gradient.
    pub once: f32,
    /// Block: the spikes' gradient summed twice over time.
    pub twice: f32,
}

#[cube]
impl Reverse {
    pub(crate) fn new() -> Reverse {
        Reverse {
            carried: 0.0f32,
            once: 0.0f32,
            twice: 0.0f32,
        }
    }
}

/// What the gradient that arrives at a layer is the gradient of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Arriving {
    /// The spikes S.
    Spikes,
    /// The membrane V.
    Membrane,
    /// Under a readout: the faulty spikes S̃ for the block model, with both sums over time included; else S.
    Summed,
}

impl Arriving {
    /// Whether the backward pass needs the surrogate derivative.
    pub(crate) fn needs_slope(self, model: NeuronModel) -> bool {
        match self {
            Self::Spikes | Self::Summed => true,
            Self::Membrane => model.feeds_spikes_back(),
        }
    }
}

/// ∂L/∂I of one step, in closed form as in `neuron/cpu.rs`.
#[cube]
pub(crate) fn reverse_step(
    state: &mut Reverse,
    gradient: f32,
    potential: f32,
    beta: f32,
    first: i32,
    t: i32,
    scale: f32,
    #[comptime] curve: Curve,
    #[comptime] model: NeuronModel,
    #[comptime] arriving: Arriving,
) -> f32 {
    let slope = derivative(potential, scale, curve);
    let d = match model {
        NeuronModel::Block => match arriving {
            Arriving::Summed => gradient * slope + state.carried,
            Arriving::Membrane => gradient + state.carried,
            Arriving::Spikes => {
                state.once += gradient;
                state.twice += state.once;
                state.twice * slope + state.carried
            }
        },
        NeuronModel::MultiSpike => match arriving {
            Arriving::Membrane => (gradient + state.carried) - state.carried * slope,
            Arriving::Spikes | Arriving::Summed => {
                (gradient - state.carried) * slope + state.carried
            }
        },
        NeuronModel::SingleSpike => match arriving {
            Arriving::Membrane => {
                let carried = state.carried;
                let spike = to_spike(state, 0.0f32, potential, first, t);
                let membrane = gradient + carried;
                state.once -= membrane * potential;
                unless_fired(spike * slope + membrane, first, t)
            }
            Arriving::Spikes | Arriving::Summed => {
                let membrane = state.carried;
                let spike = to_spike(state, gradient, potential, first, t);
                state.once -= membrane * potential;
                unless_fired(spike * slope + membrane, first, t)
            }
        },
        NeuronModel::Integrator => match arriving {
            Arriving::Membrane => gradient + state.carried,
            Arriving::Spikes | Arriving::Summed => {
                let membrane = state.carried;
                let spike = to_spike(state, gradient, potential, first, t);
                unless_fired(spike * slope, first, t) + membrane
            }
        },
    };
    state.carried = beta * d;
    d
}

/// The whole gradient of a spike, with the mask's share, which is taken out of `state`. Before the first spike,
/// mask and spike tie at 0 and share the gradient of their maximum; at the first spike all of it goes to the
/// spike, afterwards all of it to the mask.
#[cube]
fn to_spike(state: &mut Reverse, gradient: f32, potential: f32, first: i32, t: i32) -> f32 {
    let silent = unless_fired(1.0f32, first, t);
    let to_spike = silent - 0.5f32 * select(first > t, 1.0f32, 0.0f32);
    let shared = state.once * to_spike;
    let spike = gradient + shared;
    state.once = (state.once - shared) - spike * above(potential);
    spike
}
