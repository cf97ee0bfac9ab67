//! `convmodel`: two convolutions, each with maximum pooling, a linear layer and a readout.

use block_core::{LayerInput, SpikeEvents, Surrogate};
use block_models::{
    BetaConfig, ConvConfig, FlattenConfig, Formulation, Layer, LayerConfig, LinearConfig, Network,
    NetworkConfig, PoolConfig, PoolReduction, Shape,
};
use burn::module::Param;
use burn::tensor::{Int, Tensor};
use conformance::Check;

use crate::case::{Case, values};

/// Compares a network: spike counts, class scores, the loss, and all gradients.
pub(crate) fn run(case: &Case, check: &mut Check) {
    let dense = case.sequence("x");
    let events = SpikeEvents::from_dense(dense.clone()).unwrap();
    for &formulation in case.formulations() {
        let tracked = || LayerInput::from(dense.clone().require_grad());
        let both = || tracked().with_events(events.clone()).unwrap();
        // The convolutions by events, or all of them densely.
        for (route, input, densest) in [
            ("dense", tracked(), 0.0),
            ("dense from events", events.clone().into(), 0.0),
            ("events", events.clone().into(), f64::MAX),
            ("events and dense", both(), f64::MAX),
        ] {
            let place = format!(
                "{} {:?} {formulation:?} {route}",
                case.golden.name, case.dtype
            );
            let network = network(case, formulation, densest);
            check.context(format!("{place} forward"));
            let output = network.forward(&input).unwrap();
            let total = |counts: &Tensor<1, Int>| values(counts.clone().sum().float())[0];
            let found: Vec<f64> = output.hidden_spikes.iter().map(total).collect();
            check.exact("spike counts", &found, &list(case, "spike_counts"));
            gradients(case, check, &network, &input, output.logits);
            check.context(format!("{place} trace"));
            let trace = network.trace(&input).unwrap();
            let totals = trace
                .hidden
                .into_iter()
                .map(|spikes| values(spikes.sum())[0]);
            let found: Vec<f64> = totals.collect();
            check.exact("spikes", &found, &list(case, "spike_counts"));
            gradients(case, check, &network, &input, trace.logits);
        }
    }
}

fn gradients(
    case: &Case,
    check: &mut Check,
    network: &Network,
    input: &LayerInput,
    logits: Tensor<2>,
) {
    let mut close = |name: &str, found: Vec<f64>, expected: &[f64]| {
        check.close(name, &found, expected, case.tolerance);
    };
    close(
        "logits",
        values(logits.clone()),
        case.golden.values("logits"),
    );
    if case.tied() {
        return;
    }
    let loss = case.loss(logits);
    close("loss", values(loss.clone()), case.golden.values("loss"));
    let gradients = loss.backward();
    let mut layer = |name: &str, weight: Vec<f64>, bias: Tensor<1>, beta: Tensor<1>| {
        let of = |tensor: Tensor<1>| values(tensor.grad(&gradients).unwrap());
        let found = [
            ("_to_current.weight", weight),
            ("_to_current.bias", of(bias)),
            ("_beta", of(beta)),
        ];
        for (what, found) in found {
            let name = format!("grad.{name}.{what}");
            close(&name, found, case.golden.values(&name));
        }
    };
    let transposed = |weight: Tensor<2>| values(weight.grad(&gradients).unwrap().transpose());
    for (index, hidden) in network.hidden.iter().enumerate() {
        match hidden {
            Layer::Conv(conv) => {
                let weight = values(conv.conv.weight.val().grad(&gradients).unwrap());
                let bias = conv.conv.bias.as_ref().unwrap().val();
                layer(&conv_name(index), weight, bias, conv.beta.val());
            }
            Layer::Linear(linear) => {
                let weight = transposed(linear.linear.weight.val());
                let bias = linear.linear.bias.as_ref().unwrap().val();
                layer(LINEAR, weight, bias, linear.beta.val());
            }
            Layer::Pool(_) | Layer::Flatten(_) => (),
            Layer::Recurrent(_) => unreachable!("no golden file has one"),
        }
    }
    let readout = &network.readout;
    let bias = readout.linear.bias.as_ref().unwrap().val();
    let weight = transposed(readout.linear.weight.val());
    layer(READOUT, weight, bias, readout.beta.val());
    if let Some(dense) = input.dense() {
        let found = values(dense.grad(&gradients).unwrap());
        close("grad_x", found, &case.expected("grad_x"));
    }
}

const LINEAR: &str = "linear_layers.0";
const READOUT: &str = "readout_layer";

/// The file's name of the convolution that is ours with this index.
fn conv_name(index: usize) -> String {
    // Two layers each there, one more before the first; here a convolution and its pooling.
    format!("conv_layers.{}", 1 + 3 * (index / 2))
}

fn network(case: &Case, formulation: Formulation, densest: f64) -> Network {
    let pool = PoolConfig {
        reduction: PoolReduction::Max,
        window: 2,
        stride: None,
    };
    let mut layers: Vec<LayerConfig> = Vec::new();
    for channels in list(case, "channels") {
        let conv = ConvConfig {
            padding: 2,
            ..ConvConfig::new(channels as usize, 5)
        };
        layers.extend([conv.into(), pool.clone().into()]);
    }
    layers.extend([
        FlattenConfig {}.into(),
        LinearConfig::new(case.size("n_linear")).into(),
    ]);
    let config = NetworkConfig {
        formulation,
        readout: case.readout(),
        beta: BetaConfig {
            per_neuron: case.golden.meta("heterogeneous_beta") == "true",
            ..BetaConfig::default()
        },
        surrogate: Surrogate::FastSigmoid {
            scale: case.golden.number("scale").unwrap(),
        },
        layers: Some(layers),
        ..NetworkConfig::default()
    };
    let side = case.size("H");
    let input = Shape::from([case.size("n_in"), side, side]);
    let network = config.init(input, case.size("n_out"), &case.device);
    let mut network = network.unwrap();
    let vector = |name: &str, what: &str| case.tensor::<1>(&format!("param.{name}.{what}"));
    let bias = |name: &str| Some(Param::from_tensor(vector(name, "_to_current.bias")));
    let beta = |name: &str| Param::from_tensor(vector(name, "_beta"));
    let weight = |name: &str| {
        let weight = case.tensor::<2>(&format!("param.{name}._to_current.weight"));
        Param::from_tensor(weight.transpose())
    };
    for (index, layer) in network.hidden.iter_mut().enumerate() {
        match layer {
            Layer::Conv(conv) => {
                let name = conv_name(index);
                let shape = conv.conv.weight.lazy_shape().dims();
                let weight = format!("param.{name}._to_current.weight");
                conv.conv.weight = Param::from_tensor(case.shaped::<4>(&weight, shape));
                conv.conv.bias = bias(&name);
                conv.beta = beta(&name);
                *conv = conv.clone().with_events_up_to(densest);
            }
            Layer::Linear(linear) => {
                linear.linear.weight = weight(LINEAR);
                linear.linear.bias = bias(LINEAR);
                linear.beta = beta(LINEAR);
            }
            Layer::Pool(_) | Layer::Flatten(_) => (),
            Layer::Recurrent(_) => unreachable!("no golden file has one"),
        }
    }
    network.readout.linear.weight = weight(READOUT);
    network.readout.linear.bias = bias(READOUT);
    network.readout.beta = beta(READOUT);
    network
}

/// A list of numbers in the metadata.
fn list(case: &Case, key: &str) -> Vec<f64> {
    serde_json::from_str(case.golden.meta(key)).unwrap()
}
