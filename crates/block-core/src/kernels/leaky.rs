//! The leaky integrator `V[t] = β·V[t−1] + I[t]` without reset.

use multiversion::multiversion;
use rayon::prelude::*;

use super::Real;

/// Membrane potentials of a current `[batch, steps, beta.len()]`, in place.
pub(crate) fn integrate<F: Real>(current: &mut [F], beta: &[F], steps: usize) {
    let samples = current.par_chunks_mut(steps * beta.len());
    samples.for_each(|sample| integrate_sample(sample, beta));
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn integrate_sample<F: Real>(current: &mut [F], beta: &[F]) {
    let n = beta.len();
    for t in 1..current.len() / n {
        integrate_step(current, beta, t);
    }
}

/// One step of a sample `[steps, n]`, from the step before it.
#[inline(always)]
pub(super) fn integrate_step<F: Real>(sample: &mut [F], beta: &[F], t: usize) {
    let n = beta.len();
    let (before, now) = sample.split_at_mut(t * n);
    let before = &before[(t - 1) * n..];
    for ((v, &prev), &b) in now[..n].iter_mut().zip(before).zip(beta) {
        *v += b * prev;
    }
}

/// Gradient of the leaky integrator: `gradient` holds ∂L/∂V and becomes ∂L/∂I, the reverse scan
/// `D[t] = ∂L/∂V[t] + β·D[t+1]`. Returns `∂L/∂β = Σ D[t]·V[t−1]`, over samples and steps.
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
            let mut d_beta = vec![F::zero(); n];
            backward_sample(gradient, membrane, beta, &mut d_beta);
            d_beta
        })
        .collect::<Vec<_>>();
    sum_rows(&partial, n)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn backward_sample<F: Real>(gradient: &mut [F], membrane: &[F], beta: &[F], d_beta: &mut [F]) {
    let n = beta.len();
    for t in (1..gradient.len() / n).rev() {
        let (earlier, now) = gradient.split_at_mut(t * n);
        let earlier = &mut earlier[(t - 1) * n..];
        let (now, before) = (&now[..n], &membrane[(t - 1) * n..t * n]);
        let sums = d_beta.iter_mut().zip(earlier);
        for (((sum, earlier), (&d, &v)), &b) in sums.zip(now.iter().zip(before)).zip(beta) {
            *sum += d * v;
            *earlier += b * d;
        }
    }
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
