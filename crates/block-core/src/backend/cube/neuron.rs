//! The dynamics of one neuron as device code, shared by all kernels. State is float32 whatever the
//! tensors' type.

use cubecl::prelude::*;

use crate::Surrogate;
use crate::neurons::NeuronModel;

/// A surrogate's formula, without its scale: kernels are compiled for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Curve {
    FastSigmoid,
    Sigmoid,
    Arctan,
    Triangular,
}

impl Curve {
    /// The formula and its scale.
    pub fn of(surrogate: Surrogate) -> (Self, f32) {
        let (curve, scale) = match surrogate {
            Surrogate::FastSigmoid { scale } => (Self::FastSigmoid, scale),
            Surrogate::Sigmoid { scale } => (Self::Sigmoid, scale),
            Surrogate::Arctan { scale } => (Self::Arctan, scale),
            Surrogate::Triangular { scale } => (Self::Triangular, scale),
        };
        (curve, scale as f32)
    }
}

/// The surrogate derivative at a potential; see [`Surrogate`].
#[cube]
pub(super) fn derivative(potential: f32, scale: f32, #[comptime] curve: Curve) -> f32 {
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
pub(super) fn rounded<F: Float>(value: f32) -> f32 {
    f32::cast_from(F::cast_from(value))
}

/// 1 above threshold, else 0.
#[cube]
pub(super) fn above(potential: f32) -> f32 {
    select(potential - 1.0f32 > 0.0f32, 1.0f32, 0.0f32)
}

/// The spike (1 or 0) of a potential at step `t`; `first` is the step of the first spike so far, or
/// the number of steps.
#[cube]
pub(super) fn spike(potential: f32, first: i32, steps: i32, #[comptime] model: NeuronModel) -> f32 {
    match model {
        NeuronModel::MultiSpike => above(potential),
        NeuronModel::Block | NeuronModel::SingleSpike => {
            select(first == steps, above(potential), 0.0f32)
        }
    }
}

/// What is left of a potential at step `t` to decay into the next, after reset or mask; `first` is the step
/// of the first spike, this one included.
#[cube]
pub(super) fn remaining(
    potential: f32,
    spike: f32,
    first: i32,
    t: i32,
    #[comptime] model: NeuronModel,
) -> f32 {
    match model {
        NeuronModel::Block => potential,
        NeuronModel::SingleSpike => select(first >= t, potential, 0.0f32),
        NeuronModel::MultiSpike => potential - spike,
    }
}

/// What a neuron's reverse sweep carries from the step after.
#[derive(CubeType)]
pub(super) struct Reverse {
    /// β·∂L/∂I.
    pub carried: f32,
    /// Block: the spikes' gradient summed once over time. Single-spike: the mask's gradient.
    pub once: f32,
    /// Block: summed twice.
    pub twice: f32,
}

#[cube]
impl Reverse {
    pub fn new() -> Reverse {
        Reverse {
            carried: 0.0f32,
            once: 0.0f32,
            twice: 0.0f32,
        }
    }
}

/// How the gradient that arrives at a layer is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Meaning {
    /// ∂L/∂S.
    Spikes,
    /// The block model: of the faulty spikes, both sums over time included.
    Faulty,
}

/// ∂L/∂I of one step, in closed form as in `kernels::events::backward`.
#[cube]
pub(super) fn reverse_step(
    state: &mut Reverse,
    gradient: f32,
    potential: f32,
    beta: f32,
    first: i32,
    t: i32,
    scale: f32,
    #[comptime] curve: Curve,
    #[comptime] model: NeuronModel,
    #[comptime] meaning: Meaning,
) -> f32 {
    let slope = derivative(potential, scale, curve);
    let d = match model {
        NeuronModel::Block => match meaning {
            Meaning::Faulty => gradient * slope + state.carried,
            Meaning::Spikes => {
                state.once += gradient;
                state.twice += state.once;
                state.twice * slope + state.carried
            }
        },
        NeuronModel::MultiSpike => (gradient - state.carried) * slope + state.carried,
        NeuronModel::SingleSpike => {
            // Before the first spike m and s tie at 0 and share the maximum's gradient; at it all goes
            // to s, after it all to m.
            let silent = select(first >= t, 1.0f32, 0.0f32);
            let to_spike = silent - 0.5f32 * select(first > t, 1.0f32, 0.0f32);
            let shared = state.once * to_spike;
            let spike = gradient + shared;
            state.once =
                (state.once - shared) - spike * above(potential) - state.carried * potential;
            silent * (spike * slope + state.carried)
        }
    };
    state.carried = beta * d;
    d
}
