use block_core::{
    ConvSynapses, FusedAdam, LayerInput, NeuronModel, Neurons, SpikeEvents, SpikeEventsBuilder,
    Synapses, conv_layer, linear_layer, linear_readout, max_pool, scan,
};
use burn::optim::Optimizer;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const BATCH: usize = 8;
const STEPS: usize = 128;
const INPUTS: usize = 200;
/// Units of a single-spike code.
const CODED: usize = 300;
const NEURONS: usize = 96;
const CLASSES: usize = 10;
/// Input spikes of a sample.
const SPIKES: usize = 4 * INPUTS;
const PARAMETERS: usize = 1 << 18;
/// Channels, rows and columns of pictures.
const PICTURE: [usize; 3] = [16, 12, 12];
/// Time steps of pictures.
const FRAMES: usize = 8;

/// An operation of the CPU, forward and backward, on small fixed inputs.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// The kernel's name.
    pub name: &'static str,
    run: fn(&mut Draw, usize),
}

impl Kernel {
    /// All operations that have a kernel.
    pub const ALL: [Self; 15] = [
        Self::new("readout-block", |draw, times| {
            let input = draw.events().into();
            readout(draw, &input, NeuronModel::Block, times)
        }),
        Self::new("readout-closing", |draw, times| {
            let input = draw.first_spikes().into();
            readout(draw, &input, NeuronModel::Block, times)
        }),
        Self::new("readout-single", |draw, times| {
            let input = draw.events().into();
            readout(draw, &input, NeuronModel::SingleSpike, times)
        }),
        Self::new("readout-multi", |draw, times| {
            let input = draw.events().into();
            readout(draw, &input, NeuronModel::MultiSpike, times)
        }),
        Self::new("events-block", |draw, times| {
            let input = draw.events().into();
            events(draw, &input, times)
        }),
        Self::new("events-through", |draw, times| {
            let input = draw.tracked();
            events(draw, &input, times)
        }),
        Self::new("events-membrane", membrane),
        Self::new("scan", |draw, times| {
            spiking(draw, NeuronModel::Block, times)
        }),
        Self::new("scan-single", |draw, times| {
            spiking(draw, NeuronModel::SingleSpike, times)
        }),
        Self::new("scan-multi", |draw, times| {
            spiking(draw, NeuronModel::MultiSpike, times)
        }),
        Self::new("integrate", integrator),
        Self::new("conv", |draw, times| {
            let (events, _) = draw.pictures();
            pictures(draw, &events.into(), NeuronModel::Block, times)
        }),
        Self::new("conv-through", |draw, times| {
            let (events, dense) = draw.pictures();
            let input = LayerInput::from(dense).with_events(events);
            let input = input.expect("of the same shape");
            pictures(draw, &input, NeuronModel::MultiSpike, times)
        }),
        Self::new("max-pool", pool),
        Self::new("adam", adam),
    ];

    const fn new(name: &'static str, run: fn(&mut Draw, usize)) -> Self {
        Self { name, run }
    }

    /// Runs the kernel so many times.
    pub fn run(self, times: usize) {
        let rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let device = Device::flex().autodiff();
        (self.run)(&mut Draw { rng, device }, times);
    }
}

fn readout(draw: &mut Draw, input: &LayerInput, model: NeuronModel, times: usize) {
    let [_, _, inputs] = input.shape();
    let (synapses, neurons) = (draw.synapses(inputs, NEURONS), draw.neurons(NEURONS, model));
    let readout = draw.synapses(NEURONS, CLASSES);
    let integrators = draw.neurons(CLASSES, NeuronModel::Integrator);
    for _ in 0..times {
        let out = linear_readout(input, &synapses, &neurons, &readout, &integrators);
        out.expect("the sizes fit").membrane.sum().backward();
    }
}

fn events(draw: &mut Draw, input: &LayerInput, times: usize) {
    let synapses = draw.synapses(INPUTS, NEURONS);
    let neurons = draw.neurons(NEURONS, NeuronModel::Block);
    for _ in 0..times {
        let out = linear_layer(input, &synapses, &neurons);
        out.expect("the sizes fit").spikes().sum().backward();
    }
}

fn membrane(draw: &mut Draw, times: usize) {
    let (input, synapses, neurons) = (
        draw.events().into(),
        draw.synapses(INPUTS, NEURONS),
        draw.neurons(NEURONS, NeuronModel::Integrator),
    );
    for _ in 0..times {
        let out = linear_layer(&input, &synapses, &neurons);
        out.expect("the sizes fit").membrane().sum().backward();
    }
}

fn spiking(draw: &mut Draw, model: NeuronModel, times: usize) {
    let (current, neurons) = (draw.current(), draw.neurons(NEURONS, model));
    for _ in 0..times {
        let out = scan(current.clone(), &neurons);
        out.expect("the sizes fit").spikes().sum().backward();
    }
}

fn integrator(draw: &mut Draw, times: usize) {
    let current = draw.current();
    let neurons = draw.neurons(NEURONS, NeuronModel::Integrator);
    for _ in 0..times {
        let out = scan(current.clone(), &neurons);
        out.expect("the sizes fit").membrane().sum().backward();
    }
}

fn pictures(draw: &mut Draw, input: &LayerInput, model: NeuronModel, times: usize) {
    let synapses = ConvSynapses {
        weight: draw.tensor([32, PICTURE[0], 5, 5], -0.1, 0.12),
        bias: draw.tensor([32], 0.0, 0.01),
        input: PICTURE,
        stride: 1,
        padding: 2,
    };
    let neurons = draw.neurons(32 * PICTURE[1] * PICTURE[2], model);
    for _ in 0..times {
        let out = conv_layer(input, &synapses, &neurons);
        out.expect("the sizes fit").spikes().sum().backward();
    }
}

fn pool(draw: &mut Draw, times: usize) {
    let (events, dense) = draw.pictures();
    let input = LayerInput::from(dense).with_events(events);
    let input = input.expect("of the same shape");
    for _ in 0..times {
        let pooled = max_pool(&input, PICTURE, 2, 2).expect("the sizes fit");
        let dense = pooled.dense().expect("beside its events").clone();
        dense.sum().backward();
    }
}

fn adam(draw: &mut Draw, times: usize) {
    let draw_all = |draw: &mut Draw| draw.tensor([PARAMETERS], -1.0, 1.0).detach();
    let (mut parameters, gradient) = (draw_all(draw), draw_all(draw));
    let mut state = None;
    for _ in 0..times {
        (parameters, state) = FusedAdam::default().step(0.001, parameters, gradient.clone(), state);
    }
}

/// Draws inputs and parameters, the same every time.
struct Draw {
    rng: Xoshiro256PlusPlus,
    device: Device,
}

impl Draw {
    /// Tracked values in a range.
    fn tensor<const D: usize>(&mut self, shape: [usize; D], low: f32, high: f32) -> Tensor<D> {
        let count = shape.iter().product();
        let values = (0..count).map(|_| self.rng.random_range(low..high));
        let data = TensorData::new(values.collect::<Vec<f32>>(), shape);
        Tensor::from_data(data, &self.device).require_grad()
    }

    fn current(&mut self) -> Tensor<3> {
        self.tensor([BATCH, STEPS, NEURONS], -0.3, 0.4)
    }

    fn synapses(&mut self, inputs: usize, neurons: usize) -> Synapses {
        Synapses {
            weight: self.tensor([inputs, neurons], -0.1, 0.12),
            bias: self.tensor([neurons], 0.0, 0.01),
        }
    }

    fn neurons(&mut self, neurons: usize, model: NeuronModel) -> Neurons {
        Neurons::new(self.tensor([neurons], 0.8, 0.95), model)
    }

    fn events(&mut self) -> SpikeEvents {
        self.anywhere(STEPS, INPUTS, SPIKES)
    }

    /// Spikes of pictures, one in fifty units and steps, and a dense copy that receives a gradient.
    fn pictures(&mut self) -> (SpikeEvents, Tensor<3>) {
        let units = PICTURE.iter().product();
        let events = self.anywhere(FRAMES, units, FRAMES * units / 50);
        let dense = events.to_dense().require_grad();
        (events, dense)
    }

    /// So many spikes a sample at random units and steps.
    fn anywhere(&mut self, steps: usize, inputs: usize, spikes: usize) -> SpikeEvents {
        let mut builder = SpikeEventsBuilder::new(steps, inputs);
        for _ in 0..BATCH {
            let spike = |_| {
                let step = self.rng.random_range(0..steps as u32);
                (step, self.rng.random_range(0..inputs as u32))
            };
            let spikes: Vec<_> = (0..spikes).map(spike).collect();
            builder
                .push_sample(&spikes)
                .expect("the spikes are drawn in range");
        }
        builder.build(&self.device)
    }

    /// Every unit once, every other one at the last step: more than there are steps, so that it closes.
    fn first_spikes(&mut self) -> SpikeEvents {
        const LAST: u32 = STEPS as u32 - 1;
        const { assert!(CODED / 2 > STEPS) };
        let mut builder = SpikeEventsBuilder::new(STEPS, CODED);
        for _ in 0..BATCH {
            let step = |unit| match unit % 2 {
                0 => LAST,
                _ => self.rng.random_range(0..LAST),
            };
            let steps: Vec<_> = (0..CODED).map(step).collect();
            builder
                .push_first_spikes(&steps)
                .expect("the spikes are drawn in range");
        }
        builder.build(&self.device)
    }

    /// Events together with dense spikes that receive a gradient.
    fn tracked(&mut self) -> LayerInput {
        let events = self.events();
        let dense = events.to_dense().require_grad();
        let input = LayerInput::from(dense).with_events(events);
        input.expect("of the same shape")
    }
}
