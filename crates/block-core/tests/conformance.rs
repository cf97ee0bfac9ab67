//! Spikes, potentials and gradients against the reference implementation's, file by file.
//!
//! `tests/golden/README.md` says what the files hold. Float64 must agree to 1e-9 and float32 to 1e-4
//! of a tensor's largest magnitude; spikes exactly, but for float32 where the closest potential lies
//! within 1e-5 of the threshold.

use block_core::{
    LeakyNeurons, NeuronModel, SpikeEvents, SpikeTrain, Surrogate, Synapses, block, integrate,
    linear_membrane, spiking_linear, standard,
};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use conformance::{Check, Golden, swap_last};

#[test]
fn conformance() {
    conformance::run(
        env!("CARGO_MANIFEST_DIR"),
        "block-core",
        &["neurons", "surrogate"],
        |golden, check| {
            for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-4)] {
                check.context(format!("{} {dtype:?}", golden.name));
                match golden.meta("kind") {
                    "surrogate" => surrogate(golden, check, dtype, tolerance),
                    _ => Case::new(golden, dtype, tolerance).run(check),
                }
            }
        },
    );
}

fn surrogate(golden: &Golden, check: &mut Check, dtype: DType, tolerance: f64) {
    let device = Device::flex().autodiff();
    let surrogate = Surrogate::FastSigmoid {
        scale: golden.number("scale").unwrap(),
    };
    let distance = TensorData::new(golden.values("x").to_vec(), golden.shape("x"));
    let x = Tensor::<1>::from_data(distance, (&device, dtype)).require_grad();
    let spikes = surrogate.spike(x.clone() + 1.0);
    if dtype == DType::F64 {
        // Adding 1 in float32 moves potentials across the threshold.
        check.exact("out", &values(spikes.clone()), golden.values("out"));
    }
    let gradient = x.grad(&spikes.sum().backward()).unwrap();
    check.close("grad", &values(gradient), golden.values("grad"), tolerance);
}

/// Spikes and membrane of a formulation.
type Outputs = (Tensor<3>, Tensor<3>);

const LOSSES: &[&str] = &["spk", "mem", "both"];

struct Case<'a> {
    golden: &'a Golden,
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
        match self.golden.meta("formulation") {
            "block" => self.block(check),
            "standard-single" => {
                self.neurons(check, "standard", LOSSES, |current, neurons| {
                    let out = standard::single_spike(current, neurons).unwrap();
                    (out.spikes, out.membrane)
                });
                self.layers(check, NeuronModel::SingleSpike, &["spk"]);
            }
            "standard-multi" => {
                self.neurons(check, "standard", LOSSES, |current, neurons| {
                    let out = standard::multi_spike(current, neurons).unwrap();
                    (out.spikes, out.membrane)
                });
                self.layers(check, NeuronModel::MultiSpike, &["spk"]);
            }
            "integrator" => {
                self.neurons(check, "standard", LOSSES, |current, neurons| {
                    let out = standard::integrator(current, neurons).unwrap();
                    (out.spikes, out.membrane)
                });
                // It has no spikes: the file's own stand in, the loss does not touch them.
                self.neurons(check, "integrate", &["mem"], |current, neurons| {
                    let membrane = integrate(current, neurons).unwrap();
                    (self.swapped("spikes"), membrane)
                });
            }
            other => panic!("{}: formulation {other:?}", self.golden.name),
        }
    }

    fn block(&self, check: &mut Check) {
        self.neurons(check, "scan", &["spk"], |current, neurons| {
            let out = block::scan(current, neurons).unwrap();
            (out.spikes, out.membrane)
        });
        self.neurons(check, "latch", LOSSES, |current, neurons| {
            let membrane = integrate(current, neurons).unwrap();
            let (spikes, _) = block::first_spikes(membrane.clone(), self.surrogate).unwrap();
            (spikes, membrane)
        });
        self.neurons(check, "convolution", LOSSES, |current, neurons| {
            let out = block::convolution(current, neurons).unwrap();
            (out.spikes, out.membrane)
        });
        let (neurons, ..) = self.neuron_leaves();
        let out = block::convolution(self.swapped("current"), &neurons).unwrap();
        let faulty = self.expected("faulty_spikes");
        check.exact("convolution faulty", &values(out.faulty), &faulty);
        check.exact("convolution z", &values(out.order), &self.expected("z"));

        let first = block::scan(self.swapped("current"), &neurons).unwrap();
        let counted = block_core::first_spike_steps(self.swapped("spikes"));
        check.exact("first steps", &ints(first.first_steps), &ints(counted));

        self.layers(check, NeuronModel::Block, &["spk", "mem"]);
    }

    /// Outputs and the gradients of current, β and initial potential, one loss after the other.
    fn neurons(
        &self,
        check: &mut Check,
        route: &str,
        losses: &[&str],
        op: impl Fn(Tensor<3>, &LeakyNeurons) -> Outputs,
    ) {
        for loss in losses {
            let current = self.swapped("current").require_grad();
            let (neurons, beta, initial) = self.neuron_leaves();
            let (spikes, membrane) = op(current.clone(), &neurons);
            if loss == &losses[0] {
                let name = format!("{route} spikes");
                check.exact(&name, &values(spikes.clone()), &self.expected("spikes"));
                let name = format!("{route} mem");
                self.close(
                    check,
                    &name,
                    &values(membrane.clone()),
                    &self.expected("mem"),
                );
            }
            let gradients = self.loss(loss, spikes, membrane).backward();
            let name = |what: &str| format!("{route} {loss}.grad_{what}");

            let expected = self.expected(&format!("{loss}.grad_current"));
            let found = values(current.grad(&gradients).unwrap());
            self.close(check, &name("current"), &found, &expected);
            if self.golden.has(&format!("{loss}.grad_beta_raw")) {
                // With a single step the convolution does not depend on β at all.
                let found = beta.grad(&gradients).unwrap_or(beta.zeros_like());
                self.close(
                    check,
                    &name("beta"),
                    &values(found),
                    &self.expected_beta(loss),
                );
            }
            if let Some(initial) = initial {
                let found = values(initial.grad(&gradients).unwrap());
                self.close(check, &name("v_init"), &found, &self.expected_initial(loss));
            }
        }
    }

    /// The linear layers, by dense spikes, by events and by both. They have no initial potential.
    fn layers(&self, check: &mut Check, model: NeuronModel, losses: &[&str]) {
        if self.golden.has("v_init") {
            return;
        }
        let dense = self.swapped("x");
        let leaf = SpikeTrain::from(dense.clone().require_grad());
        self.layer(check, "dense", leaf, model, losses);
        // Analogue inputs have no events.
        if let Ok(events) = SpikeEvents::from_dense(dense.clone()) {
            self.layer(
                check,
                "events",
                SpikeTrain::from(events.clone()),
                model,
                losses,
            );
            let both = SpikeTrain::from(dense.require_grad());
            let both = both.with_events(events).unwrap();
            self.layer(check, "events and dense", both, model, losses);
        }
    }

    /// Gradients of input, weight, bias and β.
    fn layer(
        &self,
        check: &mut Check,
        route: &str,
        input: SpikeTrain,
        model: NeuronModel,
        losses: &[&str],
    ) {
        for &loss in losses {
            let (neurons, beta, _) = self.neuron_leaves();
            let [weight, bias] = ["weight", "bias"].map(|name| self.tensor::<2>(name));
            let weight = weight.transpose().detach().require_grad();
            let bias = bias.squeeze_dim::<1>(0).detach().require_grad();
            let synapses = Synapses {
                weight: weight.clone(),
                bias: bias.clone(),
            };
            let output = if loss == "spk" {
                let out = spiking_linear(&input, &synapses, &neurons, model).unwrap();
                let name = format!("layer {route} spikes");
                check.exact(&name, &values(out.spikes.clone()), &self.expected("spikes"));
                out.spikes * self.swapped("R1")
            } else {
                let membrane = linear_membrane(&input, &synapses, &neurons).unwrap();
                let name = format!("layer {route} mem");
                self.close(
                    check,
                    &name,
                    &values(membrane.clone()),
                    &self.expected("mem"),
                );
                membrane * self.swapped("R2")
            };
            let gradients = output.sum().backward();
            let name = |what: &str| format!("layer {route} {loss}.grad_{what}");
            let golden = |what: &str| self.golden.values(&format!("{loss}.grad_{what}"));

            let found = values(weight.grad(&gradients).unwrap().transpose());
            self.close(check, &name("weight"), &found, golden("weight"));
            let found = values(bias.grad(&gradients).unwrap());
            self.close(check, &name("bias"), &found, golden("bias"));
            if self.golden.has(&format!("{loss}.grad_beta_raw")) {
                // The loop over a single step does not depend on β at all.
                let found = beta.grad(&gradients).unwrap_or(beta.zeros_like());
                self.close(check, &name("beta"), &values(found), golden("beta_raw"));
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
    fn neuron_leaves(&self) -> (LeakyNeurons, Tensor<1>, Option<Tensor<2>>) {
        let beta = self.tensor::<1>("beta_raw").require_grad();
        let mut neurons = LeakyNeurons::new(beta.clone()).with_surrogate(self.surrogate);
        let mut initial = None;
        if self.golden.has("v_init") {
            let mut start = self.tensor::<2>("v_init");
            if self.undecayed() {
                start = start / beta.clone().detach().unsqueeze::<2>();
            }
            let start = start.detach().require_grad();
            neurons = neurons.with_initial(start.clone());
            initial = Some(start);
        }
        (neurons, beta, initial)
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

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().unwrap()
}

fn ints<const D: usize>(tensor: Tensor<D, Int>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().unwrap()
}
