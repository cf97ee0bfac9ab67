//! What a layer of neurons does over time: the result of a scan or a linear layer.

use std::fmt;

use burn::tensor::{Int, Tensor};

use super::event_dense;
use crate::device::on_host;
use crate::neuron::wide;
use crate::spikes::{Form, Lazy, first_spike_steps, lazy, spike_counts};
use crate::{DenseSpikes, LayerInput, NeuronModel, SpikeError, SpikeEvents};

/// What a layer of neurons does over time, by any [model](NeuronModel).
///
/// Spikes and membrane are differentiable, separately or together. Each is computed when it is first asked
/// for, so that what is not asked for costs nothing.
#[derive(Clone)]
pub struct Activity {
    spiking: Lazy<Spiking>,
    membrane: Lazy<Tensor<3>>,
    shape: [usize; 3],
    model: NeuronModel,
}

/// The spikes in all their forms.
#[derive(Debug, Clone)]
pub(crate) struct Spiking {
    pub spikes: DenseSpikes,
    pub first_steps: Tensor<2, Int>,
    pub counts: Tensor<2, Int>,
    /// The spikes as events, where the operation has listed them.
    pub events: Option<SpikeEvents>,
}

impl Spiking {
    /// First steps and counts of spikes `[batch, time, neuron]`.
    pub(crate) fn of(spikes: Tensor<3>) -> Self {
        Self {
            first_steps: first_spike_steps(spikes.clone()),
            counts: spike_counts(spikes.clone()),
            spikes: spikes.into(),
            events: None,
        }
    }
}

impl Activity {
    pub(crate) fn new(
        shape: [usize; 3],
        model: NeuronModel,
        spiking: impl FnOnce() -> Spiking + Send + 'static,
        membrane: impl FnOnce() -> Tensor<3> + Send + 'static,
    ) -> Self {
        Self {
            spiking: lazy(spiking),
            membrane: lazy(membrane),
            shape,
            model,
        }
    }

    /// The activity of neurons whose spikes and potentials, both `[batch, time, neuron]`, were computed in
    /// another way, such as step by step.
    pub fn from_steps(model: NeuronModel, spikes: Tensor<3>, membrane: Tensor<3>) -> Self {
        let shape = membrane.dims();
        Self::new(shape, model, || Spiking::of(spikes), || membrane)
    }

    /// Spikes, 0 or 1: `[batch, time, neuron]`.
    pub fn spikes(&self) -> Tensor<3> {
        self.spiking.spikes.values().clone()
    }

    /// Membrane potentials: before the reset of multi-spike neurons, after the mask of single-spike ones;
    /// block neurons and integrators have neither: `[batch, time, neuron]`.
    pub fn membrane(&self) -> Tensor<3> {
        Tensor::clone(&self.membrane)
    }

    /// The step of each neuron's first spike, or the number of steps if it stays silent:
    /// `[batch, neuron]`.
    pub fn first_steps(&self) -> Tensor<2, Int> {
        self.spiking.first_steps.clone()
    }

    /// How often each neuron fires, without a gradient: `[batch, neuron]`.
    pub fn counts(&self) -> Tensor<2, Int> {
        self.spiking.counts.clone()
    }

    /// The number of all spikes, `[1]`, with the gradient of their sum, for which no dense spikes are formed.
    pub fn total(&self) -> Tensor<1> {
        let carrier = self.spiking.spikes.carrier();
        if let Some(Form::Host(events)) = self.spiking.events.as_ref().map(SpikeEvents::form) {
            return event_dense::total(carrier, events.clone());
        }
        let dtype = wide(carrier.dtype());
        let count = self.counts().sum().float().cast(dtype);
        let sum = carrier.clone().cast(dtype).sum();
        count + (sum.clone() - sum.detach())
    }

    /// The numbers of samples, time steps and neurons: `[batch, time, neuron]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The input of the next layer: the spikes, which receive the gradient, and on the CPU their events.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the spikes cannot be listed as events.
    pub fn to_input(&self) -> Result<LayerInput, SpikeError> {
        if let Some(events) = &self.spiking.events {
            return Ok(LayerInput::Both {
                dense: self.spiking.spikes.clone(),
                events: events.clone(),
            });
        }
        let spikes = self.spikes();
        // Elsewhere listing the events would mean a way to the host and back.
        if !on_host(&spikes.device()) {
            return Ok(LayerInput::Dense(spikes));
        }
        let events = match self.model.fires_once() {
            true => SpikeEvents::from_first_steps(self.first_steps(), self.shape[1])?,
            false => SpikeEvents::from_dense(spikes.clone().detach())?,
        };
        LayerInput::Dense(spikes).with_events(events)
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity")
            .field("model", &self.model)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}
