//! The readout of single-spike neurons: a leaky integrator over events, narrow enough that its
//! whole trace is kept.

use rayon::prelude::*;

use super::Real;
use super::leaky::sum_rows;

/// Membrane trace `[batch, steps, classes]` of a readout whose inputs fire once, at `first`
/// `[batch, n]` (`steps` for "never"); weight `[n, classes]`.
pub(crate) fn readout_forward<F: Real>(
    first: &[i32],
    weight: &[F],
    bias: &[F],
    beta: &[F],
    steps: usize,
) -> Vec<F> {
    let classes = beta.len();
    let n = weight.len() / classes;
    let mut trace = vec![F::zero(); first.len() / n * steps * classes];
    trace
        .par_chunks_mut(steps * classes)
        .zip(first.par_chunks(n))
        .for_each(|(trace, first)| {
            for (row, &t) in weight.chunks_exact(classes).zip(first) {
                if (t as usize) < steps {
                    let current = &mut trace[t as usize * classes..][..classes];
                    for (current, &w) in current.iter_mut().zip(row) {
                        *current += w;
                    }
                }
            }
            let mut v = vec![F::zero(); classes];
            for row in trace.chunks_exact_mut(classes) {
                for c in 0..classes {
                    v[c] = beta[c] * v[c] + (bias[c] + row[c]);
                    row[c] = v[c];
                }
            }
        });
    trace
}

/// Gradients of the readout's parameters, and what the hidden layer below needs.
pub(crate) struct ReadoutGradient<F> {
    pub weight: Vec<F>,
    pub bias: Vec<F>,
    pub beta: Vec<F>,
    /// ∂L/∂I of the readout, summed twice over time in reverse, `[batch, steps, classes]`: the
    /// gradient of the hidden faulty spikes is this times the weightᵀ, as sums over time commute with
    /// the constant weight.
    pub narrow: Vec<F>,
}

/// From ∂L/∂trace; shapes as in [`readout_forward`].
pub(crate) fn readout_backward<F: Real>(
    gradient: &[F],
    trace: &[F],
    first: &[i32],
    beta: &[F],
    n: usize,
    steps: usize,
) -> ReadoutGradient<F> {
    let classes = beta.len();
    let batch = first.len() / n;
    let width = steps * classes;
    let mut narrow = vec![F::zero(); batch * width];
    // ∂L/∂I, kept for the weights' gradient.
    let mut d_current = gradient.to_vec();
    let partial: Vec<_> = narrow
        .par_chunks_mut(width)
        .zip(d_current.par_chunks_mut(width))
        .zip(trace.par_chunks(width))
        .map(|((narrow, d_current), trace)| {
            let mut d_bias = vec![F::zero(); classes];
            let mut d_beta = vec![F::zero(); classes];
            for c in 0..classes {
                let (mut d, mut once, mut twice) = (F::zero(), F::zero(), F::zero());
                for t in (0..steps).rev() {
                    let at = t * classes + c;
                    d = d_current[at] + beta[c] * d;
                    d_current[at] = d;
                    once += d;
                    twice += once;
                    narrow[at] = twice;
                    d_bias[c] += d;
                    if t > 0 {
                        d_beta[c] += d * trace[at - classes];
                    }
                }
            }
            (d_bias, d_beta)
        })
        .collect();
    let (d_bias, d_beta): (Vec<_>, Vec<_>) = partial.into_iter().unzip();

    let mut weight = vec![F::zero(); n * classes];
    let neurons_a_task = n.div_ceil(rayon::current_num_threads()).max(1);
    weight
        .par_chunks_mut(neurons_a_task * classes)
        .enumerate()
        .for_each(|(task, weight)| {
            let start = task * neurons_a_task;
            for sample in 0..batch {
                let first = &first[sample * n + start..];
                let d_current = &d_current[sample * width..][..width];
                for (row, &t) in weight.chunks_exact_mut(classes).zip(first) {
                    if (t as usize) < steps {
                        let d = &d_current[t as usize * classes..][..classes];
                        for (w, &d) in row.iter_mut().zip(d) {
                            *w += d;
                        }
                    }
                }
            }
        });
    ReadoutGradient {
        weight,
        bias: sum_rows(&d_bias, classes),
        beta: sum_rows(&d_beta, classes),
        narrow,
    }
}
