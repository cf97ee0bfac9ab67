use std::fmt;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use benches::{Gemm, Training, Workload};
use block_models::Formulation;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

const BATCH: usize = 128;

/// What is timed.
#[derive(Clone, Copy)]
pub enum Engine {
    /// A network's training step.
    Network(Formulation),
    /// The dense matrix products that a dense implementation of the same layers cannot avoid.
    Gemm,
}

/// Medians in seconds, with all that identifies them.
#[derive(Serialize, Deserialize)]
pub struct Measurement {
    workload: String,
    inputs: usize,
    neurons: Vec<usize>,
    classes: usize,
    steps: usize,
    batch: usize,
    beta: String,
    device: String,
    threads: usize,
    profile: String,
    commit: Option<String>,
    formulation: String,
    engine: String,
    forward_seconds: f64,
    /// Backward and, for networks, Adam.
    backward_seconds: f64,
    step_seconds: f64,
    repetitions: usize,
    peak_memory_bytes: Option<u64>,
    neuron_steps_per_second: f64,
    copy_bandwidth_bytes_per_second: f64,
    /// One read and one write of a float32 a neuron-step, over the step, as a share of the measured
    /// copy bandwidth; the event engine moves less and may exceed 1.
    share_of_copy_bandwidth: f64,
}

impl Measurement {
    pub const HEADER: &'static str = "workload  formulation      engine   forward ms  backward ms     step ms   peak MB  G neuron-steps/s";
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<9} {:<16} {:<7} {:>11.2} {:>12.2} {:>11.2} {:>9} {:>17.3}",
            self.workload,
            self.formulation,
            self.engine,
            self.forward_seconds * 1e3,
            self.backward_seconds * 1e3,
            self.step_seconds * 1e3,
            self.peak_memory_bytes
                .map_or("?".into(), |b| (b / 1_000_000).to_string()),
            self.neuron_steps_per_second * 1e-9,
        )
    }
}

pub fn measure(workload: Workload, engine: Engine, repetitions: usize) -> Measurement {
    let device = Device::flex().autodiff();
    let (formulation, name, forward, step): (_, _, f64, f64) = match engine {
        Engine::Network(formulation) => {
            let mut training = Training::new(workload, formulation, BATCH, &device);
            let forward = median(repetitions, || training.forward());
            let step = median(repetitions, || training.step());
            let name = match formulation {
                Formulation::Convolution => "dense",
                _ => "events",
            };
            let formulation = serde_json::to_value(formulation).unwrap_or_default();
            (
                formulation.as_str().unwrap_or_default().to_owned(),
                name,
                forward,
                step,
            )
        }
        Engine::Gemm => {
            let gemm = Gemm::new(workload, BATCH, &Device::flex());
            let forward = median(repetitions, || gemm.forward());
            let step = median(repetitions, || gemm.step());
            ("gemm".to_owned(), "gemm", forward, step)
        }
    };
    // Before the copy's own buffers.
    let peak = runner::peak_memory_bytes();
    let copy = copy_bandwidth();
    let sizes = workload.sizes();
    let neuron_steps = (sizes.hidden.iter().sum::<usize>() * sizes.steps * BATCH) as f64;
    Measurement {
        workload: workload.name().to_owned(),
        inputs: sizes.inputs,
        neurons: sizes.hidden,
        classes: sizes.classes,
        steps: sizes.steps,
        batch: BATCH,
        beta: "trained, per neuron".to_owned(),
        device: "cpu".to_owned(),
        threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
        profile: if cfg!(debug_assertions) {
            "debug"
        } else {
            "optimised"
        }
        .to_owned(),
        commit: commit(),
        formulation,
        engine: name.to_owned(),
        forward_seconds: forward,
        backward_seconds: step - forward,
        step_seconds: step,
        repetitions,
        peak_memory_bytes: peak,
        neuron_steps_per_second: neuron_steps / step,
        copy_bandwidth_bytes_per_second: copy,
        share_of_copy_bandwidth: neuron_steps * 8.0 / step / copy,
    }
}

/// Median seconds of `repetitions` runs, after two that are not counted.
fn median<T>(repetitions: usize, mut run: impl FnMut() -> T) -> f64 {
    for _ in 0..2 {
        black_box(run());
    }
    let mut seconds: Vec<f64> = (0..repetitions.max(1))
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    match seconds.len() % 2 {
        1 => seconds[middle],
        _ => (seconds[middle - 1] + seconds[middle]) / 2.0,
    }
}

/// Bytes read and written a second when all threads copy buffers far larger than the caches.
fn copy_bandwidth() -> f64 {
    const BYTES: usize = 1 << 27;
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut buffers = vec![(vec![1_u8; BYTES], vec![0_u8; BYTES]); threads];
    let seconds = median(5, || {
        std::thread::scope(|scope| {
            for (from, to) in &mut buffers {
                scope.spawn(|| to.copy_from_slice(black_box(from)));
            }
        });
    });
    (2 * BYTES * threads) as f64 / seconds
}

fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
