use block_core::{
    FusedAdam, LeakyNeurons, NeuronModel, SpikeEventsBuilder, SpikeTrain, Surrogate, Synapses,
    block, integrate, linear_membrane, spiking_linear, spiking_readout,
};
use burn::optim::Optimizer;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const BATCH: usize = 8;
const STEPS: usize = 128;
const INPUTS: usize = 200;
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
    pub const ALL: [Self; 9] = [
        Self::new("readout-block", |draw, times| {
            readout(draw, NeuronModel::Block, times)
        }),
        Self::new("readout-single", |draw, times| {
            readout(draw, NeuronModel::SingleSpike, times)
        }),
        Self::new("readout-multi", |draw, times| {
            readout(draw, NeuronModel::MultiSpike, times)
        }),
        Self::new("events-block", events),
        Self::new("events-membrane", membrane),
        Self::new("scan", scan),
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

fn readout(draw: &mut Draw, model: NeuronModel, times: usize) {
    let (input, synapses, neurons) = (
        draw.events(),
        draw.synapses(INPUTS, NEURONS),
        draw.neurons(),
    );
    let (readout, integrators) = (draw.synapses(NEURONS, CLASSES), draw.beta(CLASSES));
    for _ in 0..times {
        let out = spiking_readout(&input, &synapses, &neurons, model, &readout, &integrators);
        out.expect("the sizes fit").membrane.sum().backward();
    }
}

fn events(draw: &mut Draw, times: usize) {
    let (input, synapses, neurons) = (
        draw.events(),
        draw.synapses(INPUTS, NEURONS),
        draw.neurons(),
    );
    for _ in 0..times {
        let out = spiking_linear(&input, &synapses, &neurons, NeuronModel::Block);
        out.expect("the sizes fit").spikes.sum().backward();
    }
}

fn membrane(draw: &mut Draw, times: usize) {
    let (input, synapses, neurons) = (
        draw.events(),
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

    fn events(&mut self) -> SpikeTrain {
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
        builder.build(&self.device).into()
    }
}
