//! Kernels over a current or membrane `[b, t, n]`: one thread a neuron of a sample, time inside.
//! Neighbouring threads hold neighbouring neurons, so that every step reads one stretch of memory.

use cubecl::prelude::*;

use super::neuron::{
    Curve, Meaning, Reverse, above, derivative, remaining, reverse_step, rounded, spike,
};
use crate::neurons::NeuronModel;

#[cube(launch, address_type = "dynamic")]
pub(super) fn integrate<F: Float>(
    current: &[F],
    beta: &[F],
    membrane: &mut [F],
    neurons: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < neurons {
        let decay = f32::cast_from(beta[thread % n]);
        let mut at = (thread / n) * steps * n + thread % n;
        let mut v = 0.0f32;
        for _ in 0..steps {
            v = decay * v + f32::cast_from(current[at]);
            membrane[at] = F::cast_from(v);
            at += n;
        }
    }
}

/// ∂L/∂V → ∂L/∂I, and sums over time `[b, n]`: of ∂L/∂I·V for ∂L/∂β, of ∂L/∂I for ∂L/∂bias.
#[cube(launch, address_type = "dynamic")]
pub(super) fn integrate_backward<F: Float>(
    gradient: &[F],
    membrane: &[F],
    beta: &[F],
    d_current: &mut [F],
    d_beta: &mut [f32],
    d_bias: &mut [f32],
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < d_beta.len() {
        let decay = f32::cast_from(beta[thread % n]);
        let start = (thread / n) * steps * n + thread % n;
        let mut d = 0.0f32;
        let mut beta_sum = 0.0f32;
        let mut bias_sum = 0.0f32;
        for k in 0..steps {
            let at = start + (steps - 1 - k) * n;
            d = f32::cast_from(gradient[at]) + decay * d;
            d_current[at] = F::cast_from(d);
            bias_sum += d;
            if k + 1 < steps {
                beta_sum += d * f32::cast_from(membrane[at - n]);
            }
        }
        d_beta[thread] = beta_sum;
        d_bias[thread] = bias_sum;
    }
}

#[cube(launch, address_type = "dynamic")]
pub(super) fn latch<F: Float>(
    membrane: &[F],
    spikes: &mut [F],
    first: &mut [i32],
    n: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < first.len() {
        let never = steps as i32;
        let mut at = (thread / n) * steps * n + thread % n;
        let mut when = never;
        for t in 0..steps {
            let s = spike(
                f32::cast_from(membrane[at]),
                when,
                never,
                NeuronModel::Block,
            );
            spikes[at] = F::cast_from(s);
            if s > 0.0f32 {
                when = t as i32;
            }
            at += n;
        }
        first[thread] = when;
    }
}

/// ∂L/∂S → ∂L/∂V, without the leaky scan.
#[cube(launch, address_type = "dynamic")]
pub(super) fn latch_backward<F: Float>(
    gradient: &[F],
    membrane: &[F],
    d_membrane: &mut [F],
    neurons: usize,
    n: usize,
    steps: usize,
    scale: f32,
    #[comptime] curve: Curve,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < neurons {
        let start = (thread / n) * steps * n + thread % n;
        let mut once = 0.0f32;
        let mut twice = 0.0f32;
        for k in 0..steps {
            let at = start + (steps - 1 - k) * n;
            once += f32::cast_from(gradient[at]);
            twice += once;
            let slope = derivative(f32::cast_from(membrane[at]), scale, curve);
            d_membrane[at] = F::cast_from(twice * slope);
        }
    }
}

/// Spikes, potentials before reset or mask, and first-spike steps of a current.
#[cube(launch, address_type = "dynamic")]
pub(super) fn scan<F: Float>(
    current: &[F],
    beta: &[F],
    spikes: &mut [F],
    membrane: &mut [F],
    first: &mut [i32],
    steps: usize,
    #[comptime] model: NeuronModel,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < first.len() {
        let never = steps as i32;
        let decay = f32::cast_from(beta[thread % n]);
        let mut at = (thread / n) * steps * n + thread % n;
        let mut v = 0.0f32;
        let mut when = never;
        for t in 0..steps {
            let u = decay * v + f32::cast_from(current[at]);
            let s = spike(rounded::<F>(u), when, never, model);
            if s > 0.0f32 && when == never {
                when = t as i32;
            }
            v = remaining(u, s, when, t as i32, model);
            spikes[at] = F::cast_from(s);
            membrane[at] = F::cast_from(u);
            at += n;
        }
        first[thread] = when;
    }
}

/// ∂L/∂S → ∂L/∂I, and sums over time as in [`integrate_backward`].
#[cube(launch, address_type = "dynamic")]
pub(super) fn scan_backward<F: Float, G: Float>(
    gradient: &[G],
    membrane: &[F],
    first: &[i32],
    beta: &[F],
    d_current: &mut [F],
    d_beta: &mut [f32],
    d_bias: &mut [f32],
    steps: usize,
    scale: f32,
    #[comptime] curve: Curve,
    #[comptime] model: NeuronModel,
    #[comptime] meaning: Meaning,
    #[define(F, G)] _dtypes: [ElemType; 2],
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < d_beta.len() {
        let decay = f32::cast_from(beta[thread % n]);
        let when = first[thread];
        let start = (thread / n) * steps * n + thread % n;
        let mut state = Reverse::new();
        let mut u = f32::cast_from(membrane[start + (steps - 1) * n]);
        let mut beta_sum = 0.0f32;
        let mut bias_sum = 0.0f32;
        for k in 0..steps {
            let t = steps - 1 - k;
            let at = start + t * n;
            let e = f32::cast_from(gradient[at]);
            let d = reverse_step(
                &mut state, e, u, decay, when, t as i32, scale, curve, model, meaning,
            );
            d_current[at] = F::cast_from(d);
            bias_sum += d;
            if t > 0 {
                u = f32::cast_from(membrane[at - n]);
                beta_sum += d * remaining(u, above(u), when, t as i32 - 1, model);
            }
        }
        d_beta[thread] = beta_sum;
        d_bias[thread] = bias_sum;
    }
}

/// The spike train of potentials and first-spike steps.
#[cube(launch, address_type = "dynamic")]
pub(super) fn spike_train<F: Float>(
    membrane: &[F],
    first: &[i32],
    spikes: &mut [F],
    n: usize,
    steps: usize,
    #[comptime] model: NeuronModel,
    #[define(F)] _dtype: ElemType,
) {
    let at = ABSOLUTE_POS;
    if at < spikes.len() {
        let s = match model {
            NeuronModel::MultiSpike => above(f32::cast_from(membrane[at])),
            NeuronModel::Block | NeuronModel::SingleSpike => {
                let row = at / n;
                let when = first[(row / steps) * n + at % n];
                select(when == (row % steps) as i32, 1.0f32, 0.0f32)
            }
        };
        spikes[at] = F::cast_from(s);
    }
}

/// Both reverse sums over time, which turn ∂L/∂S into ∂L/∂S̃. They grow with the square of time, too
/// much for half precision.
#[cube(launch, address_type = "dynamic")]
pub(super) fn sum_twice<F: Float>(
    gradient: &[F],
    summed: &mut [f32],
    neurons: usize,
    n: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < neurons {
        let start = (thread / n) * steps * n + thread % n;
        let mut once = 0.0f32;
        let mut twice = 0.0f32;
        for k in 0..steps {
            let at = start + (steps - 1 - k) * n;
            once += f32::cast_from(gradient[at]);
            twice += once;
            summed[at] = twice;
        }
    }
}
