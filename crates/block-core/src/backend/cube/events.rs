//! Kernels of event-driven layers: a thread adds the weight rows of its sample's events, step by step;
//! the weight's gradient is gathered input by input, without atomics and in a fixed order.

use cubecl::prelude::*;

use super::neuron::{remaining, rounded, spike};
use crate::neurons::NeuronModel;

/// What a forward pass writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Output {
    /// The spike train.
    Spikes,
    /// Potentials before reset or mask; for the block model these are the leaky integrator's.
    Membrane,
}

/// Samples from `sample` on: `out` is `[samples, t, n]`, `first` and `counts` are `[samples, n]`.
#[cube(launch, address_type = "dynamic")]
pub(super) fn forward<F: Float>(
    offsets: &[i32],
    units: &[i32],
    weight: &[F],
    bias: &[F],
    beta: &[F],
    out: &mut [F],
    first: &mut [i32],
    counts: &mut [i32],
    sample: usize,
    steps: usize,
    #[comptime] model: NeuronModel,
    #[comptime] output: Output,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < first.len() {
        let never = steps as i32;
        let neuron = thread % n;
        let decay = f32::cast_from(beta[neuron]);
        let constant = f32::cast_from(bias[neuron]);
        let row = (sample + thread / n) * steps;
        let mut at = (thread / n) * steps * n + neuron;
        let mut v = 0.0f32;
        let mut when = never;
        let mut count = 0i32;
        let mut event = offsets[row] as usize;
        for t in 0..steps {
            let mut sum = constant;
            let end = offsets[row + t + 1] as usize;
            while event < end {
                sum += f32::cast_from(weight[units[event] as usize * n + neuron]);
                event += 1;
            }
            let u = decay * v + sum;
            let s = spike(rounded::<F>(u), when, never, model);
            if s > 0.0f32 {
                count += 1;
                if when == never {
                    when = t as i32;
                }
            }
            v = remaining(u, s, when, t as i32, model);
            out[at] = match output {
                Output::Spikes => F::cast_from(s),
                Output::Membrane => F::cast_from(u),
            };
            at += n;
        }
        first[thread] = when;
        counts[thread] = count;
    }
}

/// Adds to the weight's gradient the events of rows `from..to`, which is what `d_current` holds.
/// Events are listed by unit: those of unit `u` are `rows[offsets[u]..offsets[u + 1]]`, ascending.
#[cube(launch, address_type = "dynamic")]
pub(super) fn gather<F: Float>(
    offsets: &[i32],
    rows: &[i32],
    d_current: &[F],
    d_weight: &mut [f32],
    n: usize,
    from: i32,
    to: i32,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < d_weight.len() {
        let unit = thread / n;
        let neuron = thread % n;
        let mut sum = d_weight[thread];
        let end = offsets[unit + 1] as usize;
        let mut event = offsets[unit] as usize;
        while event < end {
            let row = rows[event];
            if row >= from && row < to {
                sum += f32::cast_from(d_current[(row - from) as usize * n + neuron]);
            }
            event += 1;
        }
        d_weight[thread] = sum;
    }
}

/// ∂L/∂W `[n, classes]` of the readout of neurons that fire once: a sum over samples at their steps.
#[cube(launch, address_type = "dynamic")]
pub(super) fn readout_weight<F: Float>(
    first: &[i32],
    d_current: &[F],
    d_weight: &mut [F],
    batch: usize,
    n: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < d_weight.len() {
        let classes = d_weight.len() / n;
        let neuron = thread / classes;
        let class = thread % classes;
        let mut sum = 0.0f32;
        for sample in 0..batch {
            let t = first[sample * n + neuron] as usize;
            if t < steps {
                sum += f32::cast_from(d_current[(sample * steps + t) * classes + class]);
            }
        }
        d_weight[thread] = F::cast_from(sum);
    }
}
