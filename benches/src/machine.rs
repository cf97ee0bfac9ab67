//! What the machine can do.

use std::hint::black_box;
use std::time::Instant;

use block_core::device::{DeviceError, NamedDevice};
use block_core::simd::InstructionSet;
use burn::tensor::Tensor;
use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd};

use crate::stopwatch::{Stopwatch, median};

const COPIES: usize = 5;

/// Bytes read and written a second by copies far larger than the caches: of all threads on the CPU, of
/// an elementwise operation on any other device.
///
/// # Errors
///
/// If the device fails.
pub fn copy_bandwidth(device: &NamedDevice) -> Result<f64, DeviceError> {
    if device.name == "cpu" {
        return Ok(threads_copy(device.threads()));
    }
    // A quarter of a gigabyte: beyond any cache, and small GPUs can hold it twice.
    const VALUES: usize = 1 << 26;
    let values = Tensor::<1>::zeros([VALUES], &device.device);
    let mut seconds = Vec::new();
    for _ in 0..=COPIES {
        let mut watch = Stopwatch::start(device)?;
        let copy = values.clone() + 1.0;
        seconds.push(watch.split()?);
        drop(copy);
    }
    // The first compiles.
    let bytes = (2 * VALUES * size_of::<f32>()) as f64;
    Ok(bytes / median(seconds.into_iter().skip(1)))
}

fn threads_copy(threads: usize) -> f64 {
    const BYTES: usize = 1 << 27;
    let mut buffers = vec![(vec![1_u8; BYTES], vec![0_u8; BYTES]); threads];
    let seconds = (0..=COPIES).map(|_| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (from, to) in &mut buffers {
                scope.spawn(|| to.copy_from_slice(black_box(from)));
            }
        });
        start.elapsed().as_secs_f64()
    });
    (2 * BYTES * threads) as f64 / median(seconds.skip(1))
}

/// Float32 additions a second of all threads, from and to registers, in the vectors of the
/// [instruction set](InstructionSet::current) that the kernels use; nothing is known of devices other than the CPU.
pub fn additions_per_second(device: &NamedDevice) -> Option<f64> {
    const ROUNDS: usize = 1 << 22;
    let threads = (device.name == "cpu").then(|| device.threads())?;
    let set = InstructionSet::current();
    let mut lanes = 0;
    let seconds = (0..=COPIES).map(|_| {
        let start = Instant::now();
        lanes = std::thread::scope(|scope| {
            let work = || add(set, black_box(1e-3), ROUNDS);
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let lanes = threads.into_iter().map(|thread| thread.join().unwrap_or(0));
            lanes.sum()
        });
        start.elapsed().as_secs_f64()
    });
    // A peak: whatever else runs can but slow it.
    let best = seconds.fold(f64::INFINITY, f64::min);
    Some((SUMS * lanes * ROUNDS) as f64 / best)
}

/// Sums that do not wait for each other, enough to hide an addition's latency, and few enough to stay in
/// AVX2's registers.
const SUMS: usize = 12;

/// Adds `value` to [`SUMS`] vectors so many times; returns how many lanes a vector has.
fn add(set: InstructionSet, value: f32, rounds: usize) -> usize {
    let level = Level::new();
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        if let Some(simd) = level.as_avx512().filter(|_| set == InstructionSet::Avx512) {
            return simd.vectorize(
                #[inline(always)]
                || sums(simd, value, rounds),
            );
        }
        if let Some(simd) = level.as_avx2().filter(|_| set >= InstructionSet::Avx2) {
            return simd.vectorize(
                #[inline(always)]
                || sums(simd, value, rounds),
            );
        }
        if let Some(simd) = level.as_sse2() {
            return simd.vectorize(
                #[inline(always)]
                || sums(simd, value, rounds),
            );
        }
    }
    let _ = set;
    fearless_simd::dispatch!(level, simd => sums(simd, value, rounds))
}

#[inline(always)]
fn sums<S: Simd>(simd: S, value: f32, rounds: usize) -> usize {
    let value = S::f32s::splat(simd, value);
    let mut sums = [S::f32s::splat(simd, 0.0); SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum += value;
        }
    }
    let [first, rest @ ..] = sums;
    let total = rest.into_iter().fold(first, |total, sum| total + sum);
    // Used, so that the additions are done.
    black_box(total.as_slice()[0]);
    S::f32s::LEN
}

#[cfg(test)]
mod tests {
    use block_core::simd;

    use super::*;

    #[test]
    fn additions_are_faster_than_any_scalar_code() {
        let device = block_core::device::select("cpu").unwrap();
        for set in InstructionSet::available() {
            let additions = simd::with(set, || additions_per_second(&device)).unwrap();
            assert!(additions > 1e9, "{set}: {additions:e} additions a second");
        }
    }
}
