//! What a stack of layers is: its forms of config, its names, its equal ways of being computed.

use std::sync::{Mutex, PoisonError};

use block_core::{LayerInput, SpikeEventsBuilder, Surrogate};
use block_models::{
    ConfigError, Formulation, Layer, LayerConfig, LinearConfig, Network, NetworkConfig,
    ReadoutReduction, Shape, draw,
};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

const INPUTS: usize = 6;
const CLASSES: usize = 3;

fn network(config: &NetworkConfig) -> Network {
    // The seed is the device's, which the tests of this process share.
    static DRAWING: Mutex<()> = Mutex::new(());
    let _alone = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
    let device = Device::flex();
    device.seed(5);
    let device = device.autodiff();
    let network = config.init(Shape::Units(INPUTS), CLASSES, &device).unwrap();
    draw(&network);
    network
}

/// Three samples, in which every input fires once.
fn input() -> LayerInput {
    let mut builder = SpikeEventsBuilder::new(20, INPUTS);
    for sample in 0..3 {
        let step = |unit| (7 * unit + 3 * sample) % 20;
        let steps: Vec<u32> = (0..INPUTS as u32).map(step).collect();
        builder.push_first_spikes(&steps).unwrap();
    }
    builder.build(&Device::flex().autodiff()).into()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

fn refused(config: &NetworkConfig) -> String {
    let made = config.init(Shape::Units(INPUTS), CLASSES, &Device::flex());
    made.unwrap_err().to_string()
}

#[test]
fn hidden_is_short_for_linear_layers() {
    let scaled = NetworkConfig {
        init_scale: 8.0,
        skip: true,
        ..NetworkConfig::of([60, 60])
    };
    let layers = [60, 60].map(|neurons| LinearConfig::new(neurons).into());
    let spelled = NetworkConfig {
        hidden: None,
        layers: Some(layers.into()),
        ..scaled.clone()
    };
    let [short, long] = [&scaled, &spelled].map(network);
    assert_eq!(short.layers(), long.layers());
    let [short, long] =
        [short, long].map(|network| values(network.forward(&input()).unwrap().logits));
    assert_eq!(short, long);
    assert!(short.iter().any(|value| *value != 0.0));
}

#[test]
fn a_layer_may_deviate_from_the_network() {
    let second = LinearConfig {
        skip: Some(true),
        formulation: Some(Formulation::StandardMulti),
        beta: Some(0.5),
        beta_per_neuron: Some(false),
        init_scale: Some(1e-30),
        surrogate: Some(Surrogate::Arctan { scale: 2.0 }),
        ..LinearConfig::new(9)
    };
    let config = NetworkConfig {
        layers: Some(vec![LinearConfig::new(9).into(), second.into()]),
        ..NetworkConfig::default()
    };
    let network = network(&config);
    let layers = network.layers();
    let summaries: Vec<_> = layers.iter().map(|layer| layer.summary.as_str()).collect();
    let expected = [
        "scan spikes",
        "standard-multi spikes plus its input",
        "membrane, sum over time",
    ];
    assert_eq!(summaries, expected);
    assert_eq!(layers[1].parameters, 9 * 9 + 9 + 1);
    assert_eq!(
        network.num_params(),
        layers.iter().map(|layer| layer.parameters).sum::<usize>()
    );
    // With such weights the second layer is silent, and only its input goes on.
    let trace = network.trace(&input()).unwrap();
    assert!(
        values(trace.hidden[1].clone())
            .iter()
            .all(|spike| *spike == 0.0)
    );
    assert_eq!(values(trace.readout_input), values(trace.hidden[0].clone()));
}

#[test]
fn configs_that_make_no_network_name_the_key() {
    let both = NetworkConfig {
        layers: Some(vec![LinearConfig::new(3).into()]),
        ..NetworkConfig::of([3])
    };
    assert!(refused(&both).starts_with("`hidden` is [3] beside `layers`, expected one"));
    let unequal = NetworkConfig {
        skip: true,
        ..NetworkConfig::of([3, 4])
    };
    assert!(refused(&unequal).starts_with("`hidden` is [3, 4], expected hidden layers of equal"));
    assert!(refused(&NetworkConfig::of([])).starts_with("`hidden` is []"));
    let none = NetworkConfig {
        layers: Some(Vec::new()),
        ..NetworkConfig::default()
    };
    assert!(refused(&none).starts_with("`layers` is empty"));
    let skip = LinearConfig {
        skip: Some(true),
        ..LinearConfig::new(5)
    };
    let layers = |layers: Vec<LayerConfig>| NetworkConfig {
        layers: Some(layers),
        ..NetworkConfig::default()
    };
    let message = refused(&layers(vec![LinearConfig::new(4).into(), skip.into()]));
    let expected = "`layers.1.skip` is true, expected false, or layers of equal width: this one takes 4 \
                    units and puts out 5";
    assert_eq!(message, expected);
    let empty = refused(&layers(vec![LinearConfig::new(0).into()]));
    assert_eq!(empty, "`layers.0.neurons` is 0, expected at least 1");
    let made = NetworkConfig::default().init(Shape::Units(3), 0, &Device::flex());
    let error: ConfigError = made.unwrap_err();
    assert_eq!(error.to_string(), "`classes` is 0, expected at least 1");
}

#[test]
fn the_last_readout_takes_the_potential_of_the_last_step() {
    for formulation in [Formulation::Scan, Formulation::Convolution] {
        let config = NetworkConfig {
            readout: ReadoutReduction::Last,
            formulation,
            init_scale: 4.0,
            ..NetworkConfig::of([9])
        };
        let network = network(&config);
        let trace = network.trace(&input()).unwrap();
        let last = values(trace.membrane.slice([0..3, 19..20, 0..CLASSES]));
        assert_eq!(values(trace.logits), last);
        let output = network.forward(&input()).unwrap();
        for (found, expected) in values(output.logits.clone()).iter().zip(&last) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        let gradients = output.logits.sum().backward();
        let bias = network.readout.linear.bias.as_ref().unwrap().val();
        // A constant current's last potential is its sum over a geometric series, here of three samples.
        let beta = 0.951_229_4_f32;
        let expected = 3.0 * (0..20).map(|lag| beta.powi(lag)).sum::<f32>();
        for found in values(bias.grad(&gradients).unwrap()) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }
}

#[test]
fn layers_of_different_formulations_run_as_their_trace() {
    let deviating = |formulation| LinearConfig {
        formulation: Some(formulation),
        init_scale: Some(4.0),
        ..LinearConfig::new(9)
    };
    for last in [Formulation::Scan, Formulation::Convolution] {
        let layers = [Formulation::StandardSingle, last].map(|one| deviating(one).into());
        let config = NetworkConfig {
            layers: Some(layers.into()),
            ..NetworkConfig::default()
        };
        let network = network(&config);
        let (output, trace) = (
            network.forward(&input()).unwrap(),
            network.trace(&input()).unwrap(),
        );
        for (found, expected) in values(output.logits).iter().zip(values(trace.logits)) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        for (counts, spikes) in output.hidden_spikes.into_iter().zip(trace.hidden) {
            assert_eq!(
                counts.into_data().iter::<i64>().sum::<i64>() as f32,
                values(spikes.sum())[0]
            );
        }
        assert_eq!(network.hidden[0].output(), Shape::Units(9));
    }
}

/// A skip connection around the first layer adds events alone to spikes that have a gradient.
#[test]
fn a_skip_around_the_first_layer_leaves_it_its_gradient() {
    for formulation in [
        Formulation::Scan,
        Formulation::Convolution,
        Formulation::StandardSingle,
        Formulation::StandardMulti,
    ] {
        let config = NetworkConfig {
            formulation,
            init_scale: 8.0,
            layers: Some(vec![
                LinearConfig {
                    skip: Some(true),
                    ..LinearConfig::new(INPUTS)
                }
                .into(),
            ]),
            ..NetworkConfig::default()
        };
        let network = network(&config);
        let LayerInput::Events(events) = input() else {
            panic!("events");
        };
        let inputs = [
            events.clone().into(),
            LayerInput::from(events.to_dense()),
            LayerInput::from(events.to_dense())
                .with_events(events)
                .unwrap(),
        ];
        let [alone, dense, both] = inputs.map(|input| {
            let logits = network.forward(&input).unwrap().logits;
            let gradients = logits.clone().powi_scalar(2).sum().backward();
            let Layer::Linear(layer) = &network.hidden[0] else {
                panic!("a linear layer");
            };
            let weight = layer.linear.weight.val().grad(&gradients);
            [values(logits), values(weight.expect("a gradient"))]
        });
        for found in [alone, both] {
            for (found, expected) in found.concat().iter().zip(dense.concat()) {
                let close = (found - expected).abs() <= 1e-4 * expected.abs().max(1.0);
                assert!(close, "{formulation:?}: {found}, expected {expected}");
            }
        }
        assert!(dense[1].iter().any(|gradient| *gradient != 0.0));
    }
}
