//! Spikes, potentials and gradients against the reference implementation's, file by file.
//!
//! `tests/golden/README.md` says what the files hold. Float64 must agree to 1e-9 and float32 to 1e-4
//! of a tensor's largest magnitude; spikes exactly, but for float32 where the closest potential lies
//! within 1e-5 of the threshold.

#![expect(clippy::print_stdout, reason = "it says what was compared")]

use std::cell::RefCell;

use block_core::{
    Activity, LayerInput, NeuronModel, Neurons, SpikeEvents, Surrogate, Synapses, convolution,
    first_spike_steps, linear_layer, reference, scan, spike_counts,
};
use burn::tensor::{DType, Device, Gradients, Int, Tensor, TensorData};
use conformance::{Check, Golden, swap_last};

#[test]
fn conformance() {
    let seen = RefCell::new(Vec::new());
    conformance::run(
        env!("CARGO_MANIFEST_DIR"),
        "block-core",
        &["neurons", "surrogate"],
        |golden, check| {
            for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-4)] {
                check.context(format!("{} {dtype:?}", golden.name));
                match golden.meta("kind") {
                    "surrogate" => surrogate(golden, check, dtype, tolerance),
                    _ => {
                        let case = Case::new(golden, dtype, tolerance);
                        seen.borrow_mut().push(case.model);
                        case.run(check);
                    }
                }
            }
        },
    );
    // Another folder may hold nothing for a model.
    if std::env::var_os("BLOCK_GOLDEN").is_none() {
        for model in NeuronModel::ALL {
            let name = model.name();
            assert!(seen.borrow().contains(&model), "{name}: no golden file");
        }
    }
}

/// The model of a file's formulation: the names of the reference implementation, else ours.
fn model(formulation: &str) -> NeuronModel {
    let name = match formulation {
        "standard-single" => "single-spike",
        "standard-multi" => "multi-spike",
        other => other,
    };
    let mut models = NeuronModel::ALL.into_iter();
    let found = models.find(|model| model.name() == name);
    found.unwrap_or_else(|| panic!("formulation {formulation:?}"))
}

/// The surrogate of a file. Those of the reference implementation name none: it has one.
fn surrogate_of(golden: &Golden) -> Surrogate {
    let name = match golden.meta("surrogate") {
        "" => "FastSigmoid",
        name => name,
    };
    let mut surrogates = Surrogate::all(golden.number("scale").unwrap()).into_iter();
    let found = surrogates.find(|surrogate| {
        let debug = format!("{surrogate:?}");
        debug.split(' ').next().unwrap().eq_ignore_ascii_case(name)
    });
    found.unwrap_or_else(|| panic!("surrogate {name:?}"))
}

/// By tensor operations, and by the kernels: one step of neurons without a past.
fn surrogate(golden: &Golden, check: &mut Check, dtype: DType, tolerance: f64) {
    let device = Device::flex().autodiff();
    let surrogate = surrogate_of(golden);
    let distance = TensorData::new(golden.values("x").to_vec(), golden.shape("x"));
    let x = Tensor::<1>::from_data(distance, (&device, dtype)).require_grad();
    let [n] = x.dims();
    let potential = || x.clone() + 1.0;
    let beta = Tensor::<1>::zeros([n], (&device, dtype));
    let neurons = Neurons::new(beta, NeuronModel::MultiSpike).with_surrogate(surrogate);
    let step = scan(potential().reshape([1, 1, n]), &neurons).unwrap();
    let by_kernel = step.spikes().reshape([n]);
    for spikes in [surrogate.spike(potential()), by_kernel] {
        if dtype == DType::F64 {
            // Adding 1 in float32 moves potentials across the threshold.
            check.exact("out", &values(spikes.clone()), golden.values("out"));
        }
        let gradient = x.grad(&spikes.sum().backward()).unwrap();
        check.close("grad", &values(gradient), golden.values("grad"), tolerance);
    }
}

/// Spikes and membrane.
type Outputs = (Tensor<3>, Tensor<3>);

const LOSSES: [&str; 3] = ["spk", "mem", "both"];

struct Case<'a> {
    golden: &'a Golden,
    model: NeuronModel,
    dtype: DType,
    tolerance: f64,
    device: Device,
    surrogate: Surrogate,
}

impl<'a> Case<'a> {
    fn new(golden: &'a Golden, dtype: DType, tolerance: f64) -> Self {
        let scale = golden.number("scale").unwrap();
        Self {
            golden,
            model: model(golden.meta("formulation")),
            dtype,
            tolerance,
            device: Device::flex().autodiff(),
            surrogate: Surrogate::FastSigmoid { scale },
        }
    }

    fn run(&self, check: &mut Check) {
        if self.dtype == DType::F32 && self.golden.number("margin").unwrap() < 1e-5 {
            println!("{}: margin too small for float32", self.golden.name);
            return;
        }
        self.neurons(check, "scan", |current, leaves| {
            let out = scan(current, &leaves.neurons(self.model, self.surrogate)).unwrap();
            (out.spikes(), out.membrane())
        });
        self.neurons(check, "reference", |current, leaves| {
            let neurons = leaves.neurons(self.model, self.surrogate);
            let out = reference::scan(current, &neurons).unwrap();
            (out.spikes, out.membrane)
        });
        self.neurons(check, "steps", |current, leaves| {
            let neurons = leaves.neurons(self.model, self.surrogate);
            let (mut spikes, mut membrane) = (Vec::new(), Vec::new());
            let mut state = None;
            for t in 0..current.dims()[1] {
                let of_step = current.clone().narrow(1, t, 1).squeeze_dim(1);
                let (step, next) = neurons.step(of_step, state).unwrap();
                spikes.push(step.spikes);
                membrane.push(step.membrane);
                state = Some(next);
            }
            (Tensor::stack(spikes, 1), Tensor::stack(membrane, 1))
        });
        let neurons = self.leaves().neurons(self.model, self.surrogate);
        let out = scan(self.swapped("current"), &neurons).unwrap();
        self.numbers(check, "scan", &out);
        if self.model == NeuronModel::Block {
            self.block(check);
        }
        self.layers(check);
    }

    /// What only the block model has: the threshold by itself, and the paper's convolutions.
    fn block(&self, check: &mut Check) {
        self.neurons(check, "latch", |current, leaves| {
            let integrators = leaves.neurons(NeuronModel::Integrator, self.surrogate);
            let membrane = scan(current, &integrators).unwrap().membrane();
            let zero = Tensor::zeros([1], (&self.device, self.dtype));
            let threshold = Neurons::new(zero, self.model).with_surrogate(self.surrogate);
            let spikes = scan(membrane.clone(), &threshold).unwrap().spikes();
            (spikes, membrane)
        });
        self.neurons(check, "convolution", |current, leaves| {
            let neurons = leaves.neurons(self.model, self.surrogate);
            let out = convolution(current, &neurons).unwrap();
            (out.spikes, out.membrane)
        });
        let neurons = self.leaves().neurons(self.model, self.surrogate);
        let out = convolution(self.swapped("current"), &neurons).unwrap();
        let faulty = self.expected("faulty_spikes");
        check.exact("convolution faulty", &values(out.faulty), &faulty);
        check.exact("convolution z", &values(out.order), &self.expected("z"));
    }

    /// First-spike steps and spike counts.
    fn numbers(&self, check: &mut Check, route: &str, out: &Activity) {
        let first = ints(first_spike_steps(self.swapped("spikes")));
        check.exact(
            &format!("{route} first steps"),
            &ints(out.first_steps()),
            &first,
        );
        let counts = ints(spike_counts(self.swapped("spikes")));
        check.exact(&format!("{route} counts"), &ints(out.counts()), &counts);
    }

    /// Outputs and the gradients of current, β and initial potential, one loss after the other.
    fn neurons(&self, check: &mut Check, route: &str, op: impl Fn(Tensor<3>, &Leaves) -> Outputs) {
        for loss in LOSSES {
            let current = self.swapped("current").require_grad();
            let leaves = self.leaves();
            let (spikes, membrane) = op(current.clone(), &leaves);
            let name = format!("{route} {loss} spikes");
            check.exact(&name, &values(spikes.clone()), &self.expected("spikes"));
            let name = format!("{route} {loss} mem");
            let found = values(membrane.clone());
            self.close(check, &name, &found, &self.expected("mem"));

            let gradients = self.loss(loss, spikes, membrane).backward();
            let name = |what: &str| format!("{route} {loss}.grad_{what}");
            let expected = self.expected(&format!("{loss}.grad_current"));
            let found = values(current.grad(&gradients).unwrap());
            self.close(check, &name("current"), &found, &expected);
            if self.golden.has(&format!("{loss}.grad_beta_raw")) {
                let found = leaves.beta_gradient(&gradients);
                self.close(check, &name("beta"), &found, &self.expected_beta(loss));
            }
            if let Some(initial) = &leaves.initial {
                let found = values(initial.grad(&gradients).unwrap());
                self.close(check, &name("v_init"), &found, &self.expected_initial(loss));
            }
        }
    }

    /// The linear layers, by dense spikes, by events and by both. They have no initial potential.
    fn layers(&self, check: &mut Check) {
        if self.golden.has("v_init") {
            return;
        }
        let dense = self.swapped("x");
        let leaf = LayerInput::from(dense.clone().require_grad());
        self.layer(check, "dense", leaf);
        // Analogue inputs have no events.
        if let Ok(events) = SpikeEvents::from_dense(dense.clone()) {
            self.layer(check, "events", events.clone().into());
            let both = LayerInput::from(dense.require_grad());
            let both = both.with_events(events).unwrap();
            self.layer(check, "events and dense", both);
        }
    }

    /// Outputs and the gradients of input, weight, bias and β, one loss after the other.
    fn layer(&self, check: &mut Check, route: &str, input: LayerInput) {
        for loss in LOSSES {
            let leaves = self.leaves();
            let [weight, bias] = ["weight", "bias"].map(|name| self.tensor::<2>(name));
            let weight = weight.transpose().detach().require_grad();
            let bias = bias.squeeze_dim::<1>(0).detach().require_grad();
            let synapses = Synapses {
                weight: weight.clone(),
                bias: bias.clone(),
            };
            let neurons = leaves.neurons(self.model, self.surrogate);
            let out = linear_layer(&input, &synapses, &neurons).unwrap();
            let name = format!("layer {route} {loss} spikes");
            check.exact(&name, &values(out.spikes()), &self.expected("spikes"));
            let name = format!("layer {route} {loss} mem");
            self.close(check, &name, &values(out.membrane()), &self.expected("mem"));
            self.numbers(check, &format!("layer {route} {loss}"), &out);

            let gradients = self.loss(loss, out.spikes(), out.membrane()).backward();
            let name = |what: &str| format!("layer {route} {loss}.grad_{what}");
            let golden = |what: &str| self.golden.values(&format!("{loss}.grad_{what}"));

            let found = values(weight.grad(&gradients).unwrap().transpose());
            self.close(check, &name("weight"), &found, golden("weight"));
            let found = values(bias.grad(&gradients).unwrap());
            self.close(check, &name("bias"), &found, golden("bias"));
            if self.golden.has(&format!("{loss}.grad_beta_raw")) {
                let found = leaves.beta_gradient(&gradients);
                self.close(check, &name("beta"), &found, golden("beta_raw"));
            }
            if let Some(dense) = input.dense() {
                let found = values(dense.grad(&gradients).unwrap());
                let expected = self.expected(&format!("{loss}.grad_x"));
                self.close(check, &name("x"), &found, &expected);
            }
        }
    }

    /// β and initial potential as leaves. The block files hold an initial potential that is added
    /// undecayed, so ours, which decays, starts from v_init / β.
    fn leaves(&self) -> Leaves {
        let beta = self.tensor::<1>("beta_raw").require_grad();
        let initial = self.golden.has("v_init").then(|| {
            let mut start = self.tensor::<2>("v_init");
            if self.undecayed() {
                start = start / beta.clone().detach().unsqueeze::<2>();
            }
            start.detach().require_grad()
        });
        Leaves { beta, initial }
    }

    fn undecayed(&self) -> bool {
        self.golden.has("v_init") && self.golden.meta("formulation") == "block"
    }

    /// ∂L/∂v_init: undecayed in the file, times β in ours.
    fn expected_initial(&self, loss: &str) -> Vec<f64> {
        let file = self.golden.values(&format!("{loss}.grad_v_init"));
        if !self.undecayed() {
            return file.to_vec();
        }
        let beta = self.golden.values("beta_raw");
        let beta = file.iter().zip(beta.iter().cycle());
        beta.map(|(gradient, beta)| gradient * beta).collect()
    }

    /// ∂L/∂β: ours has an extra Σ_b D[0]·v_init/β, where D[0] is the current's gradient at step 0.
    fn expected_beta(&self, loss: &str) -> Vec<f64> {
        let mut out = self
            .golden
            .values(&format!("{loss}.grad_beta_raw"))
            .to_vec();
        if self.undecayed() {
            let beta = self.golden.values("beta_raw");
            assert!(beta.iter().all(|&b| b > 0.0 && b <= 1.0));
            let initial = self.golden.values("v_init");
            let d = self.golden.values(&format!("{loss}.grad_current"));
            let [_, n, steps] = self.golden.shape("current") else {
                panic!()
            };
            for (at, start) in initial.iter().enumerate() {
                let neuron = (at % n) % beta.len();
                out[neuron] += d[at * steps] * start / beta[neuron];
            }
        }
        out
    }

    fn loss(&self, loss: &str, spikes: Tensor<3>, membrane: Tensor<3>) -> Tensor<1> {
        let spikes = spikes * self.swapped("R1");
        let membrane = membrane * self.swapped("R2");
        match loss {
            "spk" => spikes.sum(),
            "mem" => membrane.sum(),
            _ => spikes.sum() + membrane.sum(),
        }
    }

    fn close(&self, check: &mut Check, name: &str, found: &[f64], expected: &[f64]) {
        check.close(name, found, expected, self.tolerance);
    }

    /// A golden tensor, with leading dimensions of 1 as needed.
    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let mut shape = self.golden.shape(name).to_vec();
        while shape.len() < D {
            shape.insert(0, 1);
        }
        let data = TensorData::new(self.golden.values(name).to_vec(), shape);
        Tensor::from_data(data, (&self.device, self.dtype))
    }

    /// A golden `[batch, neuron, time]` as `[batch, time, neuron]`.
    fn swapped(&self, name: &str) -> Tensor<3> {
        let (shape, values) = swap_last(self.golden.shape(name), self.golden.values(name));
        Tensor::from_data(TensorData::new(values, shape), (&self.device, self.dtype))
    }

    fn expected(&self, name: &str) -> Vec<f64> {
        swap_last(self.golden.shape(name), self.golden.values(name)).1
    }
}

/// What neurons are made of, as far as it has a gradient.
struct Leaves {
    beta: Tensor<1>,
    initial: Option<Tensor<2>>,
}

impl Leaves {
    fn neurons(&self, model: NeuronModel, surrogate: Surrogate) -> Neurons {
        let neurons = Neurons::new(self.beta.clone(), model).with_surrogate(surrogate);
        match &self.initial {
            Some(initial) => neurons.with_initial(initial.clone()),
            None => neurons,
        }
    }

    /// With a single step some routes do not depend on β at all.
    fn beta_gradient(&self, gradients: &Gradients) -> Vec<f64> {
        let gradient = self.beta.grad(gradients);
        values(gradient.unwrap_or(self.beta.zeros_like()))
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().unwrap()
}

fn ints<const D: usize>(tensor: Tensor<D, Int>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().unwrap()
}
