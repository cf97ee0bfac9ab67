//! Event-driven layers on the CPU, forward.
//!
//! A tile of neurons, some vectors wide, keeps its weight columns in cache; each sample's potentials come from
//! adding the weight rows of the units that fire, step by step, in registers. Nothing of size
//! batch·time·neuron is kept for the backward pass, which runs the additions again: that costs less than the
//! memory traffic. Tiles are spread over the threads, and each writes its own columns of the results.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use burn::backend::Flex;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;
use rayon::prelude::*;

use super::{EventLayer, EventLayerOps, Events};
use crate::NeuronModel;
use crate::host::{dense, float, int, slice, with_real};
use crate::neuron::Rule;
use crate::neuron::cpu::{Dynamics, Effect, charge, latch, with_dynamics};
use crate::simd::{
    InstructionSet, Kernel, Real, Row, Target, Vector, Wide, add_rows, load_row, splat_row,
    store_row,
};
use crate::spikes::{CHUNK, HostEvents, Lists};

impl EventLayerOps for Flex {
    fn event_spikes(layer: EventLayer<Self>, rule: Rule) -> (FlexTensor, FlexTensor, FlexTensor) {
        let layer = layer.contiguous();
        with_real!(layer.dtype(), F => {
            let layer = layer.view::<F>();
            let (batch, steps, n) = (layer.events.batch, layer.events.steps, layer.beta.len());
            let fired = fire(layer, rule.model);
            let spikes = float(fired.spikes::<F>(steps, n), [batch, steps, n]);
            (spikes, int(fired.first, [batch, n]), int(fired.counts, [batch, n]))
        })
    }

    fn event_membrane(layer: EventLayer<Self>, rule: Rule) -> FlexTensor {
        let layer = layer.contiguous();
        with_real!(layer.dtype(), F => {
            let layer = layer.view::<F>();
            let shape = [layer.events.batch, layer.events.steps, layer.beta.len()];
            float(membrane(layer, rule.model), shape)
        })
    }
}

impl EventLayer<Flex> {
    pub(in crate::ops) fn contiguous(self) -> Self {
        Self {
            weight: dense(&self.weight),
            bias: dense(&self.bias),
            beta: dense(&self.beta),
            ..self
        }
    }

    pub(in crate::ops) fn dtype(&self) -> burn::tensor::DType {
        burn::backend::TensorMetadata::dtype(&self.weight)
    }

    /// The layer's numbers, which must be contiguous.
    pub(in crate::ops) fn view<F: Real>(&self) -> Layer<'_, F> {
        let Events::Host(events) = &self.events else {
            unreachable!("event_route() brings a layer on the CPU events in the host's memory");
        };
        // Before the threads start, each of which reads them.
        events.lists();
        Layer {
            events,
            weight: slice(&self.weight),
            bias: slice(&self.bias),
            beta: slice(&self.beta),
        }
    }
}

/// What a layer computes with; weights `[inputs, n]`, bias and β `[n]`.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Layer<'a, F> {
    pub events: &'a HostEvents,
    pub weight: &'a [F],
    pub bias: &'a [F],
    pub beta: &'a [F],
}

/// Vectors of a tile that is 64 float32 wide, for AVX-512.
pub(super) const WIDE: usize = 4;

/// Vectors of a tile that is 32 float32 wide.
pub(super) const NARROW: usize = 2;

/// AVX-512 if 64 float32 a tile are better than 32 with it: where all potentials of a group of samples still
/// fit the second-level cache, and there are tiles enough for the threads.
pub(super) fn wide<F: Real>(set: InstructionSet, events: &HostEvents, n: usize) -> Option<Wide> {
    let few = n < 4 * WIDE * F::LANES * rayon::current_num_threads();
    Wide::of(set).filter(|_| events.steps <= 256 && !few)
}

/// The parameters of a tile of neurons; lanes beyond the last neuron are zero.
pub(super) struct Tile<F: Real, const R: usize> {
    /// `[inputs]`
    weight: Vec<Row<F, R>>,
    /// Sum of the weights over all inputs.
    total: Row<F, R>,
    bias: Row<F, R>,
    pub beta: Row<F, R>,
    /// The sums of the events of a few steps.
    sums: [Row<F, R>; CHUNK],
}

impl<F: Real, const R: usize> Default for Tile<F, R> {
    fn default() -> Self {
        Self {
            weight: Vec::new(),
            total: [F::ZERO; R],
            bias: [F::ZERO; R],
            beta: [F::ZERO; R],
            sums: [[F::ZERO; R]; CHUNK],
        }
    }
}

impl<F: Real, const R: usize> Tile<F, R> {
    /// Neurons of a tile.
    pub(super) const NEURONS: usize = R * F::LANES;

    /// Takes the neurons from `start` on.
    #[inline(always)]
    pub(super) fn load<S: Simd>(&mut self, simd: S, layer: &Layer<'_, F>, start: usize) {
        let n = layer.beta.len();
        let neurons = start..n.min(start + Self::NEURONS);
        let mut total = splat_row::<S, F, R>(simd, F::of(0.0));
        self.weight.resize(layer.weight.len() / n, [F::ZERO; R]);
        for (row, from) in self.weight.iter_mut().zip(layer.weight.chunks_exact(n)) {
            pack::<F, R>(&from[neurons.clone()], row);
            total = add_rows::<S, F, R>(total, load_row::<S, F, R>(simd, row));
        }
        pack::<F, R>(&layer.bias[neurons.clone()], &mut self.bias);
        pack::<F, R>(&layer.beta[neurons], &mut self.beta);
        store_row::<S, F, R>(&total, &mut self.total);
    }

    /// The potentials u of one sample, before reset and mask, handed to `each` step by step with the first-spike
    /// steps so far and the step's spikes, one bit a neuron. Returns the first-spike steps, the number of steps for "never".
    #[inline(always)]
    pub(super) fn sweep<S: Simd, D: Dynamics>(
        &mut self,
        simd: S,
        events: &HostEvents,
        sample: usize,
        mut each: impl FnMut(usize, &[Vector<S, F>; R], &[Vector<S, F>; R], u64),
    ) -> [Vector<S, F>; R] {
        let zero = splat_row::<S, F, R>(simd, F::of(0.0));
        let mut first = splat_row::<S, F, R>(simd, F::of(events.steps as f64));
        let (mut v, mut before) = (zero, zero);
        let mut fired = false;
        let (beta, bias) = (
            load_row::<S, F, R>(simd, &self.beta),
            load_row::<S, F, R>(simd, &self.bias),
        );
        for (chunk, lists) in events.lists().by_step[sample].iter().enumerate() {
            let steps = chunk * CHUNK..events.steps.min((chunk + 1) * CHUNK);
            self.add_events(simd, lists);
            if let Some(closing) = events.lists().closing[sample] {
                self.close(simd, steps.clone(), closing as usize, &mut before);
            }
            for (t, sum) in steps.zip(&self.sums) {
                let step = F::of(t as f64);
                let sum = load_row::<S, F, R>(simd, sum);
                let u: [Vector<S, F>; R] = std::array::from_fn(
                    #[inline(always)]
                    |r| charge(beta[r], v[r], bias[r]) + sum[r],
                );
                // Spikes are rare: few steps have any.
                let mut spikes = 0;
                if any_spike::<S, F, R>(simd, &u) {
                    spikes = spike_bits::<S, F, R>(simd, &u);
                    fired = true;
                    for r in 0..R {
                        first[r] = latch::<S, F>(simd, u[r], first[r], step);
                    }
                }
                each(t, &u, &first, spikes);
                v = u;
                let changed = match D::EFFECT {
                    Effect::Nothing => false,
                    Effect::Reset => spikes != 0,
                    Effect::Mask => fired,
                };
                if changed {
                    for r in 0..R {
                        v[r] = D::remaining::<S, F>(simd, u[r], first[r], step);
                    }
                }
            }
        }
        first
    }

    /// Sums the weight rows of the units of each of a few steps: of the even and of the odd ones, and both.
    #[inline(always)]
    fn add_events<S: Simd>(&mut self, simd: S, units: &Lists<u32>) {
        let zero = splat_row::<S, F, R>(simd, F::of(0.0));
        let (weight, sums) = (&*self.weight, &mut self.sums);
        units.for_each(
            #[inline(always)]
            |step, units| {
                let (mut even, mut odd) = (zero, zero);
                let (pairs, last) = units.as_chunks::<2>();
                for &[a, b] in pairs {
                    even =
                        add_rows::<S, F, R>(even, load_row::<S, F, R>(simd, &weight[a as usize]));
                    odd = add_rows::<S, F, R>(odd, load_row::<S, F, R>(simd, &weight[b as usize]));
                }
                if let [last] = last {
                    even = add_rows::<S, F, R>(
                        even,
                        load_row::<S, F, R>(simd, &weight[*last as usize]),
                    );
                }
                store_row::<S, F, R>(&add_rows::<S, F, R>(even, odd), &mut sums[step]);
            },
        );
    }

    /// Puts what is left of the sum of all weights in the place of the closing step's sum. `before` is the sum
    /// over the steps before these.
    #[inline(always)]
    fn close<S: Simd>(
        &mut self,
        simd: S,
        steps: Range<usize>,
        closing: usize,
        before: &mut [Vector<S, F>; R],
    ) {
        // A copy, which stays in registers.
        let mut so_far = *before;
        let earlier = steps.clone().take_while(|t| *t < closing);
        for (_, sum) in earlier.zip(&self.sums) {
            so_far = add_rows::<S, F, R>(so_far, load_row::<S, F, R>(simd, sum));
        }
        *before = so_far;
        if steps.contains(&closing) {
            let total = load_row::<S, F, R>(simd, &self.total);
            let left: [Vector<S, F>; R] = std::array::from_fn(
                #[inline(always)]
                |r| total[r] - before[r],
            );
            store_row::<S, F, R>(&left, &mut self.sums[closing % CHUNK]);
        }
    }
}

/// Numbers of a tile's neurons; zeros for those that there are not.
#[inline(always)]
fn pack<F: Real, const R: usize>(from: &[F], row: &mut Row<F, R>) {
    for (r, line) in row.iter_mut().enumerate() {
        match from.get(r * F::LANES..(r + 1) * F::LANES) {
            Some(whole) => line.as_mut().copy_from_slice(whole),
            None => {
                let from = from.get(r * F::LANES..).unwrap_or(&[]);
                *line = F::ZERO;
                line.as_mut()[..from.len()].copy_from_slice(from);
            }
        }
    }
}

/// The spikes of a layer, compact.
pub(in crate::ops) struct Fired {
    /// Steps of the first spikes, `[batch, n]`; the number of steps for "never".
    pub first: Vec<i32>,
    /// How often each neuron fires, `[batch, n]`.
    pub counts: Vec<i32>,
    /// Models that fire often: one bit a neuron, `[batch · steps]` words of each tile in turn.
    masks: Option<Masks>,
}

struct Masks {
    /// Neurons of a tile.
    width: usize,
    tiles: Vec<Vec<u64>>,
}

impl Fired {
    /// Spikes `[batch, steps, n]`.
    fn spikes<F: Real>(&self, steps: usize, n: usize) -> Vec<F> {
        let mut spikes = vec![F::of(0.0); self.first.len() * steps];
        let samples = spikes.par_chunks_mut(steps * n).enumerate();
        samples.for_each(|(sample, spikes)| {
            self.in_sample(sample, steps, n, |t, neuron| {
                spikes[t * n + neuron] = F::of(1.0);
            });
        });
        spikes
    }

    /// Hands every neuron that fires in a sample to `each`, with its step; those of one step ascending.
    pub(crate) fn in_sample(
        &self,
        sample: usize,
        steps: usize,
        n: usize,
        mut each: impl FnMut(usize, usize),
    ) {
        if let Some(masks) = &self.masks {
            for (tile, words) in masks.tiles.iter().enumerate() {
                for (t, &word) in words[sample * steps..][..steps].iter().enumerate() {
                    bits(word, |lane| each(t, tile * masks.width + lane));
                }
            }
            return;
        }
        for (neuron, &t) in self.first[sample * n..][..n].iter().enumerate() {
            if (t as usize) < steps {
                each(t as usize, neuron);
            }
        }
    }
}

/// Positions of the set bits, from the lowest.
#[inline(always)]
pub(super) fn bits(mut mask: u64, mut each: impl FnMut(usize)) {
    while mask != 0 {
        each(mask.trailing_zeros() as usize);
        mask &= mask - 1;
    }
}

/// Spikes of a layer.
pub(in crate::ops) fn fire<F: Real>(layer: Layer<'_, F>, model: NeuronModel) -> Fired {
    let set = InstructionSet::current();
    match wide::<F>(set, layer.events, layer.beta.len()) {
        Some(wide) => with_dynamics!(model, D => fire_tiles::<F, D, WIDE>(wide, layer, model)),
        None => with_dynamics!(model, D => fire_tiles::<F, D, NARROW>(set, layer, model)),
    }
}

fn fire_tiles<F: Real, D: Dynamics, const R: usize>(
    target: impl Target,
    layer: Layer<'_, F>,
    model: NeuronModel,
) -> Fired {
    let HostEvents { batch, steps, .. } = *layer.events;
    let n = layer.beta.len();
    let width = Tile::<F, R>::NEURONS;
    let once = model.fires_once();
    let mut first = vec![0; batch * n];
    let mut counts = vec![0; batch * n];
    let words = if once { 0 } else { batch * steps };
    let mut masks = vec![vec![0_u64; words]; n.div_ceil(width)];
    let outputs = Columns::split(&mut first, n, width)
        .into_iter()
        .zip(Columns::split(&mut counts, n, width))
        .zip(&mut masks);
    tiles(
        outputs,
        |tile: &mut Tile<F, R>, index, ((first, counts), masks)| {
            target.run(Fire::<F, D, R> {
                layer: &layer,
                tile,
                start: index * width,
                once,
                first,
                counts,
                masks,
                dynamics: PhantomData,
            });
        },
    );
    if once {
        counts = first
            .iter()
            .map(|&first| i32::from(first < steps as i32))
            .collect();
    }
    let masks = (!once).then_some(Masks {
        width,
        tiles: masks,
    });
    Fired {
        first,
        counts,
        masks,
    }
}

/// Hands each tile, by its number and with its output, to a thread, together with memory that the thread's
/// next tile uses again.
pub(super) fn tiles<T: Send, M: Default>(
    outputs: impl Iterator<Item = T> + Send,
    work: impl Fn(&mut M, usize, T) + Sync,
) {
    let queue = Mutex::new(outputs.enumerate());
    let threads = 0..rayon::current_num_threads();
    threads.into_par_iter().with_max_len(1).for_each(|_| {
        let mut memory = M::default();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((tile, output)) = next else { break };
            work(&mut memory, tile, output);
        }
    });
}

/// The forward pass of a tile.
struct Fire<'a, F: Real, D, const R: usize> {
    layer: &'a Layer<'a, F>,
    tile: &'a mut Tile<F, R>,
    start: usize,
    once: bool,
    first: Columns<'a, i32>,
    counts: Columns<'a, i32>,
    masks: &'a mut [u64],
    dynamics: PhantomData<D>,
}

impl<F: Real, D: Dynamics, const R: usize> Kernel for Fire<'_, F, D, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.tile.load(simd, self.layer, self.start);
        let events = self.layer.events;
        for sample in 0..events.batch {
            let steps = events.steps;
            let first = if self.once {
                self.tile.sweep::<S, D>(
                    simd,
                    events,
                    sample,
                    #[inline(always)]
                    |_, _, _, _| (),
                )
            } else {
                let masks = &mut self.masks[sample * steps..][..steps];
                let first = self.tile.sweep::<S, D>(
                    simd,
                    events,
                    sample,
                    #[inline(always)]
                    |t, _, _, spikes| masks[t] = spikes,
                );
                // Spikes are few: cheaper than a sum in every step.
                let mut counts = [0; 64];
                masks
                    .iter()
                    .for_each(|&mask| bits(mask, |lane| counts[lane] += 1));
                for r in 0..R {
                    let counts = &counts[r * F::LANES..][..F::LANES];
                    self.counts.write(sample, r, counts);
                }
                first
            };
            for (r, first) in first.iter().enumerate() {
                self.first.write_whole::<F>(sample, r, first.as_slice());
            }
        }
    }
}

/// One bit a neuron of a tile: whether its potential is above threshold.
#[inline(always)]
fn spike_bits<S: Simd, F: Real, const R: usize>(simd: S, u: &[Vector<S, F>; R]) -> u64 {
    let one = Vector::<S, F>::splat(simd, F::of(1.0));
    let mut bits = 0;
    for (r, u) in u.iter().enumerate() {
        bits |= u.simd_gt(one).to_bitmask() << (r * F::LANES);
    }
    bits
}

/// Whether any neuron of a tile is above threshold.
#[inline(always)]
fn any_spike<S: Simd, F: Real, const R: usize>(simd: S, u: &[Vector<S, F>; R]) -> bool {
    let one = Vector::<S, F>::splat(simd, F::of(1.0));
    let mut above = u[0].simd_gt(one);
    for u in &u[1..] {
        above |= u.simd_gt(one);
    }
    above.any_true()
}

/// Membrane potentials `[batch, steps, n]` of a layer, after mask and before reset.
fn membrane<F: Real>(layer: Layer<'_, F>, model: NeuronModel) -> Vec<F> {
    let set = InstructionSet::current();
    let HostEvents { batch, steps, .. } = *layer.events;
    let n = layer.beta.len();
    let mut out = vec![F::of(0.0); batch * steps * n];
    let width = Tile::<F, NARROW>::NEURONS;
    let outputs = Columns::split(&mut out, n, width).into_iter();
    tiles(outputs, |tile: &mut Tile<F, NARROW>, index, out| {
        with_dynamics!(model, D => set.run(Membrane::<F, D, NARROW> {
            layer: &layer,
            tile,
            start: index * width,
            masked: model.masks_membrane(),
            out,
            dynamics: PhantomData,
        }));
    });
    out
}

/// The membrane of a tile.
struct Membrane<'a, F: Real, D, const R: usize> {
    layer: &'a Layer<'a, F>,
    tile: &'a mut Tile<F, R>,
    start: usize,
    masked: bool,
    out: Columns<'a, F>,
    dynamics: PhantomData<D>,
}

impl<F: Real, D: Dynamics, const R: usize> Kernel for Membrane<'_, F, D, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.tile.load(simd, self.layer, self.start);
        let events = self.layer.events;
        for sample in 0..events.batch {
            let row = sample * events.steps;
            let (out, masked) = (&mut self.out, self.masked);
            self.tile.sweep::<S, D>(
                simd,
                events,
                sample,
                #[inline(always)]
                |t, u, first, _| {
                    for r in 0..R {
                        let v = match masked {
                            true => D::remaining::<S, F>(simd, u[r], first[r], F::of(t as f64)),
                            false => u[r],
                        };
                        out.write(row + t, r, v.as_slice());
                    }
                },
            );
        }
    }
}

/// The columns of a row-major matrix that belong to one tile of neurons.
pub(super) struct Columns<'a, T> {
    data: *mut T,
    width: usize,
    rows: usize,
    /// The first column and how many.
    start: usize,
    count: usize,
    borrow: PhantomData<&'a mut [T]>,
}

#[expect(
    unsafe_code,
    reason = "tiles of neurons write disjoint columns of one matrix"
)]
// SAFETY: this is an exclusive borrow of plain numbers; no two of them share a column.
unsafe impl<T: Send> Send for Columns<'_, T> {}

impl<'a, T: Copy> Columns<'a, T> {
    /// Splits a matrix of `width` columns into tiles, the last one narrower.
    pub(super) fn split(data: &'a mut [T], width: usize, tile: usize) -> Vec<Self> {
        let (rows, data) = (data.len() / width, data.as_mut_ptr());
        let starts = (0..width).step_by(tile);
        starts
            .map(|start| Self {
                data,
                width,
                rows,
                start,
                count: tile.min(width - start),
                borrow: PhantomData,
            })
            .collect()
    }

    /// Writes the tile's vector `r` to a row; lanes beyond the last column are dropped.
    #[inline(always)]
    #[expect(
        unsafe_code,
        reason = "tiles of neurons write disjoint columns of one matrix"
    )]
    pub(super) fn write(&mut self, row: usize, r: usize, vector: &[T]) {
        assert!(row < self.rows);
        let from = r * vector.len();
        let room = self.count.saturating_sub(from);
        if room == 0 {
            return;
        }
        // SAFETY: the row was just checked and `room` columns of the tile are left, at least one, so this stays within the
        // matrix, which is borrowed for 'a; the columns of this tile are this one's alone.
        unsafe {
            let to = self.data.add(row * self.width + self.start + from);
            // The compiler knows the length of a whole vector, and copies it without a call.
            match vector.len() <= room {
                true => std::ptr::copy_nonoverlapping(vector.as_ptr(), to, vector.len()),
                false => std::ptr::copy_nonoverlapping(vector.as_ptr(), to, room),
            }
        }
    }
}

impl Columns<'_, i32> {
    /// Writes the whole numbers of the tile's vector `r` to a row.
    #[inline(always)]
    fn write_whole<F: Real>(&mut self, row: usize, r: usize, values: &[F]) {
        let mut whole = [0_i32; 16];
        for (whole, value) in whole.iter_mut().zip(values) {
            *whole = value.to_i32();
        }
        self.write(row, r, &whole[..values.len()]);
    }
}
