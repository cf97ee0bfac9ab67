//! Every route computes the same: fused kernels, plain tensor operations, the convolution, events and
//! dense inputs, fused and layered readout, on random inputs of odd shapes.

use block_core::{
    FusedAdam, LeakyNeurons, NeuronModel, SpikeError, SpikeEvents, SpikeEventsBuilder, SpikeTrain,
    Surrogate, Synapses, block, first_spike_steps, integrate, linear_membrane, plain,
    spiking_linear, spiking_readout, standard,
};
use burn::optim::Optimizer;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const SURROGATES: [Surrogate; 4] = [
    Surrogate::FastSigmoid { scale: 10.0 },
    Surrogate::Sigmoid { scale: 4.0 },
    Surrogate::Arctan { scale: 2.0 },
    Surrogate::Triangular { scale: 1.5 },
];

/// A random layer in float64, where two routes cannot disagree on a spike but by a tie.
struct Layer {
    input: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    beta: Tensor<1>,
    surrogate: Surrogate,
}

impl Layer {
    fn random(seed: u64, [batch, steps, inputs, n]: [usize; 4], shared: bool) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        // Counts of 0 to 2.
        let counts = random(&mut rng, [batch, steps, inputs], |u| {
            (u * 2.4 - 0.4).round().max(0.0)
        });
        let betas = if shared { 1 } else { n };
        Self {
            input: counts,
            weight: random(&mut rng, [inputs, n], |u| u - 0.35).require_grad(),
            bias: random(&mut rng, [n], |u| 0.2 * u - 0.1).require_grad(),
            // Beyond [0, 1] on both sides now and then.
            beta: random(&mut rng, [betas], |u| 1.2 * u - 0.1).require_grad(),
            surrogate: SURROGATES[seed as usize % 4],
        }
    }

    fn synapses(&self) -> Synapses {
        Synapses {
            weight: self.weight.clone(),
            bias: self.bias.clone(),
        }
    }

    fn neurons(&self) -> LeakyNeurons {
        LeakyNeurons::new(self.beta.clone()).with_surrogate(self.surrogate)
    }

    /// Output, loss and gradients of weight, bias and β.
    fn results(&self, output: Tensor<3>) -> Vec<Vec<f64>> {
        let shape = output.dims();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
        let loss = (output.clone() * random(&mut rng, shape, |u| u - 0.5)).sum();
        let gradients = loss.backward();
        // With a single step some routes do not depend on β at all.
        let beta = self.beta.grad(&gradients).unwrap_or(self.beta.zeros_like());
        vec![
            values(output),
            values(self.weight.grad(&gradients).unwrap()),
            values(self.bias.grad(&gradients).unwrap()),
            values(beta),
        ]
    }
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn random<const D: usize>(
    rng: &mut impl RngExt,
    shape: [usize; D],
    map: impl Fn(f64) -> f64,
) -> Tensor<D> {
    let len = shape.iter().product();
    let values: Vec<f64> = (0..len).map(|_| map(rng.random())).collect();
    Tensor::from_data(TensorData::new(values, shape), (&device(), DType::F64))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().unwrap()
}

fn ints<const D: usize>(tensor: Tensor<D, Int>) -> Vec<i64> {
    tensor.into_data().convert::<i64>().try_into_vec().unwrap()
}

#[track_caller]
fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len());
        let scale = expected.iter().fold(1e-3_f64, |max, v| max.max(v.abs()));
        for (f, e) in found.iter().zip(expected) {
            assert!(
                (f - e).abs() <= 1e-9 * scale,
                "result {index}: {f} against {e}"
            );
        }
    }
}

/// 1 neuron, 1 step, not a multiple of anything, more than one block.
fn shapes() -> impl Strategy<Value = [usize; 4]> {
    let sizes = (1..4_usize, 1..30_usize, 1..9_usize, 1..70_usize);
    sizes.prop_map(|(batch, steps, inputs, n)| [batch, steps, inputs, n])
}

fn models() -> impl Strategy<Value = NeuronModel> {
    prop_oneof![
        Just(NeuronModel::Block),
        Just(NeuronModel::SingleSpike),
        Just(NeuronModel::MultiSpike),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn spiking_layer_routes_agree(seed: u64, shape in shapes(), shared: bool) {
        let layer = Layer::random(seed, shape, shared);
        let dense = SpikeTrain::from(layer.input.clone());
        let events = SpikeEvents::from_dense(layer.input.clone()).unwrap();
        let neurons = layer.neurons();
        let synapses = layer.synapses();

        let reference = {
            let current = synapses.current(&dense).unwrap();
            layer.results(block::convolution(current, &neurons).unwrap().spikes)
        };
        let out = spiking_linear(&dense, &synapses, &neurons, NeuronModel::Block).unwrap();
        prop_assert_eq!(ints(out.first_steps.clone()), ints(first_spike_steps(out.spikes.clone())));
        assert_close(&layer.results(out.spikes), &reference);
        let out = spiking_linear(&events.clone().into(), &synapses, &neurons, NeuronModel::Block).unwrap();
        prop_assert_eq!(ints(out.first_steps.clone()), ints(first_spike_steps(out.spikes.clone())));
        assert_close(&layer.results(out.spikes), &reference);
        // Plain tensor operations; β is clamped here as `LeakyNeurons` clamps it.
        let [_, _, _, n] = shape;
        let beta = layer.beta.clone();
        let beta = beta.clone().mask_fill(beta.clone().lower_elem(0), 0.0)
            .mask_fill(beta.greater_elem(1), 1.0).expand([n]);
        let current = synapses.current(&dense).unwrap();
        let out = plain::block(current, beta, layer.surrogate);
        prop_assert_eq!(ints(out.first_steps), ints(first_spike_steps(out.spikes.clone())));
        assert_close(&layer.results(out.spikes), &reference);
    }

    #[test]
    fn standard_layer_routes_agree(seed: u64, shape in shapes(), shared: bool, many: bool) {
        let layer = Layer::random(seed, shape, shared);
        let model = if many { NeuronModel::MultiSpike } else { NeuronModel::SingleSpike };
        let dense = SpikeTrain::from(layer.input.clone());
        let events = SpikeTrain::from(SpikeEvents::from_dense(layer.input.clone()).unwrap());
        let reference = {
            let current = layer.synapses().current(&dense).unwrap();
            let spikes = match model {
                NeuronModel::MultiSpike => standard::multi_spike(current, &layer.neurons()),
                _ => standard::single_spike(current, &layer.neurons()),
            };
            layer.results(spikes.unwrap().spikes)
        };
        let [first, second] = [dense, events].map(|input| {
            let out = spiking_linear(&input, &layer.synapses(), &layer.neurons(), model).unwrap();
            assert_close(&layer.results(out.spikes), &reference);
            (ints(out.first_steps), ints(out.counts))
        });
        prop_assert_eq!(first, second);
    }

    /// Every unit fires once, most of them at the last step or close to it, as images are encoded.
    #[test]
    fn single_spike_codes_agree(
        seed: u64, batch in 1..4_usize, steps in 1..12_usize, inputs in 1..60_usize, n in 1..70_usize,
        model in models(), late in 0..3_usize, twice: bool,
    ) {
        let mut layer = Layer::random(seed, [batch, steps, inputs, n], false);
        let last = steps.saturating_sub(1 + late);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut builder = SpikeEventsBuilder::new(steps, inputs);
        for sample in 0..batch {
            let step = |_| match rng.random_bool(0.6) {
                true => last as u32,
                false => rng.random_range(0..=last as u32),
            };
            let mut spikes: Vec<_> = (0..inputs).map(step).zip(0..).collect();
            if twice && sample == 0 {
                // As many spikes as units, but not one of each.
                spikes[0] = spikes[inputs - 1];
            }
            builder.push_sample(&spikes).unwrap();
        }
        let events = builder.build(&device());
        layer.input = events.to_dense().cast(DType::F64);
        let dense = SpikeTrain::from(layer.input.clone());
        let [reference, found] = [dense, events.into()].map(|input| {
            let out = spiking_linear(&input, &layer.synapses(), &layer.neurons(), model).unwrap();
            (ints(out.counts), layer.results(out.spikes))
        });
        prop_assert_eq!(reference.0, found.0);
        assert_close(&found.1, &reference.1);
    }

    #[test]
    fn integrator_routes_agree(seed: u64, shape in shapes(), shared: bool) {
        let layer = Layer::random(seed, shape, shared);
        let dense = SpikeTrain::from(layer.input.clone());
        let events = SpikeEvents::from_dense(layer.input.clone()).unwrap();
        let (synapses, neurons) = (layer.synapses(), layer.neurons());
        let current = || synapses.current(&dense).unwrap();
        let reference = standard::integrator(current(), &neurons).unwrap().membrane;
        let reference = layer.results(reference);
        assert_close(&layer.results(integrate(current(), &neurons).unwrap()), &reference);
        let membrane = linear_membrane(&events.into(), &synapses, &neurons).unwrap();
        assert_close(&layer.results(membrane), &reference);
    }

    #[test]
    fn fused_readout_agrees_with_layers(
        seed: u64, shape in shapes(), classes in 1..12_usize, model in models(),
    ) {
        let layer = Layer::random(seed, shape, false);
        let [batch, steps, _, n] = shape;
        let readout = Layer::random(seed ^ 1, [batch, steps, n, classes], false);
        let events = SpikeEvents::from_dense(layer.input.clone()).unwrap();
        for dense in [false, true] {
            let through = layer.input.clone().detach().require_grad();
            let input = match dense {
                true => SpikeTrain::from(through.clone()).with_events(events.clone()).unwrap(),
                false => SpikeTrain::from(events.clone()),
            };
            let all = |membrane: Tensor<3>| {
                let gradients = membrane.clone().powi_scalar(2).sum().backward();
                let mut all = vec![values(membrane)];
                for leaf in [&layer.weight, &readout.weight] {
                    all.push(values(leaf.grad(&gradients).unwrap()));
                }
                for leaf in [&layer.bias, &layer.beta, &readout.bias, &readout.beta] {
                    all.push(values(leaf.grad(&gradients).unwrap()));
                }
                if dense {
                    all.push(values(through.grad(&gradients).unwrap()));
                }
                all
            };
            let hidden = spiking_linear(&input, &layer.synapses(), &layer.neurons(), model).unwrap();
            let (first, counts) = (ints(hidden.first_steps), ints(hidden.counts));
            let trace = linear_membrane(&hidden.spikes.into(), &readout.synapses(), &readout.neurons());
            let fused = spiking_readout(
                &input, &layer.synapses(), &layer.neurons(), model,
                &readout.synapses(), &readout.neurons(),
            ).unwrap();
            prop_assert_eq!(ints(fused.first_steps), first);
            prop_assert_eq!(ints(fused.counts), counts);
            assert_close(&all(fused.membrane), &all(trace.unwrap()));
        }
    }

    #[test]
    fn events_survive_the_dense_form(seed: u64, shape in shapes()) {
        let layer = Layer::random(seed, shape, true);
        let events = SpikeEvents::from_dense(layer.input.clone()).unwrap();
        prop_assert_eq!(events.spikes() as f64, values(layer.input.clone()).iter().sum::<f64>());
        prop_assert_eq!(values(events.to_dense()), values(layer.input));
    }
}

#[test]
fn strided_currents_are_read_right() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let neurons = LeakyNeurons::new(random(&mut rng, [5], |u| u));
    let current = random(&mut rng, [3, 5, 20], |u| u);
    let strided = current.clone().swap_dims(1, 2);
    let contiguous = Tensor::from_data(strided.clone().into_data(), (&device(), DType::F64));
    let results = [strided, contiguous].map(|current| {
        let out = block::scan(current, &neurons).unwrap();
        (values(out.spikes), values(out.membrane))
    });
    assert_eq!(results[0], results[1]);
}

#[test]
fn the_callers_current_is_left_alone() {
    let current = Tensor::<3>::full([2, 6, 3], 0.4, &device());
    let neurons = LeakyNeurons::new(Tensor::full([1], 0.9, &device()));
    let before = values(current.clone());
    block::scan(current.clone(), &neurons).unwrap();
    integrate(current.clone(), &neurons).unwrap();
    assert_eq!(values(current), before);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let layer = Layer::random(5, [7, 40, 11, 150], false);
            let events = SpikeEvents::from_dense(layer.input.clone()).unwrap();
            let out = spiking_linear(
                &events.into(),
                &layer.synapses(),
                &layer.neurons(),
                NeuronModel::Block,
            )
            .unwrap();
            layer.results(out.spikes)
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn half_precision_is_right_beyond_362_steps() {
    // z and its gradient's double sum exceed float16's 65504 from t = 362 on.
    let steps = 500;
    let run = |dtype, convolution: bool| {
        let current = Tensor::<3>::full([1, steps, 2], 2.0, (&device(), dtype)).require_grad();
        let neurons = LeakyNeurons::new(Tensor::full([1], 0.5, (&device(), dtype)));
        let spikes = match convolution {
            true => {
                block::convolution(current.clone(), &neurons)
                    .unwrap()
                    .spikes
            }
            false => block::scan(current.clone(), &neurons).unwrap().spikes,
        };
        let gradients = spikes.clone().sum().backward();
        (values(spikes), values(current.grad(&gradients).unwrap()))
    };
    let (spikes, gradient) = run(DType::F32, false);
    for convolution in [false, true] {
        let (half_spikes, half_gradient) = run(DType::F16, convolution);
        assert_eq!(half_spikes, spikes);
        for (half, single) in half_gradient.into_iter().zip(&gradient) {
            assert!(
                (half - single).abs() <= 0.01 * single.abs(),
                "{half} against {single}"
            );
        }
    }
}

#[test]
fn adam_agrees_with_burns_to_its_float32_constants() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let burns = burn::optim::AdamConfig::new().with_epsilon(1e-8).build();
    let ours = FusedAdam::default();
    let start = random(&mut rng, [40, 501], |u| u - 0.5).inner();
    let (mut a, mut b) = (start.clone(), start);
    let (mut state_a, mut state_b) = (None, None);
    for _ in 0..5 {
        let gradient = random(&mut rng, [40, 501], |u| u - 0.5).inner();
        (a, state_a) = burns.step(0.01, a, gradient.clone(), state_a);
        (b, state_b) = ours.step(0.01, b, gradient, state_b);
    }
    for (a, b) in values(a).into_iter().zip(values(b)) {
        assert!((a - b).abs() < 1e-4, "{a} against {b}");
    }
}

#[test]
fn wrong_shapes_are_named() {
    let device = device();
    let current = Tensor::<3>::zeros([2, 6, 3], &device);
    let message = |result: Result<Tensor<3>, SpikeError>| result.unwrap_err().to_string();
    let scan = |neurons: &LeakyNeurons, current: &Tensor<3>| {
        block::scan(current.clone(), neurons).map(|out| out.spikes)
    };

    let neurons = LeakyNeurons::new(Tensor::zeros([4], &device));
    let text = message(scan(&neurons, &current));
    assert_eq!(
        text,
        "block::scan: `beta` has shape [4], expected [3] or [1]"
    );

    let neurons = LeakyNeurons::new(Tensor::zeros([1], &device));
    let text = message(scan(&neurons, &Tensor::zeros([2, 0, 3], &device)));
    assert_eq!(text, "block::scan: time must be at least 1, found 0");

    let initial = neurons.clone().with_initial(Tensor::zeros([3, 2], &device));
    let text = message(scan(&initial, &current));
    assert_eq!(
        text,
        "block::scan: `initial` has shape [3, 2], expected [2, 3] (batch, neurons)"
    );
    let standard = standard::single_spike(current.clone(), &initial).map(|out| out.spikes);
    assert!(message(standard).starts_with("standard::single_spike: `initial`"));

    let synapses = Synapses {
        weight: Tensor::zeros([5, 3], &device),
        bias: Tensor::zeros([3], &device),
    };
    let layer = spiking_linear(
        &current.clone().into(),
        &synapses,
        &neurons,
        NeuronModel::Block,
    );
    let text = message(layer.map(|out| out.spikes));
    assert_eq!(
        text,
        "spiking_linear: `weight` has shape [5, 3], expected [3, 3] (inputs, neurons)"
    );

    let mut builder = SpikeEventsBuilder::new(6, 3);
    let error = builder.push_sample(&[(1, 2), (6, 0)]).unwrap_err();
    let text = "spike train of sample 0: step 6 is out of range, expected less than 6";
    assert_eq!(error.to_string(), text);
    let error = builder.push_sample(&[(1, 3)]).unwrap_err();
    let text = "spike train of sample 0: unit 3 is out of range, expected less than 3";
    assert_eq!(error.to_string(), text);
    assert!(builder.is_empty());

    let readout = Synapses {
        weight: Tensor::zeros([3, 0], &device),
        bias: Tensor::zeros([0], &device),
    };
    let synapses = Synapses {
        weight: Tensor::zeros([3, 3], &device),
        bias: Tensor::zeros([3], &device),
    };
    let events = SpikeEvents::from_dense(current.clone()).unwrap();
    let inputs = [SpikeTrain::from(events), SpikeTrain::from(current.clone())];
    for input in inputs {
        let model = NeuronModel::Block;
        let error = spiking_readout(&input, &synapses, &neurons, model, &readout, &neurons);
        let text = "spiking_readout: class must be at least 1, found 0";
        assert_eq!(error.unwrap_err().to_string(), text);
    }
    let error = SpikeEvents::from_dense(Tensor::zeros([2, 0, 3], &device)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SpikeEvents::from_dense: time must be at least 1, found 0"
    );

    let error = SpikeEvents::from_dense(current.clone() + 0.5).unwrap_err();
    assert!(
        matches!(
            error,
            SpikeError::NotSpikes {
                step: 0,
                unit: 0,
                ..
            }
        ),
        "{error}"
    );
    let events = SpikeTrain::from(SpikeEvents::from_dense(current.clone()).unwrap());
    let error = events.add(&SpikeTrain::from(current)).unwrap_err();
    assert!(matches!(error, SpikeError::NoCommonForm { .. }), "{error}");
}

#[test]
fn an_initial_potential_decays_alike_in_all_formulations() {
    let device = device();
    let current = Tensor::<3>::zeros([1, 3, 2], &device);
    let neurons = LeakyNeurons::new(Tensor::from_floats([0.5, 0.9], &device))
        .with_initial(Tensor::from_floats([[4.0, 1.0]], &device));
    let expected = [2.0, 0.9, 1.0, 0.81, 0.5, 0.729];
    let membranes = [
        block::scan(current.clone(), &neurons).unwrap().membrane,
        block::convolution(current.clone(), &neurons)
            .unwrap()
            .membrane,
        integrate(current.clone(), &neurons).unwrap(),
        standard::integrator(current.clone(), &neurons)
            .unwrap()
            .membrane,
    ];
    for membrane in membranes {
        for (found, expected) in values(membrane).into_iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{found} against {expected}"
            );
        }
    }
}
