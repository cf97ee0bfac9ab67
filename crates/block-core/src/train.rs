//! Spike trains as layers exchange them.

use burn::tensor::{Int, Tensor};

use crate::{SpikeError, SpikeEvents, SpikeEventsBuilder, check};

/// Spikes that go into a layer: as a dense tensor, as events, or as both.
///
/// Events make the forward pass cheap, the dense tensor receives a gradient; a hidden layer's spikes
/// are both ([`SpikeTrain::from_layer`]). Dense values may be any numbers, analogue ones too.
#[derive(Debug, Clone)]
pub struct SpikeTrain {
    dense: Option<Tensor<3>>,
    events: Option<SpikeEvents>,
}

impl From<Tensor<3>> for SpikeTrain {
    /// From `[batch, time, unit]`.
    fn from(dense: Tensor<3>) -> Self {
        Self {
            dense: Some(dense),
            events: None,
        }
    }
}

impl From<SpikeEvents> for SpikeTrain {
    fn from(events: SpikeEvents) -> Self {
        Self {
            dense: None,
            events: Some(events),
        }
    }
}

impl SpikeTrain {
    /// Adds the events of the same spikes to a dense train.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the two differ in shape; that they hold the same spikes is not checked.
    pub fn with_events(self, events: SpikeEvents) -> Result<Self, SpikeError> {
        const NAME: &str = "SpikeTrain::with_events";
        check::shape(
            NAME,
            "events",
            &events.shape(),
            &self.shape(),
            "(batch, time, unit)",
        )?;
        Ok(Self {
            events: Some(events),
            ..self
        })
    }

    /// A layer's spikes `[batch, time, neuron]` together with their steps `[batch, neuron]`.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the two do not fit each other.
    pub fn from_layer(spikes: Tensor<3>, first_steps: Tensor<2, Int>) -> Result<Self, SpikeError> {
        let steps = spikes.dims()[1];
        Self::from(spikes).with_events(SpikeEvents::from_first_steps(first_steps, steps)?)
    }

    /// `[batch, time, unit]`.
    pub fn shape(&self) -> [usize; 3] {
        match (&self.dense, &self.events) {
            (Some(dense), _) => dense.dims(),
            (None, Some(events)) => events.shape(),
            (None, None) => unreachable!("built with one of them"),
        }
    }

    /// The dense form, if there is one.
    pub fn dense(&self) -> Option<&Tensor<3>> {
        self.dense.as_ref()
    }

    /// The events, if there are any.
    pub fn events(&self) -> Option<&SpikeEvents> {
        self.events.as_ref()
    }

    /// The sum of two trains, as a skip connection forms it; each form is kept if both have it.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the shapes differ or the trains have no form in common.
    pub fn add(&self, other: &Self) -> Result<Self, SpikeError> {
        const NAME: &str = "SpikeTrain::add";
        check::shape(
            NAME,
            "other",
            &other.shape(),
            &self.shape(),
            "(batch, time, unit)",
        )?;
        let both = |a: &Tensor<3>, b: &Tensor<3>| a.clone() + b.clone();
        let dense = self
            .dense
            .as_ref()
            .zip(other.dense.as_ref())
            .map(|(a, b)| both(a, b));
        let events = match (&self.events, &other.events) {
            (Some(a), Some(b)) => Some(a.merge(b)?),
            _ => None,
        };
        if dense.is_none() && events.is_none() {
            return Err(SpikeError::NoCommonForm { operation: NAME });
        }
        Ok(Self { dense, events })
    }
}

/// Number of spikes of every neuron, without a gradient.
///
/// # Shapes
///
/// - `spikes`: `[batch, time, neuron]`
/// - output: `[batch, neuron]`
pub fn spike_counts(spikes: Tensor<3>) -> Tensor<2, Int> {
    spikes.detach().sum_dim(1).squeeze_dim::<2>(1).int()
}

/// Step of every neuron's first spike, or the number of steps if it has none, without a gradient.
///
/// # Shapes
///
/// - `spikes`: `[batch, time, neuron]`
/// - output: `[batch, neuron]`
pub fn first_spike_steps(spikes: Tensor<3>) -> Tensor<2, Int> {
    let steps = spikes.dims()[1] as i64;
    let fired = spikes.detach().greater_elem(0);
    let order = Tensor::<1, Int>::arange(0..steps, &fired.device()).reshape([1, -1, 1]);
    let order = order
        .expand(fired.dims())
        .mask_fill(fired.bool_not(), steps);
    order.min_dim(1).squeeze_dim::<2>(1)
}

impl SpikeEvents {
    /// Events of units that fire at most once, from their steps (`steps` for "never").
    ///
    /// # Shapes
    ///
    /// - `first_steps`: `[batch, units]`
    ///
    /// # Errors
    ///
    /// [`SpikeError::SpikeOutOfRange`] for a step beyond the end.
    pub fn from_first_steps(first_steps: Tensor<2, Int>, steps: usize) -> Result<Self, SpikeError> {
        let [batch, units] = first_steps.dims();
        check::not_empty("SpikeEvents::from_first_steps", [batch, steps, units])?;
        let device = first_steps.device();
        let first: Vec<u32> = host(first_steps);
        let mut builder = SpikeEventsBuilder::new(steps, units);
        for sample in first.chunks_exact(units) {
            builder.push_first_spikes(sample)?;
        }
        Ok(builder.build(&device))
    }

    /// Events of a dense spike train: a value of k becomes k events.
    ///
    /// # Shapes
    ///
    /// - `dense`: `[batch, time, unit]`
    ///
    /// # Errors
    ///
    /// [`SpikeError::NotSpikes`] for a value that is not a small whole number.
    pub fn from_dense(dense: Tensor<3>) -> Result<Self, SpikeError> {
        let [_, steps, units] = dense.dims();
        check::not_empty("SpikeEvents::from_dense", dense.dims())?;
        let device = dense.device();
        let values = dense.into_data().convert::<f32>();
        let values = values.as_slice::<f32>().expect("just converted to f32");
        let mut builder = SpikeEventsBuilder::new(steps, units);
        for sample in values.chunks_exact(steps * units) {
            let mut spikes = Vec::new();
            for (at, &count) in sample.iter().enumerate() {
                if !(0.0..=65536.0).contains(&count) || count.fract() != 0.0 {
                    let (step, unit) = (at / units, at % units);
                    return Err(SpikeError::NotSpikes {
                        step,
                        unit,
                        found: count,
                    });
                }
                let spike = ((at / units) as u32, (at % units) as u32);
                spikes.extend(std::iter::repeat_n(spike, count as usize));
            }
            builder.push_sample(&spikes)?;
        }
        Ok(builder.build(&device))
    }

    /// The dense spike train: how often each unit fires at each step, `[batch, time, unit]`.
    pub fn to_dense(&self) -> Tensor<3> {
        let mut dense = vec![0.0_f32; self.shape().iter().product()];
        let (offsets, indices) = self.rows();
        for (row, span) in offsets.windows(2).enumerate() {
            for &unit in &indices[span[0] as usize..span[1] as usize] {
                dense[row * self.units() + unit as usize] += 1.0;
            }
        }
        let data = burn::tensor::TensorData::new(dense, self.shape());
        Tensor::from_data(data, &self.offsets.device())
    }

    /// Both batches' spikes together, step by step.
    fn merge(&self, other: &Self) -> Result<Self, SpikeError> {
        let (mine, theirs) = (self.rows(), other.rows());
        let mut builder = SpikeEventsBuilder::new(self.steps(), self.units());
        for sample in 0..self.batch() {
            let mut spikes = Vec::new();
            for step in 0..self.steps() {
                let row = sample * self.steps() + step;
                for (offsets, indices) in [&mine, &theirs] {
                    let units = &indices[offsets[row] as usize..offsets[row + 1] as usize];
                    spikes.extend(units.iter().map(|&unit| (step as u32, unit)));
                }
            }
            builder.push_sample(&spikes)?;
        }
        Ok(builder.build(&self.offsets.device()))
    }

    /// Offsets and units on the host.
    fn rows(&self) -> (Vec<u32>, Vec<u32>) {
        (host(self.offsets.clone()), host(self.indices.clone()))
    }
}

/// Non-negative integers on the host; anything negative becomes too large for every range check.
fn host<const D: usize>(tensor: Tensor<D, Int>) -> Vec<u32> {
    let wide = tensor.into_data().convert::<i64>();
    let wide = wide.as_slice::<i64>().expect("just converted to i64");
    wide.iter()
        .map(|&v| u32::try_from(v).unwrap_or(u32::MAX))
        .collect()
}
