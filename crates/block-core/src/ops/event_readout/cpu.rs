//! The readout of an event-driven layer on the CPU: narrow enough that its whole membrane is kept.

use burn::backend::Flex;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;
use rayon::prelude::*;

use super::{EventReadoutGradient, EventReadoutOps, Readout, ReadoutGradient};
use crate::NeuronModel;
use crate::host::{dense, dims, float, int, slice, with_real};
use crate::neuron::Rule;
use crate::neuron::cpu::{At, Carried, Dynamics, Integrator, OfMembrane, charge};
use crate::ops::event_layer::EventLayer;
use crate::ops::event_layer::cpu::{Fired, fire};
use crate::ops::event_layer::cpu_backward::{Upstream, backward};
use crate::simd::{InstructionSet, Kernel, Real, Target, Vector, add_quads, load, store, sum_rows};

impl EventReadoutOps for Flex {
    fn event_readout(
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        rule: Rule,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let layer = layer.contiguous();
        with_real!(layer.dtype(), F => {
            let layer = layer.view::<F>();
            let (batch, steps, n) = (layer.events.batch, layer.events.steps, layer.beta.len());
            let fired = fire(layer, rule.model);
            let [weight, bias, beta] =
                [&readout.weight, &readout.bias, &readout.beta].map(dense);
            let beta = slice::<F>(&beta);
            let membrane = membrane(&fired, slice(&weight), slice(&bias), beta, steps);
            let membrane = float(membrane, [batch, steps, beta.len()]);
            (membrane, int(fired.first, [batch, n]), int(fired.counts, [batch, n]))
        })
    }
}

impl EventReadoutGradient for Flex {
    fn event_readout_backward(
        gradient: FlexTensor,
        membrane: FlexTensor,
        first: FlexTensor,
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        rule: Rule,
        wanted: bool,
    ) -> ReadoutGradient<Self> {
        let layer = layer.contiguous();
        let [_, steps, classes] = dims(&membrane);
        let [_, n] = dims(&first);
        with_real!(layer.dtype(), F => {
            let [gradient, membrane] = [&gradient, &membrane].map(dense);
            let [weight, beta] = [&readout.weight, &readout.beta].map(dense);
            let back = integrate_backward::<F>(
                slice(&gradient),
                slice(&membrane),
                slice(&beta),
                steps,
                rule.model,
            );
            let upstream = Upstream::Readout {
                narrow: back.upstream(),
                stride: back.stride,
                classes,
                weight: slice(&weight),
            };
            let (layer, from_layer) = backward(&layer, rule, upstream, wanted);
            let d_weight = match rule.model.fires_once() {
                true => weight_gradient(&back, slice(&first), n, steps, classes),
                false => narrow(&from_layer, classes),
            };
            ReadoutGradient {
                layer,
                readout: Readout {
                    weight: float(d_weight, [n, classes]),
                    bias: float(back.bias, [classes]),
                    beta: float(back.beta, [classes]),
                },
            }
        })
    }
}

/// Membrane `[batch, steps, classes]` of a readout over a layer's spikes; weight `[n, classes]`.
fn membrane<F: Real>(fired: &Fired, weight: &[F], bias: &[F], beta: &[F], steps: usize) -> Vec<F> {
    let classes = beta.len();
    let stride = stride(classes);
    let n = weight.len() / classes;
    let batch = fired.first.len() / n;
    let set = InstructionSet::current();
    let weight = widen(weight, classes);
    let mut membrane = vec![F::of(0.0); batch * steps * classes];
    let samples = membrane.par_chunks_mut(steps * classes).enumerate();
    samples.for_each_init(Vec::new, |current, (sample, membrane)| {
        current.clear();
        current.resize(steps * stride, F::of(0.0));
        fired.in_sample(sample, steps, n, |t, neuron| {
            add_quads(
                &mut current[t * stride..][..stride],
                &weight[neuron * stride..],
            );
        });
        set.run(Integrate {
            current,
            membrane,
            bias,
            beta,
        });
    });
    membrane
}

/// The width of a row of classes in the arrays here: whole groups of four.
fn stride(classes: usize) -> usize {
    classes.next_multiple_of(4)
}

/// Rows `[.., classes]` in the width of [`stride`].
fn widen<F: Real>(rows: &[F], classes: usize) -> Vec<F> {
    let stride = stride(classes);
    let mut wide = vec![F::of(0.0); rows.len() / classes * stride];
    for (wide, row) in wide
        .chunks_exact_mut(stride)
        .zip(rows.chunks_exact(classes))
    {
        wide[..classes].copy_from_slice(row);
    }
    wide
}

/// Rows in the width of [`stride`] as `[.., classes]`.
fn narrow<F: Real>(wide: &[F], classes: usize) -> Vec<F> {
    let rows = wide.chunks_exact(stride(classes));
    rows.flat_map(|row| row[..classes].iter().copied())
        .collect()
}

/// A sample's membrane potentials `[steps, classes]` from its currents without bias `[steps, stride]`.
struct Integrate<'a, F> {
    current: &'a [F],
    membrane: &'a mut [F],
    bias: &'a [F],
    beta: &'a [F],
}

impl<F: Real> Kernel for Integrate<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let classes = self.beta.len();
        let stride = stride(classes);
        // A vector that is stored at the end of a row reaches into the first columns of the next one, so these
        // come last.
        for column in (0..classes).step_by(F::LANES).rev() {
            let beta = load::<S, F>(simd, &self.beta[column..]);
            let bias = load::<S, F>(simd, &self.bias[column..]);
            let mut v = Vector::<S, F>::splat(simd, F::of(0.0));
            for t in 0..self.membrane.len() / classes {
                let current = load::<S, F>(simd, &self.current[t * stride + column..]);
                v = charge(beta, v, bias + current);
                store::<S, F>(v, &mut self.membrane[t * classes + column..]);
            }
        }
    }
}

/// The backward pass of a readout's integrators; rows are `stride` wide, their first classes count.
struct Back<F> {
    /// ∂L/∂I, `[batch, steps, stride]`.
    d_current: Vec<F>,
    /// For the block model ∂L/∂I summed twice over the later steps.
    summed: Option<Vec<F>>,
    stride: usize,
    bias: Vec<F>,
    beta: Vec<F>,
}

impl<F> Back<F> {
    /// What the layer below receives.
    fn upstream(&self) -> &[F] {
        self.summed.as_ref().unwrap_or(&self.d_current)
    }
}

/// From the gradient of the membrane and the membrane itself, `[batch, steps, classes]`.
fn integrate_backward<F: Real>(
    gradient: &[F],
    membrane: &[F],
    beta: &[F],
    steps: usize,
    model: NeuronModel,
) -> Back<F> {
    let classes = beta.len();
    let stride = stride(classes);
    let set = InstructionSet::current();
    let zeros = || vec![F::of(0.0); gradient.len() / classes * stride];
    let mut d_current = zeros();
    let mut summed = model.sums_gradient_over_time().then(zeros);
    let sample = steps * stride;
    let sums: Vec<_> = match &mut summed {
        Some(summed) => summed.chunks_mut(sample).map(Some).collect(),
        None => d_current.chunks(sample).map(|_| None).collect(),
    };
    let partial: Vec<(Vec<F>, Vec<F>)> = d_current
        .par_chunks_mut(sample)
        .zip(sums)
        .enumerate()
        .map(|(sample, (d_current, summed))| {
            let from = sample * steps * classes;
            set.run(IntegrateBackward {
                gradient: &gradient[from..],
                membrane: &membrane[from..],
                beta,
                d_current,
                summed,
            })
        })
        .collect();
    let (d_bias, d_beta): (Vec<_>, Vec<_>) = partial.into_iter().unzip();
    Back {
        d_current,
        summed,
        stride,
        bias: sum_rows(&d_bias, classes),
        beta: sum_rows(&d_beta, classes),
    }
}

/// The backward pass of one sample's integrators. Gradient and membrane are those of the sample and all after
/// it: a vector may read beyond a row, into lanes that do not count.
struct IntegrateBackward<'a, F> {
    gradient: &'a [F],
    membrane: &'a [F],
    beta: &'a [F],
    /// `[steps, stride]`
    d_current: &'a mut [F],
    /// `[steps, stride]`
    summed: Option<&'a mut [F]>,
}

impl<F: Real> Kernel for IntegrateBackward<'_, F> {
    /// ∂L/∂bias and ∂L/∂β.
    type Output = (Vec<F>, Vec<F>);

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> (Vec<F>, Vec<F>) {
        let classes = self.beta.len();
        let stride = stride(classes);
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        let (mut d_bias, mut d_beta) = (vec![F::of(0.0); classes], vec![F::of(0.0); classes]);
        for column in (0..classes).step_by(F::LANES) {
            let beta = load::<S, F>(simd, &self.beta[column..]);
            let at = At {
                simd,
                u: zero,
                slope: zero,
                beta,
                first: zero,
                t: F::of(0.0),
            };
            let mut carried = Carried::new(zero);
            let (mut once, mut twice) = (zero, zero);
            let (mut bias_sum, mut beta_sum) = (zero, zero);
            for t in (0..self.d_current.len() / stride).rev() {
                let (from, to) = (t * classes + column, t * stride + column);
                let gradient = load::<S, F>(simd, &self.gradient[from..]);
                let d = Integrator::reverse::<S, F, OfMembrane>(&mut carried, gradient, &at);
                store_quads::<S, F>(d, &mut self.d_current[to..(t + 1) * stride]);
                bias_sum += d;
                if t > 0 {
                    beta_sum += d * load::<S, F>(simd, &self.membrane[from - classes..]);
                }
                if let Some(summed) = &mut self.summed {
                    once += d;
                    twice += once;
                    store_quads::<S, F>(twice, &mut summed[to..(t + 1) * stride]);
                }
            }
            store::<S, F>(bias_sum, &mut d_bias[column..]);
            store::<S, F>(beta_sum, &mut d_beta[column..]);
        }
        (d_bias, d_beta)
    }
}

/// Writes a vector to a slice of whole groups of four, as much as it has room for.
#[inline(always)]
fn store_quads<S: Simd, F: Real>(vector: Vector<S, F>, to: &mut [F]) {
    if let Some(whole) = to.get_mut(..F::LANES) {
        vector.store_slice(whole);
        return;
    }
    let (to, from) = (
        to.as_chunks_mut::<4>().0,
        vector.as_slice().as_chunks::<4>().0,
    );
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// ∂L/∂W `[n, classes]` of the readout of neurons that fire once, from their steps `[batch, n]`.
fn weight_gradient<F: Real>(
    back: &Back<F>,
    first: &[i32],
    n: usize,
    steps: usize,
    classes: usize,
) -> Vec<F> {
    let stride = back.stride;
    let mut weight = vec![F::of(0.0); n * stride];
    let neurons = n.div_ceil(rayon::current_num_threads());
    let tasks = weight.par_chunks_mut(neurons * stride).enumerate();
    tasks.for_each(|(task, weight)| {
        let samples = first
            .chunks_exact(n)
            .zip(back.d_current.chunks(steps * stride));
        for (first, d_current) in samples {
            let rows = weight.chunks_exact_mut(stride);
            for (row, &t) in rows.zip(&first[task * neurons..]) {
                if (t as usize) < steps {
                    add_quads(row, &d_current[t as usize * stride..]);
                }
            }
        }
    });
    narrow(&weight, classes)
}
