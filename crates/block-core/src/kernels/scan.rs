//! The block model as a scan: a leaky integrator, a latch on its first threshold crossing, and the
//! backward pass of both in one reverse sweep.

use multiversion::multiversion;
use rayon::prelude::*;

use super::Real;
use super::leaky::{integrate_step, sum_rows};
use crate::Surrogate;

/// Turns a current into membrane potentials in place and returns spikes and first-spike steps.
pub(crate) fn scan<F: Real>(current: &mut [F], beta: &[F], steps: usize) -> (Vec<F>, Vec<i32>) {
    let n = beta.len();
    let mut first = vec![steps as i32; current.len() / steps];
    current
        .par_chunks_mut(steps * n)
        .zip(first.par_chunks_mut(n))
        .for_each(|(sample, first)| scan_sample(sample, beta, first));
    (spike_train(&first, n, steps), first)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn scan_sample<F: Real>(sample: &mut [F], beta: &[F], first: &mut [i32]) {
    let n = beta.len();
    let never = (sample.len() / n) as i32;
    for t in 0..sample.len() / n {
        if t > 0 {
            integrate_step(sample, beta, t);
        }
        latch_row(first, &sample[t * n..(t + 1) * n], t as i32, never);
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
    beta: &[F],
    steps: usize,
    surrogate: Surrogate,
) -> Vec<F> {
    let n = beta.len();
    let partial = gradient
        .par_chunks_mut(steps * n)
        .zip(membrane.par_chunks(steps * n))
        .map(|(gradient, membrane)| {
            let mut d_beta = vec![F::zero(); n];
            let sums = &mut OrderSums::new(n);
            scan_backward_sample(gradient, membrane, beta, sums, &mut d_beta, surrogate);
            d_beta
        })
        .collect::<Vec<_>>();
    sum_rows(&partial, n)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn scan_backward_sample<F: Real>(
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
