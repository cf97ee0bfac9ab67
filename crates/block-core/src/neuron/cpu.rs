//! The dynamics of a vector of neurons on the CPU, one step forward and one backward: written once for every
//! vector width, for float32 and float64, and used by every operation.

use std::ops::{Add, Mul};

use fearless_simd::Simd;
use fearless_simd::prelude::*;

use super::Surrogate;
use crate::simd::{Real, Vector};

/// Runs `$body` with the [`Dynamics`] of a [`NeuronModel`](super::NeuronModel) bound to `$dynamics`.
macro_rules! with_dynamics {
    ($model:expr, $dynamics:ident => $body:expr) => {
        match $model {
            $crate::NeuronModel::Block => {
                type $dynamics = $crate::neuron::cpu::Block<false>;
                $body
            }
            $crate::NeuronModel::SingleSpike => {
                type $dynamics = $crate::neuron::cpu::Single<true>;
                $body
            }
            $crate::NeuronModel::MultiSpike => {
                type $dynamics = $crate::neuron::cpu::Multi;
                $body
            }
            $crate::NeuronModel::Integrator => {
                type $dynamics = $crate::neuron::cpu::Integrator;
                $body
            }
        }
    };
}
pub(crate) use with_dynamics;

/// [`with_dynamics`] for a layer under a readout: the block model's gradient then arrives summed over time.
macro_rules! with_summed_dynamics {
    ($model:expr, $dynamics:ident => $body:expr) => {
        match $model {
            $crate::NeuronModel::Block => {
                type $dynamics = $crate::neuron::cpu::Block<true>;
                $body
            }
            other => $crate::neuron::cpu::with_dynamics!(other, $dynamics => $body),
        }
    };
}
pub(crate) use with_summed_dynamics;

/// What a neuron model does at one step, for a vector of neurons.
///
/// u is the potential before reset and mask, `first` the step of the first spike so far, this one included, as
/// a floating-point number; beyond the last step if there was none.
pub(crate) trait Dynamics: Copy + Send + Sync + 'static {
    /// What a spike does to the potential.
    const EFFECT: Effect;

    /// Whether the backward pass depends on the step of the first spike.
    const NEEDS_FIRST: bool;

    /// The potential that decays into the next step.
    fn remaining<S: Simd, F: Real>(
        simd: S,
        u: Vector<S, F>,
        first: Vector<S, F>,
        t: F,
    ) -> Vector<S, F>;

    /// ∂L/∂I of a step, from the gradient of the spikes or of the membrane, `gradient`.
    fn reverse<S: Simd, F: Real, G: Arriving>(
        carried: &mut Carried<Vector<S, F>>,
        gradient: Vector<S, F>,
        at: &At<S, F>,
    ) -> Vector<S, F>;
}

/// What a spike does to the potential that decays into the next step. Where it does nothing,
/// [`Dynamics::remaining`] leaves the potential as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// It lowers that of its own step.
    Reset,
    /// It silences all later steps.
    Mask,
}

/// Which gradient arrives: [`OfSpikes`] or [`OfMembrane`].
pub(crate) trait Arriving: Copy + Send + Sync + 'static {
    const OF_SPIKES: bool;
}

/// ∂L/∂S arrives.
#[derive(Clone, Copy)]
pub(crate) struct OfSpikes;

/// ∂L/∂V arrives.
#[derive(Clone, Copy)]
pub(crate) struct OfMembrane;

impl Arriving for OfSpikes {
    const OF_SPIKES: bool = true;
}

impl Arriving for OfMembrane {
    const OF_SPIKES: bool = false;
}

/// A step of a vector of neurons, looked back at.
pub(crate) struct At<S: Simd, F: Real> {
    pub simd: S,
    pub u: Vector<S, F>,
    /// The surrogate derivative at u, if it is needed.
    pub slope: Vector<S, F>,
    pub beta: Vector<S, F>,
    /// Step of the first spike of all.
    pub first: Vector<S, F>,
    pub t: F,
}

/// What the sweep back carries from step t + 1 to step t.
#[derive(Clone, Copy)]
pub(crate) struct Carried<V> {
    /// ∂L/∂I of step t + 1.
    pub d: V,
    /// Block: ∂L/∂S summed over the later steps. Single-spike: the gradient of the mask.
    pub once: V,
    /// Block: ∂L/∂S summed twice over the later steps.
    pub twice: V,
}

impl<V: Copy> Carried<V> {
    #[inline(always)]
    pub(crate) fn new(zero: V) -> Self {
        Self {
            d: zero,
            once: zero,
            twice: zero,
        }
    }
}

/// The potential of a step before reset and mask: u = β·V + I.
#[inline(always)]
pub(crate) fn charge<V: Mul<Output = V> + Add<Output = V>>(beta: V, v: V, current: V) -> V {
    beta * v + current
}

/// The integrator, whose membrane is all that is used of it.
pub(crate) type Integrator = Single<false>;

/// 1 where the potential is above threshold, else 0.
#[inline(always)]
pub(crate) fn above<S: Simd, F: Real>(simd: S, u: Vector<S, F>) -> Vector<S, F> {
    let one = Vector::<S, F>::splat(simd, F::of(1.0));
    // In IEEE arithmetic u > 1 exactly where u − 1 > 0.
    let zero = Vector::<S, F>::splat(simd, F::of(0.0));
    u.simd_gt(one).select(one, zero)
}

/// The steps of the first spikes after step `t`.
#[inline(always)]
pub(crate) fn latch<S: Simd, F: Real>(
    simd: S,
    u: Vector<S, F>,
    first: Vector<S, F>,
    t: F,
) -> Vector<S, F> {
    let one = Vector::<S, F>::splat(simd, F::of(1.0));
    let t = Vector::<S, F>::splat(simd, t);
    u.simd_gt(one).select(first.min(t), first)
}

/// Values where `first` is `t` or later, zeros elsewhere.
#[inline(always)]
fn unless_fired<S: Simd, F: Real>(
    simd: S,
    value: Vector<S, F>,
    first: Vector<S, F>,
    t: F,
) -> Vector<S, F> {
    let zero = Vector::<S, F>::splat(simd, F::of(0.0));
    let t = Vector::<S, F>::splat(simd, t);
    first.simd_ge(t).select(value, zero)
}

/// The block model: no reset. `SUMMED`: what arrives is not ∂L/∂S but ∂L/∂S̃, both sums over time
/// included.
#[derive(Clone, Copy)]
pub(crate) struct Block<const SUMMED: bool>;

impl<const SUMMED: bool> Dynamics for Block<SUMMED> {
    const EFFECT: Effect = Effect::Nothing;

    const NEEDS_FIRST: bool = false;

    #[inline(always)]
    fn remaining<S: Simd, F: Real>(_: S, u: Vector<S, F>, _: Vector<S, F>, _: F) -> Vector<S, F> {
        u
    }

    #[inline(always)]
    fn reverse<S: Simd, F: Real, G: Arriving>(
        carried: &mut Carried<Vector<S, F>>,
        gradient: Vector<S, F>,
        at: &At<S, F>,
    ) -> Vector<S, F> {
        let direct = match (G::OF_SPIKES, SUMMED) {
            (false, _) => gradient,
            (true, true) => gradient * at.slope,
            (true, false) => {
                carried.once += gradient;
                carried.twice += carried.once;
                carried.twice * at.slope
            }
        };
        carried.d = direct + at.beta * carried.d;
        carried.d
    }
}

/// The standard multi-spike model: soft reset.
#[derive(Clone, Copy)]
pub(crate) struct Multi;

impl Dynamics for Multi {
    const EFFECT: Effect = Effect::Reset;

    const NEEDS_FIRST: bool = false;

    #[inline(always)]
    fn remaining<S: Simd, F: Real>(
        simd: S,
        u: Vector<S, F>,
        _: Vector<S, F>,
        _: F,
    ) -> Vector<S, F> {
        u - above::<S, F>(simd, u)
    }

    #[inline(always)]
    fn reverse<S: Simd, F: Real, G: Arriving>(
        carried: &mut Carried<Vector<S, F>>,
        gradient: Vector<S, F>,
        at: &At<S, F>,
    ) -> Vector<S, F> {
        let later = at.beta * carried.d;
        carried.d = match G::OF_SPIKES {
            true => (gradient - later) * at.slope + later,
            false => (gradient + later) - later * at.slope,
        };
        carried.d
    }
}

/// The standard single-spike model if `MASKED`, else the integrator, whose membrane has no mask.
///
/// Let m be the mask before the step, and e and r the gradients of s and V. Before the first spike, m and s tie
/// at 0 and share the gradient of max(m, s): w = ½. At the first spike all of it goes to s (w = 1), afterwards
/// all of it to m (w = 0).
///
/// ```text
/// gs = e + gm·w                    gm: the gradient of the mask after the step
/// gV = r + β·D'                    D' = D[t+1]
/// gm ← gm·(1−w) − gs·s̃ − gV·u      the last only if MASKED
/// D  = gV·(1−m) + gs·(1−m)·surrogate(u)        gV alone unless MASKED
/// ```
#[derive(Clone, Copy)]
pub(crate) struct Single<const MASKED: bool>;

impl<const MASKED: bool> Dynamics for Single<MASKED> {
    const EFFECT: Effect = match MASKED {
        true => Effect::Mask,
        false => Effect::Nothing,
    };

    const NEEDS_FIRST: bool = true;

    #[inline(always)]
    fn remaining<S: Simd, F: Real>(
        simd: S,
        u: Vector<S, F>,
        first: Vector<S, F>,
        t: F,
    ) -> Vector<S, F> {
        match MASKED {
            true => unless_fired::<S, F>(simd, u, first, t),
            false => u,
        }
    }

    #[inline(always)]
    fn reverse<S: Simd, F: Real, G: Arriving>(
        carried: &mut Carried<Vector<S, F>>,
        gradient: Vector<S, F>,
        at: &At<S, F>,
    ) -> Vector<S, F> {
        let later = at.beta * carried.d;
        if !MASKED && !G::OF_SPIKES {
            // Nothing reaches the mask.
            carried.d = gradient + later;
            return carried.d;
        }
        let (simd, first, t) = (at.simd, at.first, at.t);
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        let (one, half) = (
            Vector::<S, F>::splat(simd, F::of(1.0)),
            Vector::<S, F>::splat(simd, F::of(0.5)),
        );
        // Up to the first spike a neuron is above threshold only there.
        let above = at.u.simd_gt(one);
        let share = above.select(carried.once, carried.once * half);
        let shared = unless_fired::<S, F>(simd, share, first, t);
        let (spike, membrane) = match G::OF_SPIKES {
            true => (gradient + shared, later),
            false => (shared, gradient + later),
        };
        let kept = (carried.once - shared) - above.select(spike, zero);
        let through = spike * at.slope;
        (carried.once, carried.d) = match MASKED {
            true => (
                kept - membrane * at.u,
                unless_fired::<S, F>(simd, through + membrane, first, t),
            ),
            false => (
                kept,
                unless_fired::<S, F>(simd, through, first, t) + membrane,
            ),
        };
        carried.d
    }
}

/// Runs `$body` with the [`Derivative`] of a [`Surrogate`] bound to `$derivative`. The paper's surrogate has a
/// type of its own, whose formula is known at compile time; all the others share one type.
macro_rules! with_derivative {
    ($surrogate:expr, $derivative:ident => $body:expr) => {
        match $surrogate {
            $crate::Surrogate::FastSigmoid { .. } => {
                type $derivative = $crate::neuron::cpu::FastSigmoid;
                $body
            }
            _ => {
                type $derivative = $crate::neuron::cpu::AnySurrogate;
                $body
            }
        }
    };
}
pub(crate) use with_derivative;

/// The derivative of the threshold; see [`Surrogate`] for the formulas.
pub(crate) trait Derivative: Copy + Send + Sync + 'static {
    /// At a vector of potentials.
    fn at<S: Simd, F: Real>(simd: S, surrogate: Surrogate, u: Vector<S, F>) -> Vector<S, F>;
}

/// [`Surrogate::FastSigmoid`].
#[derive(Clone, Copy)]
pub(crate) struct FastSigmoid;

/// Any surrogate.
#[derive(Clone, Copy)]
pub(crate) struct AnySurrogate;

impl Derivative for FastSigmoid {
    #[inline(always)]
    fn at<S: Simd, F: Real>(simd: S, surrogate: Surrogate, u: Vector<S, F>) -> Vector<S, F> {
        let splat = |value: f64| Vector::<S, F>::splat(simd, F::of(value));
        let one = splat(1.0);
        let d = splat(surrogate.scale()) * (u - one).abs() + one;
        one / (d * d)
    }
}

impl Derivative for AnySurrogate {
    #[inline(always)]
    fn at<S: Simd, F: Real>(simd: S, surrogate: Surrogate, u: Vector<S, F>) -> Vector<S, F> {
        let splat = |value: f64| Vector::<S, F>::splat(simd, F::of(value));
        let one = splat(1.0);
        match surrogate {
            Surrogate::FastSigmoid { .. } => FastSigmoid::at::<S, F>(simd, surrogate, u),
            Surrogate::Sigmoid { scale } => {
                let x = splat(-scale) * (u - one);
                let exp = Vector::<S, F>::from_fn(simd, |lane| x[lane].exp());
                let s = one / (one + exp);
                splat(scale) * s * (one - s)
            }
            Surrogate::Arctan { scale } => {
                let w = splat(std::f64::consts::FRAC_PI_2 * scale) * (u - one);
                splat(scale / 2.0) / (one + w * w)
            }
            Surrogate::Triangular { scale } => {
                (one - splat(scale) * (u - one).abs()).max(splat(0.0))
            }
        }
    }
}
