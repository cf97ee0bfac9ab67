//! Operations beside each other: what the instruction set, the number of threads and the layout in memory must not
//! change, initial potentials, half precision over a long time, and what is refused. That all routes compute the same
//! is the agreement suite's.

use block_core::{
    FusedAdam, LayerInput, NeuronModel, Neurons, SpikeError, SpikeEvents, SpikeEventsBuilder,
    Surrogate, Synapses, convolution, linear_layer, linear_readout, reference, scan, simd,
};
use burn::optim::Optimizer;
use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Steepnesses that a [`Layer`] picks from.
const SCALES: [f64; 4] = [10.0, 4.0, 2.0, 1.5];

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
        let choice = seed as usize;
        let surrogates = Surrogate::all(SCALES[choice % SCALES.len()]);
        Self {
            input: counts,
            weight: random(&mut rng, [inputs, n], |u| u - 0.35).require_grad(),
            bias: random(&mut rng, [n], |u| 0.2 * u - 0.1).require_grad(),
            // Beyond [0, 1] on both sides now and then.
            beta: random(&mut rng, [betas], |u| 1.2 * u - 0.1).require_grad(),
            surrogate: surrogates[choice % surrogates.len()],
        }
    }

    fn synapses(&self) -> Synapses {
        Synapses {
            weight: self.weight.clone(),
            bias: self.bias.clone(),
        }
    }

    fn neurons(&self, model: NeuronModel) -> Neurons {
        Neurons::new(self.beta.clone(), model).with_surrogate(self.surrogate)
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

/// 1 neuron, 1 step, not a multiple of anything, more than one block.
fn shapes() -> impl Strategy<Value = [usize; 4]> {
    let sizes = (1..4_usize, 1..30_usize, 1..9_usize, 1..70_usize);
    sizes.prop_map(|(batch, steps, inputs, n)| [batch, steps, inputs, n])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

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
    let neurons = Neurons::new(random(&mut rng, [5], |u| u), NeuronModel::Block);
    let current = random(&mut rng, [3, 5, 20], |u| u);
    let strided = current.clone().swap_dims(1, 2);
    let contiguous = Tensor::from_data(strided.clone().into_data(), (&device(), DType::F64));
    let results = [strided, contiguous].map(|current| {
        let out = scan(current, &neurons).unwrap();
        (values(out.spikes()), values(out.membrane()))
    });
    assert_eq!(results[0], results[1]);
}

#[test]
fn the_callers_current_is_left_alone() {
    let current = Tensor::<3>::full([2, 6, 3], 0.4, &device()).require_grad();
    let before = values(current.clone());
    for model in NeuronModel::ALL {
        let neurons = Neurons::new(Tensor::full([1], 0.9, &device()), model);
        let out = scan(current.clone(), &neurons).unwrap();
        (out.spikes() + out.membrane()).sum().backward();
    }
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
            let neurons = layer.neurons(NeuronModel::Block);
            let out = linear_layer(&events.into(), &layer.synapses(), &neurons).unwrap();
            layer.results(out.spikes())
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn half_precision_is_right_beyond_362_steps() {
    // z and its gradient's double sum exceed float16's 65504 from t = 362 on.
    let steps = 500;
    let run = |dtype, convolve: bool| {
        let current = Tensor::<3>::full([1, steps, 2], 2.0, (&device(), dtype)).require_grad();
        let beta = Tensor::full([1], 0.5, (&device(), dtype));
        let neurons = Neurons::new(beta, NeuronModel::Block);
        let spikes = match convolve {
            true => convolution(current.clone(), &neurons).unwrap().spikes,
            false => scan(current.clone(), &neurons).unwrap().spikes(),
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
    let scan = |neurons: &Neurons, current: &Tensor<3>| {
        scan(current.clone(), neurons).map(|out| out.spikes())
    };

    let neurons = Neurons::new(Tensor::zeros([4], &device), NeuronModel::Block);
    let text = message(scan(&neurons, &current));
    assert_eq!(text, "scan: `beta` has shape [4], expected [3] or [1]");

    let neurons = Neurons::new(Tensor::zeros([1], &device), NeuronModel::Block);
    let text = message(scan(&neurons, &Tensor::zeros([2, 0, 3], &device)));
    assert_eq!(text, "scan: time must be at least 1, found 0");

    let initial = neurons.clone().with_initial(Tensor::zeros([3, 2], &device));
    let text = message(scan(&initial, &current));
    assert_eq!(
        text,
        "scan: `initial` has shape [3, 2], expected [2, 3] (batch, neurons)"
    );
    let steps = reference::scan(current.clone(), &initial).map(|out| out.spikes);
    assert!(message(steps).starts_with("reference::scan: `initial`"));

    let synapses = Synapses {
        weight: Tensor::zeros([5, 3], &device),
        bias: Tensor::zeros([3], &device),
    };
    let layer = linear_layer(&current.clone().into(), &synapses, &neurons);
    let text = message(layer.map(|out| out.spikes()));
    assert_eq!(
        text,
        "linear_layer: `weight` has shape [5, 3], expected [3, 3] (inputs, neurons)"
    );

    let mut builder = SpikeEventsBuilder::new(6, 3);
    let error = builder.push_sample(&[(1, 2), (6, 0)]).unwrap_err();
    let text = "spikes of sample 0: step 6 is out of range, expected less than 6";
    assert_eq!(error.to_string(), text);
    let error = builder.push_sample(&[(1, 3)]).unwrap_err();
    let text = "spikes of sample 0: unit 3 is out of range, expected less than 3";
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
    let inputs = [LayerInput::from(events), LayerInput::from(current.clone())];
    for input in inputs {
        let error = linear_readout(&input, &synapses, &neurons, &readout, &neurons);
        let text = "linear_readout: class must be at least 1, found 0";
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
    let other = Tensor::<3>::zeros([2, 6, 4], &device);
    let error = LayerInput::from(current).add(&other.into()).unwrap_err();
    let text =
        "LayerInput::add: `other` has shape [2, 6, 4], expected [2, 6, 3] (batch, time, unit)";
    assert_eq!(error.to_string(), text);
}

/// Whatever the forms of both, the sum is theirs, and a dense one receives its gradient.
#[test]
fn a_sum_of_inputs_is_the_same_in_every_form() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(6);
    let mut counts = || random(&mut rng, [2, 4, 5], |u| (2.0 * u).round());
    let (a, b) = (counts(), counts());
    let expected = values(a.clone() + b.clone());
    let forms = |of: &Tensor<3>| {
        let dense = || LayerInput::from(of.clone().detach().require_grad());
        let events = SpikeEvents::from_dense(of.clone()).unwrap();
        let both = dense().with_events(events.clone()).unwrap();
        [dense(), events.into(), both]
    };
    for one in forms(&a) {
        for other in forms(&b) {
            let sum = one.add(&other).unwrap();
            let both_listed = one.events().is_some() && other.events().is_some();
            assert_eq!(sum.events().is_some(), both_listed);
            if let Some(events) = sum.events() {
                assert_eq!(values(events.to_dense()), expected);
            }
            let leaves: Vec<_> = [&one, &other]
                .into_iter()
                .filter_map(LayerInput::dense)
                .collect();
            assert_eq!(sum.dense().is_some(), !leaves.is_empty());
            let Some(dense) = sum.dense() else { continue };
            assert_eq!(values(dense.clone()), expected);
            let gradients = (dense.clone() * 3.0).sum().backward();
            for leaf in leaves {
                assert_eq!(values(leaf.grad(&gradients).unwrap()), [3.0; 40]);
            }
        }
    }
}

#[test]
fn an_initial_potential_decays_alike_in_all_formulations() {
    let device = device();
    let current = Tensor::<3>::zeros([1, 3, 2], &device);
    let neurons = |model| {
        Neurons::new(Tensor::from_floats([0.5, 0.9], &device), model)
            .with_initial(Tensor::from_floats([[4.0, 1.0]], &device))
    };
    let (block, integrator) = (
        neurons(NeuronModel::Block),
        neurons(NeuronModel::Integrator),
    );
    let step = |current: Tensor<3>| {
        let (mut state, mut membrane) = (None, Vec::new());
        for current in current.split(1, 1) {
            let (step, next) = block.step(current.squeeze_dim(1), state).unwrap();
            membrane.push(step.membrane);
            state = Some(next);
        }
        Tensor::stack::<3>(membrane, 1)
    };
    let expected = [2.0, 0.9, 1.0, 0.81, 0.5, 0.729];
    let membranes = [
        scan(current.clone(), &block).unwrap().membrane(),
        convolution(current.clone(), &block).unwrap().membrane,
        scan(current.clone(), &integrator).unwrap().membrane(),
        reference::scan(current.clone(), &integrator)
            .unwrap()
            .membrane,
        step(current),
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

#[test]
fn neurons_of_another_model_are_refused() {
    let device = device();
    let neurons = |model| Neurons::new(Tensor::full([1], 0.9, &device), model);
    let single = neurons(NeuronModel::SingleSpike);
    let current = Tensor::<2>::zeros([2, 3], &device);
    let (_, state) = neurons(NeuronModel::Block)
        .step(current.clone(), None)
        .unwrap();
    let error = single.step(current, Some(state)).unwrap_err();
    let text = "Neurons::step: `state` are block neurons, expected single-spike";
    assert_eq!(error.to_string(), text);
    let current = Tensor::<3>::zeros([2, 6, 3], &device);
    let error = convolution(current.clone(), &single).unwrap_err();
    let text = "convolution: `neurons` are single-spike neurons, expected block";
    assert_eq!(error.to_string(), text);
    let synapses = Synapses {
        weight: Tensor::zeros([3, 3], &device),
        bias: Tensor::zeros([3], &device),
    };
    let input = LayerInput::from(current);
    let error = linear_readout(&input, &synapses, &single, &synapses, &single).unwrap_err();
    let text = "linear_readout: `integrators` are single-spike neurons, expected integrator";
    assert_eq!(error.to_string(), text);
}

/// All results of the operations on one layer, as bits: dense, event-driven and with a readout, in an element
/// type.
fn bits(
    seed: u64,
    shape: [usize; 4],
    classes: usize,
    model: NeuronModel,
    dtype: DType,
) -> Vec<u64> {
    let layer = Layer::random(seed, shape, false);
    let [batch, steps, _, n] = shape;
    let above = Layer::random(seed ^ 1, [batch, steps, n, classes], false);
    let leaf = |tensor: &Tensor<1>| tensor.clone().cast(dtype).detach().require_grad();
    let matrix = |tensor: &Tensor<2>| tensor.clone().cast(dtype).detach().require_grad();
    let synapses = |of: &Layer| Synapses {
        weight: matrix(&of.weight),
        bias: leaf(&of.bias),
    };
    let (beta, above_beta) = (leaf(&layer.beta), leaf(&above.beta));
    let neurons = Neurons::new(beta.clone(), model).with_surrogate(layer.surrogate);
    let integrators = Neurons::new(above_beta.clone(), NeuronModel::Integrator);
    let input = layer.input.clone().cast(dtype);
    let events = SpikeEvents::from_dense(input.clone()).unwrap();
    let mut found = Vec::new();
    let mut take = |output: Tensor<3>, leaves: &[(&Synapses, &Tensor<1>)]| {
        let gradients = output.clone().powi_scalar(2).sum().backward();
        found.extend(values(output).iter().map(|v| v.to_bits()));
        for (synapses, beta) in leaves {
            let weight = values(synapses.weight.grad(&gradients).unwrap());
            let bias = values(synapses.bias.grad(&gradients).unwrap());
            let beta = values(beta.grad(&gradients).unwrap());
            let gradients = weight.iter().chain(&bias).chain(&beta);
            found.extend(gradients.map(|v| v.to_bits()));
        }
    };
    // Burn's matrix products round as they like: the currents are the same numbers for all.
    let current = input.clone().repeat_dim(2, n).narrow(2, 0, n) * 0.4;
    let scale = leaf(&layer.bias);
    let driven = current * (scale.clone() + 1.0).unsqueeze();
    let out = scan(driven, &neurons).unwrap();
    let sum = (out.spikes() + out.membrane()).sum().backward();
    let gradient = values(scale.grad(&sum).unwrap());
    let held = values(out.membrane());
    for membrane in [false, true] {
        let synapses = synapses(&layer);
        let out = linear_layer(&events.clone().into(), &synapses, &neurons).unwrap();
        let out = if membrane {
            out.membrane()
        } else {
            out.spikes()
        };
        take(out, &[(&synapses, &beta)]);
    }
    let (below, above) = (synapses(&layer), synapses(&above));
    let out = linear_readout(&events.into(), &below, &neurons, &above, &integrators).unwrap();
    take(out.membrane, &[(&below, &beta), (&above, &above_beta)]);
    found.extend(gradient.iter().chain(&held).map(|v| v.to_bits()));
    let mut state = None;
    let mut parameter = matrix(&layer.weight).inner();
    for _ in 0..3 {
        let gradient = parameter.clone() * 0.5;
        (parameter, state) = FusedAdam::default().step(0.1, parameter, gradient, state);
    }
    found.extend(values(parameter).iter().map(|v| v.to_bits()));
    found
}

#[test]
fn every_instruction_set_and_number_of_threads_gives_the_same_bits() {
    let pools = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap()
    });
    // Nothing a multiple of anything; more neurons than a wide tile has on each of the threads; a long time.
    let shapes = [
        ([2, 29, 8, 67], 3),
        ([3, 17, 5, 1100], 10),
        ([2, 40, 11, 131], 11),
        ([9, 23, 4, 33], 20),
        ([1, 300, 3, 45], 33),
        ([2, 7, 3, 1], 1),
        ([2, 7, 3, 5], 2),
    ];
    for (seed, (shape, classes)) in shapes.into_iter().enumerate() {
        for model in NeuronModel::ALL {
            for dtype in [DType::F32, DType::F64] {
                let run = |set, pool: &rayon::ThreadPool| {
                    pool.install(|| {
                        simd::with(set, || bits(seed as u64, shape, classes, model, dtype))
                    })
                };
                let sets = simd::InstructionSet::available();
                let expected = run(sets[0], &pools[0]);
                for &set in &sets {
                    for pool in &pools {
                        let threads = pool.current_num_threads();
                        assert!(
                            run(set, pool) == expected,
                            "{set}, {threads} threads: {model:?} {dtype:?} {shape:?} {classes} classes"
                        );
                    }
                }
            }
        }
    }
}
