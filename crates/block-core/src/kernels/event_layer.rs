//! A linear layer of block neurons driven by events.
//!
//! The dense input is never formed. A block of `LANES` neurons keeps its weight columns in cache;
//! each sample's membrane potentials come from adding the weight rows of the units that fire, step
//! by step. Nothing of size batch·time·neuron is kept for the backward pass: it runs the additions
//! again, which costs less than the memory traffic.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::scan::latch_row;
use super::{EventRows, Real, vectorised};
use crate::Surrogate;

/// Neurons a block; a multiple of the widest vector.
const LANES: usize = 16;

type Lanes<F> = [F; LANES];

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
pub(crate) fn forward<F: Real>(
    layer: EventLayer<'_, F>,
    membrane: Option<&mut [F]>,
) -> Vec<i32> {
    let EventRows { batch, steps, .. } = layer.events;
    let n = layer.beta.len();
    let mut first = vec![steps as i32; batch * n];
    let first_out = Columns::new(&mut first, n);
    let membrane_out = membrane.map(|m| Columns::new(m, n));
    blocks(n).for_each_init(Block::default, |block, start| {
        vectorised(|| {
            block.load(&layer, start);
            for sample in 0..batch {
                let mut latched = [steps as i32; LANES];
                block.sweep(&layer.events, sample, |t, v| {
                    latch_row(&mut latched, v, t as i32, steps as i32);
                    if let Some(out) = &membrane_out {
                        out.write(sample * steps + t, start, v);
                    }
                });
                first_out.write(sample, start, &latched);
            }
        });
    });
    first
}

/// Gradients of the parameters and, into `d_current` when it is given, ∂L/∂I `[batch, steps, n]`.
pub(crate) fn backward<F: Real>(
    layer: EventLayer<'_, F>,
    upstream: Upstream<'_, F>,
    d_current: Option<&mut [F]>,
) -> LayerGradient<F> {
    let EventRows { batch, steps, .. } = layer.events;
    let n = layer.beta.len();
    let mut gradient = LayerGradient {
        weight: vec![F::zero(); layer.weight.len()],
        bias: vec![F::zero(); n],
        beta: vec![F::zero(); n],
    };
    let weight_out = Columns::new(&mut gradient.weight, n);
    let bias_out = Columns::new(&mut gradient.bias, n);
    let beta_out = Columns::new(&mut gradient.beta, n);
    let d_current = d_current.map(|d| Columns::new(d, n));
    blocks(n).for_each_init(Block::default, |block, start| {
        vectorised(|| {
            block.load(&layer, start);
            let mut d_weight = vec![[F::zero(); LANES]; block.weight.len()];
            let mut d_bias = [F::zero(); LANES];
            let mut d_beta = [F::zero(); LANES];
            let mut membrane = vec![[F::zero(); LANES]; steps];
            let mut source = Source::load(upstream, n, start);
            for sample in 0..batch {
                block.sweep(&layer.events, sample, |t, v| membrane[t] = *v);
                source.restart();
                let mut d = [F::zero(); LANES];
                for t in (0..steps).rev() {
                    let g = source.at(sample * steps + t, &membrane[t]);
                    for i in 0..LANES {
                        d[i] = g[i] + block.beta[i] * d[i];
                        d_bias[i] += d[i];
                    }
                    if t > 0 {
                        for i in 0..LANES {
                            d_beta[i] += d[i] * membrane[t - 1][i];
                        }
                    }
                    for &unit in layer.events.at(sample, t) {
                        let row = &mut d_weight[unit as usize];
                        for i in 0..LANES {
                            row[i] += d[i];
                        }
                    }
                    if let Some(out) = &d_current {
                        out.write(sample * steps + t, start, &d);
                    }
                }
            }
            for (unit, row) in d_weight.iter().enumerate() {
                weight_out.write(unit, start, row);
            }
            bias_out.write(0, start, &d_bias);
            beta_out.write(0, start, &d_beta);
        });
    });
    gradient
}

/// First neurons of all blocks.
fn blocks(n: usize) -> impl IndexedParallelIterator<Item = usize> {
    (0..n.div_ceil(LANES))
        .into_par_iter()
        .map(|block| block * LANES)
}

/// The parameters of a block of neurons, packed; lanes beyond the last neuron are zero.
struct Block<F> {
    weight: Vec<Lanes<F>>,
    bias: Lanes<F>,
    beta: Lanes<F>,
}

impl<F: Real> Default for Block<F> {
    fn default() -> Self {
        Self {
            weight: Vec::new(),
            bias: [F::zero(); LANES],
            beta: [F::zero(); LANES],
        }
    }
}

impl<F: Real> Block<F> {
    fn load(&mut self, layer: &EventLayer<'_, F>, start: usize) {
        let n = layer.beta.len();
        self.weight.clear();
        let rows = layer.weight.chunks_exact(n);
        self.weight.extend(rows.map(|row| lanes(row, start)));
        self.bias = lanes(layer.bias, start);
        self.beta = lanes(layer.beta, start);
    }

    /// Membrane potentials of one sample, handed to `each` step by step.
    #[inline(always)]
    fn sweep(
        &self,
        events: &EventRows<'_>,
        sample: usize,
        mut each: impl FnMut(usize, &Lanes<F>),
    ) {
        let mut v = [F::zero(); LANES];
        for t in 0..events.steps {
            for i in 0..LANES {
                v[i] = self.beta[i] * v[i] + self.bias[i];
            }
            for &unit in events.at(sample, t) {
                let row = &self.weight[unit as usize];
                for i in 0..LANES {
                    v[i] += row[i];
                }
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
                let mut packed = vec![[F::zero(); LANES]; classes];
                let rows = weight[start * classes..].chunks_exact(classes);
                for (lane, row) in rows.take(LANES).enumerate() {
                    for (class, &w) in row.iter().enumerate() {
                        packed[class][lane] = w;
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
            once: [F::zero(); LANES],
            twice: [F::zero(); LANES],
        }
    }

    /// Before the last step of a sample.
    #[inline(always)]
    fn restart(&mut self) {
        self.once = [F::zero(); LANES];
        self.twice = [F::zero(); LANES];
    }

    /// ∂L/∂V of one row (sample and step), without the leaky scan; rows come in reverse order.
    #[inline(always)]
    fn at(&mut self, row: usize, membrane: &Lanes<F>) -> Lanes<F> {
        match self.upstream {
            Upstream::Membrane(gradient) => lanes(&gradient[row * self.n..][..self.n], self.start),
            Upstream::Spikes(gradient, surrogate) => {
                let g: Lanes<F> = lanes(&gradient[row * self.n..][..self.n], self.start);
                for i in 0..LANES {
                    self.once[i] += g[i];
                    self.twice[i] += self.once[i];
                }
                let mut out = self.twice;
                surrogate.scale_row(&mut out, membrane);
                out
            }
            Upstream::Readout {
                narrow, surrogate, ..
            } => {
                let mut out = [F::zero(); LANES];
                let classes = self.weight.len();
                let narrow = &narrow[row * classes..][..classes];
                for (weight, &e) in self.weight.iter().zip(narrow) {
                    for i in 0..LANES {
                        out[i] += weight[i] * e;
                    }
                }
                surrogate.scale_row(&mut out, membrane);
                out
            }
        }
    }
}

/// `LANES` values of a row from `start` on, zeros beyond its end.
#[inline(always)]
fn lanes<F: Real>(row: &[F], start: usize) -> Lanes<F> {
    match row[start..].first_chunk() {
        Some(full) => *full,
        None => {
            let mut out = [F::zero(); LANES];
            for (out, &value) in out.iter_mut().zip(&row[start..]) {
                *out = value;
            }
            out
        }
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
    fn write(&self, row: usize, start: usize, values: &[T; LANES]) {
        let count = LANES.min(self.width - start);
        assert!(row < self.rows);
        // SAFETY: row and columns were just checked to be inside; blocks do not overlap, so no other
        // thread touches these elements.
        unsafe {
            let to = self.data.add(row * self.width + start);
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, count);
        }
    }
}
