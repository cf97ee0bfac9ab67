use std::fmt;
use std::process::Command;
use std::str::FromStr;
use std::time::{Duration, Instant};

use block_core::device::{DeviceError, NamedDevice};
use block_core::simd::InstructionSet;
use block_models::Formulation;
use serde::{Deserialize, Serialize};

use crate::machine::{additions_per_second, copy_bandwidth};
use crate::memory::peak_memory_bytes;
use crate::stopwatch::median;
use crate::{Lap, Layer, Passes, Products, Training, Workload};

/// How a workload is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By spiking neurons.
    Neurons(Formulation),
    /// Not at all: the dense matrix products of its hidden layers alone.
    Gemm,
}

impl Method {
    const ALL: [(Self, &str); 5] = [
        (Self::Neurons(Formulation::Scan), "scan"),
        (Self::Neurons(Formulation::Convolution), "convolution"),
        (
            Self::Neurons(Formulation::StandardSingle),
            "standard-single",
        ),
        (Self::Neurons(Formulation::StandardMulti), "standard-multi"),
        (Self::Gemm, "gemm"),
    ];

    /// What does the work: `fused`, `events` or `loop`; see the [crate's documentation](crate). Every
    /// device that can be chosen has kernels for float32, and the same ones.
    fn engine(self, workload: Workload) -> &'static str {
        match (self, workload) {
            (Self::Gemm | Self::Neurons(Formulation::Convolution), _) => "loop",
            (Self::Neurons(_), Workload::Deep | Workload::Conv | Workload::Vgg) => "events",
            (Self::Neurons(_), _) => "fused",
        }
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(method, _)| *method).ok_or_else(|| {
            let known = Self::ALL.map(|(_, known)| known).join(", ");
            format!("expected one of {known}")
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(method, _)| method == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}

/// Medians in seconds, with all that identifies them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measurement {
    /// [`Workload::name`].
    pub workload: String,
    /// Input units.
    pub inputs: usize,
    /// Neurons of each hidden layer.
    pub neurons: Vec<usize>,
    /// Readout neurons; 0 without a readout.
    pub classes: usize,
    /// Time steps.
    pub steps: usize,
    /// Samples.
    pub batch: usize,
    /// [`Workload::beta`].
    pub beta: String,
    /// The device's name.
    pub device: String,
    /// Threads that work for it.
    pub threads: usize,
    /// `optimised` or `debug`.
    pub profile: String,
    /// The commit checked out, where git tells, else `BLOCK_COMMIT` when this was compiled.
    pub commit: Option<String>,
    /// The CPU's instruction set that the kernels used.
    pub instruction_set: Option<String>,
    /// Spikes of all hidden layers, a sample of the first batch, after the last step.
    pub hidden_spikes: Option<f64>,
    /// The [`Method`].
    pub formulation: String,
    /// `fused`, `events` or `loop`.
    pub engine: String,
    /// Forward, loss included.
    pub forward_seconds: f64,
    /// Backward and, for networks, Adam.
    pub backward_seconds: f64,
    /// Forward and backward together.
    pub step_seconds: f64,
    /// How many steps the medians are of.
    pub repetitions: usize,
    /// Most memory of the process, before it made the baseline's matrices; the host's memory, whatever
    /// the device.
    pub peak_memory_bytes: Option<u64>,
    /// Hidden neurons × time steps × samples a second.
    pub neuron_steps_per_second: f64,
    /// The device's bandwidth in copying, measured in the same process.
    pub copy_bandwidth_bytes_per_second: f64,
    /// One read and one write of a float32 a neuron-step, over the step, as a share of the measured copy
    /// bandwidth; what keeps nothing a neuron-step moves less and may exceed 1.
    pub share_of_copy_bandwidth: f64,
    /// The baseline's matrix products, each repetition right after the workload's.
    pub baseline_seconds: Option<f64>,
    /// Step over baseline, of each repetition by itself: what slows both for a while does not matter.
    pub ratio: Option<f64>,
    /// [`Work::operations`](crate::Work) of a step, where they are known.
    pub operations: Option<usize>,
    /// [`Work::bytes`](crate::Work) of a step, where they are known.
    pub bytes: Option<usize>,
    /// The device's float32 additions a second, measured in the same process.
    pub additions_per_second: Option<f64>,
}

/// Longest that repetitions go on, once there are [`FEWEST`].
const PATIENCE: Duration = Duration::from_secs(8);
const FEWEST: usize = 3;

/// Measures up to `repetitions` steps after two that are not counted, in turn with the baseline's
/// products where there is one.
///
/// # Errors
///
/// If the device fails.
pub fn measure(
    workload: Workload,
    method: Method,
    repetitions: usize,
    device: &NamedDevice,
) -> Result<Measurement, DeviceError> {
    let mut subject = subject(workload, method, device);
    let warm_ups = if workload == Workload::Long { 1 } else { 2 };
    for _ in 0..warm_ups {
        subject.lap()?;
    }
    let mut peak = peak_memory_bytes();
    let mut baseline = baseline(workload, method, device);
    if let Some(baseline) = &mut baseline {
        baseline.lap()?;
    }
    let start = Instant::now();
    let mut laps: Vec<(Lap, Option<Lap>)> = Vec::new();
    while laps.len() < repetitions && (laps.len() < FEWEST || start.elapsed() < PATIENCE) {
        let lap = subject.lap()?;
        let other = baseline.as_mut().map(Passes::lap).transpose()?;
        laps.push((lap, other));
    }
    let compared = baseline.is_some();
    if !compared {
        peak = peak_memory_bytes();
    }
    let (work, hidden_spikes) = (subject.work(), subject.hidden_spikes());
    drop((subject, baseline));
    let copy = copy_bandwidth(device)?;
    let step = median(laps.iter().map(|(lap, _)| lap.step()));
    let others = laps.iter().filter_map(|(_, other)| other.map(Lap::step));
    let ratios = laps
        .iter()
        .filter_map(|(lap, other)| Some(lap.step() / other.as_ref()?.step()));
    let sizes = workload.sizes();
    let neuron_steps = workload.neuron_steps() as f64;
    Ok(Measurement {
        workload: workload.name().to_owned(),
        inputs: sizes.inputs,
        neurons: sizes.hidden,
        classes: sizes.classes,
        steps: sizes.steps,
        batch: sizes.batch,
        beta: workload.beta().to_owned(),
        device: device.name.clone(),
        threads: device.threads(),
        profile: match cfg!(debug_assertions) {
            true => "debug",
            false => "optimised",
        }
        .to_owned(),
        commit: commit(),
        instruction_set: (device.name == "cpu").then(|| InstructionSet::current().to_string()),
        hidden_spikes,
        formulation: method.to_string(),
        engine: method.engine(workload).to_owned(),
        forward_seconds: median(laps.iter().map(|(lap, _)| lap.forward)),
        backward_seconds: median(laps.iter().map(|(lap, _)| lap.backward)),
        step_seconds: step,
        repetitions: laps.len(),
        peak_memory_bytes: peak,
        neuron_steps_per_second: neuron_steps / step,
        copy_bandwidth_bytes_per_second: copy,
        share_of_copy_bandwidth: neuron_steps * 8.0 / step / copy,
        baseline_seconds: compared.then(|| median(others)),
        ratio: compared.then(|| median(ratios)),
        operations: work.map(|work| work.operations),
        bytes: work.map(|work| work.bytes),
        additions_per_second: additions_per_second(device),
    })
}

fn subject(workload: Workload, method: Method, device: &NamedDevice) -> Box<dyn Passes> {
    match (method, workload) {
        (Method::Gemm, _) => Box::new(Products::of_layers(workload, device)),
        (Method::Neurons(formulation), Workload::Layer { .. }) => {
            Box::new(Layer::new(workload, formulation, device))
        }
        (Method::Neurons(formulation), _) => Box::new(Training::new(workload, formulation, device)),
    }
}

/// The dense products that the workload's step is compared with.
fn baseline(workload: Workload, method: Method, device: &NamedDevice) -> Option<Products> {
    match (method, workload) {
        // Dense, `long` needs six gigabytes.
        (Method::Gemm, _) | (_, Workload::Long) => None,
        (_, Workload::Deep) => Some(Products::between_layers(workload, device)),
        _ => Some(Products::of_layers(workload, device)),
    }
}

/// The commit checked out, where git tells, else `BLOCK_COMMIT` when this was compiled.
pub fn commit() -> Option<String> {
    checked_out().or_else(|| option_env!("BLOCK_COMMIT").map(str::to_owned))
}

fn checked_out() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
