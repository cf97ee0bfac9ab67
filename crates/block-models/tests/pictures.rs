//! Layers of pictures: convolutions, pooling, flattening, and what does not fit.

use block_core::{LayerInput, SpikeEvents, SpikeEventsBuilder};
use block_models::{
    BetaOf, ConvConfig, ConvInit, FlattenConfig, Formulation, HiddenLayer, Layer, LayerConfig,
    LinearConfig, Network, NetworkConfig, Penalties, PoolConfig, PoolReduction, Shape, Signal,
    SpikingConv2d,
};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use proptest::prelude::*;

fn device() -> Device {
    Device::flex().autodiff()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

fn pool(reduction: PoolReduction, window: usize, stride: Option<usize>) -> PoolConfig {
    PoolConfig {
        reduction,
        window,
        stride,
    }
}

fn of_layers(layers: Vec<LayerConfig>) -> NetworkConfig {
    NetworkConfig {
        layers: Some(layers),
        ..NetworkConfig::default()
    }
}

fn init(config: &NetworkConfig, input: impl Into<Shape>) -> Network {
    config.init(input.into(), 3, &device()).unwrap()
}

/// Two samples of four steps on two channels of 8 by 8, in which every unit fires once.
fn events() -> SpikeEvents {
    let mut builder = SpikeEventsBuilder::new(4, 128);
    for sample in 0..2 {
        let steps: Vec<u32> = (0..128).map(|unit| (unit * 5 + sample) % 7 % 4).collect();
        builder.push_first_spikes(&steps).unwrap();
    }
    builder.build(&device())
}

/// The windows of a picture of `[channels, rows, columns]`, each with its units, row by row.
fn windows(input: [usize; 3], size: usize, stride: usize) -> Vec<Vec<usize>> {
    let [channels, height, width] = input;
    let mut windows = Vec::new();
    for channel in 0..channels {
        for top in (0..=height - size).step_by(stride) {
            for left in (0..=width - size).step_by(stride) {
                let unit = |at: usize| {
                    let (row, column) = (top + at / size, left + at % size);
                    (channel * height + row) * width + column
                };
                windows.push((0..size * size).map(unit).collect());
            }
        }
    }
    windows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Few different values, so that most windows have ties and many are all 0.
    #[test]
    fn pooling_is_what_a_plain_loop_does(
        (size, input) in (1_usize..4).prop_flat_map(|size| {
            (Just(size), (1_usize..3, size..size + 4, size..size + 4))
        }),
        stride in 1_usize..4,
        seed in prop::collection::vec(0_u8..4, 2 * 2 * 2 * 6 * 6),
    ) {
        let input = [input.0, input.1, input.2];
        let shape = Shape::from(input);
        let units = shape.units();
        let rows = 4; // Two samples of two steps.
        let spikes: Vec<f32> = seed[..rows * units].iter().map(|v| f32::from(*v / 2)).collect();
        // Some units fire twice, so that a window's maximum is not always 1.
        let spikes: Vec<f32> = spikes.iter().enumerate().map(|(at, v)| v * (1 + at % 2) as f32).collect();
        let windows = windows(input, size, stride);
        let (max, average) = (PoolReduction::Max, PoolReduction::Average);
        for (reduction, listed) in [(max, false), (max, true), (average, false), (average, true)] {
            let dense = TensorData::new(spikes.clone(), [2, 2, units]);
            let dense = Tensor::<3>::from_data(dense, &device()).require_grad();
            let config = pool(reduction, size, Some(stride));
            let layer = config.init(shape, &NetworkConfig::default().layer_defaults(false), &device());
            let layer = layer.unwrap();
            let mut entering = LayerInput::from(dense.clone());
            if listed {
                let events = SpikeEvents::from_dense(dense.clone().detach()).unwrap();
                entering = entering.with_events(events).unwrap();
            }
            let signal = Signal { spikes: entering, shape, dtype: DType::F32 };
            let out = layer.forward(&signal).unwrap().signal;
            // Only a maximum of events makes events.
            prop_assert_eq!(out.spikes.events().is_some(), listed && reduction == max);
            if let Some(events) = out.spikes.events() {
                let dense = out.spikes.dense().unwrap().clone();
                prop_assert_eq!(values(events.to_dense()), values(dense));
            }
            let out = out.spikes.dense().unwrap().clone();
            prop_assert_eq!(out.dims(), [2, 2, windows.len()]);
            // A gradient of its own for each window.
            let gradient: Vec<f32> = (0..rows * windows.len()).map(|at| (at + 1) as f32).collect();
            let data = TensorData::new(gradient.clone(), [2, 2, windows.len()]);
            let loss = (out.clone() * Tensor::from_data(data, &device())).sum();
            let found = values(dense.grad(&loss.backward()).unwrap());

            let (mut expected, mut expected_gradient) = (Vec::new(), vec![0.0; rows * units]);
            for row in 0..rows {
                let spikes = &spikes[row * units..][..units];
                for window in &windows {
                    let gradient = gradient[expected.len()];
                    let share = 1.0 / window.len() as f32;
                    match reduction {
                        PoolReduction::Max => {
                            let mut first = window[0];
                            for &unit in window {
                                if spikes[unit] > spikes[first] {
                                    first = unit;
                                }
                            }
                            expected.push(spikes[first]);
                            expected_gradient[row * units + first] += gradient;
                        }
                        PoolReduction::Average => {
                            expected.push(window.iter().map(|&unit| spikes[unit]).sum::<f32>() * share);
                            for &unit in window {
                                expected_gradient[row * units + unit] += gradient * share;
                            }
                        }
                    }
                }
            }
            for (found, expected) in [(values(out), expected), (found, expected_gradient)] {
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{found} {expected}");
                }
            }
        }
    }
}

/// A convolution of which every neuron has the β of its channel, or of the layer.
fn layer_with(beta_of: BetaOf, betas: Vec<f32>) -> SpikingConv2d {
    let config = ConvConfig {
        beta_of: Some(beta_of),
        ..ConvConfig::new(2, 3)
    };
    let defaults = NetworkConfig::default().layer_defaults(true);
    let mut layer = config.init([2, 8, 8].into(), &defaults, &device()).unwrap();
    assert_eq!(layer.beta.lazy_shape().num_elements(), betas.len());
    let weight: Vec<f32> = (0..36)
        .map(|at| ((at * 7 % 36) as f32 - 12.0) / 30.0)
        .collect();
    let weight = Tensor::from_data(TensorData::new(weight, [2, 2, 3, 3]), &device());
    layer.conv.weight = Param::from_tensor(weight);
    layer.beta = Param::from_tensor(Tensor::from_floats(&betas[..], &device()));
    layer
}

#[test]
fn a_shared_beta_is_that_of_each_neuron_and_its_gradient_their_sum() {
    let input = Signal {
        spikes: events().into(),
        shape: [2, 8, 8].into(),
        dtype: DType::F32,
    };
    let run = |layer: &SpikingConv2d| {
        let spikes = layer
            .spikes(&input)
            .unwrap()
            .spikes
            .dense()
            .unwrap()
            .clone();
        let order = Tensor::arange(0..spikes.dims()[2] as i64, &device());
        let weights = order.float().reshape([1, 1, -1]);
        let gradients = (spikes.clone() * weights).sum().backward();
        let beta = values(layer.beta.val().grad(&gradients).unwrap());
        (values(spikes), beta)
    };
    let own: Vec<f32> = (0..72)
        .map(|neuron| if neuron < 36 { 0.9 } else { 0.6 })
        .collect();
    let (spikes, of_neurons) = run(&layer_with(BetaOf::Neuron, own));
    assert!(spikes.iter().sum::<f32>() > 10.0);
    let (shared, of_channels) = run(&layer_with(BetaOf::Channel, vec![0.9, 0.6]));
    assert_eq!(spikes, shared);
    for (found, neurons) in of_channels.iter().zip(of_neurons.chunks(36)) {
        let expected: f32 = neurons.iter().sum();
        assert!(
            expected.abs() > 1.0 && (found / expected - 1.0).abs() < 1e-4,
            "{found} {expected}"
        );
    }
    let (spikes, of_neurons) = run(&layer_with(BetaOf::Neuron, vec![0.8; 72]));
    let (shared, of_layer) = run(&layer_with(BetaOf::Layer, vec![0.8]));
    assert_eq!(spikes, shared);
    let expected: f32 = of_neurons.iter().sum();
    assert!(
        (of_layer[0] / expected - 1.0).abs() < 1e-4,
        "{of_layer:?} {expected}"
    );
}

#[test]
fn initial_weights_follow_the_rule_and_the_scale() {
    let largest = |init, init_scale| {
        let config = ConvConfig {
            init,
            init_scale,
            ..ConvConfig::new(64, 5)
        };
        let defaults = NetworkConfig::default().layer_defaults(false);
        let layer = config
            .init([16, 5, 5].into(), &defaults, &device())
            .unwrap();
        assert_eq!(values(layer.conv.bias.as_ref().unwrap().val()), [0.0; 64]);
        let weight = layer.conv.weight.val();
        let largest = weight.clone().abs().max().into_scalar::<f32>();
        (largest, weight.square().mean().into_scalar::<f32>().sqrt())
    };
    let near = |found: f32, expected: f32| {
        assert!((found / expected - 1.0).abs() < 0.02, "{found} {expected}");
    };
    near(largest(ConvInit::FanIn, None).0, 1.0 / 20.0);
    near(largest(ConvInit::Kernel, None).0, 1.0 / 5.0);
    near(largest(ConvInit::FanIn, Some(4.0)).0, 4.0 / 20.0);
    let glorot = (2.0 / (25.0 * (16.0 + 64.0)) as f32).sqrt();
    near(largest(ConvInit::GlorotNormal, None).1, glorot);
    near(largest(ConvInit::GlorotNormal, Some(0.5)).1, 0.5 * glorot);
}

#[test]
fn a_convolutional_network_runs_by_every_formulation_and_from_events_as_from_dense_spikes() {
    for formulation in [
        Formulation::Scan,
        Formulation::Convolution,
        Formulation::StandardSingle,
        Formulation::StandardMulti,
    ] {
        let conv = ConvConfig {
            padding: 1,
            init: ConvInit::Kernel,
            ..ConvConfig::new(3, 3)
        };
        let config = NetworkConfig {
            formulation,
            ..of_layers(vec![
                pool(PoolReduction::Average, 2, None).into(),
                conv.into(),
                pool(PoolReduction::Max, 2, None).into(),
                FlattenConfig {}.into(),
                LinearConfig::new(9).into(),
            ])
        };
        let network = init(&config, [2, 8, 8]);
        let shapes: Vec<String> = network
            .hidden
            .iter()
            .map(|l| l.output().to_string())
            .collect();
        assert_eq!(shapes, ["2x4x4", "3x4x4", "3x2x2", "12", "9"]);
        let summaries: Vec<String> = network.layers().into_iter().map(|l| l.summary).collect();
        assert_eq!(summaries[0], "average of 2x2");
        assert!(
            summaries[1].ends_with("spikes of a 3x3 convolution"),
            "{summaries:?}"
        );
        assert_eq!(summaries[2..4], ["max of 2x2", "in a row"]);
        // Weights, biases, β.
        let parameters = (3 * 2 * 9 + 3 + 48) + (12 * 9 + 9 + 9) + (9 * 3 + 3 + 3);
        assert_eq!(network.num_params(), parameters);

        let events = events();
        let dense = events.to_dense().require_grad();
        let from_dense = network.forward(&LayerInput::from(dense.clone())).unwrap();
        let from_events = network.forward(&LayerInput::from(events)).unwrap();
        assert_eq!(
            values(from_dense.logits.clone()),
            values(from_events.logits)
        );
        let counts = |spikes: Vec<Tensor<1, Int>>| -> Vec<i64> {
            let counts = spikes.into_iter().map(|s| s.sum().into_scalar());
            counts.collect()
        };
        let counts = counts(from_dense.hidden_spikes);
        assert_eq!(counts.len(), 2, "the layers with neurons");
        let trace = network.trace(&LayerInput::from(dense.clone())).unwrap();
        let traced = trace
            .hidden
            .into_iter()
            .map(|s| s.sum().into_scalar::<f32>() as i64);
        assert_eq!(counts, traced.collect::<Vec<_>>());
        let gradients = from_dense.logits.sum().backward();
        let gradient = values(dense.grad(&gradients).unwrap());
        assert!(gradient.iter().any(|v| *v != 0.0) && gradient.iter().all(|v| v.is_finite()));
    }
}

#[test]
fn the_first_layer_with_weights_takes_the_models_scale() {
    let conv = |channels| ConvConfig::new(channels, 1).into();
    let config = NetworkConfig {
        init_scale: 64.0,
        ..of_layers(vec![
            pool(PoolReduction::Max, 2, None).into(),
            conv(8),
            conv(8),
        ])
    };
    let network = init(&config, [1, 2, 2]);
    let largest = network.hidden[1..].iter().map(|layer| {
        let Layer::Conv(conv) = layer else {
            panic!("{layer:?}");
        };
        conv.conv.weight.val().abs().max().into_scalar::<f32>()
    });
    let largest: Vec<f32> = largest.collect();
    assert!(largest[0] > 1.0 && largest[0] <= 64.0, "{largest:?}");
    assert!(largest[1] <= 1.0 / 8.0_f32.sqrt(), "{largest:?}");
}

#[test]
fn stacks_that_do_not_fit_name_the_layer_and_both_shapes() {
    let refused = |layers: Vec<LayerConfig>, input: [usize; 3]| {
        let made = of_layers(layers).init(input.into(), 3, &device());
        made.unwrap_err().to_string()
    };
    let conv = |kernel| LayerConfig::from(ConvConfig::new(4, kernel));
    let max = |window| LayerConfig::from(pool(PoolReduction::Max, window, None));
    let linear = || LayerConfig::from(LinearConfig::new(100));
    let message = refused(vec![linear(), conv(3)], [1, 28, 28]);
    let expected = "`layers.1.kind` is \"conv\" on an input of 100, expected \"conv\" on an input of \
                    channels x rows x columns, as 1x28x28, or \"linear\"";
    assert_eq!(message, expected);
    let message = refused(vec![FlattenConfig {}.into(), max(2)], [1, 28, 28]);
    assert!(
        message.starts_with("`layers.1.kind` is \"pool\" on an input of 784, expected"),
        "{message}"
    );
    assert_eq!(
        refused(vec![max(2), conv(15)], [1, 28, 29]),
        "`layers.1.kernel` is 15 on an input of 1x14x14, expected at most 14, or nothing would be left"
    );
    let padded = ConvConfig {
        padding: 2,
        ..ConvConfig::new(4, 9)
    };
    assert_eq!(
        refused(vec![padded.into()], [3, 4, 20]),
        "`layers.0.kernel` is 9 on an input of 3x4x20 with a padding of 2, expected at most 8, or nothing \
         would be left"
    );
    assert_eq!(
        refused(vec![conv(5), max(4), max(7)], [1, 28, 28]),
        "`layers.2.window` is 7 on an input of 4x6x6, expected at most 6, or nothing would be left"
    );
    for (layer, key) in [
        (ConvConfig::new(0, 3).into(), "channels"),
        (conv(0), "kernel"),
        (max(0), "window"),
        (pool(PoolReduction::Max, 2, Some(0)).into(), "stride"),
    ] {
        let message = refused(vec![layer], [1, 8, 8]);
        assert_eq!(
            message,
            format!("`layers.0.{key}` is 0, expected at least 1")
        );
    }
    let many = refused(vec![ConvConfig::new(1 << 24, 1).into()], [1, 2, 1]);
    assert!(
        many.starts_with("`layers.0.channels` is 16777216, which makes 33554432 neurons"),
        "{many}"
    );
    let skip = NetworkConfig {
        skip: true,
        ..of_layers(vec![conv(1), conv(1)])
    };
    let message = skip
        .init([4, 8, 8].into(), 3, &device())
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("`layers.1.kind` is \"conv\" beside skip = true, expected"),
        "{message}"
    );
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let layers = vec![
        ConvConfig::new(2, 3).into(),
        pool(PoolReduction::Max, 2, None).into(),
    ];
    let network = init(&of_layers(layers), [2, 8, 8]);
    let refused = |shape: [usize; 3], dtype: DType| {
        let dense = Tensor::<3>::zeros(shape, (&device(), dtype));
        let error = network.forward(&LayerInput::from(dense)).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refused([2, 4, 64], DType::F32),
        "SpikingConv2d: `input` has shape [2, 4, 64], expected [batch, time, 128], pictures of 2x8x8"
    );
    let message = refused([2, 4, 128], DType::F64);
    assert_eq!(
        message,
        "SpikingConv2d: `input` is f64, expected f32; cast one of them"
    );
    let message = refused([2, 0, 128], DType::F32);
    assert_eq!(message, "SpikingConv2d: time must be at least 1, found 0");
    let pooled = Signal {
        spikes: Tensor::<3>::zeros([2, 4, 128], &device()).into(),
        shape: [2, 8, 8].into(),
        dtype: DType::F32,
    };
    let error = network.hidden[1].forward(&pooled).unwrap_err().to_string();
    assert!(
        error.starts_with("SpikePool2d: `input` has shape [2, 4, 128], expected"),
        "{error}"
    );
}

#[test]
fn what_is_kept_grows_with_the_places_and_not_with_the_weights() {
    let kept_over = |layer: LayerConfig, first, steps| {
        let network = init(&of_layers(vec![layer]), [2, 8, 8]);
        network.hidden[0].kept(10, steps, first)
    };
    let kept = |layer, first| kept_over(layer, first, 4);
    let conv = |beta_of, formulation| {
        let config = ConvConfig {
            beta_of: Some(beta_of),
            formulation: Some(formulation),
            ..ConvConfig::new(5, 3)
        };
        LayerConfig::from(config)
    };
    let neurons = 10 * 4 * 5 * 6 * 6;
    let input = 10 * 4 * 2 * 8 * 8;
    let scan = conv(BetaOf::Neuron, Formulation::Scan);
    assert_eq!(kept(scan.clone(), false), 4 * neurons);
    // Inputs that fire once are sparse over four steps, but not over one.
    assert_eq!(kept(scan.clone(), true), neurons);
    assert_eq!(kept_over(scan, true, 1), neurons + input / 4);
    // A matrix of 4 by 4 steps and its gradient for each neuron, or one for all.
    let own = conv(BetaOf::Channel, Formulation::Convolution);
    assert_eq!(kept(own, false), 6 * neurons + 2 * 180 * 16);
    let shared = conv(BetaOf::Layer, Formulation::Convolution);
    assert_eq!(kept(shared, false), 6 * neurons + 2 * 16);
    assert_eq!(kept(FlattenConfig {}.into(), false), 0);
    let (max, average) = (PoolReduction::Max, PoolReduction::Average);
    let pooled = input / 4;
    assert_eq!(kept(pool(max, 2, None).into(), false), 4 * pooled);
    assert_eq!(kept(pool(max, 2, None).into(), true), 0);
    assert_eq!(
        kept(pool(average, 2, None).into(), true),
        2 * pooled + input
    );
}

/// The mean of spikes as the sum of their events, with the weights of the convolution after it divided by the size of
/// the window.
#[test]
fn a_mean_of_spikes_is_a_sum_of_events_with_smaller_weights() {
    let device = device();
    let shape = Shape::from([2, 8, 8]);
    let defaults = NetworkConfig::default().layer_defaults(true);
    let mean = pool(PoolReduction::Average, 2, None).init(shape, &defaults, &device);
    let layer = |scale: f32| {
        let config = ConvConfig {
            padding: 1,
            ..ConvConfig::new(3, 3)
        };
        let layer = config.init([2, 4, 4].into(), &defaults, &device).unwrap();
        let mut layer = layer.with_events_up_to(4.0);
        let weight: Vec<f32> = (0..54)
            .map(|at| scale * ((at * 7 % 54) as f32 - 16.0) / 8.0)
            .collect();
        let weight = Tensor::from_data(TensorData::new(weight, [3, 2, 3, 3]), &device);
        layer.conv.weight = Param::from_tensor(weight);
        layer
    };
    let run = |layer: &SpikingConv2d, spikes: LayerInput| {
        let shape = layer.input();
        let dtype = DType::F32;
        let signal = Signal {
            spikes,
            shape,
            dtype,
        };
        let firing = layer.spikes(&signal).unwrap();
        let spikes = firing.spikes.dense().unwrap().clone();
        let order = Tensor::arange(0..spikes.dims()[2] as i64, &device).float();
        let loss = (spikes.clone() * order.reshape([1, 1, -1])).sum();
        let gradients = loss.backward();
        let weight = layer.conv.weight.val().grad(&gradients).unwrap();
        let beta = layer.beta.val().grad(&gradients).unwrap();
        (values(spikes), values(weight), values(beta))
    };
    let events = events();
    let spikes = LayerInput::from(events.clone());
    let dtype = DType::F32;
    let signal = Signal {
        spikes,
        shape,
        dtype,
    };
    let means = mean.unwrap().forward(&signal).unwrap();
    assert!(means.signal.spikes.events().is_none());
    let (found, of_weight, of_beta) = run(&layer(1.0), means.signal.spikes);

    let mut sums = SpikeEventsBuilder::new(4, 32);
    let dense = values(events.to_dense());
    for sample in dense.chunks(4 * 128) {
        let fired = sample
            .iter()
            .enumerate()
            .filter(|(_, spikes)| **spikes > 0.0);
        let fired = fired.map(|(at, _)| {
            let (step, unit) = (at / 128, at % 128);
            let (channel, row, column) = (unit / 64, unit / 8 % 8, unit % 8);
            (
                step as u32,
                (channel * 16 + row / 2 * 4 + column / 2) as u32,
            )
        });
        sums.push_sample(&fired.collect::<Vec<_>>()).unwrap();
    }
    let (expected, of_quarters, expected_beta) = run(&layer(0.25), sums.build(&device).into());
    assert!(expected.iter().sum::<f32>() > 10.0);
    assert_eq!(found, expected);
    let of_quarters = of_quarters.iter().map(|gradient| gradient / 4.0).collect();
    for (found, expected) in [(of_weight, of_quarters), (of_beta, expected_beta)] {
        let largest = expected
            .iter()
            .fold(0.0_f32, |max, v: &f32| max.max(v.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() <= 1e-4 * largest,
                "{found} {expected}"
            );
        }
    }
}

/// Parameters in float64.
struct Wide;

impl ModuleMapper for Wide {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, _) = param.consume();
        let wide = tensor.cast(DType::F64).detach().require_grad();
        Param::initialized(id, wide)
    }
}

/// Two convolutions with a pool between, by events and densely: scores, and the gradients of a loss on scores, spikes and
/// potentials. By events the same spikes hand back the gradients of the penalties and of the layer above.
#[test]
fn a_chain_of_layers_is_the_same_by_events_and_densely() {
    for formulation in [
        Formulation::Scan,
        Formulation::StandardSingle,
        Formulation::StandardMulti,
    ] {
        let conv = |channels| ConvConfig {
            padding: 1,
            init_scale: Some(4.0),
            ..ConvConfig::new(channels, 3)
        };
        let config = NetworkConfig {
            formulation,
            ..of_layers(vec![
                conv(4).into(),
                pool(PoolReduction::Max, 2, None).into(),
                conv(3).into(),
                FlattenConfig {}.into(),
                LinearConfig::new(7).into(),
            ])
        };
        let device = Device::flex();
        device.seed(3);
        let network = config
            .init([2, 8, 8].into(), 3, &device.autodiff())
            .unwrap();
        let network = network.map(&mut Wide);
        let routes = [f64::MAX, 0.0].map(|densest| {
            let mut network = network.clone();
            for layer in &mut network.hidden {
                if let Layer::Conv(conv) = layer {
                    *conv = conv.clone().with_events_up_to(densest);
                }
            }
            let (output, hidden) = network.layered(&events().into()).unwrap();
            let penalties = Penalties {
                spikes: 0.3,
                silence: 0.7,
            };
            let spikes: Vec<i64> = hidden
                .iter()
                .flat_map(|firing| {
                    firing
                        .activity
                        .counts()
                        .into_data()
                        .iter::<i64>()
                        .collect::<Vec<_>>()
                })
                .collect();
            let loss = output.logits.clone().powi_scalar(2).sum() + penalties.of(&hidden).unwrap();
            let gradients = loss.backward();
            let mut values = vec![to_f64(output.logits)];
            for layer in &network.hidden {
                match layer {
                    Layer::Conv(conv) => {
                        values.push(to_f64(conv.conv.weight.val().grad(&gradients).unwrap()));
                        values.push(to_f64(conv.beta.val().grad(&gradients).unwrap()));
                    }
                    Layer::Linear(linear) => {
                        values.push(to_f64(linear.linear.weight.val().grad(&gradients).unwrap()));
                    }
                    _ => {}
                }
            }
            (spikes, values)
        });
        let [(spikes, found), (expected_spikes, expected)] = routes;
        assert_eq!(spikes, expected_spikes, "{formulation:?}");
        assert!(
            spikes.iter().sum::<i64>() > 100,
            "{formulation:?}: {spikes:?}"
        );
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let largest = expected.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
            assert!(largest > 0.0, "{formulation:?}, {index}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() <= 1e-9 * largest,
                    "{formulation:?}, {index}: {found}, expected {expected}"
                );
            }
        }
    }
}

fn to_f64<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}
