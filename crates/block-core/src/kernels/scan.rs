//! The block model as a scan: a leaky integrator, a latch on its first threshold crossing, and the
//! backward pass of both in one reverse sweep.

use rayon::prelude::*;

use super::leaky::sum_rows;
use super::{Real, integrate, vectorised};
use crate::Surrogate;

/// Turns a current into membrane potentials in place and returns spikes and first-spike steps.
pub(crate) fn scan<F: Real>(current: &mut [F], beta: &[F], steps: usize) -> (Vec<F>, Vec<i32>) {
    integrate(current, beta, steps);
    latch(current, beta.len(), steps)
}

/// The first step of every neuron at which V − 1 > 0: as a spike train like `membrane`, and as step
/// numbers `[batch, n]`, where `steps` stands for "never".
pub(crate) fn latch<F: Real>(membrane: &[F], n: usize, steps: usize) -> (Vec<F>, Vec<i32>) {
    let mut first = vec![steps as i32; membrane.len() / steps];
    membrane
        .par_chunks(steps * n)
        .zip(first.par_chunks_mut(n))
        .for_each(|(membrane, first)| {
            vectorised(|| {
                for (t, row) in membrane.chunks_exact(n).enumerate() {
                    latch_row(first, row, t as i32, steps as i32);
                }
            });
        });
    (spike_train(&first, n, steps), first)
}

/// The spike train `[batch, steps, n]` of first-spike steps `[batch, n]`.
pub(crate) fn spike_train<F: Real>(first: &[i32], n: usize, steps: usize) -> Vec<F> {
    let mut spikes = vec![F::zero(); first.len() * steps];
    for (spikes, first) in spikes.chunks_exact_mut(steps * n).zip(first.chunks_exact(n)) {
        for (i, &t) in first.iter().enumerate() {
            if (t as usize) < steps {
                spikes[t as usize * n + i] = F::one();
            }
        }
    }
    spikes
}

/// Sets `first` to `step` where it is still `never` and the membrane is above threshold.
#[inline(always)]
pub(super) fn latch_row<F: Real>(first: &mut [i32], membrane: &[F], step: i32, never: i32) {
    for (first, &v) in first.iter_mut().zip(membrane) {
        let above = v - F::one() > F::zero();
        *first = if above & (*first == never) { step } else { *first };
    }
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
            vectorised(|| {
                let mut sums = OrderSums::new(n);
                for t in (0..steps).rev() {
                    let row = &mut gradient[t * n..(t + 1) * n];
                    sums.step(row);
                    surrogate.scale_row(row, &membrane[t * n..(t + 1) * n]);
                }
            });
        });
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
            vectorised(|| {
                let mut sums = OrderSums::new(n);
                let mut d = vec![F::zero(); n];
                let mut d_beta = vec![F::zero(); n];
                for t in (0..steps).rev() {
                    let row = &mut gradient[t * n..(t + 1) * n];
                    sums.step(row);
                    surrogate.scale_row(row, &membrane[t * n..(t + 1) * n]);
                    for i in 0..n {
                        d[i] = row[i] + beta[i] * d[i];
                        row[i] = d[i];
                    }
                    if t > 0 {
                        let before = &membrane[(t - 1) * n..t * n];
                        for i in 0..n {
                            d_beta[i] += d[i] * before[i];
                        }
                    }
                }
                d_beta
            })
        })
        .collect::<Vec<_>>();
    sum_rows(&partial, n)
}

/// The two reverse cumulative sums that turn ∂L/∂S into ∂L/∂S̃ : every faulty
/// spike at step k adds t − k + 1 to the order z[t] of all later steps.
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
