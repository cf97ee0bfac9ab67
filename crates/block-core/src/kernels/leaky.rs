//! The leaky integrator V[t] = β·V[t−1] + I[t] without reset.

use rayon::prelude::*;

use super::{Real, vectorised};

/// Membrane potentials of a current `[batch, steps, beta.len()]`, in place.
pub(crate) fn integrate<F: Real>(current: &mut [F], beta: &[F], steps: usize) {
    let n = beta.len();
    current.par_chunks_mut(steps * n).for_each(|sample| {
        vectorised(|| {
            for t in 1..steps {
                let (before, now) = sample.split_at_mut(t * n);
                let before = &before[(t - 1) * n..];
                for ((v, &prev), &b) in now[..n].iter_mut().zip(before).zip(beta) {
                    *v += b * prev;
                }
            }
        });
    });
}

/// Gradient of the leaky integrator: `gradient` holds ∂L/∂V and becomes ∂L/∂I, the reverse scan
/// D[t] = ∂L/∂V[t] + β·D[t+1]. Returns ∂L/∂β = Σ D[t]·V[t−1], over samples and steps.
pub(crate) fn integrate_backward<F: Real>(
    gradient: &mut [F],
    membrane: &[F],
    beta: &[F],
    steps: usize,
) -> Vec<F> {
    let n = beta.len();
    let partial = gradient
        .par_chunks_mut(steps * n)
        .zip(membrane.par_chunks(steps * n))
        .map(|(gradient, membrane)| {
            vectorised(|| {
                let mut d_beta = vec![F::zero(); n];
                for t in (1..steps).rev() {
                    let (earlier, now) = gradient.split_at_mut(t * n);
                    let earlier = &mut earlier[(t - 1) * n..];
                    let before = &membrane[(t - 1) * n..t * n];
                    for i in 0..n {
                        d_beta[i] += now[i] * before[i];
                        earlier[i] += beta[i] * now[i];
                    }
                }
                d_beta
            })
        })
        .collect::<Vec<_>>();
    sum_rows(&partial, n)
}

/// Column sums, in the order of the rows.
pub(super) fn sum_rows<F: Real>(rows: &[Vec<F>], n: usize) -> Vec<F> {
    let mut total = vec![F::zero(); n];
    for row in rows {
        for (sum, &value) in total.iter_mut().zip(row) {
            *sum += value;
        }
    }
    total
}
