//! Event-driven convolutions on the CPU, backward.
//!
//! A sample's potentials are computed once more, then in their place ∂L/∂I, back in time; then each event gathers
//! its weights' gradient from the places that it reaches. Groups of samples, as many whatever the number of
//! threads, have sums of their own, which are added in the order of the groups.

use std::marker::PhantomData;

use burn::backend::Flex;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;
use rayon::prelude::*;

use super::cpu::{Channels, Packed, R, State, Tile};
use super::cpu_input::{BackToInput, Kernels, Maps};
use super::geometry::Geometry;
use super::{ConvLayer, EventConvGradient, LayerGradient, Maybe};
use crate::Surrogate;
use crate::host::{dense, float, slice, with_real, zeros};
use crate::neuron::Rule;
use crate::neuron::cpu::{
    Arriving, At, Carried, Derivative, Dynamics, OfMembrane, OfSpikes, with_derivative,
    with_dynamics,
};
use crate::ops::scan::Output;
use crate::simd::{
    InstructionSet, Kernel, Real, Target, Vector, add_rows, load_line, load_row, store_row,
};

impl EventConvGradient for Flex {
    fn conv_backward(
        gradient: FlexTensor,
        layer: ConvLayer<Self>,
        rule: Rule,
        output: Output,
        wanted: bool,
    ) -> LayerGradient<Self> {
        with_real!(layer.weight.dtype(), F => {
            let gradient = dense(&gradient);
            let packed = Packed::<F>::new(&layer);
            let gradient = slice::<F>(&gradient);
            let found = match output {
                Output::Spikes => backward::<F, OfSpikes>(&packed, gradient, rule, wanted),
                Output::Membrane => backward::<F, OfMembrane>(&packed, gradient, rule, wanted),
            };
            let geometry = &layer.geometry;
            let [inputs, rows, columns] = [geometry.input[0], geometry.kernel[0], geometry.kernel[1]];
            let channels = geometry.output[0];
            let input = [layer.events.batch, layer.events.steps, geometry.units()];
            LayerGradient {
                weight: float(found.weight, [channels, inputs, rows, columns]),
                bias: float(found.bias, [channels]),
                beta: float(found.beta, [geometry.neurons()]),
                dense: match found.input {
                    Some(gradient) => Maybe::Tensor(float(gradient, input)),
                    None => Maybe::Nothing,
                },
            }
        })
    }
}

struct Gradients<F> {
    weight: Vec<F>,
    bias: Vec<F>,
    beta: Vec<F>,
    /// `[batch, steps, units]`, if it is wanted.
    input: Option<Vec<F>>,
}

/// Groups of samples at most: enough for the threads of a large machine.
const GROUPS: usize = 32;

/// Fewest groups, unless there are fewer samples.
const FEWEST_GROUPS: usize = 8;

/// Numbers of all groups' sums over which there are no more groups than the fewest.
const NUMBERS: usize = 1 << 23;

/// Samples of a group.
fn samples_a_group(geometry: &Geometry, batch: usize) -> usize {
    let numbers = geometry.output[0] * geometry.fan_in() + geometry.neurons();
    let groups = (NUMBERS / numbers).clamp(FEWEST_GROUPS, GROUPS);
    batch.div_ceil(groups)
}

fn backward<F: Real, G: Arriving>(
    layer: &Packed<'_, F>,
    gradient: &[F],
    rule: Rule,
    wanted: bool,
) -> Gradients<F> {
    let set = InstructionSet::current();
    let geometry = &layer.geometry;
    let (batch, steps) = (layer.events.batch, layer.events.steps);
    let (width, outputs) = (steps * geometry.units(), steps * geometry.neurons());
    let mut input = wanted.then(|| zeros(batch * width));
    let kernels = wanted.then(|| Kernels::new(layer));
    let samples = samples_a_group(geometry, batch);
    let groups = (0..batch)
        .step_by(samples)
        .map(|first| first..batch.min(first + samples));
    let mut inputs = input.as_mut().map(|all| all.chunks_mut(samples * width));
    let groups: Vec<_> = groups
        .map(|group| (group, inputs.as_mut().and_then(Iterator::next)))
        .collect();
    let sums: Vec<Vec<Sums<F>>> = groups
        .into_par_iter()
        .map_init(
            || Memory::new(layer, wanted),
            |memory, (group, mut input)| {
                let tiles = layer.tiles.iter();
                let mut sums: Vec<_> = tiles.map(|tile| Sums::new(tile)).collect();
                for (slot, sample) in group.enumerate() {
                    let tiles = layer.tiles.iter().zip(&mut sums).enumerate();
                    for (index, (tile, sums)) in tiles {
                        let rows = memory.rows.len() / layer.tiles.len();
                        let rows = &mut memory.rows[index * rows..][..rows];
                        memory.state.sweep(set, layer, tile, sample, |t, state| {
                            let rows = &mut rows[t * geometry.places()..];
                            with_dynamics!(rule.model, D => set.run(Potentials::<F, D> {
                                tile,
                                t,
                                state,
                                rows,
                                dynamics: PhantomData,
                            }));
                        });
                        with_derivative!(rule.surrogate, K => with_dynamics!(rule.model, D => {
                            set.run(Reverse::<F, D, G, K> {
                                tile,
                                surrogate: rule.surrogate,
                                gradient: &gradient[sample * outputs..][..outputs],
                                first: &memory.state.first,
                                rows,
                                arriving: &mut memory.arriving,
                                sums,
                                dynamics: PhantomData,
                            });
                        }));
                        set.run(Gather::<F> {
                            layer,
                            sample,
                            d_current: rows,
                            weight: &mut sums.weight,
                        });
                    }
                    if let (Some(input), Some(kernels)) = (&mut input, &kernels) {
                        set.run(BackToInput {
                            geometry,
                            kernels,
                            d_current: &memory.rows,
                            maps: &mut memory.maps,
                            out: &mut input[slot * width..][..width],
                        });
                    }
                }
                sums
            },
        )
        .collect();
    let [mut weight, mut bias, mut beta] = [
        geometry.output[0] * geometry.fan_in(),
        geometry.output[0],
        geometry.neurons(),
    ]
    .map(|len| vec![F::of(0.0); len]);
    for (index, tile) in layer.tiles.iter().enumerate() {
        let of_tile = || sums.iter().map(|group| &group[index]);
        outermost(
            &total::<F>(of_tile().map(|sums| &*sums.weight)),
            tile,
            &mut weight,
        );
        let of_bias = of_tile().map(|sums| std::slice::from_ref(&sums.bias));
        outermost(&total::<F>(of_bias), tile, &mut bias);
        outermost(
            &total::<F>(of_tile().map(|sums| &*sums.beta)),
            tile,
            &mut beta,
        );
    }
    Gradients {
        weight,
        bias,
        beta,
        input,
    }
}

/// The sums of rows over all groups, in the order of the groups.
fn total<'a, F: Real>(groups: impl Iterator<Item = &'a [Channels<F>]>) -> Vec<Channels<F>> {
    /// Rows that a thread adds at a time.
    const ROWS: usize = 64;
    let groups: Vec<_> = groups.collect();
    let mut total = vec![[F::ZERO; R]; groups.first().map_or(0, |rows| rows.len())];
    let chunks = total.par_chunks_mut(ROWS).enumerate();
    chunks.for_each(|(index, total)| {
        for group in &groups {
            let rows = &group[index * ROWS..][..total.len()];
            for (total, row) in total.iter_mut().flatten().zip(rows.iter().flatten()) {
                for (total, &number) in total.as_mut().iter_mut().zip(row.as_ref()) {
                    *total += number;
                }
            }
        }
    });
    total
}

/// Puts the rows of a tile into `[channels, rows]`.
fn outermost<F: Real>(rows: &[Channels<F>], tile: &Tile<F>, to: &mut [F]) {
    for (lane, channel) in tile.channels.clone().enumerate() {
        let (r, lane) = (lane / F::LANES, lane % F::LANES);
        let to = &mut to[channel * rows.len()..][..rows.len()];
        for (to, row) in to.iter_mut().zip(rows) {
            *to = row[r].as_ref()[lane];
        }
    }
}

/// A group's sums over its samples, of a tile of channels; shaped as what they are the gradients of.
struct Sums<F: Real> {
    weight: Vec<Channels<F>>,
    bias: Channels<F>,
    beta: Vec<Channels<F>>,
}

impl<F: Real> Sums<F> {
    fn new(tile: &Tile<F>) -> Self {
        Self {
            weight: vec![[F::ZERO; R]; tile.weight.len()],
            bias: [F::ZERO; R],
            beta: vec![[F::ZERO; R]; tile.beta.len()],
        }
    }
}

/// A thread's memory for one sample.
struct Memory<F: Real> {
    state: State<F>,
    /// u, and in its place ∂L/∂I: `[tiles, steps, places]`.
    rows: Vec<Channels<F>>,
    /// The gradient that arrives at a few places: `[steps, PLACES]`.
    arriving: Vec<[Channels<F>; PLACES]>,
    maps: Maps<F>,
}

impl<F: Real> Memory<F> {
    fn new(layer: &Packed<'_, F>, wanted: bool) -> Self {
        let (geometry, steps) = (&layer.geometry, layer.events.steps);
        let rows = layer.tiles.len() * steps * geometry.places();
        Self {
            state: State::new(geometry),
            rows: vec![[F::ZERO; R]; rows],
            arriving: vec![[[F::ZERO; R]; PLACES]; steps],
            maps: Maps::new(geometry, if wanted { layer.tiles.len() } else { 0 }),
        }
    }
}

/// Places whose gradient is turned to have the channel innermost at a time: few enough for the caches, and so many that
/// each channel's lie in several lines of memory in a row.
const PLACES: usize = 64;

/// One step of a tile of channels, and its potentials.
struct Potentials<'a, F: Real, D> {
    tile: &'a Tile<F>,
    t: usize,
    state: &'a mut State<F>,
    /// From the step's on.
    rows: &'a mut [Channels<F>],
    dynamics: PhantomData<D>,
}

impl<F: Real, D: Dynamics> Kernel for Potentials<'_, F, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let rows = self.rows;
        self.state.advance::<S, D>(
            simd,
            self.tile,
            self.t,
            #[inline(always)]
            |place, u, _| store_row::<S, F, R>(u, &mut rows[place]),
        );
    }
}

/// A sample's tile of channels in the backward pass.
struct Reverse<'a, F: Real, D, G, K> {
    tile: &'a Tile<F>,
    surrogate: Surrogate,
    /// The gradient of an output, `[steps, n]`.
    gradient: &'a [F],
    /// First-spike steps, `[places]`.
    first: &'a [Channels<F>],
    /// u, and in its place ∂L/∂I: `[steps, places]`.
    rows: &'a mut [Channels<F>],
    arriving: &'a mut [[Channels<F>; PLACES]],
    sums: &'a mut Sums<F>,
    dynamics: PhantomData<(D, G, K)>,
}

impl<F: Real, D: Dynamics, G: Arriving, K: Derivative> Kernel for Reverse<'_, F, D, G, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self {
            tile, rows, sums, ..
        } = self;
        let (steps, places) = (self.arriving.len(), tile.beta.len());
        let n = self.gradient.len() / steps;
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        let mut bias = load_row::<S, F, R>(simd, &sums.bias);
        for start in (0..places).step_by(PLACES) {
            let few = start..places.min(start + PLACES);
            let of_step = self.gradient.chunks_exact(n).zip(&mut *self.arriving);
            for (gradient, arriving) in of_step {
                for (lane, channel) in tile.channels.clone().enumerate() {
                    let (r, lane) = (lane / F::LANES, lane % F::LANES);
                    let from = &gradient[channel * places..][few.clone()];
                    for (to, &value) in arriving.iter_mut().zip(from) {
                        to[r].as_mut()[lane] = value;
                    }
                }
            }
            for place in few {
                let beta = load_row::<S, F, R>(simd, &tile.beta[place]);
                let first = load_row::<S, F, R>(simd, &self.first[place]);
                let mut d_beta = load_row::<S, F, R>(simd, &sums.beta[place]);
                let mut carried = [Carried::new(zero); R];
                let mut u = load_row::<S, F, R>(simd, &rows[(steps - 1) * places + place]);
                for t in (0..steps).rev() {
                    let now = F::of(t as f64);
                    let before = match t {
                        0 => [zero; R],
                        _ => load_row::<S, F, R>(simd, &rows[(t - 1) * places + place]),
                    };
                    for r in 0..R {
                        let at = At {
                            simd,
                            u: u[r],
                            slope: K::at::<S, F>(simd, self.surrogate, u[r]),
                            beta: beta[r],
                            first: first[r],
                            t: now,
                        };
                        let line = &self.arriving[t][place - start][r];
                        let arriving = load_line::<S, F>(simd, line);
                        let d = D::reverse::<S, F, G>(&mut carried[r], arriving, &at);
                        let v = D::remaining::<S, F>(simd, before[r], first[r], now - F::of(1.0));
                        bias[r] += d;
                        d_beta[r] += d * v;
                        d.store_slice(rows[t * places + place][r].as_mut());
                    }
                    u = before;
                }
                store_row::<S, F, R>(&d_beta, &mut sums.beta[place]);
            }
        }
        store_row::<S, F, R>(&bias, &mut sums.bias);
    }
}

/// Adds a sample's share to the weight's gradient: each event's weights get ∂L/∂I at the places that they join it to.
struct Gather<'a, F: Real> {
    layer: &'a Packed<'a, F>,
    sample: usize,
    /// `[steps, places]`
    d_current: &'a [Channels<F>],
    weight: &'a mut [Channels<F>],
}

impl<F: Real> Kernel for Gather<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let weight = self.weight;
        let of_step = self.d_current.chunks_exact(self.layer.geometry.places());
        for (t, d_current) in of_step.enumerate() {
            for &unit in self.layer.events.at(self.sample, t) {
                self.layer.reaches.of(
                    unit,
                    #[inline(always)]
                    |to, place| {
                        let sum = load_row::<S, F, R>(simd, &weight[to]);
                        let d = load_row::<S, F, R>(simd, &d_current[place]);
                        store_row::<S, F, R>(&add_rows::<S, F, R>(sum, d), &mut weight[to]);
                    },
                );
            }
        }
    }
}
