//! A linear layer of block neurons driven by events.
//!
//! The dense input is never formed. A block of `LANES` neurons keeps its weight columns in cache;
//! each sample's membrane potentials come from adding the weight rows of the units that fire, step
//! by step. Nothing of size batch·time·neuron is kept for the backward pass: it runs the additions
//! again, which costs less than the memory traffic.

use std::marker::PhantomData;

use multiversion::multiversion;
use rayon::prelude::*;

use super::lanes::{LANES, Lanes};
use super::scan::latch_row;
use super::{EventRows, Real};
use crate::Surrogate;

/// What a layer computes with; weights `[units, n]`, bias and beta `[n]`.
#[derive(Clone, Copy)]
pub(crate) struct EventLayer<'a, F> {
    pub events: EventRows<'a>,
    pub weight: &'a [F],
    pub bias: &'a [F],
    pub beta: &'a [F],
}

/// The gradient that arrives at a layer's output.
#[derive(Clone, Copy)]
pub(crate) enum Upstream<'a, F> {
    /// ∂L/∂S, `[batch, steps, n]`.
    Spikes(&'a [F], Surrogate),
    /// ∂L/∂V, `[batch, steps, n]`: the layer's output was its membrane.
    Membrane(&'a [F]),
    /// ∂L/∂S̃ = `narrow` · `weight`ᵀ with `narrow` `[batch, steps, classes]`, the gradient of the
    /// layer above summed twice over time on its own, narrow side, and `weight` `[n, classes]`.
    Readout {
        narrow: &'a [F],
        weight: &'a [F],
        surrogate: Surrogate,
    },
}

/// Gradients of a layer's parameters, shaped as the parameters.
pub(crate) struct LayerGradient<F> {
    pub weight: Vec<F>,
    pub bias: Vec<F>,
    pub beta: Vec<F>,
}

/// First-spike steps `[batch, n]` (`steps` for "never") and, into `membrane` when it is given, the
/// potentials `[batch, steps, n]`.
pub(crate) fn forward<F: Real>(layer: EventLayer<'_, F>, membrane: Option<&mut [F]>) -> Vec<i32> {
    let EventRows { batch, steps, .. } = layer.events;
    let n = layer.beta.len();
    let mut first = vec![steps as i32; batch * n];
    let first_out = Columns::new(&mut first, n);
    let membrane_out = membrane.map(|m| Columns::new(m, n));
    blocks(n).for_each_init(Block::default, |block, start| {
        block.load(&layer, start);
        forward_block(block, &layer.events, &first_out, membrane_out.as_ref());
    });
    first
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn forward_block<F: Real>(
    block: &Block<F>,
    events: &EventRows<'_>,
    first_out: &Columns<'_, i32>,
    membrane_out: Option<&Columns<'_, F>>,
) {
    let never = events.steps as i32;
    for sample in 0..events.batch {
        let mut latched = Lanes::splat(never);
        block.sweep(events, sample, |t, v| {
            for (first, v) in latched.groups(v) {
                latch_row(first, v, t as i32, never);
            }
            if let Some(out) = membrane_out {
                out.write(sample * events.steps + t, block.start, v);
            }
        });
        first_out.write(sample, block.start, &latched);
    }
}

/// Gradients of the parameters and, into `d_current` when it is given, ∂L/∂I `[batch, steps, n]`.
pub(crate) fn backward<F: Real>(
    layer: EventLayer<'_, F>,
    upstream: Upstream<'_, F>,
    d_current: Option<&mut [F]>,
) -> LayerGradient<F> {
    let n = layer.beta.len();
    let mut gradient = LayerGradient {
        weight: vec![F::zero(); layer.weight.len()],
        bias: vec![F::zero(); n],
        beta: vec![F::zero(); n],
    };
    let out = BackwardOut {
        weight: Columns::new(&mut gradient.weight, n),
        bias: Columns::new(&mut gradient.bias, n),
        beta: Columns::new(&mut gradient.beta, n),
        current: d_current.map(|d| Columns::new(d, n)),
    };
    let memory = || (Block::default(), Scratch::default());
    blocks(n).for_each_init(memory, |(block, scratch), start| {
        block.load(&layer, start);
        let mut source = Source::load(upstream, n, start);
        backward_block(block, &layer.events, &mut source, scratch, &out);
    });
    gradient
}

struct BackwardOut<'a, F> {
    weight: Columns<'a, F>,
    bias: Columns<'a, F>,
    beta: Columns<'a, F>,
    current: Option<Columns<'a, F>>,
}

/// Memory of one block's backward pass, used again by the next block of the same thread.
struct Scratch<F> {
    /// ∂L/∂W, `[units]`.
    weight: Vec<Lanes<F>>,
    /// V of one sample, `[steps]`.
    membrane: Vec<Lanes<F>>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self {
            weight: Vec::new(),
            membrane: Vec::new(),
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn backward_block<F: Real>(
    block: &Block<F>,
    events: &EventRows<'_>,
    source: &mut Source<'_, F>,
    scratch: &mut Scratch<F>,
    out: &BackwardOut<'_, F>,
) {
    let zero = Lanes::zero();
    let (start, steps) = (block.start, events.steps);
    scratch.weight.clear();
    scratch.weight.resize(block.weight.len(), zero);
    scratch.membrane.resize(steps, zero);
    let (d_weight, membrane) = (&mut scratch.weight, &mut scratch.membrane);
    let (mut d_bias, mut d_beta) = (zero, zero);
    for sample in 0..events.batch {
        block.sweep(events, sample, |t, v| membrane[t] = *v);
        source.restart();
        let mut d = zero;
        for t in (0..steps).rev() {
            let g = source.at(sample * steps + t, &membrane[t]);
            d = g.add(block.beta.mul(d));
            d_bias = d_bias.add(d);
            if t > 0 {
                d_beta = d_beta.add(d.mul(membrane[t - 1]));
            }
            for &unit in events.at(sample, t) {
                let row = &mut d_weight[unit as usize];
                *row = row.add(d);
            }
            if let Some(out) = &out.current {
                out.write(sample * steps + t, start, &d);
            }
        }
    }
    for (unit, row) in d_weight.iter().enumerate() {
        out.weight.write(unit, start, row);
    }
    out.bias.write(0, start, &d_bias);
    out.beta.write(0, start, &d_beta);
}

/// First neurons of all blocks.
fn blocks(n: usize) -> impl IndexedParallelIterator<Item = usize> {
    (0..n.div_ceil(LANES))
        .into_par_iter()
        .map(|block| block * LANES)
}

/// The parameters of a block of neurons, packed; lanes beyond the last neuron are zero.
struct Block<F> {
    /// The first neuron.
    start: usize,
    weight: Vec<Lanes<F>>,
    bias: Lanes<F>,
    beta: Lanes<F>,
}

impl<F: Real> Default for Block<F> {
    fn default() -> Self {
        Self {
            start: 0,
            weight: Vec::new(),
            bias: Lanes::zero(),
            beta: Lanes::zero(),
        }
    }
}

impl<F: Real> Block<F> {
    fn load(&mut self, layer: &EventLayer<'_, F>, start: usize) {
        let n = layer.beta.len();
        self.start = start;
        self.weight.clear();
        let rows = layer.weight.chunks_exact(n);
        self.weight
            .extend(rows.map(|row| Lanes::load(row, start, F::zero())));
        self.bias = Lanes::load(layer.bias, start, F::zero());
        self.beta = Lanes::load(layer.beta, start, F::zero());
    }

    /// Membrane potentials of one sample, handed to `each` step by step.
    #[inline(always)]
    fn sweep(&self, events: &EventRows<'_>, sample: usize, mut each: impl FnMut(usize, &Lanes<F>)) {
        let mut v = Lanes::zero();
        for t in 0..events.steps {
            v = self.beta.mul(v).add(self.bias);
            for &unit in events.at(sample, t) {
                v = v.add(self.weight[unit as usize]);
            }
            each(t, &v);
        }
    }
}

/// The upstream gradient of a block's lanes.
struct Source<'a, F> {
    upstream: Upstream<'a, F>,
    n: usize,
    start: usize,
    /// Readout: the block's weights by class.
    weight: Vec<Lanes<F>>,
    once: Lanes<F>,
    twice: Lanes<F>,
}

impl<'a, F: Real> Source<'a, F> {
    fn load(upstream: Upstream<'a, F>, n: usize, start: usize) -> Self {
        let weight = match upstream {
            Upstream::Readout { weight, .. } => {
                let classes = weight.len() / n;
                let mut packed = vec![Lanes::zero(); classes];
                let rows = weight[start * classes..].chunks_exact(classes);
                for (lane, row) in rows.take(LANES).enumerate() {
                    for (class, &w) in row.iter().enumerate() {
                        packed[class].set(lane, w);
                    }
                }
                packed
            }
            _ => Vec::new(),
        };
        Self {
            upstream,
            n,
            start,
            weight,
            once: Lanes::zero(),
            twice: Lanes::zero(),
        }
    }

    /// Before the last step of a sample.
    #[inline(always)]
    fn restart(&mut self) {
        self.once = Lanes::zero();
        self.twice = Lanes::zero();
    }

    /// ∂L/∂V of one row (sample and step), without the leaky scan; rows come in reverse order.
    #[inline(always)]
    fn at(&mut self, row: usize, membrane: &Lanes<F>) -> Lanes<F> {
        let load = |gradient: &[F]| {
            let row = &gradient[row * self.n..][..self.n];
            Lanes::load(row, self.start, F::zero())
        };
        let (mut out, surrogate) = match self.upstream {
            Upstream::Membrane(gradient) => return load(gradient),
            Upstream::Spikes(gradient, surrogate) => {
                self.once = self.once.add(load(gradient));
                self.twice = self.twice.add(self.once);
                (self.twice, surrogate)
            }
            Upstream::Readout {
                narrow, surrogate, ..
            } => {
                let classes = self.weight.len();
                let narrow = &narrow[row * classes..][..classes];
                let mut sum = Lanes::zero();
                for (weight, &e) in self.weight.iter().zip(narrow) {
                    sum = sum.add(weight.scale(e));
                }
                (sum, surrogate)
            }
        };
        for (out, v) in out.groups(membrane) {
            surrogate.scale_row(out, v);
        }
        out
    }
}

/// A row-major matrix whose columns are written by several threads at once, each its own.
struct Columns<'a, T> {
    data: *mut T,
    width: usize,
    rows: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: `write` touches the columns of one block only, and every block is given to one task.
unsafe impl<T: Send> Sync for Columns<'_, T> {}
// SAFETY: it is a borrow of plain numbers.
unsafe impl<T: Send> Send for Columns<'_, T> {}

impl<'a, T: Copy> Columns<'a, T> {
    fn new(data: &'a mut [T], width: usize) -> Self {
        Self {
            data: data.as_mut_ptr(),
            width,
            rows: data.len() / width,
            borrow: PhantomData,
        }
    }

    /// Writes the part of `values` that lies within the matrix to `row`, from column `start` on.
    #[inline(always)]
    fn write(&self, row: usize, start: usize, values: &Lanes<T>) {
        let count = LANES.min(self.width - start);
        assert!(row < self.rows);
        // SAFETY: row and columns were just checked to be inside; blocks do not overlap, so no other
        // thread touches these elements.
        unsafe {
            let to = self.data.add(row * self.width + start);
            std::ptr::copy_nonoverlapping(values.as_slice().as_ptr(), to, count);
        }
    }
}
