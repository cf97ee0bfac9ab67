//! The scan on a GPU for few neurons and long sequences: time is cut into chunks, a thread each, so
//! that the device has enough to do. The block model and the integrator are linear in what a chunk
//! takes over from its neighbour, so three launches do: every chunk from zero, the carries from chunk
//! to chunk, every chunk from its carry.
//!
//! Carries are `[b, chunks, n]`; a chunk is `length` steps, the last one what is left.

use cubecl::prelude::*;

use crate::NeuronModel;
use crate::neuron::Curve;
use crate::neuron::gpu::{Arriving, Reverse, derivative, reverse_step, spike};

/// A thread's place: its first element in `[b, t, n]`, the first step of its chunk and how many steps.
#[derive(CubeType)]
struct Place {
    at: usize,
    neuron: usize,
    start: usize,
    count: usize,
}

#[cube]
fn place(thread: usize, n: usize, chunks: usize, length: usize, steps: usize) -> Place {
    let neuron = thread % n;
    let sample = thread / (n * chunks);
    let start = ((thread / n) % chunks) * length;
    Place {
        at: (sample * steps + start) * n + neuron,
        neuron,
        start,
        count: min(length, steps - start),
    }
}

#[cube]
fn power(base: f32, exponent: usize) -> f32 {
    let mut product = 1.0f32;
    for _ in 0..exponent {
        product *= base;
    }
    product
}

/// The potential that every chunk ends with when it starts from rest.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn ends<F: Float>(
    current: &[F],
    beta: &[F],
    ends: &mut [f32],
    chunks: usize,
    length: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let n = beta.len();
    if ABSOLUTE_POS < ends.len() {
        let place = place(ABSOLUTE_POS, n, chunks, length, steps);
        let decay = f32::cast_from(beta[place.neuron]);
        let mut v = 0.0f32;
        for k in 0..place.count {
            v = decay * v + f32::cast_from(current[place.at + k * n]);
        }
        ends[ABSOLUTE_POS] = v;
    }
}

/// Ends from rest become the potentials that the chunks start with.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn starts<F: Float>(
    beta: &[F],
    ends: &[f32],
    starts: &mut [f32],
    neurons: usize,
    chunks: usize,
    length: usize,
    #[define(F)] _dtype: ElemType,
) {
    let n = beta.len();
    if ABSOLUTE_POS < neurons {
        let neuron = ABSOLUTE_POS % n;
        let whole = power(f32::cast_from(beta[neuron]), length);
        let mut at = (ABSOLUTE_POS / n) * chunks * n + neuron;
        let mut v = 0.0f32;
        for _ in 0..chunks {
            starts[at] = v;
            v = whole * v + ends[at];
            at += n;
        }
    }
}

/// Potentials, and the step of the first spike within every chunk, or the number of steps.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn membrane<F: Float>(
    current: &[F],
    beta: &[F],
    starts: &[f32],
    membrane: &mut [F],
    chunk_first: &mut [i32],
    chunks: usize,
    length: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let n = beta.len();
    if ABSOLUTE_POS < chunk_first.len() {
        let place = place(ABSOLUTE_POS, n, chunks, length, steps);
        let never = steps as i32;
        let decay = f32::cast_from(beta[place.neuron]);
        let mut v = starts[ABSOLUTE_POS];
        let mut when = never;
        for k in 0..place.count {
            let at = place.at + k * n;
            v = decay * v + f32::cast_from(current[at]);
            let kept = F::cast_from(v);
            membrane[at] = kept;
            if spike(f32::cast_from(kept), when, never, NeuronModel::Block) > 0.0f32 {
                when = (place.start + k) as i32;
            }
        }
        chunk_first[ABSOLUTE_POS] = when;
    }
}

/// The first spike over all chunks, `[b, n]`.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn earliest(
    chunk_first: &[i32],
    first: &mut [i32],
    n: usize,
    chunks: usize,
    steps: usize,
) {
    if ABSOLUTE_POS < first.len() {
        let mut at = (ABSOLUTE_POS / n) * chunks * n + ABSOLUTE_POS % n;
        let mut when = steps as i32;
        for _ in 0..chunks {
            when = min(when, chunk_first[at]);
            at += n;
        }
        first[ABSOLUTE_POS] = when;
    }
}

/// How a chunk's reverse sweep depends on what it takes over from the chunk after it.
///
/// `carries` is `[5, b, chunks, n]`: ∂L/∂I·β⁻¹ carried, the sums `once` and `twice`, all three from
/// zero, and what one unit of `once` and of `twice` taken over adds to the first. Only the first of the
/// five for a membrane's gradient.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn reverse_ends<F: Float>(
    gradient: &[F],
    membrane: &[F],
    beta: &[F],
    carries: &mut [f32],
    threads: usize,
    chunks: usize,
    length: usize,
    steps: usize,
    scale: f32,
    #[comptime] curve: Curve,
    #[comptime] spiking: bool,
    #[define(F)] _dtype: ElemType,
) {
    let n = beta.len();
    if ABSOLUTE_POS < threads {
        let place = place(ABSOLUTE_POS, n, chunks, length, steps);
        let decay = f32::cast_from(beta[place.neuron]);
        let mut d = 0.0f32;
        let mut once = 0.0f32;
        let mut twice = 0.0f32;
        let mut by_once = 0.0f32;
        let mut by_twice = 0.0f32;
        for k in 0..place.count {
            let at = place.at + (place.count - 1 - k) * n;
            let e = f32::cast_from(gradient[at]);
            if spiking {
                let slope = derivative(f32::cast_from(membrane[at]), scale, curve);
                once += e;
                twice += once;
                d = twice * slope + decay * d;
                by_once = f32::cast_from((k + 1) as u32) * slope + decay * by_once;
                by_twice = slope + decay * by_twice;
            } else {
                d = e + decay * d;
            }
        }
        carries[ABSOLUTE_POS] = d;
        if spiking {
            carries[threads + ABSOLUTE_POS] = once;
            carries[2 * threads + ABSOLUTE_POS] = twice;
            carries[3 * threads + ABSOLUTE_POS] = by_once;
            carries[4 * threads + ABSOLUTE_POS] = by_twice;
        }
    }
}

/// `taken`, `[3, b, chunks, n]`: d, `once` and `twice` that every chunk takes over from the one after.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn reverse_starts<F: Float>(
    beta: &[F],
    carries: &[f32],
    taken: &mut [f32],
    neurons: usize,
    threads: usize,
    chunks: usize,
    length: usize,
    steps: usize,
    #[comptime] spiking: bool,
    #[define(F)] _dtype: ElemType,
) {
    let n = beta.len();
    if ABSOLUTE_POS < neurons {
        let neuron = ABSOLUTE_POS % n;
        let decay = f32::cast_from(beta[neuron]);
        let whole = power(decay, length);
        let last = power(decay, steps - (chunks - 1) * length);
        let start = (ABSOLUTE_POS / n) * chunks * n + neuron;
        let mut d = 0.0f32;
        let mut once = 0.0f32;
        let mut twice = 0.0f32;
        for k in 0..chunks {
            let at = start + (chunks - 1 - k) * n;
            let shrink = select(k == 0, last, whole);
            taken[at] = d;
            if spiking {
                taken[threads + at] = once;
                taken[2 * threads + at] = twice;
                d = carries[at]
                    + carries[3 * threads + at] * once
                    + carries[4 * threads + at] * twice
                    + shrink * d;
                // Every chunk but the last is `length` steps, and the last takes over nothing.
                twice += carries[2 * threads + at] + f32::cast_from(length as u32) * once;
                once += carries[threads + at];
            } else {
                d = carries[at] + shrink * d;
            }
        }
    }
}

/// ∂L/∂I, and sums over a chunk's steps, `[b, chunks, n]`, as in `scan_backward`.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn reverse_all<F: Float>(
    gradient: &[F],
    membrane: &[F],
    beta: &[F],
    taken: &[f32],
    d_current: &mut [F],
    d_beta: &mut [f32],
    d_bias: &mut [f32],
    chunks: usize,
    length: usize,
    steps: usize,
    scale: f32,
    #[comptime] curve: Curve,
    #[comptime] spiking: bool,
    #[define(F)] _dtype: ElemType,
) {
    let n = beta.len();
    if ABSOLUTE_POS < d_beta.len() {
        let threads = d_beta.len();
        let place = place(ABSOLUTE_POS, n, chunks, length, steps);
        let decay = f32::cast_from(beta[place.neuron]);
        let mut state = Reverse::new();
        state.carried = decay * taken[ABSOLUTE_POS];
        if spiking {
            state.once = taken[threads + ABSOLUTE_POS];
            state.twice = taken[2 * threads + ABSOLUTE_POS];
        }
        let mut beta_sum = 0.0f32;
        let mut bias_sum = 0.0f32;
        for k in 0..place.count {
            let t = place.count - 1 - k;
            let at = place.at + t * n;
            let e = f32::cast_from(gradient[at]);
            let mut d = e + state.carried;
            if spiking {
                let u = f32::cast_from(membrane[at]);
                d = reverse_step(
                    &mut state,
                    e,
                    u,
                    decay,
                    0,
                    0,
                    scale,
                    curve,
                    NeuronModel::Block,
                    Arriving::Spikes,
                );
            } else {
                state.carried = decay * d;
            }
            d_current[at] = F::cast_from(d);
            bias_sum += d;
            if place.start + t > 0 {
                beta_sum += d * f32::cast_from(membrane[at - n]);
            }
        }
        d_beta[ABSOLUTE_POS] = beta_sum;
        d_bias[ABSOLUTE_POS] = bias_sum;
    }
}
