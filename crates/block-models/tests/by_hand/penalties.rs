//! Penalties of spikes and of silence: their values, and their gradients in every layer.

use block_core::{LayerInput, NeuronModel, SpikeEvents};
use block_models::{Formulation, Layer, NetworkConfig, Penalties, Shape};

use crate::plain::{
    Gradient, Numbers, Plain, Ran, Steps, assert_close, assert_gradients, batch, device,
};

const STEPS: usize = 12;
const INPUTS: usize = 5;
/// Of unequal width, so that a mean over layers would differ from one over neurons.
const WIDTHS: [usize; 2] = [8, 5];
const BATCH: usize = 3;

/// Whether a neuron fires in a sample.
fn fires(ran: &Ran, neuron: usize) -> bool {
    ran.spikes.iter().any(|step| step[neuron] > 0.0)
}

/// The highest potential of a neuron, and the first step that has it.
fn highest(ran: &Ran, neuron: usize) -> (f64, usize) {
    let mut best = (f64::NEG_INFINITY, 0);
    for (step, potentials) in ran.potential.iter().enumerate() {
        if potentials[neuron] > best.0 {
            best = (potentials[neuron], step);
        }
    }
    best
}

/// Two layers, of which some neurons never fire, one at least fires in some samples only, and one has the same
/// potential at all steps.
fn layers(model: NeuronModel, numbers: &mut Numbers) -> [Plain; 2] {
    let mut layers = [
        Plain::new(INPUTS, WIDTHS[0], model, 1.0, numbers),
        Plain::new(WIDTHS[0], WIDTHS[1], model, 1.0, numbers),
    ];
    for layer in &mut layers {
        for row in &mut layer.weight {
            // At rest in every sample; far below the threshold; below it.
            row[0] = 0.0;
            row[1] *= 0.2;
        }
        layer.bias[0] = 0.0;
    }
    layers
}

#[test]
fn values_and_gradients_are_those_computed_number_by_number() {
    for (formulation, model) in [
        (Formulation::Scan, NeuronModel::Block),
        (Formulation::Convolution, NeuronModel::Block),
        (Formulation::StandardSingle, NeuronModel::SingleSpike),
        (Formulation::StandardMulti, NeuronModel::MultiSpike),
    ] {
        let mut numbers = Numbers(12);
        let layers = layers(model, &mut numbers);
        let samples = numbers.samples(BATCH, STEPS, INPUTS);
        let ran: Vec<[Ran; 2]> = samples
            .iter()
            .map(|sample| {
                let below = layers[0].run(sample);
                let above = layers[1].run(&below.spikes);
                [below, above]
            })
            .collect();
        let silent: Vec<(usize, usize)> = (0..2)
            .flat_map(|layer| (0..WIDTHS[layer]).map(move |neuron| (layer, neuron)))
            .filter(|&(layer, neuron)| !ran.iter().any(|ran| fires(&ran[layer], neuron)))
            .collect();
        for (layer, &width) in WIDTHS.iter().enumerate() {
            assert!(silent.contains(&(layer, 0)), "{silent:?}");
            assert!(silent.iter().filter(|one| one.0 == layer).count() < width);
        }
        let now_and_then = (0..WIDTHS[0]).any(|neuron| {
            let samples = ran.iter().filter(|ran| fires(&ran[0], neuron)).count();
            samples > 0 && samples < BATCH
        });
        assert!(
            now_and_then,
            "{formulation:?}: every neuron fires in all samples or in none"
        );

        for (spikes, silence) in [(0.3, 0.0), (0.0, 0.7), (0.3, 0.7)] {
            let (mut expected, mut sums) = (0.0, layers.each_ref().map(Plain::no_gradient));
            for ran in &ran {
                add(
                    &layers,
                    ran,
                    &silent,
                    [spikes, silence],
                    &mut expected,
                    &mut sums,
                );
            }
            let dense = batch(&samples);
            let events = SpikeEvents::from_dense(dense.clone()).unwrap();
            for input in [LayerInput::from(dense), events.into()] {
                let config = NetworkConfig {
                    formulation,
                    ..NetworkConfig::of(WIDTHS)
                };
                let mut network = config.init(Shape::Units(INPUTS), 2, &device()).unwrap();
                for (plain, layer) in layers.iter().zip(&mut network.hidden) {
                    let Layer::Linear(layer) = layer else {
                        panic!("a linear layer");
                    };
                    plain.place(&mut layer.linear, &mut layer.beta);
                }
                // The readout takes no part, but for its type.
                let readout = Plain::new(WIDTHS[1], 2, model, 1.0, &mut Numbers(1));
                readout.place(&mut network.readout.linear, &mut network.readout.beta);
                let (_, hidden) = network.layered(&input).unwrap();
                let penalties = Penalties { spikes, silence };
                let penalty = penalties.of(&hidden).expect("a penalty");
                assert_close("penalty", penalty.clone(), &[expected]);
                let gradients = penalty.backward();
                for (index, layer) in network.hidden.iter().enumerate() {
                    let Layer::Linear(layer) = layer else {
                        panic!("a linear layer");
                    };
                    let what = format!("{formulation:?}, {penalties:?}, layer {index}");
                    let (linear, beta) = (&layer.linear, &layer.beta);
                    assert_gradients(&what, linear, beta, &gradients, &sums[index]);
                }
            }
        }
    }
}

/// Adds a sample's share of the penalties and of their gradients.
fn add(
    layers: &[Plain; 2],
    ran: &[Ran; 2],
    silent: &[(usize, usize)],
    [spikes, silence]: [f64; 2],
    penalty: &mut f64,
    sums: &mut [Gradient; 2],
) {
    let number = (BATCH * silent.len()) as f64;
    let mut from_above = vec![vec![0.0; WIDTHS[1]]; STEPS];
    for layer in [1, 0] {
        let ran = &ran[layer];
        let fired: f64 = ran.spikes.concat().iter().sum();
        *penalty += spikes * fired / BATCH as f64;
        let mut of_potential: Steps = vec![vec![0.0; WIDTHS[layer]]; STEPS];
        for &(_, neuron) in silent.iter().filter(|one| one.0 == layer) {
            let (potential, step) = highest(ran, neuron);
            *penalty += silence * (1.0 - potential).powi(2) / number;
            of_potential[step][neuron] = -2.0 * silence * (1.0 - potential) / number;
        }
        for gradient in from_above.iter_mut().flatten() {
            *gradient += spikes / BATCH as f64;
        }
        let of_potential = Some(&of_potential);
        from_above = layers[layer].backward(ran, &from_above, of_potential, &mut sums[layer]);
    }
}

#[test]
fn without_silent_neurons_there_is_no_gap() {
    let network = NetworkConfig::of([3])
        .init(Shape::Units(2), 2, &device())
        .unwrap();
    let mut network = network;
    let Layer::Linear(layer) = &mut network.hidden[0] else {
        panic!("a linear layer");
    };
    let plain = Plain {
        weight: vec![vec![2.0; 3]; 2],
        recurrent: Vec::new(),
        bias: vec![0.0; 3],
        beta: vec![0.9; 3],
        model: NeuronModel::Block,
    };
    plain.place(&mut layer.linear, &mut layer.beta);
    let readout = Plain::new(3, 2, NeuronModel::Block, 1.0, &mut Numbers(1));
    readout.place(&mut network.readout.linear, &mut network.readout.beta);
    let input = batch(&[vec![vec![1.0, 0.0], vec![0.0, 1.0]]]);
    let (_, hidden) = network.layered(&input.into()).unwrap();
    let silence = Penalties {
        spikes: 0.0,
        silence: 1.0,
    };
    let penalty = silence.of(&hidden).unwrap();
    assert_eq!(penalty.into_scalar::<f64>(), 0.0);
    assert!(Penalties::default().of(&hidden).is_none());
}
