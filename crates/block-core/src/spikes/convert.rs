//! Conversions between dense spikes, first-spike steps and events.

use burn::tensor::{Int, Tensor, TensorData};

use super::events::numbers;
use super::{SpikeEvents, SpikeEventsBuilder};
use crate::SpikeError;
use crate::error::check_not_empty;

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
        check_not_empty("SpikeEvents::from_first_steps", [batch, steps, units])?;
        let device = first_steps.device();
        let first = numbers(first_steps);
        let mut builder = SpikeEventsBuilder::new(steps, units);
        for sample in first.chunks_exact(units) {
            builder.push_first_spikes(sample)?;
        }
        Ok(builder.build(&device))
    }

    /// Events of dense spikes: a value of k becomes k events.
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
        check_not_empty("SpikeEvents::from_dense", dense.dims())?;
        let device = dense.device();
        let values: Vec<f32> = dense.into_data().iter::<f32>().collect();
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

    /// The dense spikes: how often each unit fires at each step, `[batch, time, unit]`.
    pub fn to_dense(&self) -> Tensor<3> {
        let mut dense = vec![0.0_f32; self.shape().iter().product()];
        let (offsets, indices) = self.rows();
        for (row, span) in offsets.windows(2).enumerate() {
            for &unit in &indices[span[0] as usize..span[1] as usize] {
                dense[row * self.units() + unit as usize] += 1.0;
            }
        }
        let data = TensorData::new(dense, self.shape());
        Tensor::from_data(data, &self.device())
    }

    /// The spikes of both batches together, step by step.
    pub(super) fn merge(&self, other: &Self) -> Result<Self, SpikeError> {
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
        Ok(builder.build(&self.device()))
    }
}
