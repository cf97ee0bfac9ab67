//! The gradient of a convolution's input on the CPU, the one dense product of an event-driven layer:
//! ∂L/∂x = ∂L/∂I convolved with the kernel rotated by 180°.
//!
//! ∂L/∂I lies in a map with zeros around it and the channel innermost, so that what one row of the kernel takes of
//! it for a place of the input is one stretch of memory. A vector holds input channels; each of its weights is
//! multiplied with the numbers of a few places at a time, whose sums stay in registers.

use fearless_simd::Simd;
use fearless_simd::prelude::*;

use super::cpu::{Channels, Packed, width};
use super::geometry::Geometry;
use crate::simd::{Kernel, Real, Vector, load_line};

/// Places of the input whose sums are formed at a time. With registers of half a vector these are ten sums, of
/// sixteen registers; there are additions enough under way to wait for none.
const PLACES: usize = 5;

/// The weights with the input channel innermost, turned around:
/// `[input channels in vectors, tile of channels, kernel row, kernel column, channel]`.
pub(super) struct Kernels<F: Real> {
    lines: Vec<F::Line>,
    tiles: usize,
}

impl<F: Real> Kernels<F> {
    pub(super) fn new(layer: &Packed<'_, F>) -> Self {
        let Geometry { input, kernel, .. } = layer.geometry;
        let size = kernel[0] * kernel[1];
        let tiles = layer.tiles.len();
        let mut lines = vec![F::ZERO; input[0].div_ceil(F::LANES) * tiles * size * width::<F>()];
        for channel in 0..input[0] {
            let (vector, lane) = (channel / F::LANES, channel % F::LANES);
            for (index, tile) in layer.tiles.iter().enumerate() {
                let to = &mut lines[(vector * tiles + index) * size * width::<F>()..];
                let to = to.chunks_exact_mut(width::<F>());
                let from = &tile.weight[channel * size..][..size];
                for (to, from) in to.zip(from.iter().rev()) {
                    let from = from.iter().flat_map(|line| line.as_ref());
                    for (to, &weight) in to.iter_mut().zip(from) {
                        to.as_mut()[lane] = weight;
                    }
                }
            }
        }
        Self { lines, tiles }
    }
}

/// A thread's memory.
pub(super) struct Maps<F: Real> {
    /// ∂L/∂I of one step with zeros around and, if the kernel moves by more than 1, between:
    /// `[tiles, rows, columns, channel]`.
    padded: Vec<F>,
    /// Sums of a vector of input channels at every place of the input.
    sums: Vec<F::Line>,
}

impl<F: Real> Maps<F> {
    pub(super) fn new(geometry: &Geometry, tiles: usize) -> Self {
        let [rows, columns] = padded_size(geometry);
        let places = if tiles > 0 {
            geometry.units() / geometry.input[0]
        } else {
            0
        };
        Self {
            padded: vec![F::of(0.0); tiles * rows * columns * width::<F>()],
            sums: vec![F::ZERO; places],
        }
    }
}

/// Rows and columns of the map.
fn padded_size(geometry: &Geometry) -> [usize; 2] {
    let Geometry { input, kernel, .. } = geometry;
    [input[1] + kernel[0] - 1, input[2] + kernel[1] - 1]
}

/// The gradient of a sample's input.
pub(super) struct BackToInput<'a, F: Real> {
    pub geometry: &'a Geometry,
    pub kernels: &'a Kernels<F>,
    /// ∂L/∂I: `[tiles, steps, places]`.
    pub d_current: &'a [Channels<F>],
    pub maps: &'a mut Maps<F>,
    /// `[steps, units]`
    pub out: &'a mut [F],
}

impl<F: Real> Kernel for BackToInput<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Geometry { input, kernel, .. } = *self.geometry;
        let [rows, columns] = padded_size(self.geometry);
        let Maps { padded, sums } = self.maps;
        let map = rows * columns * width::<F>();
        let places = input[1] * input[2];
        // What one row of the kernel reads for a place.
        let stretch = kernel[1] * width::<F>();
        for (t, out) in self.out.chunks_exact_mut(self.geometry.units()).enumerate() {
            for (tile, padded) in padded.chunks_exact_mut(map).enumerate() {
                let steps = self.d_current.len() / self.kernels.tiles / self.geometry.places();
                let d_current = &self.d_current[(tile * steps + t) * self.geometry.places()..];
                spread(self.geometry, columns, d_current, padded);
            }
            let vectors = out.chunks_mut(F::LANES * places);
            let kernels = self
                .kernels
                .lines
                .chunks_exact(self.kernels.tiles * kernel[0] * stretch);
            for (out, lines) in vectors.zip(kernels) {
                sums.fill(F::ZERO);
                for (index, lines) in lines.chunks_exact(stretch).enumerate() {
                    let (tile, row) = (index / kernel[0], index % kernel[0]);
                    let map = &padded[tile * map..][..map];
                    for (group, sums) in sums.chunks_mut(PLACES).enumerate() {
                        let from: [&[F]; PLACES] = std::array::from_fn(
                            #[inline(always)]
                            |p| {
                                // Beyond the last place, that once more.
                                let place = (group * PLACES + p).min(places - 1);
                                let (y, x) = (place / input[2] + row, place % input[2]);
                                &map[(y * columns + x) * width::<F>()..][..stretch]
                            },
                        );
                        add_products(simd, lines, from, sums);
                    }
                }
                for (lane, out) in out.chunks_exact_mut(places).enumerate() {
                    for (out, sums) in out.iter_mut().zip(&*sums) {
                        *out = sums.as_ref()[lane];
                    }
                }
            }
        }
    }
}

/// Adds to each sum the weights' lines times the numbers of its stretch.
#[inline(always)]
fn add_products<S: Simd, F: Real>(
    simd: S,
    lines: &[F::Line],
    from: [&[F]; PLACES],
    sums: &mut [F::Line],
) {
    let len = lines.len();
    let from: [&[F]; PLACES] = std::array::from_fn(
        #[inline(always)]
        |p| &from[p][..len],
    );
    let mut acc: [Vector<S, F>; PLACES] = std::array::from_fn(
        #[inline(always)]
        |p| load_line::<S, F>(simd, sums.get(p).unwrap_or(&F::ZERO)),
    );
    for (k, line) in lines.iter().enumerate() {
        let weight = load_line::<S, F>(simd, line);
        for p in 0..PLACES {
            acc[p] += weight * from[p][k];
        }
    }
    for (acc, sum) in acc.iter().zip(sums) {
        acc.store_slice(sum.as_mut());
    }
}

/// Puts ∂L/∂I of all places where the kernel's rows find it.
#[inline(always)]
fn spread<F: Real>(
    geometry: &Geometry,
    columns: usize,
    d_current: &[Channels<F>],
    padded: &mut [F],
) {
    let Geometry {
        output,
        kernel,
        stride,
        padding,
        ..
    } = *geometry;
    let rows = padded.len() / columns / width::<F>();
    for y in 0..output[1] {
        // A row that sees nothing but padding has no part in the gradient.
        let Some(row) = (y * stride + kernel[0] - 1)
            .checked_sub(padding)
            .filter(|&row| row < rows)
        else {
            continue;
        };
        for x in 0..output[2] {
            let column = (x * stride + kernel[1] - 1).checked_sub(padding);
            let Some(column) = column.filter(|&column| column < columns) else {
                continue;
            };
            let to = &mut padded[(row * columns + column) * width::<F>()..][..width::<F>()];
            let to = to.chunks_exact_mut(F::LANES);
            for (to, line) in to.zip(&d_current[y * output[2] + x]) {
                to.copy_from_slice(line.as_ref());
            }
        }
    }
}
