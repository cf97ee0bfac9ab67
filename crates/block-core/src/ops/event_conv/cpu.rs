//! Event-driven convolutions on the CPU, forward.
//!
//! A sample's potentials lie with the channel innermost, a tile of channels at a time: an event adds the rows of
//! the kernel to the places that it reaches, whole vectors of channels. The sums have one order, that of the
//! events and then of the kernel, whatever the number of threads or the width of a vector. The current is never
//! formed for more than one step of one sample.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use burn::backend::Flex;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;
use rayon::prelude::*;

use super::geometry::{Geometry, Reaches};
use super::{ConvFiring, ConvLayer, EventConvOps};
use crate::NeuronModel;
use crate::host::{carrier, dense, float, int, slice, with_real, zeros};
use crate::neuron::Rule;
use crate::neuron::cpu::{Dynamics, charge, latch, with_dynamics};
use crate::simd::{
    InstructionSet, Kernel, Real, Row, Target, Vector, add_rows, load_row, splat_row, store_row,
};
use crate::spikes::HostEvents;

impl EventConvOps for Flex {
    fn conv_spikes(layer: ConvLayer<Self>, rule: Rule) -> ConvFiring<Self> {
        with_real!(layer.weight.dtype(), F => {
            let shape = [layer.events.batch, layer.events.steps, layer.geometry.neurons()];
            let events = fire(&Packed::<F>::new(&layer), rule.model);
            let each = [shape[0], shape[2]];
            let (first, counts) = first_and_counts(&events);
            ConvFiring {
                carrier: carrier::<F>(shape),
                first: int(first, each),
                counts: int(counts, each),
                events: Arc::new(events),
            }
        })
    }

    fn conv_membrane(layer: ConvLayer<Self>, rule: Rule) -> FlexTensor {
        with_real!(layer.weight.dtype(), F => {
            let shape = [layer.events.batch, layer.events.steps, layer.geometry.neurons()];
            float(membrane(&Packed::<F>::new(&layer), rule.model), shape)
        })
    }
}

/// Vectors of a tile: 32 channels in float32.
pub(super) const R: usize = 2;

/// The numbers of a tile of channels at a place.
pub(super) type Channels<F> = Row<F, R>;

/// Channels of a tile.
pub(super) const fn width<F: Real>() -> usize {
    R * F::LANES
}

/// A layer with the channel innermost, in tiles of channels; lanes beyond the last channel are zero.
pub(super) struct Packed<'a, F: Real> {
    pub geometry: Geometry,
    pub events: &'a HostEvents,
    pub reaches: Reaches,
    pub tiles: Vec<Tile<F>>,
}

/// The parameters of a tile of channels.
pub(super) struct Tile<F: Real> {
    pub channels: Range<usize>,
    /// `[input channel · kernel row · kernel column]`
    pub weight: Vec<Channels<F>>,
    pub bias: Channels<F>,
    /// `[places]`
    pub beta: Vec<Channels<F>>,
}

impl<'a, F: Real> Packed<'a, F> {
    pub(super) fn new(layer: &'a ConvLayer<Flex>) -> Self {
        let geometry = layer.geometry;
        let (weight, bias, beta) = (dense(&layer.weight), dense(&layer.bias), dense(&layer.beta));
        let [weight, bias, beta] = [&weight, &bias, &beta].map(slice::<F>);
        let channels = geometry.output[0];
        let tiles = (0..channels).step_by(width::<F>()).map(|start| {
            let channels = start..channels.min(start + width::<F>());
            Tile {
                weight: innermost(weight, &channels, geometry.fan_in()),
                bias: innermost(bias, &channels, 1)[0],
                beta: innermost(beta, &channels, geometry.places()),
                channels,
            }
        });
        Self {
            tiles: tiles.collect(),
            reaches: Reaches::new(&geometry),
            events: &layer.events,
            geometry,
        }
    }
}

/// Some channels of `[channels, width]` with the channel innermost.
fn innermost<F: Real>(from: &[F], channels: &Range<usize>, width: usize) -> Vec<Channels<F>> {
    let mut to = vec![[F::ZERO; R]; width];
    for (lane, channel) in channels.clone().enumerate() {
        let (r, lane) = (lane / F::LANES, lane % F::LANES);
        for (to, &value) in to.iter_mut().zip(&from[channel * width..][..width]) {
            to[r].as_mut()[lane] = value;
        }
    }
    to
}

/// The state of a sample's neurons of a tile, `[places]` each.
pub(super) struct State<F: Real> {
    sums: Vec<Channels<F>>,
    remaining: Vec<Channels<F>>,
    /// First-spike steps so far; the number of steps for "never".
    pub first: Vec<Channels<F>>,
}

impl<F: Real> State<F> {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let zeros = || vec![[F::ZERO; R]; geometry.places()];
        Self {
            sums: zeros(),
            remaining: zeros(),
            first: zeros(),
        }
    }

    /// Runs a sample's steps: the sums of each step's events, and `step`, which takes the neurons on by
    /// [`advance`](Self::advance). The instruction set's code is entered for one at a time, so that the sums, which no
    /// model changes, are compiled once.
    pub(super) fn sweep(
        &mut self,
        set: InstructionSet,
        layer: &Packed<'_, F>,
        tile: &Tile<F>,
        sample: usize,
        mut step: impl FnMut(usize, &mut Self),
    ) {
        let steps = layer.events.steps;
        let mut never = F::ZERO;
        never.as_mut().fill(F::of(steps as f64));
        self.remaining.fill([F::ZERO; R]);
        self.first.fill([never; R]);
        for t in 0..steps {
            set.run(AddEvents::<F> {
                reaches: &layer.reaches,
                units: layer.events.at(sample, t),
                weight: &tile.weight,
                sums: &mut self.sums,
            });
            step(t, self);
        }
    }

    /// One step of the neurons, from its sums, which become 0 again. `each` gets by place the potential u, before
    /// reset and mask, and the first-spike steps so far.
    #[inline(always)]
    pub(super) fn advance<S: Simd, D: Dynamics>(
        &mut self,
        simd: S,
        tile: &Tile<F>,
        t: usize,
        mut each: impl FnMut(usize, &[Vector<S, F>; R], &[Vector<S, F>; R]),
    ) {
        let zero = splat_row::<S, F, R>(simd, F::of(0.0));
        let bias = load_row::<S, F, R>(simd, &tile.bias);
        let step = F::of(t as f64);
        let state = self.sums.iter_mut().zip(&mut self.remaining);
        let state = state.zip(&mut self.first).zip(&tile.beta).enumerate();
        for (place, (((sums, remaining), first_row), beta)) in state {
            let mut v = load_row::<S, F, R>(simd, remaining);
            let mut first = load_row::<S, F, R>(simd, first_row);
            let beta = load_row::<S, F, R>(simd, beta);
            let sum = load_row::<S, F, R>(simd, sums);
            for r in 0..R {
                v[r] = charge(beta[r], v[r], bias[r]) + sum[r];
                first[r] = latch::<S, F>(simd, v[r], first[r], step);
            }
            each(place, &v, &first);
            for r in 0..R {
                v[r] = D::remaining::<S, F>(simd, v[r], first[r], step);
            }
            store_row::<S, F, R>(&v, remaining);
            store_row::<S, F, R>(&first, first_row);
            store_row::<S, F, R>(&zero, sums);
        }
    }
}

/// Adds the kernel's rows of the units that fire to the sums of the places that they reach.
struct AddEvents<'a, F: Real> {
    reaches: &'a Reaches,
    units: &'a [u32],
    weight: &'a [Channels<F>],
    sums: &'a mut [Channels<F>],
}

impl<F: Real> Kernel for AddEvents<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (weight, sums) = (self.weight, self.sums);
        for &unit in self.units {
            self.reaches.of(
                unit,
                #[inline(always)]
                |from, place| {
                    let sum = load_row::<S, F, R>(simd, &sums[place]);
                    let row = load_row::<S, F, R>(simd, &weight[from]);
                    store_row::<S, F, R>(&add_rows::<S, F, R>(sum, row), &mut sums[place]);
                },
            );
        }
    }
}

/// The spikes of a layer.
fn fire<F: Real>(layer: &Packed<'_, F>, model: NeuronModel) -> HostEvents {
    let set = InstructionSet::current();
    let HostEvents { batch, steps, .. } = *layer.events;
    let tiles = layer.tiles.len();
    let mut lists: Vec<Vec<Vec<u32>>> = (0..batch * tiles)
        .into_par_iter()
        .map_init(
            || State::new(&layer.geometry),
            |state, task| {
                let mut spikes = vec![Vec::new(); steps];
                let tile = &layer.tiles[task % tiles];
                state.sweep(set, layer, tile, task / tiles, |t, state| {
                    with_dynamics!(model, D => set.run(Fire::<F, D> {
                        tile,
                        t,
                        once: model.fires_once(),
                        state,
                        spikes: &mut spikes[t],
                        dynamics: PhantomData,
                    }));
                });
                spikes
            },
        )
        .collect();
    let mut offsets = vec![0];
    let mut units = Vec::new();
    for of_sample in lists.chunks_mut(tiles) {
        for t in 0..steps {
            for of_tile in &mut *of_sample {
                units.append(&mut of_tile[t]);
            }
            offsets.push(units.len() as u32);
        }
    }
    HostEvents::new([batch, steps, layer.geometry.neurons()], offsets, units)
}

/// One step of a tile of channels, and its spikes.
struct Fire<'a, F: Real, D> {
    tile: &'a Tile<F>,
    t: usize,
    once: bool,
    state: &'a mut State<F>,
    /// The neurons that fire.
    spikes: &'a mut Vec<u32>,
    dynamics: PhantomData<D>,
}

impl<F: Real, D: Dynamics> Kernel for Fire<'_, F, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (once, spikes) = (self.once, self.spikes);
        let (start, places) = (self.tile.channels.start, self.tile.beta.len());
        let one = Vector::<S, F>::splat(simd, F::of(1.0));
        let now = Vector::<S, F>::splat(simd, F::of(self.t as f64));
        self.state.advance::<S, D>(
            simd,
            self.tile,
            self.t,
            #[inline(always)]
            |place, u, first| {
                let mut above = 0_u64;
                for (r, u) in u.iter().enumerate() {
                    above |= u.simd_gt(one).to_bitmask() << (r * F::LANES);
                }
                if above == 0 {
                    return;
                }
                if once {
                    // What was above threshold before is no spike.
                    for (r, first) in first.iter().enumerate() {
                        let late = first.simd_lt(now).to_bitmask() << (r * F::LANES);
                        above &= !late;
                    }
                }
                while above != 0 {
                    let channel = start + above.trailing_zeros() as usize;
                    spikes.push((channel * places + place) as u32);
                    above &= above - 1;
                }
            },
        );
    }
}

/// Of every neuron the step of its first spike, or the number of steps, and how often it fires: `[batch, units]`.
fn first_and_counts(events: &HostEvents) -> (Vec<i32>, Vec<i32>) {
    let HostEvents {
        batch,
        steps,
        inputs,
        ..
    } = *events;
    let mut first = vec![steps as i32; batch * inputs];
    let mut counts = vec![0; batch * inputs];
    let samples = first
        .par_chunks_mut(inputs)
        .zip(counts.par_chunks_mut(inputs));
    samples.enumerate().for_each(|(sample, (first, counts))| {
        for t in 0..steps {
            for &unit in events.at(sample, t) {
                let unit = unit as usize;
                first[unit] = first[unit].min(t as i32);
                counts[unit] += 1;
            }
        }
    });
    (first, counts)
}

/// Membrane potentials `[batch, steps, n]` of a layer, after mask and before reset.
fn membrane<F: Real>(layer: &Packed<'_, F>, model: NeuronModel) -> Vec<F> {
    let set = InstructionSet::current();
    let (steps, n) = (layer.events.steps, layer.geometry.neurons());
    let mut out = zeros(layer.events.batch * steps * n);
    let samples = out.par_chunks_mut(steps * n).enumerate();
    samples.for_each_init(
        || State::new(&layer.geometry),
        |state, (sample, out)| {
            for tile in &layer.tiles {
                state.sweep(set, layer, tile, sample, |t, state| {
                    with_dynamics!(model, D => set.run(Membrane::<F, D> {
                        tile,
                        t,
                        masked: model.masks_membrane(),
                        state,
                        out: &mut out[t * n..][..n],
                        dynamics: PhantomData,
                    }));
                });
            }
        },
    );
    out
}

/// One step of a tile of channels, and its membrane.
struct Membrane<'a, F: Real, D> {
    tile: &'a Tile<F>,
    t: usize,
    masked: bool,
    state: &'a mut State<F>,
    /// `[n]`
    out: &'a mut [F],
    dynamics: PhantomData<D>,
}

impl<F: Real, D: Dynamics> Kernel for Membrane<'_, F, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (out, masked, channels) = (self.out, self.masked, self.tile.channels.clone());
        let (places, now) = (self.tile.beta.len(), F::of(self.t as f64));
        self.state.advance::<S, D>(
            simd,
            self.tile,
            self.t,
            #[inline(always)]
            |place, u, first| {
                for r in 0..R {
                    let v = match masked {
                        true => D::remaining::<S, F>(simd, u[r], first[r], now),
                        false => u[r],
                    };
                    let channels = channels.clone().skip(r * F::LANES);
                    for (channel, &v) in channels.zip(v.as_slice()) {
                        out[channel * places + place] = v;
                    }
                }
            },
        );
    }
}
