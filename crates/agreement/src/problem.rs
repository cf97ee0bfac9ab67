//! Random layers, the same numbers for every device and route.

use std::fmt;

use block_core::{NeuronModel, Neurons, Surrogate};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Sizes of a layer and its readout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Sizes from numbers in the order of the fields.
    pub const fn new(
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

/// When the input units fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// 0 to 2 times at every step.
    Counts,
    /// Once each, and most of them at the same step, as images are encoded.
    Codes {
        /// Steps after that one, at which no unit fires.
        late: usize,
        /// In the first sample one unit fires twice and another never, so that there are as many spikes as units,
        /// but not one of each.
        twice: bool,
    },
    /// Never.
    Silence,
}

/// Row-major numbers, each representable in the type under test.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) sizes: Sizes,
    pub(crate) dtype: DType,
    /// Input spikes, `[b, t, in]`.
    pub(crate) input: Vec<f64>,
    /// `[in, n]`, `[n]`, and `[n]` or, shared, `[1]`.
    pub(crate) weight: Vec<f64>,
    pub(crate) bias: Vec<f64>,
    pub(crate) beta: Vec<f64>,
    /// Potentials before the first step, for the operations on a current: `[b, n]`.
    pub(crate) initial: Option<Vec<f64>>,
    /// The input's current x·W + bias, rounded: `[b, t, n]`.
    pub(crate) current: Vec<f64>,
    /// `[n, c]`, `[c]`, `[c]`.
    pub(crate) readout_weight: Vec<f64>,
    pub(crate) readout_bias: Vec<f64>,
    pub(crate) readout_beta: Vec<f64>,
    /// The loss is the sum of the outputs times these: spikes and membrane `[b, t, n]`, the membrane of a readout
    /// `[b, t, c]`.
    pub(crate) spikes_loss: Vec<f64>,
    pub(crate) membrane_loss: Vec<f64>,
    pub(crate) readout_loss: Vec<f64>,
    pub(crate) surrogate: Surrogate,
    /// Whether it is one of [`Problem::steady`].
    pub(crate) is_steady: bool,
    /// The convolution that weight and bias are, if they are one.
    pub(crate) convolution: Option<Convolution>,
}

/// A convolution over pictures. As a layer's weight it is a matrix with each number of the kernel at many places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pictures {
    /// Channels, rows and columns of the input.
    pub input: [usize; 3],
    /// Channels that are put out.
    pub channels: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// Rows and columns by which the kernel moves on.
    pub stride: usize,
    /// Rows and columns of zeros around the input.
    pub padding: usize,
}

impl Pictures {
    /// Rows and columns that are put out.
    fn places(self) -> [usize; 2] {
        let places = |along: usize| (along + 2 * self.padding - self.kernel) / self.stride + 1;
        [places(self.input[1]), places(self.input[2])]
    }
}

/// Numbers of a convolution.
#[derive(Debug, Clone)]
pub(crate) struct Convolution {
    pub pictures: Pictures,
    /// `[channels, input channels, rows, columns]`
    pub weight: Vec<f64>,
    /// `[channels]`
    pub bias: Vec<f64>,
}

impl Convolution {
    /// Weight `[in, n]` and bias `[n]` of the same layer.
    fn expanded(&self) -> (Vec<f64>, Vec<f64>) {
        let Pictures {
            input: [inputs, height, width],
            channels,
            kernel,
            stride,
            padding,
        } = self.pictures;
        let [rows, columns] = self.pictures.places();
        let n = channels * rows * columns;
        let mut weight = vec![0.0; inputs * height * width * n];
        for (at, &value) in self.weight.iter().enumerate() {
            let (of_row, x) = (at / kernel, at % kernel);
            let (of_kernel, y) = (of_row / kernel, of_row % kernel);
            let (channel, input) = (of_kernel / inputs, of_kernel % inputs);
            for place in 0..rows * columns {
                let row = (place / columns * stride + y).checked_sub(padding);
                let column = (place % columns * stride + x).checked_sub(padding);
                let (Some(row), Some(column)) = (row, column) else {
                    continue;
                };
                if row < height && column < width {
                    let unit = (input * height + row) * width + column;
                    weight[unit * n + channel * rows * columns + place] = value;
                }
            }
        }
        let neurons = (0..n).map(|neuron| self.bias[neuron / (rows * columns)]);
        (weight, neurons.collect())
    }
}

/// Steepnesses that [`Problem::random`] picks from.
const SCALES: [f64; 4] = [10.0, 4.0, 2.0, 1.5];

impl Problem {
    /// Random numbers. The seed also says whether β is shared (every other one), whether there is an initial
    /// potential (every third), and which surrogate it is with which steepness: thirty-two seeds in turn have every pair.
    pub fn random(seed: u64, sizes: Sizes, dtype: DType) -> Self {
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
        let scale = (8.0 / inputs as f64).sqrt().min(1.0);
        // Half precision has no room for potentials that only grow.
        let shift = match dtype {
            DType::F16 | DType::BF16 => 0.5,
            _ => 0.35,
        };
        let choice = seed as usize;
        // Four seeds in turn have every surrogate and every steepness; another eight, other pairs of them.
        let scale_of = (choice + choice / 8) % SCALES.len();
        let surrogates = Surrogate::all(SCALES[scale_of]);
        let beta = match choice.is_multiple_of(2) {
            // At the ends of [0, 1] and beyond them now and then, where it is clamped.
            true => draw(n, &|u| match (40.0 * u) as usize {
                0 => -0.1,
                1 => 0.0,
                2 => 1.0,
                _ => 0.3 + 0.8 * u,
            }),
            false => draw(1, &|u| 0.3 + 0.8 * u),
        };
        let mut problem = Self {
            sizes,
            dtype,
            input: Vec::new(),
            weight: draw(inputs * n, &|u| scale * (u - shift)),
            bias: draw(n, &|u| 0.02 * u - 0.01),
            beta,
            initial: (choice % 3 == 2).then(|| draw(batch * n, &|u| 2.0 * u - 0.5)),
            current: Vec::new(),
            readout_weight: draw(n * classes, &|u| (u - 0.5) / (n as f64).sqrt()),
            readout_bias: draw(classes, &|u| 0.1 * u),
            readout_beta: draw(classes, &|u| 0.5 + 0.5 * u),
            spikes_loss: draw(batch * steps * n, &|u| u - 0.5),
            membrane_loss: draw(batch * steps * n, &|u| u - 0.5),
            readout_loss: draw(batch * steps * classes, &|u| u - 0.5),
            surrogate: surrogates[choice % surrogates.len()],
            is_steady: false,
            convolution: None,
        };
        problem.set_input(Input::Counts, &mut rng);
        problem
    }

    /// Random numbers of a convolution, over a few steps of two samples.
    pub fn convolution(seed: u64, pictures: Pictures, dtype: DType) -> Self {
        let Pictures {
            input,
            channels,
            kernel,
            ..
        } = pictures;
        let inputs = input.iter().product();
        let n = channels * pictures.places().iter().product::<usize>();
        let mut problem = Self::random(seed, Sizes::new(2, 7, inputs, n, 1), dtype);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ 1);
        let mut draw = |len: usize, map: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let values: Vec<f64> = (0..len).map(|_| map(rng.random())).collect();
            rounded(values, dtype)
        };
        let fan_in = input[0] * kernel * kernel;
        let scale = (8.0 / fan_in as f64).sqrt().min(1.0);
        let convolution = Convolution {
            pictures,
            weight: draw(channels * fan_in, &|u| scale * (u - 0.35)),
            bias: draw(channels, &|u| 0.02 * u - 0.01),
        };
        (problem.weight, problem.bias) = convolution.expanded();
        problem.convolution = Some(convolution);
        problem.initial = None;
        problem.set_input(Input::Counts, &mut rng);
        problem
    }

    /// The same layer with other input.
    pub fn with_input(mut self, input: Input, seed: u64) -> Self {
        self.set_input(input, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
        self
    }

    /// The same layer with another surrogate.
    pub fn with_surrogate(mut self, surrogate: Surrogate) -> Self {
        self.surrogate = surrogate;
        self
    }

    /// Neurons far above threshold from the first step on, and a gradient of 1 at every step: from step 362
    /// on, the order of faulty spikes and the sums over it are more than float16 holds.
    pub(crate) fn steady(sizes: Sizes, dtype: DType) -> Self {
        let mut problem = Self::random(0, sizes, dtype).with_surrogate(Surrogate::default());
        // So far that the surrogate keeps the sums over time within float16, which β's gradient must fit.
        problem.current.fill(300.0);
        problem.beta.fill(0.5);
        problem.spikes_loss.fill(1.0);
        // A readout's weight keeps them too, so the neurons may be nearer.
        problem.input.fill(1.0);
        problem.weight.fill(2.0);
        problem.bias.fill(0.0);
        problem.readout_weight.fill(2_f64.powi(-12));
        problem.readout_beta.fill(0.5);
        problem.readout_loss.fill(1.0);
        problem.is_steady = true;
        problem
    }

    fn set_input(&mut self, input: Input, rng: &mut Xoshiro256PlusPlus) {
        let Sizes {
            batch,
            steps,
            inputs,
            ..
        } = self.sizes;
        let mut spikes = vec![0.0; batch * steps * inputs];
        match input {
            Input::Counts => {
                // Long sequences are sparse, so that their neurons do not all fire at once.
                let silence = if steps > 100 { 2.4 } else { 0.4 };
                for count in &mut spikes {
                    let u: f64 = rng.random();
                    *count = (u * (2.0 + silence) - silence).round().max(0.0);
                }
            }
            Input::Codes { late, twice } => {
                let last = steps.saturating_sub(1 + late);
                for (sample, spikes) in spikes.chunks_exact_mut(steps * inputs).enumerate() {
                    for unit in 0..inputs {
                        let step = match rng.random_bool(0.6) {
                            true => last,
                            false => rng.random_range(0..=last),
                        };
                        let unit = match twice && sample == 0 && unit == 0 {
                            true => inputs - 1,
                            false => unit,
                        };
                        spikes[step * inputs + unit] += 1.0;
                    }
                }
            }
            Input::Silence => {}
        }
        self.input = spikes;
        self.current = rounded(self.currents(), self.dtype);
    }

    /// x·W + bias.
    fn currents(&self) -> Vec<f64> {
        let n = self.sizes.neurons;
        let rows = self.input.chunks_exact(self.sizes.inputs);
        let row = |input: &[f64]| -> Vec<f64> {
            let mut current = self.bias.clone();
            for (x, weights) in input.iter().zip(self.weight.chunks_exact(n)) {
                let terms = current.iter_mut().zip(weights);
                terms.for_each(|(current, w)| *current += x * w);
            }
            current
        };
        rows.flat_map(row).collect()
    }

    /// How near each neuron's potential comes to the threshold over time, relative to the potential where that is
    /// more than 1, as potentials that nothing resets grow without bound, and so do their errors: `[b, n]`.
    fn distances(&self, model: NeuronModel, beta: &[f64], initial: Option<&[f64]>) -> Vec<f64> {
        let Sizes {
            batch,
            steps,
            neurons: n,
            ..
        } = self.sizes;
        let device = Device::flex();
        let on_device = |values: &[f64], shape| tensor(values, shape, &device, DType::F64);
        let beta: Tensor<1> = tensor(beta, [beta.len()], &device, DType::F64);
        let mut neurons = Neurons::new(beta.clone(), model);
        let decay = beta.clamp(0.0, 1.0).unsqueeze::<2>();
        let mut potential = Tensor::<2>::zeros([batch, n], (&device, DType::F64));
        if let Some(initial) = initial {
            potential = on_device(initial, [batch, n]);
            neurons = neurons.with_initial(potential.clone());
        }
        let mut nearest = potential.full_like(f64::MAX);
        let mut state = None;
        let rows: Vec<f64> = self.current.clone();
        for t in 0..steps {
            let of_step: Vec<f64> = (0..batch)
                .flat_map(|sample| &rows[(sample * steps + t) * n..][..n])
                .copied()
                .collect();
            let current = on_device(&of_step, [batch, n]);
            let u = potential * decay.clone() + current.clone();
            let distance = (u.clone() - 1.0).abs() / u.abs().clamp_min(1.0);
            nearest = nearest.min_pair(distance);
            let (_, next) = neurons.step(current, state).expect("shapes fit");
            potential = next.potential();
            state = Some(next);
        }
        let nearest = nearest.into_data().try_into_vec();
        nearest.expect("float64 values")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let initial = match self.initial {
            Some(_) => ", an initial potential",
            None => "",
        };
        if let Some(convolution) = &self.convolution {
            write!(f, "{:?}, ", convolution.pictures)?;
        }
        write!(f, "{:?}, {:?}{initial}", self.sizes, self.surrogate)
    }
}

/// What an operation does not see of a problem: the neurons on whose spikes rounding decides.
pub(crate) struct Case {
    neurons: usize,
    /// `[b, n]`: whether rounding decides on a spike. These count neither in a loss nor in a comparison.
    tie: Vec<bool>,
    /// The problem's, and 0 where there is a tie.
    pub spikes_loss: Vec<f64>,
    pub membrane_loss: Vec<f64>,
    /// 0 for neurons that are a tie in any sample.
    pub readout_weight: Vec<f64>,
}

impl Case {
    /// Nothing is a tie.
    pub(crate) fn exact(problem: &Problem) -> Self {
        Self {
            neurons: problem.sizes.neurons,
            tie: vec![false; problem.sizes.batch * problem.sizes.neurons],
            spikes_loss: problem.spikes_loss.clone(),
            membrane_loss: problem.membrane_loss.clone(),
            readout_weight: problem.readout_weight.clone(),
        }
    }

    /// Leaves out the ties of a model's neurons with the problem's current.
    pub(crate) fn new(
        problem: &Problem,
        model: NeuronModel,
        beta: &[f64],
        initial: Option<&[f64]>,
    ) -> Self {
        let Sizes {
            steps,
            neurons: n,
            classes,
            ..
        } = problem.sizes;
        let mut case = Self::exact(problem);
        let margin = margin(problem.dtype);
        let distances = problem.distances(model, beta, initial);
        case.tie = distances.iter().map(|&nearest| nearest < margin).collect();
        let ties = case.tie.iter().enumerate().filter(|(_, tie)| **tie);
        for (at, _) in ties {
            let (sample, neuron) = (at / n, at % n);
            for t in 0..steps {
                let at = (sample * steps + t) * n + neuron;
                case.spikes_loss[at] = 0.0;
                case.membrane_loss[at] = 0.0;
            }
            case.readout_weight[neuron * classes..][..classes].fill(0.0);
        }
        case
    }

    pub(crate) fn ties(&self) -> usize {
        self.tie.iter().filter(|&&tie| tie).count()
    }

    pub(crate) fn is_tie(&self, sample: usize, neuron: usize) -> bool {
        self.tie[sample * self.neurons + neuron]
    }

    /// Whether a neuron is a tie in any sample.
    pub(crate) fn ties_anywhere(&self, neuron: usize) -> bool {
        self.tie
            .iter()
            .skip(neuron)
            .step_by(self.neurons)
            .any(|&tie| tie)
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
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}
