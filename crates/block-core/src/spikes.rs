//! The spikes of a layer of neurons driven by a current, by any model.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use crate::backend::{SpikeOps, has_kernels, on_host};
use crate::{
    LeakyNeurons, NeuronModel, SpikeError, SpikeEvents, SpikeTrain, check, first_spike_steps,
    plain, spike_counts, standard,
};

/// Spikes of a layer.
#[derive(Debug, Clone)]
pub struct LayerSpikes {
    /// Spikes, 0 or 1: `[batch, time, neuron]`.
    pub spikes: Tensor<3>,
    /// Step of each neuron's first spike, or the number of steps if it stays silent:
    /// `[batch, neuron]`.
    pub first_steps: Tensor<2, Int>,
    /// How often each neuron fires, without a gradient: `[batch, neuron]`.
    pub counts: Tensor<2, Int>,
    /// Whether the model fires at most once.
    once: bool,
}

/// Spikes of a current `[batch, time, neuron]`: [`block::scan`](crate::block::scan),
/// [`standard::single_spike`] or [`standard::multi_spike`] without their membranes.
///
/// With kernels it is one pass over time forward and one backward, with the model's gradient in closed
/// form: the fair baseline for the block model, and the fast way to train standard neurons.
///
/// # Shapes
///
/// - `current`, spikes: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn spikes(
    current: Tensor<3>,
    neurons: &LeakyNeurons,
    model: NeuronModel,
) -> Result<LayerSpikes, SpikeError> {
    const NAME: &str = "spikes";
    let [_, _, n] = current.dims();
    check::not_empty(NAME, current.dims())?;
    let decay = neurons.decay(NAME, n, current.dtype())?;
    if !has_kernels(&current.device(), current.dtype()) {
        let spikes = match model {
            NeuronModel::Block => {
                let current = neurons.inject_initial(NAME, current, &decay)?;
                plain::block(current, decay, neurons.surrogate).spikes
            }
            NeuronModel::SingleSpike => standard::single_spike(current, neurons)?.spikes,
            NeuronModel::MultiSpike => standard::multi_spike(current, neurons)?.spikes,
        };
        return Ok(LayerSpikes::of(spikes, model));
    }
    let current = neurons.inject_initial(NAME, current, &decay)?;
    let (spikes, _, first) = Dispatch::scan(
        current.into_dispatch(),
        decay.into_dispatch(),
        neurons.rule(model),
    );
    let spikes = Tensor::<3>::from_dispatch(spikes);
    let first_steps = Tensor::<2, Int>::from_dispatch(first);
    let steps = spikes.dims()[1] as i64;
    let counts = match model {
        NeuronModel::MultiSpike => spike_counts(spikes.clone()),
        _ => first_steps.clone().lower_elem(steps).int(),
    };
    Ok(LayerSpikes::new(spikes, first_steps, counts, model))
}

impl LayerSpikes {
    pub(crate) fn new(
        spikes: Tensor<3>,
        first_steps: Tensor<2, Int>,
        counts: Tensor<2, Int>,
        model: NeuronModel,
    ) -> Self {
        Self {
            spikes,
            first_steps,
            counts,
            once: model != NeuronModel::MultiSpike,
        }
    }

    /// Counts and first steps of a spike train.
    fn of(spikes: Tensor<3>, model: NeuronModel) -> Self {
        let (first, counts) = (
            first_spike_steps(spikes.clone()),
            spike_counts(spikes.clone()),
        );
        Self::new(spikes, first, counts, model)
    }

    /// The input of the next layer: the spikes, which receive the gradient, and on the
    /// CPU their events.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the fields were changed so that they no longer fit each other.
    pub fn into_train(self) -> Result<SpikeTrain, SpikeError> {
        // Elsewhere listing the events would mean a way to the host and back.
        if !on_host(&self.spikes.device()) {
            return Ok(SpikeTrain::from(self.spikes));
        }
        if self.once {
            return SpikeTrain::from_layer(self.spikes, self.first_steps);
        }
        let events = SpikeEvents::from_dense(self.spikes.clone())?;
        SpikeTrain::from(self.spikes).with_events(events)
    }
}
