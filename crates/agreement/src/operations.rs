//! The operations and their routes.

use block_core::{
    FusedAdam, LeakyNeurons, NeuronModel, SpikeEvents, SpikeTrain, Synapses, block,
    first_spike_steps, integrate, linear_membrane, plain, spike_counts, spikes, spiking_linear,
    spiking_readout, standard,
};
use burn::optim::Optimizer;
use burn::tensor::{DType, Device, Int, Tensor};

use crate::compare::Named;
use crate::problem::{Problem, Sizes, tensor};

/// An operation and the route it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`integrate`].
    Integrate,
    /// [`block::first_spikes`].
    FirstSpikes,
    /// [`block::scan`], and [`spikes`] of the standard models.
    Scan(NeuronModel),
    /// [`block::convolution`].
    Convolution,
    /// [`plain::block`], [`standard::single_spike`] and [`standard::multi_spike`].
    Loop(NeuronModel),
    /// [`spiking_linear`] of dense spikes.
    Dense(NeuronModel),
    /// [`spiking_linear`] of events; with dense spikes beside them, which then have a gradient, or alone.
    Events(NeuronModel, Beside),
    /// [`linear_membrane`] of events and dense spikes.
    Membrane,
    /// [`spiking_readout`] of events.
    Readout(NeuronModel, Beside),
    /// [`FusedAdam`], three steps.
    Adam,
}

/// What stands beside the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// The same spikes as a tensor.
    Dense,
    /// Nothing.
    Nothing,
}

const MODELS: [NeuronModel; 3] = [
    NeuronModel::Block,
    NeuronModel::SingleSpike,
    NeuronModel::MultiSpike,
];

impl Operation {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Integrate, Self::FirstSpikes, Self::Convolution];
        for of in [Self::Scan, Self::Loop, Self::Dense] {
            all.extend(MODELS.map(of));
        }
        for of in [Self::Events, Self::Readout] {
            for beside in [Beside::Dense, Beside::Nothing] {
                all.extend(MODELS.map(|model| of(model, beside)));
            }
        }
        all.extend([Self::Membrane, Self::Adam]);
        all
    }

    /// Its name in the table.
    pub fn name(self) -> String {
        let model = |model| match model {
            NeuronModel::Block => "block",
            NeuronModel::SingleSpike => "single-spike",
            NeuronModel::MultiSpike => "multi-spike",
        };
        let alone = |beside| match beside {
            Beside::Dense => "",
            Beside::Nothing => ", events alone",
        };
        match self {
            Self::Integrate => "integrate".into(),
            Self::FirstSpikes => "first spikes".into(),
            Self::Scan(m) => format!("scan, {}", model(m)),
            Self::Convolution => "convolution, block".into(),
            Self::Loop(m) => format!("plain operations, {}", model(m)),
            Self::Dense(m) => format!("dense layer, {}", model(m)),
            Self::Events(m, beside) => format!("event-driven layer, {}{}", model(m), alone(beside)),
            Self::Membrane => "event-driven integrator".into(),
            Self::Readout(m, beside) => format!("layer and readout, {}{}", model(m), alone(beside)),
            Self::Adam => "adam".into(),
        }
    }

    /// The model whose spikes may tie.
    pub(crate) fn model(self) -> Option<NeuronModel> {
        match self {
            Self::Integrate | Self::Membrane | Self::Adam => None,
            Self::FirstSpikes | Self::Convolution => Some(NeuronModel::Block),
            Self::Scan(model)
            | Self::Loop(model)
            | Self::Dense(model)
            | Self::Events(model, _)
            | Self::Readout(model, _) => Some(model),
        }
    }

    /// Whether a problem of [`Problem::steady`] tries its sums over time.
    pub(crate) fn is_tried_by(self, steady: Sizes) -> bool {
        match self {
            Self::Scan(NeuronModel::Block) => true,
            Self::FirstSpikes => steady.batch == 1,
            // Summed over many samples, its own gradients are beyond float16.
            Self::Readout(NeuronModel::Block, Beside::Nothing) => steady.batch == 1,
            _ => false,
        }
    }

    /// Whether a comparison makes sense.
    pub(crate) fn covers(self, sizes: Sizes, dtype: DType) -> bool {
        let half = matches!(dtype, DType::F16 | DType::BF16);
        let in_slices = matches!(
            self,
            Self::Events(NeuronModel::Block, Beside::Nothing)
                | Self::Readout(
                    NeuronModel::Block | NeuronModel::MultiSpike,
                    Beside::Nothing
                )
        );
        match self {
            _ if sizes.neurons > 10_000 => in_slices && dtype == DType::F32,
            // Two step-by-step routes over a long time are slow, and nothing in them depends on it.
            Self::Convolution | Self::Loop(_) => sizes.steps < 100 && !half,
            // Sums over inputs and classes round too much in half precision to say who spikes.
            Self::Dense(_) | Self::Events(..) | Self::Readout(..) | Self::Membrane => {
                !half || sizes.steps < 100
            }
            _ => true,
        }
    }

    /// In float64 on the CPU, in plain tensor operations.
    pub(crate) fn expected(self, problem: &Problem) -> Vec<Named> {
        let reference = match self {
            Self::Scan(model) => Self::Loop(model),
            other => other,
        };
        let run = Run::new(problem, &Device::flex().autodiff(), DType::F64, false, true);
        run.results(reference)
    }

    pub(crate) fn found(
        self,
        problem: &Problem,
        device: &Device,
        dtype: DType,
        strided: bool,
    ) -> Vec<Named> {
        let device = device.clone().autodiff();
        Run::new(problem, &device, dtype, strided, false).results(self)
    }
}

/// A problem on a device.
struct Run<'a> {
    problem: &'a Problem,
    dtype: DType,
    strided: bool,
    /// Whether to take the plain route everywhere.
    reference: bool,
    device: Device,
    weight: Tensor<2>,
    bias: Tensor<1>,
    beta: Tensor<1>,
    readout_weight: Tensor<2>,
    readout_bias: Tensor<1>,
    readout_beta: Tensor<1>,
}

impl<'a> Run<'a> {
    fn new(
        problem: &'a Problem,
        device: &Device,
        dtype: DType,
        strided: bool,
        reference: bool,
    ) -> Self {
        let Sizes {
            inputs,
            neurons: n,
            classes,
            ..
        } = problem.sizes;
        let leaf1 = |values: &[f64]| tensor(values, [values.len()], device, dtype).require_grad();
        let leaf2 = |values: &[f64], shape| tensor(values, shape, device, dtype).require_grad();
        Self {
            problem,
            dtype,
            strided,
            reference,
            device: device.clone(),
            weight: leaf2(&problem.weight, [inputs, n]),
            bias: leaf1(&problem.bias),
            beta: leaf1(&problem.beta),
            readout_weight: leaf2(&problem.readout_weight, [n, classes]),
            readout_bias: leaf1(&problem.readout_bias),
            readout_beta: leaf1(&problem.readout_beta),
        }
    }

    /// A leaf `[b, t, k]` and the same as an operation gets it: perhaps with time outermost in memory.
    fn train(&self, values: &[f64], width: usize) -> (Tensor<3>, Tensor<3>) {
        let Sizes { batch, steps, .. } = self.problem.sizes;
        let leaf = tensor(values, [batch, steps, width], &self.device, self.dtype);
        let leaf = leaf.require_grad();
        if !self.strided {
            return (leaf.clone(), leaf);
        }
        let mut transposed = vec![0.0; values.len()];
        for (row, values) in values.chunks_exact(width).enumerate() {
            let row = (row % steps) * batch + row / steps;
            transposed[row * width..][..width].copy_from_slice(values);
        }
        let leaf = tensor(&transposed, [steps, batch, width], &self.device, self.dtype);
        let leaf = leaf.require_grad();
        let view = leaf.clone().swap_dims(0, 1);
        (leaf, view)
    }

    /// The gradient of such a leaf as `[b, t, k]`.
    fn train_gradient(&self, gradient: Tensor<3>) -> Tensor<3> {
        match self.strided {
            true => gradient.swap_dims(0, 1),
            false => gradient,
        }
    }

    fn neurons(&self) -> LeakyNeurons {
        LeakyNeurons::new(self.beta.clone()).with_surrogate(self.problem.surrogate)
    }

    fn synapses(&self) -> Synapses {
        // A strided weight: the transpose of a transposed copy.
        let weight = match self.strided {
            true => {
                let [inputs, n] = self.weight.dims();
                let flat = self.weight.clone().swap_dims(0, 1).reshape([n * inputs]);
                flat.reshape([n, inputs]).swap_dims(0, 1)
            }
            false => self.weight.clone(),
        };
        Synapses {
            weight,
            bias: self.bias.clone(),
        }
    }

    fn results(&self, operation: Operation) -> Vec<Named> {
        let n = self.problem.sizes.neurons;
        match operation {
            Operation::Adam => return self.adam(),
            Operation::Dense(model) => return self.layer(model, None),
            Operation::Events(model, beside) => return self.layer(model, Some(beside)),
            Operation::Membrane => return self.membrane(),
            Operation::Readout(model, beside) => return self.readout(model, beside),
            _ => {}
        }
        let (leaf, current) = self.train(&self.problem.current, n);
        let (out, first) = match operation {
            Operation::Integrate => {
                let out = match self.reference {
                    true => plain::integrate(current, self.decay()),
                    false => integrate(current, &self.neurons()).expect("shapes fit"),
                };
                (out, None)
            }
            Operation::FirstSpikes => {
                let (spikes, first) = match self.reference {
                    true => plain::first_spikes(current, self.problem.surrogate),
                    false => {
                        block::first_spikes(current, self.problem.surrogate).expect("shapes fit")
                    }
                };
                (spikes, Some(first))
            }
            Operation::Scan(NeuronModel::Block) => {
                let out = block::scan(current, &self.neurons()).expect("shapes fit");
                (out.spikes, Some(out.first_steps))
            }
            Operation::Scan(model) => {
                let out = spikes(current, &self.neurons(), model).expect("shapes fit");
                (out.spikes, Some(out.first_steps))
            }
            Operation::Convolution if !self.reference => {
                let out = block::convolution(current, &self.neurons()).expect("shapes fit");
                (out.spikes.clone(), Some(first_spike_steps(out.spikes)))
            }
            Operation::Convolution | Operation::Loop(NeuronModel::Block) => {
                let out = plain::block(current, self.decay(), self.problem.surrogate);
                (out.spikes, Some(out.first_steps))
            }
            Operation::Loop(model) => {
                let spikes = self.step_by_step(current, model);
                (spikes.clone(), Some(first_spike_steps(spikes)))
            }
            _ => unreachable!("returned above"),
        };
        let spiking = first.is_some();
        let gradients = (out.clone() * self.loss(&self.problem.hidden_loss, n))
            .sum()
            .backward();
        let mut results = vec![self.hidden("output", out, spiking)];
        if let Some(first) = first {
            results.push(self.first(first));
        }
        let d_current = leaf.grad(&gradients).expect("depends on the current");
        results.push(named("∂L/∂I", self.train_gradient(d_current)));
        if operation != Operation::FirstSpikes {
            results.push(self.beta_gradient(self.beta.grad(&gradients)));
        }
        results
    }

    fn step_by_step(&self, current: Tensor<3>, model: NeuronModel) -> Tensor<3> {
        let neurons = self.neurons();
        match model {
            NeuronModel::Block => {
                plain::block(current, self.decay(), self.problem.surrogate).spikes
            }
            NeuronModel::SingleSpike => {
                standard::single_spike(current, &neurons)
                    .expect("shapes fit")
                    .spikes
            }
            NeuronModel::MultiSpike => {
                standard::multi_spike(current, &neurons)
                    .expect("shapes fit")
                    .spikes
            }
        }
    }

    /// A layer: spikes, first steps, counts and gradients, that of the dense input among them.
    fn layer(&self, model: NeuronModel, events: Option<Beside>) -> Vec<Named> {
        let Sizes {
            inputs, neurons: n, ..
        } = self.problem.sizes;
        let (leaf, dense) = self.train(&self.problem.input, inputs);
        let (out, first, counts) = if self.reference {
            let current = self.synapses().current(&dense.into()).expect("shapes fit");
            let out = self.step_by_step(current, model);
            (
                out.clone(),
                first_spike_steps(out.clone()),
                spike_counts(out),
            )
        } else {
            let out = spiking_linear(
                &self.input(dense, events),
                &self.synapses(),
                &self.neurons(),
                model,
            )
            .expect("shapes fit");
            (out.spikes, out.first_steps, out.counts)
        };
        let gradients = (out.clone() * self.loss(&self.problem.hidden_loss, n))
            .sum()
            .backward();
        let mut results = vec![
            self.hidden("output", out, true),
            self.first(first),
            self.each("counts", counts),
        ];
        if events != Some(Beside::Nothing) {
            let d_input = leaf.grad(&gradients).expect("depends on the input");
            results.push(named("∂L/∂x", self.train_gradient(d_input)));
        }
        results.extend(self.parameters(&gradients));
        results
    }

    fn membrane(&self) -> Vec<Named> {
        let Sizes {
            inputs, neurons: n, ..
        } = self.problem.sizes;
        let (leaf, dense) = self.train(&self.problem.input, inputs);
        let out = if self.reference {
            let current = self.synapses().current(&dense.into()).expect("shapes fit");
            plain::integrate(current, self.decay())
        } else {
            linear_membrane(
                &self.input(dense, Some(Beside::Dense)),
                &self.synapses(),
                &self.neurons(),
            )
            .expect("shapes fit")
        };
        let gradients = (out.clone() * self.loss(&self.problem.hidden_loss, n))
            .sum()
            .backward();
        let d_input = leaf.grad(&gradients).expect("depends on the input");
        let mut results = vec![
            named("output", out),
            named("∂L/∂x", self.train_gradient(d_input)),
        ];
        results.extend(self.parameters(&gradients));
        results
    }

    /// A layer and its readout: trace, first steps, counts, gradients of all parameters.
    fn readout(&self, model: NeuronModel, beside: Beside) -> Vec<Named> {
        let Sizes {
            inputs, classes, ..
        } = self.problem.sizes;
        let (leaf, dense) = self.train(&self.problem.input, inputs);
        let above = Synapses {
            weight: self.readout_weight.clone(),
            bias: self.readout_bias.clone(),
        };
        let (trace, first, counts) = if self.reference {
            let current = self.synapses().current(&dense.into()).expect("shapes fit");
            let hidden = self.step_by_step(current, model);
            let current = above.current(&hidden.clone().into()).expect("shapes fit");
            let trace = plain::integrate(current, self.readout_beta.clone());
            (
                trace,
                first_spike_steps(hidden.clone()),
                spike_counts(hidden),
            )
        } else {
            let out = spiking_readout(
                &self.input(dense, Some(beside)),
                &self.synapses(),
                &self.neurons(),
                model,
                &above,
                &LeakyNeurons::new(self.readout_beta.clone()),
            )
            .expect("shapes fit");
            (out.membrane, out.first_steps, out.counts)
        };
        let loss = self.loss(&self.problem.readout_loss, classes);
        let gradients = (trace.clone() * loss).sum().backward();
        let mut results = vec![
            named("output", trace),
            self.first(first),
            self.each("counts", counts),
        ];
        if beside == Beside::Dense {
            let d_input = leaf.grad(&gradients).expect("depends on the input");
            results.push(named("∂L/∂x", self.train_gradient(d_input)));
        }
        results.extend(self.parameters(&gradients));
        let weight = self.readout_weight.grad(&gradients).expect("a weight");
        let mut weight = named("readout ∂L/∂W", weight);
        weight.counts = (0..weight.values.len())
            .map(|at| !self.problem.ties_anywhere(at / classes))
            .collect();
        results.push(weight);
        let bias = self.readout_bias.grad(&gradients).expect("a bias");
        results.push(named("readout ∂L/∂bias", bias));
        let beta = self.readout_beta.grad(&gradients);
        results.push(named(
            "readout ∂L/∂β",
            beta.unwrap_or(self.readout_beta.zeros_like()),
        ));
        results
    }

    fn adam(&self) -> Vec<Named> {
        let optimizer = FusedAdam::default();
        let mut parameter = self.weight.clone().inner();
        let mut state = None;
        for step in 1..4 {
            let gradient: Vec<f64> = self
                .problem
                .weight
                .iter()
                .map(|w| w * f64::from(step))
                .collect();
            let gradient = tensor(&gradient, parameter.dims(), &parameter.device(), self.dtype);
            (parameter, state) = optimizer.step(0.5, parameter, gradient, state);
        }
        let state = state.expect("three steps were taken");
        vec![
            named("parameter", parameter),
            named("first moment", state.first),
            named("second moment", state.second),
        ]
    }

    /// The input as events, alone or with the dense form, or as that only.
    fn input(&self, dense: Tensor<3>, events: Option<Beside>) -> SpikeTrain {
        let Some(beside) = events else {
            return SpikeTrain::from(dense);
        };
        let events = SpikeEvents::from_dense(dense.clone().detach()).expect("whole numbers");
        match beside {
            Beside::Nothing => SpikeTrain::from(events),
            Beside::Dense => SpikeTrain::from(dense)
                .with_events(events)
                .expect("the same shape"),
        }
    }

    /// β as plain operations take it.
    fn decay(&self) -> Tensor<1> {
        let (low, high) = (
            self.beta.clone().lower_elem(0),
            self.beta.clone().greater_elem(1),
        );
        let clamped = self.beta.clone().mask_fill(low, 0.0).mask_fill(high, 1.0);
        clamped.expand([self.problem.sizes.neurons])
    }

    fn loss(&self, values: &[f64], width: usize) -> Tensor<3> {
        let Sizes { batch, steps, .. } = self.problem.sizes;
        tensor(values, [batch, steps, width], &self.device, self.dtype)
    }

    fn parameters(&self, gradients: &burn::tensor::Gradients) -> [Named; 3] {
        [
            named("∂L/∂W", self.weight.grad(gradients).expect("a weight")),
            named("∂L/∂bias", self.bias.grad(gradients).expect("a bias")),
            self.beta_gradient(self.beta.grad(gradients)),
        ]
    }

    /// With a single step some routes do not depend on β at all.
    fn beta_gradient(&self, gradient: Option<Tensor<1>>) -> Named {
        named("∂L/∂β", gradient.unwrap_or(self.beta.zeros_like()))
    }

    /// Results `[b, t, n]`, without the ties if they are spikes.
    fn hidden(&self, name: &'static str, tensor: Tensor<3>, spikes: bool) -> Named {
        let Sizes {
            steps, neurons: n, ..
        } = self.problem.sizes;
        let mut result = named(name, tensor);
        if spikes {
            result.exact = true;
            result.counts = (0..result.values.len())
                .map(|at| !self.problem.is_tie(at / n / steps, at % n))
                .collect();
        }
        result
    }

    fn first(&self, first: Tensor<2, Int>) -> Named {
        self.each("first steps", first)
    }

    /// Whole numbers `[b, n]`, without the ties.
    fn each(&self, name: &'static str, tensor: Tensor<2, Int>) -> Named {
        let n = self.problem.sizes.neurons;
        let values = tensor.into_data().convert::<f64>();
        let values: Vec<f64> = values.try_into_vec().expect("just converted");
        let counts = 0..values.len();
        Named {
            name,
            counts: counts
                .map(|at| !self.problem.is_tie(at / n, at % n))
                .collect(),
            values,
            exact: true,
        }
    }
}

fn named<const D: usize>(name: &'static str, tensor: Tensor<D>) -> Named {
    let values = tensor.into_data().convert::<f64>();
    Named {
        name,
        values: values.try_into_vec().expect("just converted"),
        counts: Vec::new(),
        exact: false,
    }
}
