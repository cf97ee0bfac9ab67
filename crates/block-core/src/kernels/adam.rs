use multiversion::multiversion;
use rayon::prelude::*;

use super::Real;

/// Constants of one step of Adam, bias corrections included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AdamStep {
    pub beta_1: f64,
    pub beta_2: f64,
    pub epsilon: f64,
    /// Learning rate / (1 − β₁ᵗ).
    pub step_size: f64,
    /// √(1 − β₂ᵗ).
    pub correction: f64,
}

/// One pass over the parameters and both moments, in place.
pub(crate) fn adam<F: Real>(
    parameter: &mut [F],
    gradient: &[F],
    first: &mut [F],
    second: &mut [F],
    step: AdamStep,
) {
    const CHUNK: usize = 1 << 14;
    parameter
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(first.par_chunks_mut(CHUNK))
        .zip(second.par_chunks_mut(CHUNK))
        .for_each(|(((parameter, gradient), first), second)| {
            chunk(parameter, gradient, first, second, step);
        });
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn chunk<F: Real>(
    parameter: &mut [F],
    gradient: &[F],
    first: &mut [F],
    second: &mut [F],
    step: AdamStep,
) {
    let (beta_1, beta_2) = (F::of(step.beta_1), F::of(step.beta_2));
    let (rest_1, rest_2) = (F::of(1.0 - step.beta_1), F::of(1.0 - step.beta_2));
    let (step_size, epsilon) = (F::of(step.step_size), F::of(step.epsilon));
    let correction = F::of(step.correction.recip());
    let moments = first.iter_mut().zip(second);
    for ((p, &g), (m, v)) in parameter.iter_mut().zip(gradient).zip(moments) {
        *m = beta_1 * *m + rest_1 * g;
        *v = beta_2 * *v + rest_2 * g * g;
        *p -= step_size * *m / (v.sqrt() * correction + epsilon);
    }
}
