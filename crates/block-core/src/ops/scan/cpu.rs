//! The scan on the CPU: row by row of a sample `[time, neuron]`, samples spread over the threads.

use burn::backend::Flex;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;
use rayon::prelude::*;

use super::{Output, ScanGradient, ScanOps};
use crate::NeuronModel;
use crate::host::{dense, dims, float, int, owned, slice, with_real};
use crate::neuron::Rule;
use crate::neuron::cpu::{
    Arriving, At, Carried, Derivative, Dynamics, OfMembrane, OfSpikes, charge, latch,
    with_derivative, with_dynamics,
};
use crate::simd::{InstructionSet, Kernel, Real, Target, Vector, load, store, sum_rows};

impl ScanOps for Flex {
    fn scan(current: FlexTensor, beta: FlexTensor, model: NeuronModel) -> (FlexTensor, FlexTensor) {
        let [batch, steps, n] = dims(&current);
        with_real!(current.dtype(), F => {
            let mut potential = owned::<F>(current);
            let beta = dense(&beta);
            let first = forward::<F>(potential.storage_mut(), slice(&beta), steps, model);
            (potential, int(first, [batch, n]))
        })
    }

    fn scan_output(
        potential: FlexTensor,
        first: FlexTensor,
        _beta: FlexTensor,
        rule: Rule,
        output: Output,
    ) -> FlexTensor {
        if output == Output::Membrane && !rule.model.masks_membrane() {
            return potential;
        }
        let [batch, steps, n] = dims(&potential);
        with_real!(potential.dtype(), F => {
            let potential = dense(&potential);
            let (u, first) = (slice::<F>(&potential), slice::<i32>(&first));
            let out = match output {
                Output::Membrane => masked(u, first, steps, n),
                Output::Spikes if rule.model.fires_once() => spikes_at(first, steps, n),
                Output::Spikes => u.par_iter().map(|&u| F::from(u > F::of(1.0))).collect(),
            };
            float(out, [batch, steps, n])
        })
    }
}

impl ScanGradient for Flex {
    fn scan_backward(
        gradient: FlexTensor,
        potential: FlexTensor,
        first: FlexTensor,
        beta: FlexTensor,
        rule: Rule,
        output: Output,
    ) -> (FlexTensor, FlexTensor) {
        let [_, steps, n] = dims(&potential);
        with_real!(potential.dtype(), F => {
            let mut gradient = owned::<F>(gradient);
            let (potential, beta) = (dense(&potential), dense(&beta));
            let past = Past {
                potential: slice::<F>(&potential),
                first: slice(&first),
                beta: slice(&beta),
                steps,
            };
            let d_beta = match output {
                Output::Spikes => backward::<F, OfSpikes>(gradient.storage_mut(), past, rule),
                Output::Membrane => backward::<F, OfMembrane>(gradient.storage_mut(), past, rule),
            };
            (gradient, float(d_beta, [n]))
        })
    }
}

/// Spikes `[batch, steps, n]` of neurons that fire once, at their steps `[batch, n]`.
fn spikes_at<F: Real>(first: &[i32], steps: usize, n: usize) -> Vec<F> {
    let mut spikes = vec![F::of(0.0); first.len() * steps];
    let samples = spikes.par_chunks_mut(steps * n).zip(first.par_chunks(n));
    samples.for_each(|(spikes, first)| {
        for (neuron, &t) in first.iter().enumerate() {
            if (t as usize) < steps {
                spikes[t as usize * n + neuron] = F::of(1.0);
            }
        }
    });
    spikes
}

/// Potentials up to the step of the first spike, zeros after it.
fn masked<F: Real>(potential: &[F], first: &[i32], steps: usize, n: usize) -> Vec<F> {
    let mut membrane = potential.to_vec();
    let samples = membrane.par_chunks_mut(steps * n).zip(first.par_chunks(n));
    samples.for_each(|(membrane, first)| {
        for (t, row) in membrane.chunks_exact_mut(n).enumerate() {
            for (v, &first) in row.iter_mut().zip(first) {
                if first < t as i32 {
                    *v = F::of(0.0);
                }
            }
        }
    });
    membrane
}

/// Turns currents into potentials before reset and mask, in place, and returns the first-spike steps.
fn forward<F: Real>(current: &mut [F], beta: &[F], steps: usize, model: NeuronModel) -> Vec<i32> {
    let n = beta.len();
    let set = InstructionSet::current();
    let mut first = vec![steps as i32; current.len() / steps];
    let samples = current
        .par_chunks_mut(steps * n)
        .zip(first.par_chunks_mut(n));
    samples.for_each(|(sample, first)| {
        with_dynamics!(model, D => set.run(Forward::<F, D> {
            sample,
            first,
            beta,
            dynamics: std::marker::PhantomData,
        }));
    });
    first
}

struct Forward<'a, F, D> {
    sample: &'a mut [F],
    first: &'a mut [i32],
    beta: &'a [F],
    dynamics: std::marker::PhantomData<D>,
}

impl<F: Real, D: Dynamics> Kernel for Forward<'_, F, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let n = self.beta.len();
        let steps = self.sample.len() / n;
        let never = Vector::<S, F>::splat(simd, F::of(steps as f64));
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        // β, V and first step of a vector of neurons.
        let mut state: Vec<_> = vectors::<F>(n)
            .map(|at| (load::<S, F>(simd, &self.beta[at..]), zero, never))
            .collect();
        for (t, row) in self.sample.chunks_exact_mut(n).enumerate() {
            let t = F::of(t as f64);
            in_vectors::<S, F, _>(
                simd,
                row,
                &mut state,
                #[inline(always)]
                |(beta, v, first), _, current| {
                    let u = charge(*beta, *v, current);
                    *first = latch::<S, F>(simd, u, *first, t);
                    *v = D::remaining::<S, F>(simd, u, *first, t);
                    u
                },
            );
        }
        for (at, (_, _, first)) in vectors::<F>(n).zip(&state) {
            for (lane, out) in self.first[at..].iter_mut().take(F::LANES).enumerate() {
                *out = first[lane].to_i32();
            }
        }
    }
}

/// Where the vectors of a row of `n` start. The last one ends with the row, so that where the row is no whole number
/// of vectors, it shares lanes with the one before; a row shorter than a vector is one.
fn vectors<F: Real>(n: usize) -> impl Iterator<Item = usize> {
    let last = n.saturating_sub(F::LANES);
    (0..n).step_by(F::LANES).map(move |at| at.min(last))
}

/// Replaces the [`vectors`] of a row by what `each` makes of them, of their state and of where they start. Lanes that
/// two vectors share go to both as they were.
#[inline(always)]
fn in_vectors<S: Simd, F: Real, T>(
    simd: S,
    row: &mut [F],
    state: &mut [T],
    mut each: impl FnMut(&mut T, usize, Vector<S, F>) -> Vector<S, F>,
) {
    let Some((last, others)) = state.split_last_mut() else {
        return;
    };
    let at = row.len().saturating_sub(F::LANES);
    let ending = load::<S, F>(simd, &row[at..]);
    let lines = row.chunks_exact_mut(F::LANES).zip(others).enumerate();
    for (index, (line, state)) in lines {
        let value = each(state, index * F::LANES, load::<S, F>(simd, line));
        store::<S, F>(value, line);
    }
    store::<S, F>(each(last, at, ending), &mut row[at..]);
}

/// What the forward pass left behind; the potential is `[batch, steps, n]`, the first steps are
/// `[batch, n]`, β is `[n]`.
#[derive(Clone, Copy)]
struct Past<'a, F> {
    potential: &'a [F],
    first: &'a [i32],
    beta: &'a [F],
    steps: usize,
}

/// Turns the gradient of an output into ∂L/∂I, in place, and returns ∂L/∂β.
fn backward<F: Real, G: Arriving>(gradient: &mut [F], past: Past<'_, F>, rule: Rule) -> Vec<F> {
    let n = past.beta.len();
    let set = InstructionSet::current();
    let width = past.steps * n;
    let partial: Vec<_> = gradient
        .par_chunks_mut(width)
        .zip(past.potential.par_chunks(width))
        .zip(past.first.par_chunks(n))
        .map(|((gradient, potential), first)| {
            let past = Past {
                potential,
                first,
                ..past
            };
            with_derivative!(rule.surrogate, K => with_dynamics!(rule.model, D => {
                set.run(Backward::<F, D, G, K> {
                    gradient,
                    past,
                    rule,
                    dynamics: std::marker::PhantomData,
                })
            }))
        })
        .collect();
    sum_rows(&partial, n)
}

struct Backward<'a, F, D, G, K> {
    gradient: &'a mut [F],
    past: Past<'a, F>,
    rule: Rule,
    dynamics: std::marker::PhantomData<(D, G, K)>,
}

/// A vector of neurons in the backward pass.
struct Neurons<V> {
    beta: V,
    first: V,
    d_beta: V,
    carried: Carried<V>,
}

impl<F: Real, D: Dynamics, G: Arriving, K: Derivative> Kernel for Backward<'_, F, D, G, K> {
    type Output = Vec<F>;

    /// One sample's ∂L/∂β.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<F> {
        let Past {
            potential,
            first,
            beta,
            steps,
        } = self.past;
        let n = beta.len();
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        let mut state: Vec<_> = vectors::<F>(n)
            .map(|at| Neurons {
                beta: load::<S, F>(simd, &beta[at..]),
                first: Vector::<S, F>::from_fn(simd, |lane| {
                    F::of(first.get(at + lane).map_or(0.0, |&first| f64::from(first)))
                }),
                d_beta: zero,
                carried: Carried::new(zero),
            })
            .collect();
        for t in (0..steps).rev() {
            let now = F::of(t as f64);
            let potential = &potential[t * n..][..n];
            in_vectors::<S, F, _>(
                simd,
                &mut self.gradient[t * n..][..n],
                &mut state,
                #[inline(always)]
                |neurons, column, gradient| {
                    let u = load::<S, F>(simd, &potential[column..]);
                    let v = D::remaining::<S, F>(simd, u, neurons.first, now);
                    // V[t] meets ∂L/∂I[t+1], which is still there.
                    neurons.d_beta += neurons.carried.d * v;
                    let at = At {
                        simd,
                        u,
                        slope: K::at::<S, F>(simd, self.rule.surrogate, u),
                        beta: neurons.beta,
                        first: neurons.first,
                        t: now,
                    };
                    D::reverse::<S, F, G>(&mut neurons.carried, gradient, &at)
                },
            );
        }
        let mut d_beta = vec![F::of(0.0); n];
        for (at, neurons) in vectors::<F>(n).zip(&state) {
            store::<S, F>(neurons.d_beta, &mut d_beta[at..]);
        }
        d_beta
    }
}
