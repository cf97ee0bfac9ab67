//! Layers of neurons computed number by number in float64, with gradients in closed form.

use block_core::NeuronModel;
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{DType, Device, Tensor, TensorData};

/// `[time][unit]` of a sample.
pub(crate) type Steps = Vec<Vec<f64>>;

/// A linear layer of neurons, with connections among them or without.
pub(crate) struct Plain {
    pub weight: Vec<Vec<f64>>,
    /// A row for each neuron whose spikes go out; no rows without such connections.
    pub recurrent: Vec<Vec<f64>>,
    pub bias: Vec<f64>,
    pub beta: Vec<f64>,
    pub model: NeuronModel,
}

/// What a layer did with a sample.
pub(crate) struct Ran {
    input: Steps,
    /// The potential that decays into each step.
    before: Steps,
    /// The potential at each step, before any reset or mask.
    pub potential: Steps,
    /// 1 for neurons that have fired before each step.
    fired: Steps,
    pub spikes: Steps,
}

/// Gradients of a layer's parameters, summed over samples.
pub(crate) struct Gradient {
    pub weight: Vec<Vec<f64>>,
    pub recurrent: Vec<Vec<f64>>,
    pub bias: Vec<f64>,
    pub beta: Vec<f64>,
}

/// Numbers in [0, 1), the same in every run.
pub(crate) struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn many(&mut self, count: usize, from: f64, to: f64) -> Vec<f64> {
        (0..count)
            .map(|_| from + (to - from) * self.next())
            .collect()
    }

    /// Samples whose units fire once each.
    pub(crate) fn samples(&mut self, batch: usize, steps: usize, units: usize) -> Vec<Steps> {
        let sample = |first: Vec<f64>| {
            let fires = |step: usize| move |&at: &f64| f64::from(at as usize == step);
            (0..steps)
                .map(|step| first.iter().map(fires(step)).collect())
                .collect()
        };
        (0..batch)
            .map(|_| sample(self.many(units, 0.0, steps as f64)))
            .collect()
    }
}

/// The fast sigmoid's derivative with the default scale.
fn surrogate(potential: f64) -> f64 {
    (10.0 * (potential - 1.0).abs() + 1.0).powi(-2)
}

fn threshold(potential: f64) -> f64 {
    f64::from(potential - 1.0 > 0.0)
}

/// x·W, with one row of W a number of x.
fn product(x: &[f64], weight: &[Vec<f64>], column: usize) -> f64 {
    x.iter().zip(weight).map(|(x, row)| x * row[column]).sum()
}

impl Plain {
    pub(crate) fn new(
        inputs: usize,
        neurons: usize,
        model: NeuronModel,
        scale: f64,
        numbers: &mut Numbers,
    ) -> Self {
        let mut row = |_| numbers.many(neurons, -0.4 * scale, scale);
        Self {
            weight: (0..inputs).map(&mut row).collect(),
            recurrent: Vec::new(),
            bias: numbers.many(neurons, -0.05, 0.05),
            beta: numbers.many(neurons, 0.7, 0.95),
            model,
        }
    }

    pub(crate) fn run(&self, input: &[Vec<f64>]) -> Ran {
        let n = self.bias.len();
        let nothing = || vec![vec![0.0; n]; input.len()];
        let mut ran = Ran {
            input: input.to_vec(),
            before: nothing(),
            potential: nothing(),
            fired: nothing(),
            spikes: nothing(),
        };
        let (mut carried, mut mask, mut last) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        for (step, x) in input.iter().enumerate() {
            for neuron in 0..n {
                let around = product(&last, &self.recurrent, neuron);
                let current = product(x, &self.weight, neuron) + self.bias[neuron] + around;
                let u = self.beta[neuron] * carried[neuron] + current;
                let silent = 1.0 - mask[neuron];
                let (spike, after) = match self.model {
                    NeuronModel::Block => (threshold(u) * silent, u),
                    NeuronModel::MultiSpike => (threshold(u), u - threshold(u)),
                    _ => (threshold(u) * silent, u * silent),
                };
                ran.before[step][neuron] = carried[neuron];
                ran.potential[step][neuron] = u;
                ran.fired[step][neuron] = mask[neuron];
                ran.spikes[step][neuron] = spike;
                carried[neuron] = after;
                mask[neuron] = f64::max(mask[neuron], spike);
            }
            last.clone_from(&ran.spikes[step]);
        }
        ran
    }

    /// Adds the parameters' gradients to a sum, from that of the spikes and of the membrane potential,
    /// before any reset and after any mask; returns the input's.
    pub(crate) fn backward(
        &self,
        ran: &Ran,
        spikes: &[Vec<f64>],
        potential: Option<&Steps>,
        sum: &mut Gradient,
    ) -> Steps {
        let n = self.bias.len();
        let mut input = vec![vec![0.0; self.weight.len()]; ran.input.len()];
        // What the next step hands back: to potential, mask and current, and the two sums over time.
        let [mut gu, mut gk, mut next, mut one, mut two] = [0; 5].map(|_| vec![0.0; n]);
        for step in (0..ran.input.len()).rev() {
            let mut current = vec![0.0; n];
            for neuron in 0..n {
                let around = self.recurrent.get(neuron);
                let around =
                    around.map_or(0.0, |row| row.iter().zip(&next).map(|(r, d)| r * d).sum());
                let e = spikes[step][neuron] + around;
                let (u, k) = (ran.potential[step][neuron], ran.fired[step][neuron]);
                let of_potential = potential.map_or(0.0, |of| of[step][neuron]);
                let back = self.beta[neuron] * gu[neuron];
                gu[neuron] = match self.model {
                    NeuronModel::Block => {
                        one[neuron] += e;
                        two[neuron] += one[neuron];
                        two[neuron] * surrogate(u) + back + of_potential
                    }
                    NeuronModel::MultiSpike => (e - back) * surrogate(u) + back + of_potential,
                    _ => {
                        // The masked potential is what is read and what decays.
                        let back = back + of_potential;
                        let s = ran.spikes[step][neuron];
                        // The share of the later mask that this spike made; a tie has two halves.
                        let share = 0.5 * (1.0 + f64::from(s > k) - f64::from(s < k));
                        let gs = e + gk[neuron] * share;
                        gk[neuron] = gk[neuron] * (1.0 - share) - gs * threshold(u) - back * u;
                        (back + gs * surrogate(u)) * (1.0 - k)
                    }
                };
                current[neuron] = gu[neuron];
                sum.bias[neuron] += current[neuron];
                sum.beta[neuron] += current[neuron] * ran.before[step][neuron];
                for (unit, row) in self.weight.iter().enumerate() {
                    sum.weight[unit][neuron] += ran.input[step][unit] * current[neuron];
                    input[step][unit] += row[neuron] * current[neuron];
                }
                for (from, row) in sum.recurrent.iter_mut().enumerate() {
                    let before = step
                        .checked_sub(1)
                        .map_or(0.0, |step| ran.spikes[step][from]);
                    row[neuron] += before * current[neuron];
                }
            }
            next = current;
        }
        input
    }

    pub(crate) fn no_gradient(&self) -> Gradient {
        let n = self.bias.len();
        Gradient {
            weight: vec![vec![0.0; n]; self.weight.len()],
            recurrent: vec![vec![0.0; n]; self.recurrent.len()],
            bias: vec![0.0; n],
            beta: vec![0.0; n],
        }
    }

    /// Gives a layer this one's weight, bias and β.
    pub(crate) fn place(&self, linear: &mut Linear, beta: &mut Param<Tensor<1>>) {
        let n = self.bias.len();
        linear.weight = Param::from_tensor(matrix(&self.weight));
        linear.bias = Some(Param::from_tensor(tensor(self.bias.clone(), [n])));
        *beta = Param::from_tensor(tensor(self.beta.clone(), [n]));
    }
}

pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// A tensor in float64.
pub(crate) fn tensor<const D: usize>(values: Vec<f64>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (&device(), DType::F64))
}

pub(crate) fn matrix(rows: &[Vec<f64>]) -> Tensor<2> {
    tensor(rows.concat(), [rows.len(), rows[0].len()])
}

/// Samples as a layer takes them.
pub(crate) fn batch(samples: &[Steps]) -> Tensor<3> {
    let [steps, units] = [samples[0].len(), samples[0][0].len()];
    let values = samples.iter().flat_map(|sample| sample.concat());
    tensor(values.collect(), [samples.len(), steps, units])
}

pub(crate) fn assert_close<const D: usize>(what: &str, found: Tensor<D>, expected: &[f64]) {
    let found: Vec<f64> = found.into_data().iter().collect();
    let largest = expected
        .iter()
        .fold(0.0, |most: f64, value| most.max(value.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let close = (found - expected).abs() <= 1e-9 * largest;
        assert!(close, "{what}: {found}, expected {expected}");
    }
}

/// Compares gradients of weight, bias and β.
pub(crate) fn assert_gradients(
    what: &str,
    linear: &Linear,
    beta: &Param<Tensor<1>>,
    gradients: &burn::tensor::Gradients,
    expected: &Gradient,
) {
    let of = |name: &str| format!("{what}, {name}");
    let weight = linear.weight.val().grad(gradients).unwrap();
    assert_close(&of("weight"), weight, &expected.weight.concat());
    let bias = linear.bias.as_ref().unwrap().val().grad(gradients);
    assert_close(&of("bias"), bias.unwrap(), &expected.bias);
    let beta = beta.val().grad(gradients).unwrap();
    assert_close(&of("beta"), beta, &expected.beta);
}
