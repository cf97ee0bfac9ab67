//! The same spikes from the standard and the block model, the time that both take, and a task that wants trained decays:
//! what `docs/tutorial.md` walks through. Writes its pictures into the folder given, `docs/tutorial` by default.
//!
//! ```sh
//! cargo run --example tutorial
//! ```

#![expect(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use block_core::{LayerInput, NeuronModel, Neurons, Synapses, convolution, reference, scan};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

#[path = "tutorial/pictures.rs"]
mod pictures;
#[path = "tutorial/words.rs"]
mod words;

use pictures::{course, draw_bars, draw_histogram, draw_losses, page, raster};
use words::{Trained, Words};

const INPUTS: usize = 10;
const STEPS: usize = 128;
const BETA: f32 = 0.9;
const BATCH: usize = 128;
/// Timed after one that is not.
const RUNS: usize = 30;
/// One whose neuron fires in the middle.
const SEED: u64 = 8;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let out = std::env::args().nth(1);
    let out = PathBuf::from(out.unwrap_or_else(|| "docs/tutorial".to_owned()));
    std::fs::create_dir_all(&out)?;
    same_spikes(&out)?;
    same_potentials(&out)?;
    speed(&out)?;
    hard_task(&out)
}

/// One neuron and its inputs.
struct Neuron {
    input: LayerInput,
    synapses: Synapses,
    beta: Tensor<1>,
}

impl Neuron {
    /// Weights and bias from U(−1/√inputs, 1/√inputs); an input spike wherever U(0, 1) exceeds 0.8.
    fn new(batch: usize, device: &Device) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let bound = 1.0 / (INPUTS as f32).sqrt();
        let mut uniform = |count: usize, low: f32, high: f32| -> Vec<f32> {
            (0..count).map(|_| rng.random_range(low..high)).collect()
        };
        let weight = TensorData::new(uniform(INPUTS, -bound, bound), [INPUTS, 1]);
        let drawn = uniform(batch * STEPS * INPUTS, 0.0, 1.0).into_iter();
        let fired: Vec<f32> = drawn.map(|u| f32::from(u8::from(u > 0.8))).collect();
        let input = TensorData::new(fired, [batch, STEPS, INPUTS]);
        Self {
            input: LayerInput::from(Tensor::<3>::from_data(input, device)),
            synapses: Synapses {
                weight: Tensor::from_data(weight, device).require_grad(),
                bias: Tensor::zeros([1], device).require_grad(),
            },
            beta: Tensor::from_floats([BETA], device),
        }
    }

    fn neurons(&self, model: NeuronModel) -> Neurons {
        Neurons::new(self.beta.clone(), model)
    }

    /// I = x·W + bias.
    fn current(&self) -> Result<Tensor<3>> {
        Ok(self.synapses.current(&self.input)?)
    }
}

/// 1: the spikes of both models.
fn same_spikes(out: &Path) -> Result {
    let neuron = Neuron::new(1, &Device::flex().autodiff());
    let current = neuron.current()?;
    let standard = reference::scan(current.clone(), &neuron.neurons(NeuronModel::SingleSpike))?;
    let block = scan(current, &neuron.neurons(NeuronModel::Block))?;
    let first: Vec<i64> = block.first_steps().into_data().iter::<i64>().collect();
    let (standard_spikes, block_spikes) = (floats(standard.spikes), floats(block.spikes()));
    println!("the neuron fires at step {}", first[0]);
    println!(
        "both models give the same spikes: {}",
        standard_spikes == block_spikes
    );

    let path = out.join("spikes.svg");
    let area = page(&path, (760, 560), "The same spike from both models")?;
    let parts = area.split_evenly((3, 1));
    raster(&parts[0], &neuron.input)?;
    let fired = Some(first[0] as usize);
    course(&parts[1], "V, standard", &floats(standard.membrane), fired)?;
    course(&parts[2], "V, block", &floats(block.membrane()), fired)?;
    area.present()?;
    Ok(())
}

/// 1, again: neurons that only integrate.
fn same_potentials(out: &Path) -> Result {
    let neuron = Neuron::new(1, &Device::flex().autodiff());
    let current = neuron.current()?;
    let integrator = neuron.neurons(NeuronModel::Integrator);
    let standard = floats(reference::scan(current.clone(), &integrator)?.membrane);
    let block = floats(scan(current, &integrator)?.membrane());
    let apart = standard.iter().zip(&block).map(|(a, b)| (a - b).abs());
    println!(
        "integrators differ by {} at most",
        apart.fold(0.0, f32::max)
    );

    let path = out.join("integrator.svg");
    let area = page(
        &path,
        (760, 400),
        "Integrators: the same potential from both models",
    )?;
    let parts = area.split_evenly((2, 1));
    course(&parts[0], "V, standard", &standard, None)?;
    course(&parts[1], "V, block", &block, None)?;
    area.present()?;
    Ok(())
}

/// What is timed: from the current to the spikes.
type Formulation = fn(Tensor<3>, &Neuron) -> Result<Tensor<3>>;

const FORMULATIONS: [(&str, Formulation); 4] = [
    ("standard, step by step", |current, neuron| {
        Ok(reference::scan(current, &neuron.neurons(NeuronModel::SingleSpike))?.spikes)
    }),
    ("block, convolution", |current, neuron| {
        Ok(convolution(current, &neuron.neurons(NeuronModel::Block))?.spikes)
    }),
    ("block, scan", |current, neuron| {
        Ok(scan(current, &neuron.neurons(NeuronModel::Block))?.spikes())
    }),
    ("standard, fused kernel", |current, neuron| {
        Ok(scan(current, &neuron.neurons(NeuronModel::SingleSpike))?.spikes())
    }),
];

/// 2: seconds of forward and backward of the summed spikes.
fn speed(out: &Path) -> Result {
    let mut bars = Vec::new();
    for (name, device) in devices() {
        let neuron = Neuron::new(BATCH, &device.clone().autodiff());
        for (formulation, run) in FORMULATIONS {
            let mut seconds = Vec::new();
            for _ in 0..=RUNS {
                device.sync()?;
                let start = Instant::now();
                let spikes = run(neuron.current()?, &neuron)?;
                drop(spikes.sum().backward());
                device.sync()?;
                seconds.push(start.elapsed().as_secs_f64());
            }
            seconds.remove(0);
            seconds.sort_by(f64::total_cmp);
            let milliseconds = 1e3 * (seconds[RUNS / 2 - 1] + seconds[RUNS / 2]) / 2.0;
            println!("{name}: {formulation}: {milliseconds:.3} ms");
            bars.push((format!("{name}: {formulation}"), milliseconds));
        }
    }
    draw_bars(&out.join("speed.svg"), &bars)
}

/// The CPU, and the GPUs that are compiled in and present.
fn devices() -> Vec<(String, Device)> {
    #[allow(unused_mut, reason = "without GPUs there is only the CPU")]
    let mut all = vec![("CPU".to_owned(), Device::flex())];
    #[cfg(feature = "cuda")]
    all.extend(gpus("CUDA", burn::tensor::DeviceType::Cuda));
    #[cfg(feature = "wgpu")]
    all.extend(gpus("wgpu", burn::tensor::DeviceType::Wgpu));
    all
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn gpus(kind: &str, of: burn::tensor::DeviceType) -> Vec<(String, Device)> {
    let found = Device::enumerate(of).into_vec().into_iter().enumerate();
    found
        .map(|(index, device)| (format!("{kind} {index}"), device))
        .collect()
}

/// 3: words that only neurons with a long memory tell apart.
fn hard_task(out: &Path) -> Result {
    let device = Device::flex().autodiff();
    let words = Words::new();
    let mut losses = Vec::new();
    for (name, trained) in [("one fixed β", false), ("a trained β a neuron", true)] {
        let start = Instant::now();
        let Trained {
            losses: found,
            accuracy,
            beta,
        } = words::train(&words, trained, &device)?;
        let (last, seconds) = (
            mean(&found[found.len() - 50..]),
            start.elapsed().as_secs_f64(),
        );
        println!("{name}: loss {last:.3} at the end, {accuracy:.1} % of new words, {seconds:.0} s");
        losses.push((name, found));
        if trained {
            draw_histogram(&out.join("beta.svg"), &beta)?;
        }
    }
    draw_losses(&out.join("loss.svg"), &losses)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn floats(values: Tensor<3>) -> Vec<f32> {
    values.into_data().iter::<f32>().collect()
}
