//! Spiking neurons driven by a current: a leaky integrator and its threshold in one sweep over time, and
//! the backward pass of both in one reverse sweep. The block model's is a scan and a latch on its first
//! threshold crossing; the standard models' reset or mask the potential on the way.

use multiversion::multiversion;
use rayon::prelude::*;

use super::Real;
use super::leaky::{integrate_step, sum_rows};
use crate::Surrogate;
use crate::neurons::{NeuronModel, SpikeRule};

/// Turns a current into membrane potentials (before reset or mask) in place and returns spikes and
/// first-spike steps.
pub(crate) fn scan<F: Real>(
    current: &mut [F],
    beta: &[F],
    steps: usize,
    model: NeuronModel,
) -> (Vec<F>, Vec<i32>) {
    let n = beta.len();
    let mut first = vec![steps as i32; current.len() / steps];
    current
        .par_chunks_mut(steps * n)
        .zip(first.par_chunks_mut(n))
        .for_each(|(sample, first)| scan_sample(sample, beta, first, model));
    let spikes = match model {
        NeuronModel::MultiSpike => current.par_iter().map(|&u| above(u)).collect(),
        _ => spike_train(&first, n, steps),
    };
    (spikes, first)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn scan_sample<F: Real>(sample: &mut [F], beta: &[F], first: &mut [i32], model: NeuronModel) {
    let n = beta.len();
    let never = (sample.len() / n) as i32;
    for t in 0..sample.len() / n {
        if t > 0 {
            let (before, now) = sample.split_at_mut(t * n);
            let (before, now) = (&before[(t - 1) * n..], &mut now[..n]);
            let neurons = now.iter_mut().zip(before).zip(beta).zip(first.iter());
            match model {
                NeuronModel::Block => integrate_step(sample, beta, t),
                NeuronModel::SingleSpike => {
                    for (((v, &u), &b), &first) in neurons {
                        *v += b * unless_fired(u, first, t - 1);
                    }
                }
                NeuronModel::MultiSpike => {
                    for (((v, &u), &b), _) in neurons {
                        *v += b * (u - above(u));
                    }
                }
            }
        }
        latch_row(first, &sample[t * n..(t + 1) * n], t as i32, never);
    }
}

/// 1 if a potential is above threshold, else 0.
#[inline(always)]
fn above<F: Real>(u: F) -> F {
    match u - F::one() > F::zero() {
        true => F::one(),
        false => F::zero(),
    }
}

/// A single-spike neuron's potential at `step`: masked once it has fired before.
#[inline(always)]
fn unless_fired<F: Real>(u: F, first: i32, step: usize) -> F {
    match first >= step as i32 {
        true => u,
        false => F::zero(),
    }
}

/// The first step of every neuron at which V − 1 > 0: as a spike train like `membrane`, and as step
/// numbers `[batch, n]`, where `steps` stands for "never".
pub(crate) fn latch<F: Real>(membrane: &[F], n: usize, steps: usize) -> (Vec<F>, Vec<i32>) {
    let mut first = vec![steps as i32; membrane.len() / steps];
    membrane
        .par_chunks(steps * n)
        .zip(first.par_chunks_mut(n))
        .for_each(|(membrane, first)| latch_sample(membrane, first));
    (spike_train(&first, n, steps), first)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn latch_sample<F: Real>(membrane: &[F], first: &mut [i32]) {
    let rows = membrane.chunks_exact(first.len());
    let never = rows.len() as i32;
    for (t, row) in rows.enumerate() {
        latch_row(first, row, t as i32, never);
    }
}

/// Sets `first` to `step` where it is still `never` and the membrane is above threshold.
#[inline(always)]
pub(super) fn latch_row<F: Real>(first: &mut [i32], membrane: &[F], step: i32, never: i32) {
    for (first, &v) in first.iter_mut().zip(membrane) {
        let above = v - F::one() > F::zero();
        *first = if above & (*first == never) {
            step
        } else {
            *first
        };
    }
}

/// The spike train `[batch, steps, n]` of first-spike steps `[batch, n]`.
pub(crate) fn spike_train<F: Real>(first: &[i32], n: usize, steps: usize) -> Vec<F> {
    let mut spikes = vec![F::zero(); first.len() * steps];
    for (spikes, first) in spikes
        .chunks_exact_mut(steps * n)
        .zip(first.chunks_exact(n))
    {
        for (i, &t) in first.iter().enumerate() {
            if (t as usize) < steps {
                spikes[t as usize * n + i] = F::one();
            }
        }
    }
    spikes
}

/// Gradient of [`latch`]: `gradient` holds ∂L/∂S and becomes ∂L/∂V, without the leaky scan.
pub(crate) fn latch_backward<F: Real>(
    gradient: &mut [F],
    membrane: &[F],
    n: usize,
    steps: usize,
    surrogate: Surrogate,
) {
    gradient
        .par_chunks_mut(steps * n)
        .zip(membrane.par_chunks(steps * n))
        .for_each(|(gradient, membrane)| {
            latch_backward_sample(gradient, membrane, &mut OrderSums::new(n), surrogate);
        });
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn latch_backward_sample<F: Real>(
    gradient: &mut [F],
    membrane: &[F],
    sums: &mut OrderSums<F>,
    surrogate: Surrogate,
) {
    let n = sums.once.len();
    let rows = gradient.chunks_exact_mut(n).zip(membrane.chunks_exact(n));
    for (row, membrane) in rows.rev() {
        sums.step(row);
        surrogate.scale_row(row, membrane);
    }
}

/// Gradient of [`scan`]: `gradient` holds ∂L/∂S and becomes ∂L/∂I. Returns ∂L/∂β.
pub(crate) fn scan_backward<F: Real>(
    gradient: &mut [F],
    membrane: &[F],
    first: &[i32],
    beta: &[F],
    steps: usize,
    rule: SpikeRule,
) -> Vec<F> {
    let n = beta.len();
    let partial = gradient
        .par_chunks_mut(steps * n)
        .zip(membrane.par_chunks(steps * n))
        .zip(first.par_chunks(n))
        .map(|((gradient, membrane), first)| {
            let mut d_beta = vec![F::zero(); n];
            let sums = &mut OrderSums::new(n);
            let surrogate = rule.surrogate;
            match rule.model {
                NeuronModel::Block => {
                    block_backward(gradient, membrane, beta, sums, &mut d_beta, surrogate);
                }
                NeuronModel::SingleSpike => {
                    let state = &mut Carried::new(n);
                    single_backward(
                        gradient,
                        membrane,
                        first,
                        beta,
                        state,
                        &mut d_beta,
                        surrogate,
                    );
                }
                NeuronModel::MultiSpike => {
                    let state = &mut Carried::new(n);
                    multi_backward(gradient, membrane, beta, state, &mut d_beta, surrogate);
                }
            }
            d_beta
        })
        .collect::<Vec<_>>();
    sum_rows(&partial, n)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn block_backward<F: Real>(
    gradient: &mut [F],
    membrane: &[F],
    beta: &[F],
    sums: &mut OrderSums<F>,
    d_beta: &mut [F],
    surrogate: Surrogate,
) {
    let n = beta.len();
    for t in (0..gradient.len() / n).rev() {
        let (row, later) = gradient[t * n..].split_at_mut(n);
        sums.step(row);
        surrogate.scale_row(row, &membrane[t * n..(t + 1) * n]);
        for ((d, &later), &b) in row.iter_mut().zip(later.iter()).zip(beta) {
            *d += b * later;
        }
        if t > 0 {
            let before = &membrane[(t - 1) * n..t * n];
            for ((sum, &d), &v) in d_beta.iter_mut().zip(row.iter()).zip(before) {
                *sum += d * v;
            }
        }
    }
}

/// The two reverse cumulative sums that turn ∂L/∂S into ∂L/∂S̃: every faulty
/// spike at step k adds t − k + 1 to the order `z[t]` of all later steps.
struct OrderSums<F> {
    once: Vec<F>,
    twice: Vec<F>,
}

impl<F: Real> OrderSums<F> {
    fn new(n: usize) -> Self {
        Self {
            once: vec![F::zero(); n],
            twice: vec![F::zero(); n],
        }
    }

    /// Replaces the gradient of one step by its double sum over this and all later steps.
    #[inline(always)]
    fn step(&mut self, row: &mut [F]) {
        for ((g, once), twice) in row.iter_mut().zip(&mut self.once).zip(&mut self.twice) {
            *once += *g;
            *twice += *once;
            *g = *twice;
        }
    }
}

/// What the standard models' reverse sweep carries from the step after.
struct Carried<F> {
    /// β·∂L/∂I.
    current: Vec<F>,
    /// Single-spike: the gradient of the mask of neurons that have fired.
    mask: Vec<F>,
}

impl<F: Real> Carried<F> {
    fn new(n: usize) -> Self {
        Self {
            current: vec![F::zero(); n],
            mask: vec![F::zero(); n],
        }
    }
}

/// Before the first spike the mask and the spike tie at 0 and share the maximum's gradient; at it all
/// goes to the spike, after it all to the mask.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn single_backward<F: Real>(
    gradient: &mut [F],
    membrane: &[F],
    first: &[i32],
    beta: &[F],
    carried: &mut Carried<F>,
    d_beta: &mut [F],
    surrogate: Surrogate,
) {
    let n = beta.len();
    let (half, one) = (F::of(0.5), F::one());
    for t in (0..gradient.len() / n).rev() {
        let row = &mut gradient[t * n..(t + 1) * n];
        let u = &membrane[t * n..(t + 1) * n];
        let state = carried.current.iter().zip(&mut carried.mask);
        for (((g, &u), &first), (&carried, mask)) in row.iter_mut().zip(u).zip(first).zip(state) {
            let silent = unless_fired(one, first, t);
            let to_spike = silent - half * unless_fired(one, first, t + 1);
            let shared = *mask * to_spike;
            let spike = *g + shared;
            *mask = (*mask - shared) - spike * above(u) - carried * u;
            *g = spike;
        }
        surrogate.scale_row(row, u);
        let state = carried.current.iter_mut().zip(beta);
        for ((g, &first), (carried, &b)) in row.iter_mut().zip(first).zip(state) {
            *g = unless_fired(*g + *carried, first, t);
            *carried = b * *g;
        }
        if t > 0 {
            let before = &membrane[(t - 1) * n..t * n];
            let neurons = d_beta.iter_mut().zip(row.iter()).zip(before).zip(first);
            for (((sum, &d), &u), &first) in neurons {
                *sum += d * unless_fired(u, first, t - 1);
            }
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn multi_backward<F: Real>(
    gradient: &mut [F],
    membrane: &[F],
    beta: &[F],
    carried: &mut Carried<F>,
    d_beta: &mut [F],
    surrogate: Surrogate,
) {
    let n = beta.len();
    for t in (0..gradient.len() / n).rev() {
        let row = &mut gradient[t * n..(t + 1) * n];
        for (g, &carried) in row.iter_mut().zip(&carried.current) {
            *g -= carried;
        }
        surrogate.scale_row(row, &membrane[t * n..(t + 1) * n]);
        for ((g, carried), &b) in row.iter_mut().zip(&mut carried.current).zip(beta) {
            *g += *carried;
            *carried = b * *g;
        }
        if t > 0 {
            let before = &membrane[(t - 1) * n..t * n];
            for ((sum, &d), &u) in d_beta.iter_mut().zip(row.iter()).zip(before) {
                *sum += d * (u - above(u));
            }
        }
    }
}
