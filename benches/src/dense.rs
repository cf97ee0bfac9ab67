//! The spikes of the paper's speed benchmark.

use block_core::device::on_host;
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Input units of the speed benchmark.
pub const INPUTS: usize = 1000;

/// A batch `[batch, time, unit]`: a rate r for each sample, uniform from 0 to 200, and at every step
/// Poisson(r/t) spikes of each unit, clipped to 1. Seed and kind of device fix the numbers: the host draws them for
/// devices in its memory; a GPU draws its own, as copying them there would take longer than computing with them.
pub fn dense_spikes(shape: [usize; 3], seed: u64, device: &Device) -> Tensor<3> {
    let [batch, steps, units] = shape;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    if !on_host(device) {
        let any = |_| -f64::exp_m1(-rng.random_range(0.0..200.0) / steps as f64) as f32;
        let any = TensorData::new((0..batch).map(any).collect::<Vec<_>>(), [batch, 1, 1]);
        let any = Tensor::<3>::from_data(any, device).expand(shape);
        device.seed(seed);
        let uniform = Tensor::random(shape, Distribution::Uniform(0.0, 1.0), device);
        return uniform.lower(any).float();
    }
    let mut spikes = Vec::with_capacity(batch * steps * units);
    for _ in 0..batch {
        let rate = rng.random_range(0.0..200.0);
        let any = -f64::exp_m1(-rate / steps as f64) as f32;
        let spike = |_| f32::from(u8::from(rng.random::<f32>() < any));
        spikes.extend((0..steps * units).map(spike));
    }
    Tensor::from_data(TensorData::new(spikes, shape), device)
}
