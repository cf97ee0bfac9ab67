use block_core::{
    FusedAdam, LeakyNeurons, NeuronModel, SpikeEvents, SpikeEventsBuilder, SpikeTrain, Surrogate,
    Synapses, block, integrate, linear_membrane, spikes, spiking_linear, spiking_readout,
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

/// An operation of the CPU, forward and backward, on small fixed inputs.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// Its name.
    pub name: &'static str,
    run: fn(&mut Draw, usize),
}

impl Kernel {
    /// All operations that have a kernel.
    pub const ALL: [Self; 13] = [
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
        Self::new("scan", scan),
        Self::new("scan-single", |draw, times| {
            standard(draw, NeuronModel::SingleSpike, times)
        }),
        Self::new("scan-multi", |draw, times| {
            standard(draw, NeuronModel::MultiSpike, times)
        }),
        Self::new("latch", latch),
        Self::new("integrate", integrator),
        Self::new("adam", adam),
    ];

    const fn new(name: &'static str, run: fn(&mut Draw, usize)) -> Self {
        Self { name, run }
    }

    /// Runs it so many times.
    pub fn run(self, times: usize) {
        let rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let device = Device::flex().autodiff();
        (self.run)(&mut Draw { rng, device }, times);
    }
}

fn readout(draw: &mut Draw, input: &SpikeTrain, model: NeuronModel, times: usize) {
    let [_, _, inputs] = input.shape();
    let (synapses, neurons) = (draw.synapses(inputs, NEURONS), draw.neurons());
    let (readout, integrators) = (draw.synapses(NEURONS, CLASSES), draw.beta(CLASSES));
    for _ in 0..times {
        let out = spiking_readout(input, &synapses, &neurons, model, &readout, &integrators);
        out.expect("the sizes fit").membrane.sum().backward();
    }
}

fn events(draw: &mut Draw, input: &SpikeTrain, times: usize) {
    let (synapses, neurons) = (draw.synapses(INPUTS, NEURONS), draw.neurons());
    for _ in 0..times {
        let out = spiking_linear(input, &synapses, &neurons, NeuronModel::Block);
        out.expect("the sizes fit").spikes.sum().backward();
    }
}

fn membrane(draw: &mut Draw, times: usize) {
    let (input, synapses, neurons) = (
        draw.events().into(),
        draw.synapses(INPUTS, NEURONS),
        draw.neurons(),
    );
    for _ in 0..times {
        let membrane = linear_membrane(&input, &synapses, &neurons);
        membrane.expect("the sizes fit").sum().backward();
    }
}

fn scan(draw: &mut Draw, times: usize) {
    let (current, neurons) = (draw.current(), draw.neurons());
    for _ in 0..times {
        let out = block::scan(current.clone(), &neurons);
        out.expect("the sizes fit").spikes.sum().backward();
    }
}

fn standard(draw: &mut Draw, model: NeuronModel, times: usize) {
    let (current, neurons) = (draw.current(), draw.neurons());
    for _ in 0..times {
        let out = spikes(current.clone(), &neurons, model);
        out.expect("the sizes fit").spikes.sum().backward();
    }
}

fn latch(draw: &mut Draw, times: usize) {
    let membrane = draw.current();
    for _ in 0..times {
        let out = block::first_spikes(membrane.clone(), Surrogate::default());
        out.expect("the sizes fit").0.sum().backward();
    }
}

fn integrator(draw: &mut Draw, times: usize) {
    let (current, neurons) = (draw.current(), draw.neurons());
    for _ in 0..times {
        let membrane = integrate(current.clone(), &neurons);
        membrane.expect("the sizes fit").sum().backward();
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

    fn neurons(&mut self) -> LeakyNeurons {
        self.beta(NEURONS)
    }

    fn beta(&mut self, neurons: usize) -> LeakyNeurons {
        LeakyNeurons::new(self.tensor([neurons], 0.8, 0.95))
    }

    fn events(&mut self) -> SpikeEvents {
        let mut builder = SpikeEventsBuilder::new(STEPS, INPUTS);
        for _ in 0..BATCH {
            let spike = |_| {
                let step = self.rng.random_range(0..STEPS as u32);
                (step, self.rng.random_range(0..INPUTS as u32))
            };
            let spikes: Vec<_> = (0..SPIKES).map(spike).collect();
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
    fn tracked(&mut self) -> SpikeTrain {
        let events = self.events();
        let dense = events.to_dense().require_grad();
        let train = SpikeTrain::from(dense).with_events(events);
        train.expect("of the same shape")
    }
}
