//! Recurrent layers: what neurons hand each other from step to step, and the gradient of that.

use block_core::{LayerInput, NeuronModel, SpikeEvents};
use block_models::{Formulation, Layer, LayerConfig, NetworkConfig, RecurrentConfig, Shape};
use burn::module::Param;
use burn::tensor::Device;

use crate::plain::{
    Numbers, Plain, Steps, assert_close, assert_gradients, batch, device, matrix, tensor,
};

fn config(layer: RecurrentConfig) -> NetworkConfig {
    NetworkConfig {
        layers: Some(vec![LayerConfig::from(layer)]),
        ..NetworkConfig::default()
    }
}

#[test]
fn spikes_and_gradients_are_those_computed_number_by_number() {
    const INPUTS: usize = 5;
    const NEURONS: usize = 7;
    const STEPS: usize = 12;
    const BATCH: usize = 3;
    for (formulation, model) in [
        (Formulation::StandardMulti, NeuronModel::MultiSpike),
        (Formulation::StandardSingle, NeuronModel::SingleSpike),
    ] {
        let mut numbers = Numbers(11);
        let mut plain = Plain::new(INPUTS, NEURONS, model, 0.9, &mut numbers);
        plain.recurrent = (0..NEURONS)
            .map(|_| numbers.many(NEURONS, -0.5, 0.8))
            .collect();
        let samples = numbers.samples(BATCH, STEPS, INPUTS);
        let coefficients = numbers.many(BATCH * STEPS * NEURONS, -1.0, 1.0);

        let mut expected = plain.no_gradient();
        let (mut spikes, mut of_input) = (Vec::new(), Vec::new());
        for (sample, gradient) in samples.iter().zip(coefficients.chunks(STEPS * NEURONS)) {
            let ran = plain.run(sample);
            spikes.extend(ran.spikes.concat());
            let gradient: Steps = gradient.chunks(NEURONS).map(<[f64]>::to_vec).collect();
            let back = plain.backward(&ran, &gradient, None, &mut expected);
            of_input.extend(back.concat());
        }
        let fired = spikes.iter().sum::<f64>();
        assert!(fired > 10.0, "only {fired} spikes");

        let dense = batch(&samples).require_grad();
        let events = SpikeEvents::from_dense(dense.clone().detach()).unwrap();
        let both = LayerInput::from(dense.clone()).with_events(events.clone());
        for input in [dense.into(), events.into(), both.unwrap()] {
            let layer = RecurrentConfig {
                formulation: Some(formulation),
                ..RecurrentConfig::new(NEURONS)
            };
            let network = config(layer).init(Shape::Units(INPUTS), 2, &device());
            let mut network = network.unwrap();
            let Layer::Recurrent(layer) = &mut network.hidden[0] else {
                panic!("a recurrent layer");
            };
            plain.place(&mut layer.linear, &mut layer.beta);
            layer.recurrent.weight = Param::from_tensor(matrix(&plain.recurrent));
            let found = layer.spikes(&input).unwrap();
            let found = found.activity.spikes();
            let values: Vec<f64> = found.clone().into_data().iter().collect();
            assert_eq!(values, spikes, "{formulation:?}");
            let loss = found * tensor(coefficients.clone(), [BATCH, STEPS, NEURONS]);
            let gradients = loss.sum().backward();
            let what = format!("{formulation:?}");
            assert_gradients(&what, &layer.linear, &layer.beta, &gradients, &expected);
            let recurrent = layer.recurrent.weight.val().grad(&gradients).unwrap();
            assert_close("recurrent weight", recurrent, &expected.recurrent.concat());
            if let Some(dense) = input.dense() {
                let found = dense.grad(&gradients).unwrap();
                assert_close("input", found, &of_input);
            }
        }
    }
}

#[test]
fn without_connections_it_is_a_linear_layer() {
    let multi = RecurrentConfig {
        formulation: Some(Formulation::StandardMulti),
        ..RecurrentConfig::new(6)
    };
    let mut network = config(multi).init(Shape::Units(4), 2, &device()).unwrap();
    let Layer::Recurrent(layer) = &mut network.hidden[0] else {
        panic!("a recurrent layer");
    };
    let mut numbers = Numbers(5);
    let plain = Plain::new(4, 6, NeuronModel::MultiSpike, 0.9, &mut numbers);
    plain.place(&mut layer.linear, &mut layer.beta);
    layer.recurrent.weight = Param::from_tensor(tensor(vec![0.0; 36], [6, 6]));
    let input = LayerInput::from(batch(&numbers.samples(2, 9, 4)) * 9.0);
    let found = layer.spikes(&input).unwrap().activity;
    let neurons = block_core::Neurons::new(layer.beta.val(), NeuronModel::MultiSpike);
    let plain = block_core::linear_layer(&input, &layer.synapses(), &neurons).unwrap();
    let total = plain.spikes().sum().into_scalar::<f32>();
    assert!(total > 5.0, "{total} spikes");
    let difference = (found.membrane() - plain.membrane()).abs().max();
    assert!(difference.into_scalar::<f32>() < 1e-5);
    let difference = (found.spikes() - plain.spikes()).abs().max();
    assert_eq!(difference.into_scalar::<f32>(), 0.0);
}

#[test]
fn the_block_model_has_no_recurrence() {
    for formulation in [None, Some(Formulation::Convolution)] {
        let layer = RecurrentConfig {
            formulation,
            ..RecurrentConfig::new(3)
        };
        let made = config(layer).init(Shape::Units(4), 3, &Device::flex());
        let error = made.unwrap_err().to_string();
        let name: &str = formulation.unwrap_or_default().into();
        let whose = match formulation {
            Some(_) => "",
            None => ", which is the model's,",
        };
        let start = format!(
            "`layers.0.formulation` is {name:?}{whose} in a recurrent layer, expected \"standard-single\""
        );
        assert!(error.starts_with(&start), "{error}");
        assert!(
            error.contains("needs the spikes of the step before"),
            "{error}"
        );
    }
}
