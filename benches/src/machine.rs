//! What the machine can do.

use std::hint::black_box;
use std::time::Instant;

use burn::tensor::Tensor;
use multiversion::multiversion;
use runner::device::NamedDevice;

use crate::stopwatch::{Stopwatch, median};

const COPIES: usize = 5;

/// Bytes read and written a second by copies far larger than the caches: of all threads on the CPU, of
/// an elementwise operation on any other device.
///
/// # Errors
///
/// If the device fails.
pub fn copy_bandwidth(device: &NamedDevice) -> runner::Result<f64> {
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

/// Float32 additions a second of all threads, from and to registers; nothing is known of devices other
/// than the CPU.
pub fn additions_per_second(device: &NamedDevice) -> Option<f64> {
    const ROUNDS: usize = 1 << 22;
    let threads = (device.name == "cpu").then(|| device.threads())?;
    let seconds = (0..=COPIES).map(|_| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| black_box(add(black_box([1e-3; LANES]), ROUNDS)));
            }
        });
        start.elapsed().as_secs_f64()
    });
    let additions = (SUMS * LANES * ROUNDS * threads) as f64;
    // A peak: whatever else runs can but slow it.
    Some(additions / seconds.fold(f64::INFINITY, f64::min))
}

/// Sums that do not wait for each other, enough to hide an addition's latency, and few enough to stay in
/// AVX2's registers.
const SUMS: usize = 12;
const LANES: usize = 8;

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn add(value: [f32; LANES], rounds: usize) -> [[f32; LANES]; SUMS] {
    let mut sums = [[0.0; LANES]; SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += value;
            }
        }
    }
    sums
}
