//! Linear layers of spiking neurons, from dense spikes or from events.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use crate::backend::{EventLayer, Readout, SpikeOps, has_kernels};
use crate::{
    LayerSpikes, LeakyNeurons, NeuronModel, SpikeError, SpikeEvents, SpikeTrain, check, integrate,
    plain, spikes,
};

/// What connects a layer to its inputs: I = x·W + bias.
///
/// # Shapes
///
/// - `weight`: `[inputs, neurons]`
/// - `bias`: `[neurons]`
#[derive(Debug, Clone)]
pub struct Synapses {
    /// One row an input, so that an event reads one row.
    pub weight: Tensor<2>,
    /// Added at every step.
    pub bias: Tensor<1>,
}

impl Synapses {
    /// The input current x·W + bias of dense or event inputs, through a matrix product.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, inputs]`
    /// - output: `[batch, time, neuron]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
    pub fn current(&self, input: &SpikeTrain) -> Result<Tensor<3>, SpikeError> {
        check_synapses("Synapses::current", input, self)?;
        let dense = match (input.dense(), input.events()) {
            (Some(dense), _) => dense.clone(),
            (None, Some(events)) => plain::dense(events, &self.weight),
            (None, None) => unreachable!("a spike train has spikes in one form at least"),
        };
        Ok(plain::project(
            dense,
            self.weight.clone(),
            self.bias.clone(),
        ))
    }
}

/// What [`spiking_readout`] returns.
#[derive(Debug, Clone)]
pub struct ReadoutTrace {
    /// Membrane potentials of the readout: `[batch, time, class]`.
    pub membrane: Tensor<3>,
    /// Step of each hidden neuron's first spike, or the number of steps if it stays silent, without a
    /// gradient: `[batch, neuron]`.
    pub first_steps: Tensor<2, Int>,
    /// How often each hidden neuron fires, without a gradient: `[batch, neuron]`.
    pub counts: Tensor<2, Int>,
}

/// A linear layer of spiking neurons: [`spikes`](crate::spikes) of x·W + bias.
///
/// Driven by events the dense input is never formed: each event adds one row of the weight, and the
/// weight's gradient is gathered by event, in a fixed order. (With an initial potential, or on another device than the
/// weight, events become dense first.) If the train also has dense spikes, these receive a gradient, ∂L/∂I·Wᵀ. Dense inputs go
/// through a matrix product. All agree to rounding.
///
/// # Shapes
///
/// - `input`: `[batch, time, inputs]`
/// - spikes: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
pub fn spiking_linear(
    input: &SpikeTrain,
    synapses: &Synapses,
    neurons: &LeakyNeurons,
    model: NeuronModel,
) -> Result<LayerSpikes, SpikeError> {
    const NAME: &str = "spiking_linear";
    let n = check_synapses(NAME, input, synapses)?;
    if let Some(events) = event_route(input, synapses, neurons) {
        let layer = event_layer(NAME, events, input, synapses, neurons, n)?;
        let (spikes, first, counts) =
            Dispatch::event_spikes(layer, events.steps(), neurons.rule(model));
        let spikes = Tensor::from_dispatch(spikes);
        let (first_steps, counts) = (Tensor::from_dispatch(first), Tensor::from_dispatch(counts));
        return Ok(LayerSpikes::new(spikes, first_steps, counts, model));
    }
    spikes(synapses.current(input)?, neurons, model)
}

/// A linear layer of leaky integrators: [`integrate`] of x·W + bias. Routes as in
/// [`spiking_linear`].
///
/// # Shapes
///
/// - `input`: `[batch, time, inputs]`
/// - output: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
pub fn linear_membrane(
    input: &SpikeTrain,
    synapses: &Synapses,
    neurons: &LeakyNeurons,
) -> Result<Tensor<3>, SpikeError> {
    const NAME: &str = "linear_membrane";
    let n = check_synapses(NAME, input, synapses)?;
    if let Some(events) = event_route(input, synapses, neurons) {
        let layer = event_layer(NAME, events, input, synapses, neurons, n)?;
        let membrane = Dispatch::event_membrane(layer, events.steps());
        return Ok(Tensor::from_dispatch(membrane));
    }
    integrate(synapses.current(input)?, neurons)
}

/// A linear layer of spiking neurons and the readout that it feeds, as one operation:
/// [`linear_membrane`] of [`spiking_linear`].
///
/// Fused, the hidden spikes are never formed, and of the block model's gradient the two sums over time
/// stand on the readout's narrow side, as they commute with its constant weight. The hidden spikes
/// have no gradient of their own here: for a loss that touches them compose the two functions.
///
/// # Shapes
///
/// - `input`: `[batch, time, inputs]`
/// - `readout`: weight `[neurons, classes]`
///
/// # Errors
///
/// [`SpikeError`] if shapes or element types do not fit each other or a dimension is empty.
pub fn spiking_readout(
    input: &SpikeTrain,
    synapses: &Synapses,
    neurons: &LeakyNeurons,
    model: NeuronModel,
    readout: &Synapses,
    integrators: &LeakyNeurons,
) -> Result<ReadoutTrace, SpikeError> {
    const NAME: &str = "spiking_readout";
    let n = check_synapses(NAME, input, synapses)?;
    let classes = readout.weight.dims()[1];
    if classes == 0 {
        let what = "class";
        return Err(SpikeError::Empty {
            operation: NAME,
            what,
        });
    }
    let (found, expected) = (readout.weight.dims(), [n, classes]);
    check::shape(
        NAME,
        "readout.weight",
        &found,
        &expected,
        "(neurons, classes)",
    )?;
    check::shape(
        NAME,
        "readout.bias",
        &readout.bias.dims(),
        &[classes],
        "(classes)",
    )?;
    let dtype = synapses.weight.dtype();
    for (name, found) in [
        ("readout.weight", readout.weight.dtype()),
        ("readout.bias", readout.bias.dtype()),
    ] {
        check::dtype(NAME, name, found, dtype)?;
    }
    let fused = event_route(input, synapses, neurons).filter(|_| integrators.initial.is_none());
    let Some(events) = fused else {
        let hidden = spiking_linear(input, synapses, neurons, model)?;
        let (first_steps, counts) = (hidden.first_steps.clone(), hidden.counts.clone());
        return Ok(ReadoutTrace {
            membrane: linear_membrane(&hidden.into_train()?, readout, integrators)?,
            first_steps,
            counts,
        });
    };
    let layer = event_layer(NAME, events, input, synapses, neurons, n)?;
    let readout = Readout {
        weight: readout.weight.clone().into_dispatch(),
        bias: readout.bias.clone().into_dispatch(),
        beta: integrators.decay(NAME, classes, dtype)?.into_dispatch(),
    };
    let (membrane, first, counts) =
        Dispatch::event_readout(layer, readout, events.steps(), neurons.rule(model));
    Ok(ReadoutTrace {
        membrane: Tensor::from_dispatch(membrane),
        first_steps: Tensor::from_dispatch(first),
        counts: Tensor::from_dispatch(counts),
    })
}

/// Input, weight and bias must fit each other; returns the number of neurons.
fn check_synapses(
    operation: &'static str,
    input: &SpikeTrain,
    synapses: &Synapses,
) -> Result<usize, SpikeError> {
    let [batch, steps, units] = input.shape();
    let [inputs, n] = synapses.weight.dims();
    check::not_empty(operation, [batch, steps, n])?;
    if units == 0 {
        let what = "input unit";
        return Err(SpikeError::Empty { operation, what });
    }
    let dtype = synapses.weight.dtype();
    check::dtype(operation, "bias", synapses.bias.dtype(), dtype)?;
    if let Some(dense) = input.dense() {
        check::dtype(operation, "input", dense.dtype(), dtype)?;
    }
    check::shape(
        operation,
        "weight",
        &[inputs, n],
        &[units, n],
        "(inputs, neurons)",
    )?;
    check::shape(operation, "bias", &synapses.bias.dims(), &[n], "(neurons)")?;
    Ok(n)
}

/// The events to run on, where there are kernels for them and both are on the same device; else they
/// become dense there.
fn event_route<'a>(
    input: &'a SpikeTrain,
    synapses: &Synapses,
    neurons: &LeakyNeurons,
) -> Option<&'a SpikeEvents> {
    let device = synapses.weight.device();
    let kernels = has_kernels(&device, synapses.weight.dtype());
    // The kernel starts from rest.
    input
        .events()
        .filter(|_| kernels && neurons.initial.is_none())
        .filter(|events| events.offsets.device() == device)
}

fn event_layer(
    operation: &'static str,
    events: &SpikeEvents,
    input: &SpikeTrain,
    synapses: &Synapses,
    neurons: &LeakyNeurons,
    n: usize,
) -> Result<EventLayer<Dispatch>, SpikeError> {
    let through = match input.dense() {
        Some(dense) => dense.clone(),
        None => Tensor::empty(
            [0, 0, 0],
            (&synapses.weight.device(), synapses.weight.dtype()),
        ),
    };
    Ok(EventLayer {
        offsets: events.offsets.clone().into_dispatch(),
        units: events.indices.clone().into_dispatch(),
        unit_offsets: events.by_unit.offsets.clone().into_dispatch(),
        unit_rows: events.by_unit.rows.clone().into_dispatch(),
        through: through.into_dispatch(),
        weight: synapses.weight.clone().into_dispatch(),
        bias: synapses.bias.clone().into_dispatch(),
        beta: neurons
            .decay(operation, n, synapses.weight.dtype())?
            .into_dispatch(),
    })
}
