//! The operations, by every neuron model and on every route.

use block_core::{
    Activity, ConvSynapses, FusedAdam, LayerInput, NeuronModel, Neurons, SpikeEvents, Synapses,
    conv_layer, convolution, first_spike_steps, linear_layer, linear_readout, max_pool, reference,
    scan, spike_counts,
};
use burn::optim::Optimizer;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Gradients, Int, Tensor};

use crate::compare::Named;
use crate::problem::{Case, Problem, Sizes, tensor};

/// The name of the gradient of a dense input.
const OF_INPUT: &str = "∂L/∂x";

/// An operation, its neurons' model, what is taken of their activity, and the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`scan`].
    Scan(NeuronModel, Output),
    /// [`scan`] with β = 0: the threshold alone.
    Latch(NeuronModel),
    /// [`convolution`].
    Convolution(Output),
    /// [`reference::scan`] on the device.
    Reference(NeuronModel, Output),
    /// A loop of [`Neurons::step`].
    Steps(NeuronModel, Output),
    /// [`linear_layer`].
    Layer(NeuronModel, Output, Route),
    /// [`linear_readout`].
    Readout(NeuronModel, Route),
    /// [`conv_layer`].
    Conv(NeuronModel, Output, Route),
    /// [`max_pool`] of windows of 2 by 2.
    Pool(Route),
    /// [`FusedAdam`], three steps.
    Adam,
}

/// What of a layer's activity is in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// The spikes.
    Spikes,
    /// The membrane.
    Membrane,
    /// Both together.
    Both,
}

impl Output {
    /// All outputs.
    pub const ALL: [Self; 3] = [Self::Spikes, Self::Membrane, Self::Both];

    fn has_spikes(self) -> bool {
        self != Self::Membrane
    }

    fn has_membrane(self) -> bool {
        self != Self::Spikes
    }

    fn name(self) -> &'static str {
        match self {
            Self::Spikes => "spikes",
            Self::Membrane => "membrane",
            Self::Both => "both",
        }
    }
}

/// The form in which spikes enter a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A tensor, which has a gradient.
    Dense,
    /// Events alone.
    Events,
    /// Events with the tensor beside them, which then has a gradient.
    Both,
}

impl Route {
    /// All routes.
    pub const ALL: [Self; 3] = [Self::Dense, Self::Events, Self::Both];

    fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Events => "events",
            Self::Both => "events and dense",
        }
    }
}

/// What several operations compute, each in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Result {
    Scan(NeuronModel, Output),
    Latch(NeuronModel),
    Layer(NeuronModel, Output),
    Readout(NeuronModel),
    Conv(NeuronModel, Output),
    Pool,
    Adam,
}

impl Operation {
    /// All operations, with every model.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for model in NeuronModel::ALL {
            for output in Output::ALL {
                all.extend([Self::Scan, Self::Reference, Self::Steps].map(|of| of(model, output)));
            }
            all.push(Self::Latch(model));
            for output in Output::ALL {
                all.extend(Route::ALL.map(|route| Self::Layer(model, output, route)));
                all.extend(Route::ALL.map(|route| Self::Conv(model, output, route)));
            }
            all.extend(Route::ALL.map(|route| Self::Readout(model, route)));
        }
        all.extend(Output::ALL.map(Self::Convolution));
        all.extend(Route::ALL.map(Self::Pool));
        all.push(Self::Adam);
        all
    }

    /// The name in the table.
    pub fn name(self) -> String {
        let name = NeuronModel::name;
        match self {
            Self::Scan(m, out) => format!("scan, {}, {}", name(m), out.name()),
            Self::Latch(m) => format!("scan with β = 0, {}", name(m)),
            Self::Convolution(out) => format!("convolution, {}", out.name()),
            Self::Reference(m, out) => format!("reference, {}, {}", name(m), out.name()),
            Self::Steps(m, out) => format!("loop of steps, {}, {}", name(m), out.name()),
            Self::Layer(m, out, route) => {
                format!("layer, {}, {}, {}", name(m), out.name(), route.name())
            }
            Self::Readout(m, route) => format!("readout, {}, {}", name(m), route.name()),
            Self::Conv(m, out, route) => {
                format!("pictures, {}, {}, {}", name(m), out.name(), route.name())
            }
            Self::Pool(route) => format!("pooling, {}", route.name()),
            Self::Adam => "adam".into(),
        }
    }

    pub(crate) fn result(self) -> Result {
        match self {
            Self::Scan(model, output)
            | Self::Reference(model, output)
            | Self::Steps(model, output) => Result::Scan(model, output),
            Self::Convolution(output) => Result::Scan(NeuronModel::Block, output),
            Self::Latch(model) => Result::Latch(model),
            Self::Layer(model, output, _) => Result::Layer(model, output),
            Self::Readout(model, _) => Result::Readout(model),
            Self::Conv(model, output, _) => Result::Conv(model, output),
            Self::Pool(_) => Result::Pool,
            Self::Adam => Result::Adam,
        }
    }

    /// Whether a result of this name comes out: events alone receive no gradient.
    pub(crate) fn gives(self, name: &str) -> bool {
        let route = match self {
            Self::Layer(_, _, route)
            | Self::Conv(_, _, route)
            | Self::Readout(_, route)
            | Self::Pool(route) => route,
            Self::Scan(..)
            | Self::Latch(_)
            | Self::Convolution(_)
            | Self::Reference(..)
            | Self::Steps(..)
            | Self::Adam => return true,
        };
        name != OF_INPUT || route != Route::Events
    }

    /// Whether a comparison makes sense.
    pub(crate) fn covers(self, problem: &Problem, dtype: DType) -> bool {
        let sizes = problem.sizes;
        let half = matches!(dtype, DType::F16 | DType::BF16);
        let pictures = matches!(self, Self::Conv(..) | Self::Pool(_));
        if pictures || problem.convolution.is_some() {
            // Burn's convolutions have no float32 sums in half precision.
            let exact = matches!(self, Self::Pool(_));
            return pictures && problem.convolution.is_some() && (exact || !half);
        }
        if problem.is_steady {
            let sums = NeuronModel::sums_gradient_over_time;
            return match self {
                Self::Scan(model, Output::Spikes) => sums(model),
                Self::Latch(model) => sums(model) && sizes.batch == 1,
                // Summed over many samples, its own gradients are beyond float16.
                Self::Readout(model, Route::Events) => sums(model) && sizes.batch == 1,
                _ => false,
            };
        }
        match self {
            // For those that GPUs work on in slices; of the readouts one for each way to sum its weight's gradient.
            _ if sizes.neurons > 10_000 => {
                let in_slices = match self {
                    Self::Layer(NeuronModel::Block, Output::Spikes, Route::Events) => true,
                    Self::Readout(model, Route::Events) => {
                        model == NeuronModel::Block || !model.fires_once()
                    }
                    _ => false,
                };
                in_slices && dtype == DType::F32
            }
            // Step-by-step routes over a long time are slow, and nothing in them depends on it.
            Self::Convolution(_) | Self::Reference(..) | Self::Steps(..) => {
                sizes.steps < 100 && !half
            }
            // Sums over inputs and classes round too much in half precision to say who spikes.
            Self::Layer(..) | Self::Readout(..) => !half || sizes.steps < 100,
            _ => true,
        }
    }

    /// The results on a device, in the problem's type or a wider one, but for its ties. `strided` inputs are not
    /// contiguous.
    pub(crate) fn found(
        self,
        problem: &Problem,
        case: &Case,
        device: &Device,
        dtype: DType,
        strided: bool,
    ) -> Vec<Named> {
        let device = device.clone().autodiff();
        Run::new(problem, case, &device, dtype, strided).results(self.result(), Some(self))
    }
}

impl Result {
    /// The ties of a problem.
    fn case(self, problem: &Problem) -> Case {
        let initial = problem.initial.as_deref();
        match self {
            Self::Adam | Self::Pool => Case::exact(problem),
            // Nothing depends on the spikes.
            Self::Scan(model, Output::Membrane)
            | Self::Layer(model, Output::Membrane)
            | Self::Conv(model, Output::Membrane)
                if !model.feeds_spikes_back() =>
            {
                Case::exact(problem)
            }
            Self::Scan(model, _) => Case::new(problem, model, &problem.beta, initial),
            Self::Latch(model) => Case::new(problem, model, &[0.0], None),
            Self::Layer(model, _) | Self::Conv(model, _) | Self::Readout(model) => {
                Case::new(problem, model, &problem.beta, None)
            }
        }
    }

    /// The ties of a problem, and its results in float64 on the CPU without them.
    pub(crate) fn expected(self, problem: &Problem) -> (Case, Vec<Named>) {
        let case = self.case(problem);
        let device = Device::flex().autodiff();
        let run = Run::new(problem, &case, &device, DType::F64, false);
        let results = run.results(self, None);
        (case, results)
    }
}

/// A problem on a device.
struct Run<'a> {
    problem: &'a Problem,
    case: &'a Case,
    dtype: DType,
    strided: bool,
    device: Device,
    weight: Tensor<2>,
    bias: Tensor<1>,
    beta: Tensor<1>,
    initial: Option<Tensor<2>>,
    readout_weight: Tensor<2>,
    readout_bias: Tensor<1>,
    readout_beta: Tensor<1>,
}

/// A tensor that has a gradient, `[b, t, k]` or `[t, b, k]`, and as an operation gets it.
struct Sequence {
    leaf: Tensor<3>,
    view: Tensor<3>,
}

/// What neurons do, from one call or step by step.
#[allow(
    clippy::large_enum_variant,
    reason = "one a comparison; a box would save nothing"
)]
enum Course {
    Whole(Activity),
    Steps(reference::Steps),
}

impl Course {
    fn spikes(&self) -> Tensor<3> {
        match self {
            Self::Whole(activity) => activity.spikes(),
            Self::Steps(steps) => steps.spikes.clone(),
        }
    }

    fn membrane(&self) -> Tensor<3> {
        match self {
            Self::Whole(activity) => activity.membrane(),
            Self::Steps(steps) => steps.membrane.clone(),
        }
    }

    fn first_steps(&self) -> Tensor<2, Int> {
        match self {
            Self::Whole(activity) => activity.first_steps(),
            Self::Steps(steps) => first_spike_steps(steps.spikes.clone()),
        }
    }

    fn counts(&self) -> Tensor<2, Int> {
        match self {
            Self::Whole(activity) => activity.counts(),
            Self::Steps(steps) => spike_counts(steps.spikes.clone()),
        }
    }
}

impl<'a> Run<'a> {
    fn new(
        problem: &'a Problem,
        case: &'a Case,
        device: &Device,
        dtype: DType,
        strided: bool,
    ) -> Self {
        let Sizes {
            batch,
            inputs,
            neurons: n,
            classes,
            ..
        } = problem.sizes;
        let leaf1 = |values: &[f64]| tensor(values, [values.len()], device, dtype).require_grad();
        let leaf2 = |values: &[f64], shape| tensor(values, shape, device, dtype).require_grad();
        let initial = problem.initial.as_ref();
        Self {
            problem,
            case,
            dtype,
            strided,
            device: device.clone(),
            weight: leaf2(&problem.weight, [inputs, n]),
            bias: leaf1(&problem.bias),
            beta: leaf1(&problem.beta),
            initial: initial.map(|values| leaf2(values, [batch, n])),
            readout_weight: leaf2(&case.readout_weight, [n, classes]),
            readout_bias: leaf1(&problem.readout_bias),
            readout_beta: leaf1(&problem.readout_beta),
        }
    }

    /// By an operation, or in plain tensor operations.
    fn results(&self, result: Result, operation: Option<Operation>) -> Vec<Named> {
        match result {
            Result::Scan(model, output) => self.scan(operation, model, output),
            Result::Latch(model) => self.latch(operation, model),
            Result::Layer(model, output) => self.layer(operation, model, output),
            Result::Readout(model) => self.readout(operation, model),
            Result::Conv(model, output) => self.conv(operation, model, output),
            Result::Pool => self.pool(operation),
            Result::Adam => self.adam(),
        }
    }

    /// Neurons driven by a current: outputs, gradients of the current, of β and of the initial potential.
    fn scan(&self, operation: Option<Operation>, model: NeuronModel, output: Output) -> Vec<Named> {
        let current = self.sequence(&self.problem.current, self.problem.sizes.neurons);
        let mut neurons = self.neurons(model);
        if let Some(initial) = &self.initial {
            neurons = neurons.with_initial(initial.clone());
        }
        let view = current.view.clone();
        let course = match operation {
            Some(Operation::Scan(..)) => Course::Whole(scan(view, &neurons).expect("shapes fit")),
            Some(Operation::Steps(..)) => Course::Steps(step_by_step(view, &neurons)),
            Some(Operation::Convolution(_)) => {
                let out = convolution(view, &neurons).expect("shapes fit");
                Course::Steps(reference::Steps {
                    spikes: out.spikes,
                    membrane: out.membrane,
                })
            }
            _ => Course::Steps(reference::scan(view, &neurons).expect("shapes fit")),
        };
        let (mut results, gradients) = self.outputs(&course, output);
        results.push(self.sequence_gradient("∂L/∂I", &current, &gradients));
        results.push(self.beta_gradient(&gradients));
        if let Some(initial) = &self.initial {
            let gradient = initial.grad(&gradients).unwrap_or(initial.zeros_like());
            results.push(Named::close("∂L/∂V[0]", gradient));
        }
        results
    }

    /// Neurons that remember nothing: spikes and the gradient of the current.
    fn latch(&self, operation: Option<Operation>, model: NeuronModel) -> Vec<Named> {
        let potential = self.sequence(&self.problem.current, self.problem.sizes.neurons);
        let zero = Tensor::zeros([1], (&self.device, self.dtype));
        let neurons = Neurons::new(zero, model).with_surrogate(self.problem.surrogate);
        let view = potential.view.clone();
        let course = match operation {
            Some(_) => Course::Whole(scan(view, &neurons).expect("shapes fit")),
            None => Course::Steps(reference::scan(view, &neurons).expect("shapes fit")),
        };
        let (mut results, gradients) = self.outputs(&course, Output::Spikes);
        results.push(self.sequence_gradient("∂L/∂I", &potential, &gradients));
        results
    }

    /// A layer: outputs and gradients, that of the dense input among them where there is one.
    fn layer(
        &self,
        operation: Option<Operation>,
        model: NeuronModel,
        output: Output,
    ) -> Vec<Named> {
        let input = self.sequence(&self.problem.input, self.problem.sizes.inputs);
        let neurons = self.neurons(model);
        let (course, dense) = match operation {
            Some(Operation::Layer(_, _, route)) => {
                let entering = self.input(input.view.clone(), route);
                let activity = linear_layer(&entering, &self.synapses(), &neurons);
                let activity = activity.expect("shapes fit");
                (Course::Whole(activity), entering.dense().is_some())
            }
            _ => {
                let current = project(input.view.clone(), &self.weight, &self.bias);
                let steps = reference::scan(current, &neurons).expect("shapes fit");
                (Course::Steps(steps), true)
            }
        };
        let (mut results, gradients) = self.outputs(&course, output);
        if dense {
            results.push(self.sequence_gradient(OF_INPUT, &input, &gradients));
        }
        results.extend(self.parameters(&gradients));
        results
    }

    /// A layer and its readout: membrane, first steps, counts, gradients of all parameters and, where there is one,
    /// of the dense input.
    fn readout(&self, operation: Option<Operation>, model: NeuronModel) -> Vec<Named> {
        let Sizes {
            inputs, classes, ..
        } = self.problem.sizes;
        let input = self.sequence(&self.problem.input, inputs);
        let neurons = self.neurons(model);
        let integrators = Neurons::new(self.readout_beta.clone(), NeuronModel::Integrator);
        let (membrane, first, counts, dense) = match operation {
            Some(Operation::Readout(_, route)) => {
                let entering = self.input(input.view.clone(), route);
                let readout = Synapses {
                    weight: self.readout_weight.clone(),
                    bias: self.readout_bias.clone(),
                };
                let synapses = self.synapses();
                let out = linear_readout(&entering, &synapses, &neurons, &readout, &integrators);
                let out = out.expect("shapes fit");
                let dense = entering.dense().is_some();
                (out.membrane, out.first_steps, out.counts, dense)
            }
            _ => {
                let current = project(input.view.clone(), &self.weight, &self.bias);
                let hidden = reference::scan(current, &neurons).expect("shapes fit");
                let spikes = hidden.spikes.clone();
                let current = project(spikes, &self.readout_weight, &self.readout_bias);
                let readout = reference::scan(current, &integrators).expect("shapes fit");
                let hidden = Course::Steps(hidden);
                (
                    readout.membrane,
                    hidden.first_steps(),
                    hidden.counts(),
                    true,
                )
            }
        };
        let loss = self.loss(&self.problem.readout_loss, classes);
        let gradients = (membrane.clone() * loss).sum().backward();
        let mut results = vec![
            Named::close("membrane", membrane),
            self.each("first steps", first),
            self.each("counts", counts),
        ];
        if dense {
            results.push(self.sequence_gradient(OF_INPUT, &input, &gradients));
        }
        results.extend(self.parameters(&gradients));
        let weight = self.readout_weight.grad(&gradients).expect("a weight");
        let mut weight = Named::close("readout ∂L/∂W", weight);
        weight.counts = (0..weight.values.len())
            .map(|at| !self.case.ties_anywhere(at / classes))
            .collect();
        results.push(weight);
        let bias = self.readout_bias.grad(&gradients).expect("a bias");
        results.push(Named::close("readout ∂L/∂bias", bias));
        let beta = self.readout_beta.grad(&gradients);
        let beta = beta.unwrap_or(self.readout_beta.zeros_like());
        results.push(Named::close("readout ∂L/∂β", beta));
        results
    }

    /// A layer driven by a convolution: outputs and gradients, that of the dense input among them where there is one.
    fn conv(&self, operation: Option<Operation>, model: NeuronModel, output: Output) -> Vec<Named> {
        let convolution = self.problem.convolution.as_ref().expect("a convolution");
        let pictures = convolution.pictures;
        let (channels, kernel) = (pictures.channels, pictures.kernel);
        let shape = [channels, pictures.input[0], kernel, kernel];
        let weight = tensor(&convolution.weight, shape, &self.device, self.dtype).require_grad();
        let bias = tensor(&convolution.bias, [channels], &self.device, self.dtype).require_grad();
        let input = self.sequence(&self.problem.input, self.problem.sizes.inputs);
        let neurons = self.neurons(model);
        let (course, dense) = match operation {
            Some(Operation::Conv(_, _, route)) => {
                let entering = self.input(input.view.clone(), route);
                let synapses = ConvSynapses {
                    weight: weight.clone(),
                    bias: bias.clone(),
                    input: pictures.input,
                    stride: pictures.stride,
                    padding: pictures.padding,
                };
                let activity = conv_layer(&entering, &synapses, &neurons).expect("shapes fit");
                (Course::Whole(activity), entering.dense().is_some())
            }
            _ => {
                let options =
                    ConvOptions::new([pictures.stride; 2], [pictures.padding; 2], [1; 2], 1);
                let (view, weight) = (self.pictures(input.view.clone()), weight.clone());
                let current = conv2d(view, weight, Some(bias.clone()), options);
                let steps = reference::scan(self.in_time(current), &neurons);
                (Course::Steps(steps.expect("shapes fit")), true)
            }
        };
        let (mut results, gradients) = self.outputs(&course, output);
        if dense {
            results.push(self.sequence_gradient(OF_INPUT, &input, &gradients));
        }
        let weight = weight.grad(&gradients).expect("a weight");
        results.push(Named::close("∂L/∂W", weight));
        let bias = bias.grad(&gradients).expect("a bias");
        results.push(Named::close("∂L/∂bias", bias));
        results.push(self.beta_gradient(&gradients));
        results
    }

    /// The maximum of windows: what is put out, and the gradient of the dense input where there is one.
    fn pool(&self, operation: Option<Operation>) -> Vec<Named> {
        let input = self.sequence(&self.problem.input, self.problem.sizes.inputs);
        let convolution = self.problem.convolution.as_ref().expect("a convolution");
        let (pooled, tracked) = match operation {
            Some(Operation::Pool(route)) => {
                let entering = self.input(input.view.clone(), route);
                let pooled = max_pool(&entering, convolution.pictures.input, 2, 2);
                (pooled.expect("shapes fit"), entering.dense().is_some())
            }
            _ => {
                let options = MaxPoolOptions::new([2; 2]).with_stride([2; 2]);
                let pooled = max_pool2d(self.pictures(input.view.clone()), options);
                (self.in_time(pooled).into(), true)
            }
        };
        let dense = match &pooled {
            LayerInput::Dense(dense) => dense.clone(),
            LayerInput::Events(events) => events.to_dense(),
            LayerInput::Both { dense, events } => {
                let dense = dense.values();
                let listed = events.to_dense().cast(dense.dtype());
                let same = listed.equal(dense.clone()).all().into_scalar::<bool>();
                assert!(same, "the events are the dense spikes");
                dense.clone()
            }
        };
        let mut results = vec![Named::close("spikes", dense.clone())];
        if tracked {
            let [.., windows] = dense.dims();
            let loss = self.case.spikes_loss.iter().copied().cycle();
            let loss: Vec<f64> = loss.take(dense.shape().num_elements()).collect();
            let loss = self.loss(&loss, windows);
            let gradients = (dense * loss).sum().backward();
            results.push(self.sequence_gradient(OF_INPUT, &input, &gradients));
        }
        results
    }

    /// Sequences `[b, t, units]` as the pictures of all steps.
    fn pictures(&self, sequence: Tensor<3>) -> Tensor<4> {
        let convolution = self.problem.convolution.as_ref().expect("a convolution");
        let [batch, steps, _] = sequence.dims();
        let [channels, height, width] = convolution.pictures.input;
        sequence.reshape([batch * steps, channels, height, width])
    }

    /// Pictures of all steps as sequences.
    fn in_time(&self, pictures: Tensor<4>) -> Tensor<3> {
        let Sizes { batch, steps, .. } = self.problem.sizes;
        pictures.reshape([batch as i64, steps as i64, -1])
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
            Named::close("parameter", parameter),
            Named::close("first moment", state.first),
            Named::close("second moment", state.second),
        ]
    }

    /// A tensor `[b, t, k]` as an operation gets it: if strided, with time outermost in memory.
    fn sequence(&self, values: &[f64], width: usize) -> Sequence {
        let Sizes { batch, steps, .. } = self.problem.sizes;
        let leaf = |values: &[f64], shape| {
            tensor::<3>(values, shape, &self.device, self.dtype).require_grad()
        };
        if !self.strided {
            let leaf = leaf(values, [batch, steps, width]);
            let view = leaf.clone();
            return Sequence { leaf, view };
        }
        let mut transposed = vec![0.0; values.len()];
        for (row, values) in values.chunks_exact(width).enumerate() {
            let row = (row % steps) * batch + row / steps;
            transposed[row * width..][..width].copy_from_slice(values);
        }
        let leaf = leaf(&transposed, [steps, batch, width]);
        let view = leaf.clone().swap_dims(0, 1);
        Sequence { leaf, view }
    }

    /// The gradient as `[b, t, k]`.
    fn sequence_gradient(&self, name: &'static str, of: &Sequence, gradients: &Gradients) -> Named {
        let gradient = of.leaf.grad(gradients).expect("the loss depends on it");
        let gradient = match self.strided {
            true => gradient.swap_dims(0, 1),
            false => gradient,
        };
        Named::close(name, gradient)
    }

    fn neurons(&self, model: NeuronModel) -> Neurons {
        Neurons::new(self.beta.clone(), model).with_surrogate(self.problem.surrogate)
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

    fn input(&self, dense: Tensor<3>, route: Route) -> LayerInput {
        let events = || SpikeEvents::from_dense(dense.clone().detach()).expect("whole numbers");
        match route {
            Route::Dense => dense.into(),
            Route::Events => events().into(),
            Route::Both => {
                let events = events();
                let input = LayerInput::from(dense).with_events(events);
                input.expect("the same shape")
            }
        }
    }

    /// The outputs that are asked for, and the gradients of their loss.
    fn outputs(&self, course: &Course, output: Output) -> (Vec<Named>, Gradients) {
        let n = self.problem.sizes.neurons;
        let mut results = Vec::new();
        let mut losses = Vec::new();
        if output.has_spikes() {
            let spikes = course.spikes();
            losses.push(spikes.clone() * self.loss(&self.case.spikes_loss, n));
            let mut spikes = self.hidden("spikes", spikes);
            spikes.exact = true;
            results.push(spikes);
            results.push(self.each("first steps", course.first_steps()));
            results.push(self.each("counts", course.counts()));
        }
        if output.has_membrane() {
            let membrane = course.membrane();
            losses.push(membrane.clone() * self.loss(&self.case.membrane_loss, n));
            results.push(self.hidden("membrane", membrane));
        }
        let loss = losses.into_iter().map(Tensor::sum).reduce(|a, b| a + b);
        let gradients = loss.expect("an output").backward();
        (results, gradients)
    }

    fn loss(&self, values: &[f64], width: usize) -> Tensor<3> {
        let Sizes { batch, steps, .. } = self.problem.sizes;
        tensor(values, [batch, steps, width], &self.device, self.dtype)
    }

    fn parameters(&self, gradients: &Gradients) -> [Named; 3] {
        let weight = self.weight.grad(gradients).expect("a weight");
        let bias = self.bias.grad(gradients).expect("a bias");
        [
            Named::close("∂L/∂W", weight),
            Named::close("∂L/∂bias", bias),
            self.beta_gradient(gradients),
        ]
    }

    /// With a single step some routes do not depend on β at all.
    fn beta_gradient(&self, gradients: &Gradients) -> Named {
        let gradient = self.beta.grad(gradients);
        Named::close("∂L/∂β", gradient.unwrap_or(self.beta.zeros_like()))
    }

    /// Results `[b, t, n]`, without the ties.
    fn hidden(&self, name: &'static str, tensor: Tensor<3>) -> Named {
        let Sizes {
            steps, neurons: n, ..
        } = self.problem.sizes;
        let mut result = Named::close(name, tensor);
        result.counts = (0..result.values.len())
            .map(|at| !self.case.is_tie(at / n / steps, at % n))
            .collect();
        result
    }

    /// Whole numbers `[b, n]`, without the ties.
    fn each(&self, name: &'static str, tensor: Tensor<2, Int>) -> Named {
        let n = self.problem.sizes.neurons;
        let values = tensor.into_data().convert::<f64>();
        let values: Vec<f64> = values.try_into_vec().expect("just converted");
        let counts = 0..values.len();
        Named {
            name,
            counts: counts.map(|at| !self.case.is_tie(at / n, at % n)).collect(),
            values,
            exact: true,
        }
    }
}

/// A loop of [`Neurons::step`] over a current.
fn step_by_step(current: Tensor<3>, neurons: &Neurons) -> reference::Steps {
    let (mut spikes, mut membrane) = (Vec::new(), Vec::new());
    let mut state = None;
    for t in 0..current.dims()[1] {
        let of_step = current.clone().narrow(1, t, 1).squeeze_dim(1);
        let (step, next) = neurons.step(of_step, state).expect("shapes fit");
        spikes.push(step.spikes);
        membrane.push(step.membrane);
        state = Some(next);
    }
    reference::Steps {
        spikes: Tensor::stack(spikes, 1),
        membrane: Tensor::stack(membrane, 1),
    }
}

/// x·W + bias.
fn project(input: Tensor<3>, weight: &Tensor<2>, bias: &Tensor<1>) -> Tensor<3> {
    let [batch, steps, inputs] = input.dims();
    let rows = input.reshape([batch * steps, inputs]);
    let current = rows.matmul(weight.clone()) + bias.clone().unsqueeze();
    current.reshape([batch, steps, bias.dims()[0]])
}
