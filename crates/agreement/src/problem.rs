//! Random layers, the same numbers for every device and route.

use block_core::{NeuronModel, Surrogate};
use burn::tensor::{DType, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Sizes of a layer and its readout.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Samples.
    pub batch: usize,
    /// Time steps.
    pub steps: usize,
    /// Input units.
    pub inputs: usize,
    /// Neurons.
    pub neurons: usize,
    /// Readout neurons.
    pub classes: usize,
}

impl Sizes {
    pub(crate) const fn new(
        batch: usize,
        steps: usize,
        inputs: usize,
        neurons: usize,
        classes: usize,
    ) -> Self {
        Self {
            batch,
            steps,
            inputs,
            neurons,
            classes,
        }
    }
}

/// Row-major numbers, each representable in the type under test.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub sizes: Sizes,
    /// Input spikes, counts of 0 to 2: `[b, t, in]`.
    pub input: Vec<f64>,
    /// `[in, n]`, `[n]`, and `[n]` or, shared, `[1]`.
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
    pub beta: Vec<f64>,
    /// The input's current x·W + bias, rounded: `[b, t, n]`.
    pub current: Vec<f64>,
    /// `[n, c]`, `[c]`, `[c]`.
    pub readout_weight: Vec<f64>,
    pub readout_bias: Vec<f64>,
    pub readout_beta: Vec<f64>,
    /// The loss is the sum of the output times these: `[b, t, n]`, and `[b, t, c]` for a readout.
    pub hidden_loss: Vec<f64>,
    pub readout_loss: Vec<f64>,
    pub surrogate: Surrogate,
    /// `[b, n]`: whether rounding decides on a spike.
    tie: Vec<bool>,
}

/// The problem without a single input spike.
const SILENT: u64 = 7;

impl Problem {
    pub fn random(seed: u64, sizes: Sizes, dtype: DType, model: Option<NeuronModel>) -> Self {
        let Sizes {
            batch,
            steps,
            inputs,
            neurons: n,
            classes,
        } = sizes;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut draw = |len: usize, map: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let values: Vec<f64> = (0..len).map(|_| map(rng.random())).collect();
            rounded(values, dtype)
        };
        // Long sequences are sparse, so that their neurons do not all fire at once.
        let silence = if steps > 100 { 2.4 } else { 0.4 };
        let scale = (8.0 / inputs as f64).sqrt().min(1.0);
        // Half precision has no room for potentials that only grow.
        let shift = match dtype {
            DType::F16 | DType::BF16 => 0.5,
            _ => 0.35,
        };
        let mut problem = Self {
            sizes,
            input: draw(batch * steps * inputs, &|u| {
                (u * (2.0 + silence) - silence).round().max(0.0)
            }),
            weight: draw(inputs * n, &|u| scale * (u - shift)),
            bias: draw(n, &|u| 0.02 * u - 0.01),
            // Beyond [0, 1] now and then, where it is clamped; shared in every other problem.
            beta: draw(if seed.is_multiple_of(2) { n } else { 1 }, &|u| {
                0.3 + 0.8 * u
            }),
            current: Vec::new(),
            readout_weight: draw(n * classes, &|u| (u - 0.5) / (n as f64).sqrt()),
            readout_bias: draw(classes, &|u| 0.1 * u),
            readout_beta: draw(classes, &|u| 0.5 + 0.5 * u),
            hidden_loss: draw(batch * steps * n, &|u| u - 0.5),
            readout_loss: draw(batch * steps * classes, &|u| u - 0.5),
            surrogate: [
                Surrogate::FastSigmoid { scale: 10.0 },
                Surrogate::Sigmoid { scale: 4.0 },
                Surrogate::Arctan { scale: 2.0 },
                Surrogate::Triangular { scale: 1.5 },
            ][seed as usize % 4],
            tie: vec![false; batch * n],
        };
        if seed == SILENT {
            problem.input.fill(0.0);
        }
        problem.current = rounded(problem.currents(), dtype);
        if let Some(model) = model {
            problem.leave_ties_out(model, margin(dtype));
        }
        problem
    }

    /// Neurons far above threshold from the first step on, and a gradient of 1 at every step: from step 362
    /// on, the order of faulty spikes and the sums over it are more than float16 holds.
    pub fn steady(sizes: Sizes, dtype: DType, model: Option<NeuronModel>) -> Self {
        let mut problem = Self::random(0, sizes, dtype, model);
        // So far that the surrogate keeps the sums over time within float16, which β's gradient must fit.
        problem.current.fill(300.0);
        problem.beta.fill(0.5);
        problem.hidden_loss.fill(1.0);
        // A readout's weight keeps them too, so the neurons may be nearer.
        problem.input.fill(1.0);
        problem.weight.fill(2.0);
        problem.bias.fill(0.0);
        problem.readout_weight.fill(2_f64.powi(-12));
        problem.readout_beta.fill(0.5);
        problem.readout_loss.fill(1.0);
        problem.tie.fill(false);
        problem
    }

    /// x·W + bias.
    fn currents(&self) -> Vec<f64> {
        let n = self.sizes.neurons;
        let rows = self.input.chunks_exact(self.sizes.inputs);
        let row = |input: &[f64]| -> Vec<f64> {
            let neuron = |i| {
                let weights = self.weight.iter().skip(i).step_by(n);
                self.bias[i] + input.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>()
            };
            (0..n).map(neuron).collect()
        };
        rows.flat_map(row).collect()
    }

    /// Takes every neuron whose potential comes near the threshold from the loss, and from the readout.
    fn leave_ties_out(&mut self, model: NeuronModel, margin: f64) {
        let Sizes {
            batch,
            steps,
            neurons: n,
            classes,
            ..
        } = self.sizes;
        for sample in 0..batch {
            for neuron in 0..n {
                let (mut v, mut fired) = (0.0, false);
                let mut tie = false;
                for t in 0..steps {
                    let beta = self.beta[neuron % self.beta.len()].clamp(0.0, 1.0);
                    let u: f64 = beta * v + self.current[(sample * steps + t) * n + neuron];
                    let above = u > 1.0;
                    // Potentials grow without bound where nothing resets them, and so do their errors.
                    tie |= (u - 1.0).abs() < margin * u.abs().max(1.0);
                    v = match model {
                        NeuronModel::Block => u,
                        NeuronModel::SingleSpike if fired => 0.0,
                        NeuronModel::SingleSpike => u,
                        NeuronModel::MultiSpike => u - f64::from(above),
                    };
                    fired |= above;
                }
                if !tie {
                    continue;
                }
                self.tie[sample * n + neuron] = true;
                for t in 0..steps {
                    let row = sample * steps + t;
                    self.hidden_loss[row * n + neuron] = 0.0;
                }
                self.readout_weight[neuron * classes..][..classes].fill(0.0);
            }
        }
    }

    pub fn ties(&self) -> usize {
        self.tie.iter().filter(|&&tie| tie).count()
    }

    pub fn is_tie(&self, sample: usize, neuron: usize) -> bool {
        self.tie[sample * self.sizes.neurons + neuron]
    }

    /// Whether a neuron is a tie in any sample.
    pub fn ties_anywhere(&self, neuron: usize) -> bool {
        (0..self.sizes.batch).any(|sample| self.is_tie(sample, neuron))
    }
}

/// How near the threshold a potential may not come: rounding errors of a sum over inputs and time.
fn margin(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-10,
        DType::F16 => 2e-2,
        DType::BF16 => 1e-1,
        _ => 2e-5,
    }
}

/// The nearest numbers that a type has.
fn rounded(values: Vec<f64>, dtype: DType) -> Vec<f64> {
    let len = values.len();
    let data = TensorData::new(values, [len]).convert_dtype(dtype);
    data.convert::<f64>()
        .try_into_vec()
        .expect("float64 values")
}

/// A tensor of these numbers.
pub(crate) fn tensor<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    device: &burn::tensor::Device,
    dtype: DType,
) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}
