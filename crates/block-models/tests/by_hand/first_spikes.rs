//! Readouts that spike: the time of the first spike as a score, its gradient, and the answer.

use block_core::{LayerInput, NeuronModel, SpikeEvents};
use block_models::{
    Formulation, Layer, Network, NetworkConfig, NetworkOutput, ReadoutReduction, Shape,
};
use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;

use crate::plain::{Numbers, Plain, Steps, assert_close, assert_gradients, batch, device, tensor};

const STEPS: usize = 14;
const ALL: [(Formulation, NeuronModel); 3] = [
    (Formulation::Scan, NeuronModel::Block),
    (Formulation::Convolution, NeuronModel::Block),
    (Formulation::StandardSingle, NeuronModel::SingleSpike),
];

/// The network of a hidden layer and a readout.
fn network(formulation: Formulation, hidden: &Plain, readout: &Plain, tau: Option<f64>) -> Network {
    let config = NetworkConfig {
        formulation,
        readout: ReadoutReduction::TimeToFirstSpike,
        readout_tau: tau,
        ..NetworkConfig::of([hidden.bias.len()])
    };
    let inputs = Shape::Units(hidden.weight.len());
    let mut network = config.init(inputs, readout.bias.len(), &device()).unwrap();
    let Layer::Linear(first) = &mut network.hidden[0] else {
        panic!("a linear layer");
    };
    hidden.place(&mut first.linear, &mut first.beta);
    let last = &mut network.readout;
    readout.place(&mut last.linear, &mut last.beta);
    network
}

#[test]
fn times_and_their_gradient_are_those_computed_number_by_number() {
    const INPUTS: usize = 5;
    const CLASSES: usize = 4;
    const BATCH: usize = 3;
    let tau = 2.5;
    for (formulation, model) in ALL {
        let mut numbers = Numbers(7);
        let hidden = Plain::new(INPUTS, 8, model, 1.5, &mut numbers);
        let mut readout = Plain::new(8, CLASSES, model, 1.2, &mut numbers);
        // One class is silent.
        for row in &mut readout.weight {
            row[CLASSES - 1] = -row[CLASSES - 1].abs();
        }
        readout.bias[CLASSES - 1] = -0.05;
        let samples = numbers.samples(BATCH, STEPS, INPUTS);
        let coefficients = numbers.many(BATCH * CLASSES, -1.0, 1.0);

        let (mut times, mut fired) = (Vec::new(), 0.0);
        let (mut of_hidden, mut of_readout) = (hidden.no_gradient(), readout.no_gradient());
        for (sample, coefficients) in samples.iter().zip(coefficients.chunks(CLASSES)) {
            let below = hidden.run(sample);
            let above = readout.run(&below.spikes);
            fired += below.spikes.concat().iter().sum::<f64>();
            for class in 0..CLASSES {
                let first = above.spikes.iter().position(|step| step[class] == 1.0);
                times.push(first.unwrap_or(STEPS) as f64);
            }
            // ∂L/∂S[k] = −c/τ·(k − T).
            let at = |k: usize| {
                coefficients
                    .iter()
                    .map(move |c| -c / tau * (k as f64 - STEPS as f64))
            };
            let gradient: Steps = (0..STEPS).map(|k| at(k).collect()).collect();
            let gradient = readout.backward(&above, &gradient, None, &mut of_readout);
            hidden.backward(&below, &gradient, None, &mut of_hidden);
        }
        assert!(fired > 5.0, "the hidden layer is all but silent");
        let spiking = times.iter().filter(|time| **time < STEPS as f64).count();
        assert!(spiking >= 4 && times.contains(&(STEPS as f64)), "{times:?}");

        let dense = batch(&samples);
        let events = SpikeEvents::from_dense(dense.clone()).unwrap();
        for input in [LayerInput::from(dense), events.into()] {
            let network = network(formulation, &hidden, &readout, Some(tau));
            let output = network.forward(&input).unwrap();
            let expected: Vec<f64> = times.iter().map(|time| -time / tau).collect();
            assert_close("scores", output.logits.clone(), &expected);
            let trace = network.trace(&input).unwrap();
            assert_close("trace", trace.logits, &expected);
            let loss = output.logits * tensor(coefficients.clone(), [BATCH, CLASSES]);
            let gradients = loss.sum().backward();
            let Layer::Linear(first) = &network.hidden[0] else {
                panic!("a linear layer");
            };
            let what = format!("{formulation:?}, hidden");
            assert_gradients(&what, &first.linear, &first.beta, &gradients, &of_hidden);
            let (what, last) = (format!("{formulation:?}, readout"), &network.readout);
            assert_gradients(&what, &last.linear, &last.beta, &gradients, &of_readout);
        }
    }
}

#[test]
fn tau_is_a_tenth_of_the_steps_unless_it_is_set() {
    let mut numbers = Numbers(3);
    let hidden = Plain::new(2, 3, NeuronModel::Block, 1.0, &mut numbers);
    let readout = Plain::new(3, 2, NeuronModel::Block, 0.01, &mut numbers);
    let silent = LayerInput::from(tensor(vec![0.0; STEPS * 2], [1, STEPS, 2]));
    for (tau, expected) in [(None, -10.0), (Some(7.0), -2.0)] {
        let network = network(Formulation::Scan, &hidden, &readout, tau);
        let logits = network.forward(&silent).unwrap().logits;
        assert_close("silent", logits, &[expected; 2]);
    }
}

/// The answer of a readout of neurons without leak that are driven by their biases alone, in eight steps.
fn answer(formulation: Formulation, biases: &[f64]) -> usize {
    let alone = |weight: Vec<Vec<f64>>, bias: &[f64], beta| Plain {
        weight,
        recurrent: Vec::new(),
        bias: bias.to_vec(),
        beta: vec![beta; bias.len()],
        model: formulation.model(),
    };
    let hidden = alone(vec![vec![0.0]], &[0.0], 0.5);
    let readout = alone(vec![vec![0.0; biases.len()]], biases, 1.0);
    let network = network(formulation, &hidden, &readout, None);
    let input = LayerInput::from(tensor(vec![0.0; 8], [1, 8, 1]));
    network.forward(&input).unwrap().answers()[0]
}

#[test]
fn the_earliest_class_is_the_answer_then_the_higher_potential_then_the_first() {
    for (formulation, _) in ALL {
        let answer = |biases: &[f64]| answer(formulation, biases);
        // At steps 3, 1 and 4.
        assert_eq!(answer(&[0.3, 0.6, 0.22]), 1);
        // Both at step 1, with 1.25 and 1.5.
        assert_eq!(answer(&[0.1, 0.625, 0.75]), 2);
        assert_eq!(answer(&[0.1, 0.75, 0.75, 0.75]), 1);
        // All silent: the highest potential at the last step.
        assert_eq!(answer(&[0.0625, 0.125, 0.0, 0.125]), 1);
        assert_eq!(answer(&[-0.5, -0.25]), 1);
    }
}

proptest! {
    #[test]
    fn no_class_is_better_than_the_answer(
        times in prop::collection::vec(0_u8..4, 6), potentials in prop::collection::vec(0_u8..3, 6),
    ) {
        let device = Device::flex();
        let of = |values: &[u8], sign: f32| {
            let values: Vec<f32> = values.iter().map(|&value| sign * f32::from(value)).collect();
            Tensor::<2>::from_data(TensorData::new(values, [2, 3]), &device)
        };
        let output = NetworkOutput {
            logits: of(&times, -1.0),
            decider: Some(of(&potentials, 1.0)),
            hidden_spikes: Vec::new(),
        };
        let answers = output.answers();
        prop_assert_eq!(answers.len(), 2);
        for (sample, &answer) in answers.iter().enumerate() {
            let rank = |class: usize| {
                let at = 3 * sample + class;
                (times[at], std::cmp::Reverse(potentials[at]), class)
            };
            prop_assert_eq!((0..3).min_by_key(|&class| rank(class)), Some(answer));
        }
    }
}

#[test]
fn readouts_that_cannot_be_are_refused() {
    let refused = |config: NetworkConfig| {
        let error = config.check().unwrap_err().to_string();
        let made = config.init(Shape::Units(4), 3, &Device::flex());
        assert_eq!(made.unwrap_err().to_string(), error);
        error
    };
    let multi = refused(NetworkConfig {
        readout: ReadoutReduction::TimeToFirstSpike,
        formulation: Formulation::StandardMulti,
        ..NetworkConfig::of([3])
    });
    let part =
        "`readout` is \"time-to-first-spike\" beside formulation = \"standard-multi\", expected";
    assert!(multi.starts_with(part), "{multi}");
    let tau = refused(NetworkConfig {
        readout_tau: Some(5.0),
        ..NetworkConfig::of([3])
    });
    let part = "`readout_tau` is 5, expected no such key unless readout =";
    assert!(tau.starts_with(part), "{tau}");
}
