//! Event-driven layers on the CPU, backward.
//!
//! A few samples of a tile at a time: the potentials once more, then in their place ∂L/∂I, back in time; then
//! the weight's gradient, unit by unit from the list of their events, so that each row of it is read and written
//! once for all events of the group. Sums have one order, whatever the width of a tile or a vector: over
//! samples and steps ascending, the classes of a readout the even and the odd ones apart.

use std::marker::PhantomData;
use std::ops::Range;

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Shape;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;

use super::cpu::{Columns, Layer, NARROW, Tile, WIDE, bits, tiles, wide};
use super::{EventLayer, EventLayerGradient, LayerGradient, Maybe};
use crate::Surrogate;
use crate::host::{dense, float, slice, with_real};
use crate::neuron::Rule;
use crate::neuron::cpu::{
    Arriving, At, Carried, Derivative, Dynamics, Effect, OfMembrane, OfSpikes, with_derivative,
    with_dynamics, with_summed_dynamics,
};
use crate::ops::scan::Output;
use crate::simd::{
    InstructionSet, Kernel, Real, Row, Target, Vector, add_quads, add_rows, is_native, load,
    load_line, load_row, splat_row, store_row,
};
use crate::spikes::Stretch;

impl EventLayerGradient for Flex {
    fn event_layer_backward(
        gradient: FlexTensor,
        layer: EventLayer<Self>,
        rule: Rule,
        output: Output,
        wanted: bool,
    ) -> LayerGradient<Self> {
        let layer = layer.contiguous();
        with_real!(layer.dtype(), F => {
            let gradient = dense(&gradient);
            let upstream = Upstream::Wide(slice::<F>(&gradient), output);
            backward::<F>(&layer, rule, upstream, wanted).0
        })
    }
}

/// The gradient that arrives at a layer.
#[derive(Clone, Copy)]
pub(in crate::ops) enum Upstream<'a, F> {
    /// The gradient of one of the layer's outputs, `[batch, steps, n]`.
    Wide(&'a [F], Output),
    /// A gradient through the readout: `narrow`·`weight`ᵀ is ∂L/∂S, or for the block model ∂L/∂S̃.
    Readout {
        /// `[batch, steps, stride]`: a row's first `classes` count; the stride is a multiple of four.
        narrow: &'a [F],
        stride: usize,
        classes: usize,
        /// `[n, classes]`
        weight: &'a [F],
    },
}

/// Gradients of a layer, that of its dense spikes only if it is `wanted`; and, if a readout follows neurons
/// that fire more than once, ∂L/∂W of the readout, `[n, stride]`, as only this pass knows their spikes.
pub(in crate::ops) fn backward<F: Real>(
    layer: &EventLayer<Flex>,
    rule: Rule,
    upstream: Upstream<'_, F>,
    wanted: bool,
) -> (LayerGradient<Flex>, Vec<F>) {
    let view = layer.view::<F>();
    let (batch, steps) = (view.events.batch, view.events.steps);
    let (inputs, n) = (view.events.inputs, view.beta.len());
    let mut d_current = wanted.then(|| vec![F::of(0.0); batch * steps * n]);
    let set = InstructionSet::current();
    let out = match wide::<F>(set, view.events, n) {
        Some(wide) => by_model::<F, WIDE>(wide, view, rule, upstream, d_current.as_deref_mut()),
        None => by_model::<F, NARROW>(set, view, rule, upstream, d_current.as_deref_mut()),
    };
    let gradient = LayerGradient {
        weight: float(out.weight, [inputs, n]),
        bias: float(out.bias, [n]),
        beta: float(out.beta, [n]),
        dense: match d_current {
            Some(d) => {
                // ∂L/∂x = ∂L/∂I · Wᵀ, the one dense product of an event-driven layer.
                let d = float(d, [batch * steps, n]);
                let back = Flex::float_transpose(layer.weight.clone());
                let d_input = Flex::float_matmul(d, back);
                Maybe::Tensor(d_input.reshape(Shape::from([batch, steps, inputs])))
            }
            None => Maybe::Nothing,
        },
    };
    (gradient, out.readout_weight)
}

fn by_model<F: Real, const R: usize>(
    target: impl Target,
    layer: Layer<'_, F>,
    rule: Rule,
    upstream: Upstream<'_, F>,
    d_current: Option<&mut [F]>,
) -> Gradients<F> {
    with_derivative!(rule.surrogate, K => match upstream {
        Upstream::Wide(_, Output::Spikes) => with_dynamics!(rule.model, D => {
            by_tiles::<F, D, OfSpikes, K, R>(target, layer, rule, upstream, d_current)
        }),
        Upstream::Wide(_, Output::Membrane) => with_dynamics!(rule.model, D => {
            by_tiles::<F, D, OfMembrane, K, R>(target, layer, rule, upstream, d_current)
        }),
        Upstream::Readout { .. } => with_summed_dynamics!(rule.model, D => {
            by_tiles::<F, D, OfSpikes, K, R>(target, layer, rule, upstream, d_current)
        }),
    })
}

struct Gradients<F> {
    weight: Vec<F>,
    bias: Vec<F>,
    beta: Vec<F>,
    readout_weight: Vec<F>,
}

fn by_tiles<F: Real, D: Dynamics, G: Arriving, K: Derivative, const R: usize>(
    target: impl Target,
    layer: Layer<'_, F>,
    rule: Rule,
    upstream: Upstream<'_, F>,
    d_current: Option<&mut [F]>,
) -> Gradients<F> {
    let n = layer.beta.len();
    let zeros = |len: usize| vec![F::of(0.0); len];
    let stride = match upstream {
        Upstream::Readout { stride, .. } if !rule.model.fires_once() => stride,
        _ => 0,
    };
    let mut gradients = Gradients {
        weight: zeros(layer.weight.len()),
        bias: zeros(n),
        beta: zeros(n),
        readout_weight: zeros(n * stride),
    };
    let width = Tile::<F, R>::NEURONS;
    let split = |matrix| Columns::split(matrix, n, width).into_iter();
    let mut current = d_current.map(split);
    let mut readout = gradients.readout_weight.chunks_mut((width * stride).max(1));
    let outputs: Vec<_> = split(&mut gradients.weight)
        .zip(split(&mut gradients.bias))
        .zip(split(&mut gradients.beta))
        .map(|((weight, bias), beta)| Out {
            weight,
            bias,
            beta,
            current: current.as_mut().and_then(Iterator::next),
            readout: readout.next(),
        })
        .collect();
    tiles(
        outputs.into_iter(),
        |memory: &mut Memory<F, R>, index, out| {
            target.run(Backward::<F, D, G, K, R> {
                layer: &layer,
                rule,
                upstream,
                start: index * width,
                memory,
                out,
                dynamics: PhantomData,
            });
        },
    );
    gradients
}

struct Out<'a, F> {
    weight: Columns<'a, F>,
    bias: Columns<'a, F>,
    beta: Columns<'a, F>,
    /// ∂L/∂I, if it is wanted.
    current: Option<Columns<'a, F>>,
    /// ∂L/∂W of the readout, of the tile's neurons, if only this pass knows their spikes.
    readout: Option<&'a mut [F]>,
}

/// Memory of a tile's backward pass.
struct Memory<F: Real, const R: usize> {
    tile: Tile<F, R>,
    /// ∂L/∂W, `[inputs]`.
    weight: Vec<Row<F, R>>,
    /// The potentials u of a group of samples, then in their place ∂L/∂I, but not at closing steps:
    /// `[samples · steps]`.
    rows: Vec<Row<F, R>>,
    /// The tile's readout weights by class.
    readout: Vec<Row<F, R>>,
    /// One sample's spikes as one bit a neuron, `[steps]`.
    masks: Vec<u64>,
    /// The gradient that arrives, of a few steps.
    arriving: Vec<Row<F, R>>,
}

impl<F: Real, const R: usize> Default for Memory<F, R> {
    fn default() -> Self {
        Self {
            tile: Tile::default(),
            weight: Vec::new(),
            rows: Vec::new(),
            readout: Vec::new(),
            masks: Vec::new(),
            arriving: vec![[F::ZERO; R]; CHUNK],
        }
    }
}

/// Steps that the arriving gradient is formed for at a time: few enough to stay in the first-level cache.
const CHUNK: usize = 32;

/// The backward pass of a tile.
struct Backward<'a, F: Real, D, G, K, const R: usize> {
    layer: &'a Layer<'a, F>,
    rule: Rule,
    upstream: Upstream<'a, F>,
    start: usize,
    memory: &'a mut Memory<F, R>,
    out: Out<'a, F>,
    dynamics: PhantomData<(D, G, K)>,
}

impl<F: Real, D: Dynamics, G: Arriving, K: Derivative, const R: usize> Kernel
    for Backward<'_, F, D, G, K, R>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let events = self.layer.events;
        let steps = events.steps;
        let Memory {
            tile,
            weight,
            rows,
            readout,
            masks,
            arriving,
        } = &mut *self.memory;
        tile.load(simd, self.layer, self.start);
        weight.resize(events.inputs, [F::ZERO; R]);
        weight.fill([F::ZERO; R]);
        let samples = events
            .lists()
            .groups
            .first()
            .map_or(0, |group| group.samples.len());
        rows.resize(samples * steps, [F::ZERO; R]);
        masks.resize(steps, 0);
        let n = self.layer.beta.len();
        let source = Source::new(self.upstream, n, self.start, readout);
        let mut lanes = load_row::<S, F, R>(simd, &tile.beta).map(
            #[inline(always)]
            |beta| Lanes::<S, F>::new(simd, beta),
        );
        for group in &events.lists().groups {
            for (slot, sample) in group.samples.clone().enumerate() {
                let rows = &mut rows[slot * steps..][..steps];
                // Only of models that fire more than once.
                let spikes_wanted = D::EFFECT == Effect::Reset && self.out.readout.is_some();
                let (to_rows, to_masks) = (&mut *rows, &mut *masks);
                let first = tile.sweep::<S, D>(
                    simd,
                    events,
                    sample,
                    #[inline(always)]
                    |t, u, _, spikes| {
                        store_row::<S, F, R>(u, &mut to_rows[t]);
                        if spikes_wanted {
                            to_masks[t] = spikes;
                        }
                    },
                );
                if let Some(readout) = &mut self.out.readout {
                    source.add_readout(sample * steps, masks, readout);
                }
                for (lanes, first) in lanes.iter_mut().zip(first) {
                    lanes.begin(simd);
                    if D::NEEDS_FIRST {
                        lanes.first = first;
                    }
                }
                let mut past = Past {
                    rows,
                    row: sample * steps,
                    closing: events.lists().closing[sample].map(|step| step as usize),
                    current: self.out.current.as_mut(),
                };
                let surrogate = self.rule.surrogate;
                past.reverse::<S, D, G, K>(simd, &source, surrogate, arriving, &mut lanes);
            }
            for stretch in &group.stretches {
                gather::<S, F, R>(simd, stretch, rows, weight);
            }
        }
        let to_all = lanes.map(|lanes| lanes.to_all);
        for (input, row) in weight.iter().enumerate() {
            let row = add_rows::<S, F, R>(load_row::<S, F, R>(simd, row), to_all);
            for (r, vector) in row.iter().enumerate() {
                self.out.weight.write(input, r, vector.as_slice());
            }
        }
        for (r, lanes) in lanes.iter().enumerate() {
            self.out.bias.write(0, r, lanes.d_bias.as_slice());
            self.out.beta.write(0, r, lanes.d_beta.as_slice());
        }
    }
}

/// Adds some rows' share to the weight's gradient: each unit's row of it gets ∂L/∂I at the unit's events.
#[inline(always)]
fn gather<S: Simd, F: Real, const R: usize>(
    simd: S,
    stretch: &Stretch,
    d_current: &[Row<F, R>],
    weight: &mut [Row<F, R>],
) {
    let d_current = &d_current[stretch.first_row..];
    stretch.by_unit.for_each(
        #[inline(always)]
        |unit, rows| {
            let row = &mut weight[unit];
            let mut sum = load_row::<S, F, R>(simd, row);
            for &at in rows {
                sum = add_rows::<S, F, R>(sum, load_row::<S, F, R>(simd, &d_current[at as usize]));
            }
            store_row::<S, F, R>(&sum, row);
        },
    );
}

/// A vector of a tile's neurons in the backward pass.
#[derive(Clone, Copy)]
struct Lanes<S: Simd, F: Real> {
    beta: Vector<S, F>,
    first: Vector<S, F>,
    carried: Carried<Vector<S, F>>,
    /// ∂L/∂I at the closing step, from there on.
    closing: Vector<S, F>,
    /// Sums over samples: ∂L/∂bias, ∂L/∂β, and ∂L/∂I at the closing steps, which goes to all weights.
    d_bias: Vector<S, F>,
    d_beta: Vector<S, F>,
    to_all: Vector<S, F>,
}

impl<S: Simd, F: Real> Lanes<S, F> {
    #[inline(always)]
    fn new(simd: S, beta: Vector<S, F>) -> Self {
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        Self {
            beta,
            first: zero,
            carried: Carried::new(zero),
            closing: zero,
            d_bias: zero,
            d_beta: zero,
            to_all: zero,
        }
    }

    /// Goes to another sample.
    #[inline(always)]
    fn begin(&mut self, simd: S) {
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        self.carried = Carried::new(zero);
        self.closing = zero;
    }

    /// One step back: puts ∂L/∂I, which it returns, less the closing step's in the place of u.
    #[inline(always)]
    fn back<D: Dynamics, G: Arriving, K: Derivative>(
        &mut self,
        simd: S,
        surrogate: Surrogate,
        t: F,
        line: &mut F::Line,
        arriving: &F::Line,
    ) -> Vector<S, F> {
        let u = load_line::<S, F>(simd, line);
        // V[t] meets ∂L/∂I[t+1], which is still there.
        self.d_beta += self.carried.d * D::remaining::<S, F>(simd, u, self.first, t);
        let at = At {
            simd,
            u,
            slope: K::at::<S, F>(simd, surrogate, u),
            beta: self.beta,
            first: self.first,
            t,
        };
        let gradient = load_line::<S, F>(simd, arriving);
        let d = D::reverse::<S, F, G>(&mut self.carried, gradient, &at);
        self.d_bias += d;
        (d - self.closing).store_slice(line.as_mut());
        d
    }
}

/// One sample's tile in the backward pass.
struct Past<'a, 'b, F: Real, const R: usize> {
    /// u, and in its place ∂L/∂I without the closing step's.
    rows: &'a mut [Row<F, R>],
    /// The sample's first row of the batch.
    row: usize,
    closing: Option<usize>,
    current: Option<&'a mut Columns<'b, F>>,
}

impl<F: Real, const R: usize> Past<'_, '_, F, R> {
    #[inline(always)]
    fn reverse<S: Simd, D: Dynamics, G: Arriving, K: Derivative>(
        &mut self,
        simd: S,
        source: &Source<'_, F, R>,
        surrogate: Surrogate,
        arriving: &mut [Row<F, R>],
        tile: &mut [Lanes<S, F>; R],
    ) {
        let mut end = self.rows.len();
        while end > 0 {
            let start = end.saturating_sub(CHUNK);
            source.fill(simd, self.row + start, &mut arriving[..end - start]);
            // Down to the closing step, if it is one of these, and on.
            let closing = self.closing.filter(|step| (start..end).contains(step));
            let middle = closing.unwrap_or(start);
            for steps in [middle..end, start..middle] {
                if steps.is_empty() {
                    continue;
                }
                let arriving = &arriving[steps.start - start..];
                self.back::<S, D, G, K>(simd, surrogate, steps.clone(), arriving, tile);
                if closing == Some(steps.start) {
                    for lanes in tile.iter_mut() {
                        // To all units; those that fired before get it back.
                        lanes.closing = lanes.carried.d;
                        lanes.to_all += lanes.closing;
                    }
                }
            }
            end = start;
        }
    }

    /// Some steps back.
    #[inline(always)]
    fn back<S: Simd, D: Dynamics, G: Arriving, K: Derivative>(
        &mut self,
        simd: S,
        surrogate: Surrogate,
        steps: Range<usize>,
        arriving: &[Row<F, R>],
        tile: &mut [Lanes<S, F>; R],
    ) {
        let Self {
            rows,
            row: first_row,
            current,
            ..
        } = self;
        let rows = &mut rows[steps.clone()];
        // Two vectors side by side, since each waits long for its own last step.
        const { assert!(R.is_multiple_of(2)) };
        for (index, pair) in tile.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let r = 2 * index;
            let [mut a, mut b] = *pair;
            let mut now = F::of(steps.end as f64);
            let rows = rows.iter_mut().zip(arriving);
            for (t, (row, from)) in steps.clone().zip(rows).rev() {
                now -= F::of(1.0);
                let one = a.back::<D, G, K>(simd, surrogate, now, &mut row[r], &from[r]);
                let other = b.back::<D, G, K>(simd, surrogate, now, &mut row[r + 1], &from[r + 1]);
                if let Some(current) = current {
                    current.write(*first_row + t, r, one.as_slice());
                    current.write(*first_row + t, r + 1, other.as_slice());
                }
            }
            *pair = [a, b];
        }
    }
}

/// The gradient that arrives at a tile.
struct Source<'a, F: Real, const R: usize> {
    upstream: Upstream<'a, F>,
    /// Neurons of the layer, and the tile's first.
    n: usize,
    start: usize,
    /// The tile's readout weights by class.
    weight: &'a [Row<F, R>],
}

impl<'a, F: Real, const R: usize> Source<'a, F, R> {
    fn new(
        upstream: Upstream<'a, F>,
        n: usize,
        start: usize,
        packed: &'a mut Vec<Row<F, R>>,
    ) -> Self {
        packed.clear();
        if let Upstream::Readout {
            classes, weight, ..
        } = upstream
        {
            packed.resize(classes, [F::ZERO; R]);
            let rows = weight[start * classes..].chunks_exact(classes);
            for (lane, row) in rows.take(Tile::<F, R>::NEURONS).enumerate() {
                let (r, lane) = (lane / F::LANES, lane % F::LANES);
                for (packed, &w) in packed.iter_mut().zip(row) {
                    packed[r].as_mut()[lane] = w;
                }
            }
        }
        Self {
            upstream,
            n,
            start,
            weight: packed,
        }
    }

    /// The gradients of some rows, from the batch's row `row` on.
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, row: usize, out: &mut [Row<F, R>]) {
        match self.upstream {
            Upstream::Wide(gradient, _) => {
                let rows = gradient[row * self.n..].chunks_exact(self.n);
                for (out, row) in out.iter_mut().zip(rows) {
                    for (r, line) in out.iter_mut().enumerate() {
                        let from = row.get(self.start + r * F::LANES..).unwrap_or(&[]);
                        load::<S, F>(simd, from).store_slice(line.as_mut());
                    }
                }
            }
            Upstream::Readout {
                narrow,
                stride,
                classes,
                ..
            } => {
                let narrow = &narrow[row * stride..];
                if is_native::<S>() {
                    // The numbers of classes of the data sets in use; their weights then stay in registers.
                    match classes {
                        10 => return self.product::<S, 10>(simd, narrow, stride, out),
                        20 => return self.product::<S, 20>(simd, narrow, stride, out),
                        _ => {}
                    }
                }
                self.product_of_any(simd, narrow, stride, out);
            }
        }
    }

    /// Rows of `narrow` times the transposed readout weight: the even classes, plus the odd ones.
    #[inline(always)]
    fn product<S: Simd, const C: usize>(
        &self,
        simd: S,
        narrow: &[F],
        stride: usize,
        out: &mut [Row<F, R>],
    ) {
        let Some(weight) = self.weight.first_chunk::<C>() else {
            return;
        };
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        for r in 0..R {
            let weight: [Vector<S, F>; C] = std::array::from_fn(
                #[inline(always)]
                |c| load_line::<S, F>(simd, &weight[c][r]),
            );
            for (out, row) in out.iter_mut().zip(narrow.chunks(stride)) {
                let Some(e) = row.first_chunk::<C>() else {
                    break;
                };
                let (mut even, mut odd) = (zero, zero);
                for c in (0..C).step_by(2) {
                    even += weight[c] * e[c];
                    if c + 1 < C {
                        odd += weight[c + 1] * e[c + 1];
                    }
                }
                (even + odd).store_slice(out[r].as_mut());
            }
        }
    }

    /// [`product`](Self::product) for any number of classes, and for registers too narrow to keep the weights.
    #[inline(always)]
    fn product_of_any<S: Simd>(&self, simd: S, narrow: &[F], stride: usize, out: &mut [Row<F, R>]) {
        let (pairs, last) = self.weight.as_chunks::<2>();
        let rows = narrow[..out.len() * stride].chunks_exact(stride);
        // Back in time, as the rows are read then.
        for (out, row) in out.iter_mut().zip(rows).rev() {
            let (row, row_last) = row[..self.weight.len()].as_chunks::<2>();
            let mut even = splat_row::<S, F, R>(simd, F::of(0.0));
            let mut odd = even;
            for ([a, b], &[x, y]) in pairs.iter().zip(row) {
                for r in 0..R {
                    even[r] += load_line::<S, F>(simd, &a[r]) * x;
                    odd[r] += load_line::<S, F>(simd, &b[r]) * y;
                }
            }
            if let ([a], &[x]) = (last, row_last) {
                for r in 0..R {
                    even[r] += load_line::<S, F>(simd, &a[r]) * x;
                }
            }
            store_row::<S, F, R>(&add_rows::<S, F, R>(even, odd), out);
        }
    }

    /// Adds a sample's share to ∂L/∂W of the readout, `[neurons, stride]`: the readout's ∂L/∂I at each spike.
    #[inline(always)]
    fn add_readout(&self, row: usize, masks: &[u64], weight: &mut [F]) {
        let Upstream::Readout { narrow, stride, .. } = self.upstream else {
            return;
        };
        let rows = narrow[row * stride..].chunks(stride);
        for (&mask, row) in masks.iter().zip(rows) {
            bits(mask, |lane| {
                add_quads(&mut weight[lane * stride..][..stride], row);
            });
        }
    }
}
