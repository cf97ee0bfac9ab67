//! The scans alone against the bandwidth of a copy.

use std::fmt;
use std::time::Instant;

use block_core::device::{DeviceError, NamedDevice};
use block_core::{NeuronModel, Neurons, scan};
use burn::tensor::{Distribution, Tensor};
use serde::Serialize;

const REPETITIONS: usize = 20;

/// What a layer of a model is for: the spikes, or for the integrator the membrane.
fn output(current: Tensor<3>, neurons: &Neurons) -> Tensor<3> {
    let out = scan(current, neurons).expect("shapes fit");
    match neurons.model().is_readout() {
        true => out.membrane(),
        false => out.spikes(),
    }
}

/// Float32 values that forward and backward must read or write for each neuron-step: current, potential and, of
/// spiking neurons, spikes; gradient, potential, gradient.
fn values(model: NeuronModel) -> (usize, usize) {
    match model.is_readout() {
        true => (2, 3),
        false => (3, 3),
    }
}

/// Samples, steps and neurons.
pub(crate) type Sizes = [usize; 3];

/// Many neurons, the workloads' hidden layers, and few neurons over a long time.
pub(crate) fn sizes(quick: bool) -> Vec<Sizes> {
    let all = [
        [4, 300, 8],
        [128, 100, 1000],
        [128, 500, 300],
        [128, 2048, 1000],
        [64, 128, 20000],
        [1, 65536, 32],
        [16, 4096, 100],
    ];
    let count = if quick { 1 } else { all.len() };
    all[..count].to_vec()
}

/// Medians of one model's scan.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    model: &'static str,
    batch: usize,
    steps: usize,
    neurons: usize,
    forward_seconds: f64,
    /// The gradient's own making included.
    backward_seconds: f64,
    neuron_steps_per_second: f64,
    forward_share_of_copy_bandwidth: f64,
    backward_share_of_copy_bandwidth: f64,
}

pub(crate) fn measure(
    model: NeuronModel,
    [batch, steps, n]: Sizes,
    copy: f64,
    device: &NamedDevice,
) -> Result<Cell, DeviceError> {
    let tracked = device.device.clone().autodiff();
    let uniform = Distribution::Uniform(0.0, 0.3);
    let current = Tensor::<3>::random([batch, steps, n], uniform, &tracked).require_grad();
    let neurons = Neurons::new(Tensor::full([n], 0.9, &tracked).require_grad(), model);
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS + 2 {
        device.sync()?;
        let start = Instant::now();
        let out = output(current.clone(), &neurons);
        device.sync()?;
        forward.push(start.elapsed().as_secs_f64());
        let loss = out.sum();
        device.sync()?;
        let start = Instant::now();
        drop(loss.backward());
        device.sync()?;
        backward.push(start.elapsed().as_secs_f64());
    }
    // The first two compile.
    let forward = benches::median(forward.into_iter().skip(2));
    let backward = benches::median(backward.into_iter().skip(2));
    let neuron_steps = (batch * steps * n) as f64;
    let (up, down) = values(model);
    let share = |values: usize, seconds: f64| neuron_steps * (4 * values) as f64 / seconds / copy;
    Ok(Cell {
        model: model.name(),
        batch,
        steps,
        neurons: n,
        forward_seconds: forward,
        backward_seconds: backward,
        neuron_steps_per_second: neuron_steps / (forward + backward),
        forward_share_of_copy_bandwidth: share(up, forward),
        backward_share_of_copy_bandwidth: share(down, backward),
    })
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<12} {:>4} × {:>5} × {:>5}  forward {:>8.3} ms, {:>3.0} % of a copy; backward {:>8.3} ms, {:>3.0} %",
            self.model,
            self.batch,
            self.steps,
            self.neurons,
            self.forward_seconds * 1e3,
            self.forward_share_of_copy_bandwidth * 1e2,
            self.backward_seconds * 1e3,
            self.backward_share_of_copy_bandwidth * 1e2,
        )
    }
}
