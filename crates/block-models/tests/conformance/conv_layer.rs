//! `convneurons`: a convolution over space and the neurons that it drives.

use block_core::{LayerInput, NeuronModel, SpikeEvents, Surrogate, conv_layer, convolution, scan};
use block_models::{
    ConvConfig, Formulation, HiddenLayer, NetworkConfig, Shape, Signal, SpikingConv2d,
};
use burn::module::Param;
use burn::tensor::Tensor;
use conformance::Check;

use crate::case::{Case, values};

/// Compares a layer: current, spikes, membrane, and the gradients of Σ R1·S.
pub(crate) fn run(case: &Case, check: &mut Check) {
    if case.golden.meta("formulation") == "integrator" {
        // No formulation of a hidden layer, but the same convolution.
        return operations(case, check, Formulation::Scan, NeuronModel::Integrator);
    }
    for &formulation in case.formulations() {
        operations(case, check, formulation, formulation.model());
        context(case, check, &format!("{formulation:?} layer"));
        gradients(case, check, formulation, false, |layer, input, _| {
            layer
                .forward(input)
                .unwrap()
                .signal
                .spikes
                .dense()
                .unwrap()
                .clone()
        });
    }
}

/// The layer's current through neurons of a model.
fn operations(case: &Case, check: &mut Check, formulation: Formulation, model: NeuronModel) {
    context(case, check, &format!("{formulation:?} {}", model.name()));
    gradients(case, check, formulation, false, |layer, input, check| {
        let current = layer.current(input).unwrap();
        let neurons = layer.neurons(model);
        let expected = case.expected("current_flat");
        check.close(
            "current",
            &values(current.clone()),
            &expected,
            case.tolerance,
        );
        let (spikes, membrane) = match formulation {
            Formulation::Convolution => {
                let out = convolution(current, &neurons).unwrap();
                (out.spikes, out.membrane)
            }
            _ => {
                let out = scan(current, &neurons).unwrap();
                (out.spikes(), out.membrane())
            }
        };
        let expected = case.expected("mem_flat");
        check.close("membrane", &values(membrane), &expected, case.tolerance);
        spikes
    });
    context(case, check, &format!("{} by events", model.name()));
    gradients(case, check, formulation, true, |layer, input, check| {
        let neurons = layer.neurons(model);
        let out = conv_layer(&input.spikes, &layer.synapses(), &neurons).unwrap();
        let membrane = values(out.membrane());
        let expected = case.expected("mem_flat");
        check.close("membrane", &membrane, &expected, case.tolerance);
        out.spikes()
    });
}

/// Spikes, the loss and all gradients of what runs a layer, on dense spikes with or without events.
fn gradients(
    case: &Case,
    check: &mut Check,
    formulation: Formulation,
    events: bool,
    spikes: impl FnOnce(&SpikingConv2d, &Signal, &mut Check) -> Tensor<3>,
) {
    let layer = layer(case, formulation);
    let dense = case.sequence("x").require_grad();
    let mut spikes_in = LayerInput::from(dense.clone());
    if events {
        let events = SpikeEvents::from_dense(dense.clone().detach()).unwrap();
        spikes_in = spikes_in.with_events(events).unwrap();
    }
    let input = Signal {
        spikes: spikes_in,
        shape: layer.input(),
        dtype: dense.dtype(),
    };
    let spikes = spikes(&layer, &input, check);
    check.exact("spikes", &values(spikes.clone()), &case.expected("spikes"));
    let loss = (spikes * case.sequence("R1")).sum();
    let expected = case.golden.values("loss");
    check.close("loss", &values(loss.clone()), expected, case.tolerance);

    let gradients = loss.backward();
    let conv = &layer.conv;
    let bias = conv.bias.as_ref().unwrap().val();
    let found = [
        (
            "grad_weight",
            values(conv.weight.val().grad(&gradients).unwrap()),
        ),
        ("grad_bias", values(bias.grad(&gradients).unwrap())),
        (
            "grad_beta_raw",
            values(layer.beta.val().grad(&gradients).unwrap()),
        ),
    ];
    for (name, found) in found {
        check.close(name, &found, case.golden.values(name), case.tolerance);
    }
    let found = values(dense.grad(&gradients).unwrap());
    check.close("grad_x", &found, &case.expected("grad_x"), case.tolerance);
}

fn layer(case: &Case, formulation: Formulation) -> SpikingConv2d {
    let config = ConvConfig {
        stride: case.size("stride"),
        formulation: Some(formulation),
        surrogate: Some(Surrogate::FastSigmoid {
            scale: case.golden.number("scale").unwrap(),
        }),
        ..ConvConfig::new(case.size("c_out"), case.size("kernel"))
    };
    let input = Shape::from(["c_in", "h", "w"].map(|key| case.size(key)));
    let defaults = NetworkConfig::default().layer_defaults(true);
    let mut layer = config.init(input, &defaults, &case.device).unwrap();
    let [out, inputs, _, rows, columns] = case.golden.shape("weight").try_into().unwrap();
    let weight = case.shaped("weight", [out, inputs, rows, columns]);
    layer.conv.weight = Param::from_tensor(weight);
    layer.conv.bias = Some(Param::from_tensor(case.tensor("bias")));
    layer.beta = Param::from_tensor(case.tensor("beta_raw"));
    layer
}

fn context(case: &Case, check: &mut Check, route: &str) {
    check.context(format!("{} {:?} {route}", case.golden.name, case.dtype));
}
