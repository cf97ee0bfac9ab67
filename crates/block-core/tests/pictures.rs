//! Layers on pictures: every route of a convolution and of pooling computes the same, on every instruction set and
//! with any number of threads.

use block_core::{
    ConvSynapses, LayerInput, NeuronModel, Neurons, SpikeEvents, SpikeEventsBuilder, Surrogate,
    conv_layer, first_spike_steps, max_pool, reference, simd, spike_counts,
};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

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
        assert_eq!(found.len(), expected.len(), "result {index}");
        let scale = expected.iter().fold(1e-3_f64, |max, v| max.max(v.abs()));
        for (f, e) in found.iter().zip(expected) {
            assert!(
                (f - e).abs() <= 1e-9 * scale,
                "result {index}: {f} against {e}"
            );
        }
    }
}

/// Sizes of a layer.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    steps: usize,
    input: [usize; 3],
    channels: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: usize,
}

/// A random layer, and its input with counts of 0 to 2.
struct Layer {
    input: Tensor<3>,
    synapses: ConvSynapses,
    neurons: Neurons,
    beta: Tensor<1>,
}

impl Layer {
    fn random(seed: u64, sizes: Sizes, model: NeuronModel, shared: bool, dtype: DType) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut of =
            |shape, map: &dyn Fn(f64) -> f64| random::<4>(&mut rng, shape, map).cast(dtype);
        let [inputs, height, width] = sizes.input;
        let units = inputs * height * width;
        let counts = of([1, sizes.batch, sizes.steps, units], &|u| {
            (u * 2.4 - 0.8).round().max(0.0)
        });
        let [rows, columns] = sizes.kernel;
        let scale = (4.0 / (inputs * rows * columns) as f64).sqrt().min(1.0);
        let weight = of([sizes.channels, inputs, rows, columns], &|u| {
            scale * (u - 0.35)
        });
        let bias = of([1, 1, 1, sizes.channels], &|u| 0.2 * u - 0.1);
        let synapses = ConvSynapses {
            weight: weight.detach().require_grad(),
            bias: bias.reshape([sizes.channels]).detach().require_grad(),
            input: sizes.input,
            stride: sizes.stride,
            padding: sizes.padding,
        };
        let betas = match shared {
            true => 1,
            false => synapses.output().unwrap().iter().product(),
        };
        // Beyond [0, 1] on both sides now and then.
        let beta = of([1, 1, 1, betas], &|u| 1.2 * u - 0.1).reshape([betas]);
        let beta = beta.detach().require_grad();
        let surrogates = Surrogate::all(2.0);
        let surrogate = surrogates[seed as usize % surrogates.len()];
        Self {
            input: counts.reshape([sizes.batch, sizes.steps, units]).detach(),
            neurons: Neurons::new(beta.clone(), model).with_surrogate(surrogate),
            synapses,
            beta,
        }
    }

    /// The spikes as they enter, densely with a gradient, as events, or both.
    fn inputs(&self) -> [LayerInput; 3] {
        let tracked = || LayerInput::from(self.input.clone().require_grad());
        let events = SpikeEvents::from_dense(self.input.clone()).unwrap();
        let both = tracked().with_events(events.clone()).unwrap();
        [tracked(), events.into(), both]
    }

    /// An output, and the gradients of its loss: weight, bias, β, and of the dense input if there is one.
    fn results(&self, output: Tensor<3>, input: &LayerInput) -> Vec<Vec<f64>> {
        let shape = output.dims();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
        let weights = random(&mut rng, shape, |u| u - 0.5).cast(output.dtype());
        let gradients = (output.clone() * weights).sum().backward();
        let mut results = vec![
            values(output),
            values(self.synapses.weight.grad(&gradients).unwrap()),
            values(self.synapses.bias.grad(&gradients).unwrap()),
            // With a single step some routes do not depend on β at all.
            values(self.beta.grad(&gradients).unwrap_or(self.beta.zeros_like())),
        ];
        if let Some(dense) = input.dense() {
            results.push(values(dense.grad(&gradients).unwrap()));
        }
        results
    }
}

fn sizes() -> impl Strategy<Value = Sizes> {
    let kernel = (1..4_usize, 1..4_usize);
    let picture = (1..20_usize, 1..7_usize, 1..7_usize);
    let rest = (1..4_usize, 1..9_usize, 1..40_usize, 1..4_usize, 0..4_usize);
    (kernel, picture, rest).prop_filter_map(
        "a kernel larger than its input",
        |((rows, columns), (inputs, height, width), (batch, steps, channels, stride, padding))| {
            let fits = rows <= height + 2 * padding && columns <= width + 2 * padding;
            fits.then_some(Sizes {
                batch,
                steps,
                input: [inputs, height, width],
                channels,
                kernel: [rows, columns],
                stride,
                padding,
            })
        },
    )
}

fn models() -> impl Strategy<Value = NeuronModel> {
    proptest::sample::select(&NeuronModel::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn routes_of_a_convolution_agree(
        seed: u64, sizes in sizes(), model in models(), shared: bool,
    ) {
        let layer = Layer::random(seed, sizes, model, shared, DType::F64);
        let steps = |input: &LayerInput| {
            let current = layer.synapses.current(input).unwrap();
            reference::scan(current, &layer.neurons).unwrap()
        };
        for input in layer.inputs() {
            // Burn's backward pass uses a graph up, so every output is computed anew.
            let run = || conv_layer(&input, &layer.synapses, &layer.neurons).unwrap();
            let out = run();
            let spikes = steps(&input).spikes;
            prop_assert_eq!(ints(out.first_steps()), ints(first_spike_steps(spikes.clone())));
            prop_assert_eq!(ints(out.counts()), ints(spike_counts(spikes)));
            let next = out.to_input().unwrap();
            let (listed, dense) = (next.events().unwrap(), next.dense().unwrap());
            prop_assert_eq!(values(listed.to_dense()), values(dense.clone()));
            assert_close(
                &layer.results(run().spikes(), &input),
                &layer.results(steps(&input).spikes, &input),
            );
            assert_close(
                &layer.results(run().membrane(), &input),
                &layer.results(steps(&input).membrane, &input),
            );
            let (found, expected) = (run(), steps(&input));
            assert_close(
                &layer.results(found.spikes() + found.membrane(), &input),
                &layer.results(expected.spikes + expected.membrane, &input),
            );
        }
    }

    /// Against a plain loop: counts of 0 to 3, windows that overlap, leave gaps and leave some of the picture over.
    #[test]
    fn routes_of_pooling_agree(
        seed: u64,
        (size, picture) in (1..4_usize).prop_flat_map(|size| {
            (Just(size), (1..3_usize, size..size + 5, size..size + 5))
        }),
        stride in 1..5_usize, batch in 1..3_usize, steps in 1..4_usize,
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let picture = [picture.0, picture.1, picture.2];
        let [channels, height, width] = picture;
        let units = channels * height * width;
        let shape = [batch, steps, units];
        let dense = random(&mut rng, shape, |u| (6.0 * u - 3.0).round().max(0.0));
        let events = SpikeEvents::from_dense(dense.clone()).unwrap();
        let spikes = values(dense.clone());
        let (mut expected, mut firsts) = (Vec::new(), Vec::new());
        for (row, spikes) in spikes.chunks(units).enumerate() {
            for channel in 0..channels {
                for top in (0..=height - size).step_by(stride) {
                    for left in (0..=width - size).step_by(stride) {
                        let unit = |y, x| (channel * height + top + y) * width + left + x;
                        let mut first = unit(0, 0);
                        for at in 0..size * size {
                            let unit = unit(at / size, at % size);
                            if spikes[unit] > spikes[first] {
                                first = unit;
                            }
                        }
                        expected.push(spikes[first]);
                        firsts.push(row * units + first);
                    }
                }
            }
        }
        let mut expected_gradient = vec![0.0; spikes.len()];
        for (at, &first) in firsts.iter().enumerate() {
            expected_gradient[first] += (at + 1) as f64;
        }
        let tracked = || LayerInput::from(dense.clone().require_grad());
        let both = tracked().with_events(events.clone()).unwrap();
        for input in [tracked(), both, events.into()] {
            let pooled = max_pool(&input, picture, size, stride).unwrap();
            if let Some(events) = pooled.events() {
                prop_assert_eq!(values(events.to_dense()), expected.clone());
            }
            prop_assert_eq!(pooled.events().is_some(), input.events().is_some());
            prop_assert_eq!(pooled.dense().is_some(), input.dense().is_some());
            let (Some(pooled), Some(dense)) = (pooled.dense(), input.dense()) else {
                continue;
            };
            prop_assert_eq!(values(pooled.clone()), expected.clone());
            let order: Vec<f64> = (0..expected.len()).map(|at| (at + 1) as f64).collect();
            let order = TensorData::new(order, pooled.dims());
            let order = Tensor::from_data(order, (&device(), DType::F64));
            let gradients = (pooled.clone() * order).sum().backward();
            prop_assert_eq!(values(dense.grad(&gradients).unwrap()), expected_gradient.clone());
        }
    }
}

#[test]
fn every_instruction_set_and_number_of_threads_gives_the_same_bits() {
    let pools = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap()
    });
    let sizes = |batch, input, channels, kernel, stride, padding| Sizes {
        batch,
        steps: 5,
        input,
        channels,
        kernel: [kernel; 2],
        stride,
        padding,
    };
    let all = [
        sizes(3, [2, 6, 5], 35, 3, 1, 1),
        sizes(2, [17, 5, 5], 7, 2, 2, 0),
        // More samples than groups of them.
        sizes(70, [1, 3, 3], 2, 2, 1, 0),
    ];
    for (seed, sizes) in all.into_iter().enumerate() {
        for model in NeuronModel::ALL {
            for dtype in [DType::F32, DType::F64] {
                let run = || {
                    let layer = Layer::random(seed as u64, sizes, model, false, dtype);
                    let [_, _, input] = layer.inputs();
                    let out = conv_layer(&input, &layer.synapses, &layer.neurons).unwrap();
                    let both = out.spikes() + out.membrane();
                    let results = layer.results(both, &input).into_iter().flatten();
                    results.map(f64::to_bits).collect::<Vec<_>>()
                };
                let expected =
                    pools[0].install(|| simd::with(simd::InstructionSet::available()[0], run));
                for set in simd::InstructionSet::available() {
                    for pool in &pools {
                        let found = pool.install(|| simd::with(set, run));
                        let threads = pool.current_num_threads();
                        assert!(
                            found == expected,
                            "{set}, {threads} threads: {model:?} {dtype:?} {sizes:?}"
                        );
                    }
                }
            }
        }
    }
}

/// A unit at a corner of a picture reaches the places that the kernel joins it to, and no others.
#[test]
fn an_event_adds_the_kernel_where_it_reaches() {
    let device = device();
    let kernel: Vec<f32> = (1..=9).map(|weight| weight as f32).collect();
    let synapses = ConvSynapses {
        weight: Tensor::from_data(TensorData::new(kernel, [1, 1, 3, 3]), &device),
        bias: Tensor::zeros([1], &device),
        input: [1, 3, 4],
        stride: 1,
        padding: 1,
    };
    let neurons = Neurons::new(Tensor::zeros([1], &device), NeuronModel::Integrator);
    let mut events = SpikeEventsBuilder::new(2, 12);
    // Once at the first corner; twice next to the middle.
    events.push_sample(&[(0, 0), (1, 6), (1, 6)]).unwrap();
    let events = events.build(&device).into();
    let membrane = conv_layer(&events, &synapses, &neurons).unwrap().membrane();
    let corner = [5., 4., 0., 0., 2., 1., 0., 0., 0., 0., 0., 0.];
    let middle = [0., 18., 16., 14., 0., 12., 10., 8., 0., 6., 4., 2.];
    assert_eq!(values(membrane), [corner, middle].concat());
}

#[test]
fn wrong_shapes_are_named() {
    let device = device();
    let synapses = |shape: [usize; 4], stride| ConvSynapses {
        weight: Tensor::zeros(shape, &device),
        bias: Tensor::zeros([shape[0]], &device),
        input: [2, 4, 5],
        stride,
        padding: 1,
    };
    let neurons =
        |betas: usize| Neurons::new(Tensor::full([betas], 0.5, &device), NeuronModel::Block);
    let refused = |units: usize, synapses: &ConvSynapses, neurons: &Neurons| {
        let dense = Tensor::<3>::zeros([2, 3, units], &device);
        let events = SpikeEvents::from_dense(dense.clone()).unwrap();
        let [dense, events] = [dense.into(), events.into()].map(|input: LayerInput| {
            conv_layer(&input, synapses, neurons)
                .unwrap_err()
                .to_string()
        });
        assert_eq!(dense, events);
        events
    };
    assert_eq!(
        refused(41, &synapses([3, 2, 3, 3], 1), &neurons(1)),
        "conv_layer: `input` has shape [2, 3, 41], expected [2, 3, 40] (batch, time, input channels · rows · columns)"
    );
    let expected = "(channels, 2, rows up to 6, columns up to 7), as the input is";
    assert_eq!(
        refused(40, &synapses([3, 1, 3, 3], 1), &neurons(1)),
        format!("conv_layer: `weight` has shape [3, 1, 3, 3], expected {expected}")
    );
    assert_eq!(
        refused(40, &synapses([3, 2, 3, 8], 1), &neurons(1)),
        format!("conv_layer: `weight` has shape [3, 2, 3, 8], expected {expected}")
    );
    assert_eq!(
        refused(40, &synapses([3, 2, 3, 3], 0), &neurons(1)),
        "conv_layer: stride must be at least 1, found 0"
    );
    assert_eq!(
        refused(40, &synapses([3, 2, 3, 3], 1), &neurons(3)),
        "conv_layer: `beta` has shape [3], expected [60] or [1]"
    );
    let pooled = |picture, window, stride| {
        let dense = Tensor::<3>::zeros([2, 3, 40], &device);
        let pooled = max_pool(&dense.into(), picture, window, stride);
        pooled.unwrap_err().to_string()
    };
    assert_eq!(
        pooled([2, 4, 4], 2, 2),
        "max_pool: `input` has shape [2, 3, 40], expected [2, 3, 32] (batch, time, channels · rows · columns)"
    );
    assert_eq!(
        pooled([2, 4, 5], 5, 2),
        "max_pool: `input` has shape [2, 4, 5], expected pictures of at least 5 rows and columns, as the window has"
    );
    assert_eq!(
        pooled([2, 4, 5], 2, 0),
        "max_pool: stride must be at least 1, found 0"
    );
}
