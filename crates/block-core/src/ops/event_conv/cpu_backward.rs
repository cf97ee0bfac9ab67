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
use crate::host::{dense, float, slice, with_real};
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
const GROUPS: usize = 64;

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
    let width = steps * geometry.units();
    let mut input = wanted.then(|| vec![F::of(0.0); batch * width]);
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
                        with_derivative!(rule.surrogate, K => with_dynamics!(rule.model, D => {
                            set.run(OfSample::<F, D, G, K> {
                                layer,
                                tile,
                                sample,
                                surrogate: rule.surrogate,
                                gradient,
                                state: &mut memory.state,
                                rows: &mut memory.rows[index * rows..][..rows],
                                arriving: &mut memory.arriving,
                                sums,
                                dynamics: PhantomData,
                            });
                        }));
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
    let mut found = Gradients {
        weight: vec![F::of(0.0); geometry.output[0] * geometry.fan_in()],
        bias: vec![F::of(0.0); geometry.output[0]],
        beta: vec![F::of(0.0); geometry.neurons()],
        input,
    };
    // Added in the order of the groups.
    for group in &sums {
        for (tile, sums) in layer.tiles.iter().zip(group) {
            add_outermost(&sums.weight, tile, &mut found.weight);
            add_outermost(std::slice::from_ref(&sums.bias), tile, &mut found.bias);
            add_outermost(&sums.beta, tile, &mut found.beta);
        }
    }
    found
}

/// Adds the rows of a tile to `[channels, rows]`.
fn add_outermost<F: Real>(rows: &[Channels<F>], tile: &Tile<F>, to: &mut [F]) {
    for (lane, channel) in tile.channels.clone().enumerate() {
        let (r, lane) = (lane / F::LANES, lane % F::LANES);
        let to = &mut to[channel * rows.len()..][..rows.len()];
        for (to, row) in to.iter_mut().zip(rows) {
            *to += row[r].as_ref()[lane];
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

/// Places whose gradient is turned to have the channel innermost at a time: few enough for the first-level cache.
const PLACES: usize = 16;

/// The backward pass of a sample's tile of channels.
struct OfSample<'a, F: Real, D, G, K> {
    layer: &'a Packed<'a, F>,
    tile: &'a Tile<F>,
    sample: usize,
    surrogate: Surrogate,
    /// The gradient of an output, `[batch, steps, n]`.
    gradient: &'a [F],
    state: &'a mut State<F>,
    /// `[steps, places]`
    rows: &'a mut [Channels<F>],
    arriving: &'a mut [[Channels<F>; PLACES]],
    sums: &'a mut Sums<F>,
    dynamics: PhantomData<(D, G, K)>,
}

impl<F: Real, D: Dynamics, G: Arriving, K: Derivative> Kernel for OfSample<'_, F, D, G, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self {
            layer,
            tile,
            sample,
            rows,
            sums,
            ..
        } = self;
        let (steps, places) = (layer.events.steps, layer.geometry.places());
        self.state.sweep::<S, D>(
            simd,
            layer,
            tile,
            sample,
            #[inline(always)]
            |t, place, u, _| store_row::<S, F, R>(u, &mut rows[t * places + place]),
        );
        let n = layer.geometry.neurons();
        let gradient = &self.gradient[sample * steps * n..][..steps * n];
        let zero = Vector::<S, F>::splat(simd, F::of(0.0));
        let mut bias = load_row::<S, F, R>(simd, &sums.bias);
        for start in (0..places).step_by(PLACES) {
            let few = start..places.min(start + PLACES);
            let of_step = gradient.chunks_exact(n).zip(&mut *self.arriving);
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
                let first = load_row::<S, F, R>(simd, &self.state.first[place]);
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
        for t in 0..steps {
            let d_current = &rows[t * places..][..places];
            let weight = &mut *sums.weight;
            for &unit in layer.events.at(sample, t) {
                layer.reaches.of(
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
