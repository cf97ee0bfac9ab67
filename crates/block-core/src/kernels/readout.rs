//! The readout of single-spike neurons: a leaky integrator over events, narrow enough that its
//! whole trace is kept.

use rayon::prelude::*;

use super::leaky::sum_rows;
use super::{Fired, Real};
use crate::neurons::NeuronModel;

/// Membrane trace `[batch, steps, classes]` of a readout over a layer's spikes; weight
/// `[n, classes]`.
pub(crate) fn readout_forward<F: Real>(
    fired: &Fired,
    weight: &[F],
    bias: &[F],
    beta: &[F],
    steps: usize,
) -> Vec<F> {
    let classes = beta.len();
    let n = weight.len() / classes;
    let rows = fired.first.len() / n * steps;
    let mut trace = vec![F::zero(); rows * classes];
    trace
        .par_chunks_mut(steps * classes)
        .zip(fired.first.par_chunks(n))
        .enumerate()
        .for_each(|(sample, (trace, first))| {
            let mut add = |t: usize, neuron: usize| {
                let current = trace[t * classes..][..classes].iter_mut();
                for (current, &w) in current.zip(&weight[neuron * classes..]) {
                    *current += w;
                }
            };
            if fired.masks.is_empty() {
                for (neuron, &t) in first.iter().enumerate() {
                    if (t as usize) < steps {
                        add(t as usize, neuron);
                    }
                }
            } else {
                for t in 0..steps {
                    fired.at(sample * steps + t, rows, |neuron| add(t, neuron));
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
    /// Zeros where the layer below fires many times: its own backward pass has them then.
    pub weight: Vec<F>,
    pub bias: Vec<F>,
    pub beta: Vec<F>,
    /// ∂L/∂I of the readout, `[batch, steps, classes]`; for the block model summed twice over time in
    /// reverse: the gradient of the hidden faulty spikes is this times the weightᵀ, as sums over time
    /// commute with the constant weight.
    pub narrow: Vec<F>,
}

/// From ∂L/∂trace and the first-spike steps `[batch, n]` (`steps` for "never"); shapes as in
/// [`readout_forward`].
pub(crate) fn readout_backward<F: Real>(
    gradient: &[F],
    trace: &[F],
    first: &[i32],
    beta: &[F],
    n: usize,
    steps: usize,
    model: NeuronModel,
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
                    narrow[at] = if model == NeuronModel::Block {
                        twice
                    } else {
                        d
                    };
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
    let once = model != NeuronModel::MultiSpike;
    let neurons_a_task = n.div_ceil(rayon::current_num_threads()).max(1);
    weight
        .par_chunks_mut(neurons_a_task * classes)
        .enumerate()
        .for_each(|(task, weight)| {
            let start = task * neurons_a_task;
            for sample in 0..if once { batch } else { 0 } {
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
