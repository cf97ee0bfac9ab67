//! `linmodel`: networks of linear layers.

use block_core::{FusedAdam, LayerInput, SpikeEvents, Surrogate};
use block_models::{BetaConfig, Formulation, Layer, Network, NetworkConfig, Shape};
use burn::module::Param;
use burn::nn::Linear;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{DType, Gradients, Tensor};
use conformance::Check;

use crate::case::{Case, values};

impl Case<'_> {
    /// Compares a network of linear layers.
    pub(crate) fn linear_network(&self, check: &mut Check) {
        let dense = self.sequence("x");
        let events = SpikeEvents::from_dense(dense.clone()).unwrap();
        for &formulation in self.formulations() {
            for (route, input) in [
                ("dense", LayerInput::from(dense.clone().require_grad())),
                ("events", LayerInput::from(events.clone())),
            ] {
                let place = format!(
                    "{} {:?} {formulation:?} {route}",
                    self.golden.name, self.dtype
                );
                check.context(&place);
                let network = self.network(formulation);
                self.outputs(check, &network, &input);
                if !self.tied() {
                    check.context(format!("{place} forward"));
                    let logits = network.forward(&input).unwrap().logits;
                    self.gradients(check, &network, &input, logits);
                    check.context(format!("{place} trace"));
                    let logits = network.trace(&input).unwrap().logits;
                    self.gradients(check, &network, &input, logits);
                    if self.golden.has("adam_losses") {
                        check.context(format!("{place} adam"));
                        self.adam(check, network, &input);
                    }
                }
            }
        }
    }

    fn network(&self, formulation: Formulation) -> Network {
        let config = NetworkConfig {
            formulation,
            readout: self.readout(),
            skip: self.golden.meta("skip_connections") == "true",
            beta: BetaConfig {
                per_neuron: self.golden.meta("heterogeneous_beta") == "true",
                ..BetaConfig::default()
            },
            surrogate: Surrogate::FastSigmoid {
                scale: self.golden.number("scale").unwrap(),
            },
            ..NetworkConfig::of(vec![self.size("n_hidden"); self.size("n_layers")])
        };
        let input = Shape::Units(self.size("n_in"));
        let network = config.init(input, self.size("n_out"), &self.device);
        let mut network = network.unwrap();
        for (layer, name) in named_layers(&mut network) {
            let weight = self.tensor::<2>(&format!("param.{name}._to_current.weight"));
            layer.linear.weight = Param::from_tensor(weight.transpose());
            let bias = self.tensor(&format!("param.{name}._to_current.bias"));
            layer.linear.bias = Some(Param::from_tensor(bias));
            *layer.beta = Param::from_tensor(self.tensor(&format!("param.{name}._beta")));
        }
        network
    }

    fn outputs(&self, check: &mut Check, network: &Network, input: &LayerInput) {
        let trace = network.trace(input).unwrap();
        let output = network.forward(input).unwrap();
        for (index, spikes) in trace.hidden.into_iter().enumerate() {
            let expected = self.expected(&format!("hidden_spikes.{index}"));
            check.exact(&format!("hidden {index}"), &values(spikes), &expected);
            let counts = output.hidden_spikes[index].clone().sum();
            let found: Vec<f64> = counts.into_data().convert::<f64>().try_into_vec().unwrap();
            check.exact(&format!("count {index}"), &found, &[expected.iter().sum()]);
        }
        let expected = self.expected("deactivated_readout");
        check.exact("readout input", &values(trace.readout_input), &expected);
        let expected = self.golden.values("logits");
        check.close(
            "trace logits",
            &values(trace.logits),
            expected,
            self.tolerance,
        );
        check.close("logits", &values(output.logits), expected, self.tolerance);
    }

    fn gradients(
        &self,
        check: &mut Check,
        network: &Network,
        input: &LayerInput,
        logits: Tensor<2>,
    ) {
        let loss = self.loss(logits);
        check.close(
            "loss",
            &values(loss.clone()),
            self.golden.values("loss"),
            self.tolerance,
        );
        let gradients = loss.backward();
        self.compare(check, network, "grad", self.tolerance, |layer| {
            let grad = |name, tensor: Option<Tensor<1>>| tensor.unwrap_or_else(|| panic!("{name}"));
            (
                layer.weight().grad(&gradients).expect("weight"),
                grad("bias", layer.bias().grad(&gradients)),
                grad("beta", layer.beta.val().grad(&gradients)),
            )
        });
        if let Some(dense) = input.dense() {
            let found = self.input_gradient(dense, &gradients);
            check.close("grad_x", &found, &self.expected("grad_x"), self.tolerance);
        }
    }

    fn input_gradient(&self, dense: &Tensor<3>, gradients: &Gradients) -> Vec<f64> {
        values(dense.grad(gradients).expect("input"))
    }

    /// Five steps. Adam divides a gradient by its own magnitude: where that is lost in float32's
    /// rounding, the update is not determined, and the steps after it go their own way.
    fn adam(&self, check: &mut Check, mut network: Network, input: &LayerInput) {
        let rate = self.golden.meta("adam");
        let rate = rate
            .split("\"lr\": ")
            .nth(1)
            .and_then(|r| r.split(',').next());
        let rate: f64 = rate.unwrap().parse().unwrap();
        let mut adam = ModuleOptimizer::from(FusedAdam::default());
        let mut losses = Vec::new();
        for step in 1..=5 {
            let loss = self.loss(network.forward(input).unwrap().logits);
            losses.extend(values(loss.clone()));
            if step > 1 && !self.determined() {
                println!(
                    "{}: float32 does not determine Adam past step 1",
                    self.golden.name
                );
                break;
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = adam.step(rate, network, gradients);
            if step == 1 || step == 5 {
                let prefix = format!("adam_step{step}");
                self.compare(check, &network, &prefix, self.tolerance, |layer| {
                    (layer.weight(), layer.bias(), layer.beta.val())
                });
            }
        }
        let expected = &self.golden.values("adam_losses")[..losses.len()];
        check.close("losses", &losses[..], expected, self.tolerance);
    }

    /// Whether float32 resolves every gradient that is not 0.
    fn determined(&self) -> bool {
        let gradients = self
            .golden
            .names()
            .into_iter()
            .filter(|name| name.starts_with("grad."));
        self.dtype == DType::F64
            || gradients.into_iter().all(|name| {
                let values = self.golden.values(name);
                let lost = f64::from(f32::EPSILON) * max(values);
                values.iter().all(|v| *v == 0.0 || v.abs() > lost)
            })
    }

    /// Weight, bias and β of every layer against the golden `{prefix}.{layer}…`.
    fn compare(
        &self,
        check: &mut Check,
        network: &Network,
        prefix: &str,
        tolerance: f64,
        of: impl Fn(&Parameters) -> (Tensor<2>, Tensor<1>, Tensor<1>),
    ) {
        for (layer, name) in named_layers(&mut network.clone()) {
            let (weight, bias, beta) = of(&layer);
            let parameters = [
                ("_to_current.weight", values(weight.transpose())),
                ("_to_current.bias", values(bias)),
                ("_beta", values(beta)),
            ];
            for (what, found) in parameters {
                let expected = self.golden.values(&format!("{prefix}.{name}.{what}"));
                let (mut found, mut expected) = (found, expected.to_vec());
                if prefix.starts_with("adam") && !self.determined() {
                    let gradient = self.golden.values(&format!("grad.{name}.{what}"));
                    let lost = f64::from(f32::EPSILON) * max(gradient);
                    let keep: Vec<bool> = gradient.iter().map(|g| g.abs() > lost).collect();
                    let mut kept = keep.iter();
                    found.retain(|_| *kept.next().unwrap());
                    let mut kept = keep.iter();
                    expected.retain(|_| *kept.next().unwrap());
                }
                check.close(
                    &format!("{prefix} {name} {what}"),
                    &found,
                    &expected,
                    tolerance,
                );
            }
        }
    }
}

/// The parameters of a hidden layer or the readout.
struct Parameters<'a> {
    linear: &'a mut Linear,
    beta: &'a mut Param<Tensor<1>>,
}

impl Parameters<'_> {
    fn weight(&self) -> Tensor<2> {
        self.linear.weight.val()
    }

    fn bias(&self) -> Tensor<1> {
        self.linear.bias.as_ref().expect("ours have one").val()
    }
}

/// All layers with their names in the files.
fn named_layers(network: &mut Network) -> Vec<(Parameters<'_>, String)> {
    let hidden = network.hidden.iter_mut().enumerate();
    let mut layers: Vec<_> = hidden
        .map(|(index, layer)| {
            let Layer::Linear(layer) = layer else {
                panic!("a network of linear layers has {layer:?}");
            };
            let (linear, beta) = (&mut layer.linear, &mut layer.beta);
            (Parameters { linear, beta }, format!("_layers.{index}"))
        })
        .collect();
    let (linear, beta) = (&mut network.readout.linear, &mut network.readout.beta);
    layers.push((Parameters { linear, beta }, "_readout_layer".into()));
    layers
}

/// The largest magnitude.
fn max(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max, v| max.max(v.abs()))
}
