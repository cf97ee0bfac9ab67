//! Sparse spikes: only the steps and units that fired.

use std::sync::Arc;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::HostEvents;
use crate::SpikeError;
use crate::device::on_host;

/// A batch of spikes as events, in compressed rows: step by step of each sample the units that fire.
///
/// A unit that fires `k` times within one step is listed `k` times, so that an event-driven layer
/// needs additions only.
#[derive(Debug, Clone)]
pub struct SpikeEvents {
    form: Form,
    device: Device,
    shape: [usize; 3],
}

/// Where the events lie.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "a few tensor handles a batch; a box would save nothing"
)]
pub(crate) enum Form {
    /// In the host's memory, for devices that work there.
    Host(Arc<HostEvents>),
    /// In a GPU's memory, once by row and once by unit: the events of row r (sample · steps + step) are
    /// `units[offsets[r]..offsets[r + 1]]`; those of unit u are in the rows
    /// `unit_rows[unit_offsets[u]..unit_offsets[u + 1]]`, ascending.
    Device {
        /// `[batch · steps + 1]`
        offsets: Tensor<1, Int>,
        /// `[events]`
        units: Tensor<1, Int>,
        /// `[units + 1]`
        unit_offsets: Tensor<1, Int>,
        /// `[events]`
        unit_rows: Tensor<1, Int>,
    },
}

impl SpikeEvents {
    /// The shape of the dense spikes: `[batch, steps, units]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Samples in the batch.
    pub fn batch(&self) -> usize {
        self.shape[0]
    }

    /// Time steps of a sample.
    pub fn steps(&self) -> usize {
        self.shape[1]
    }

    /// Units (input neurons) of a sample.
    pub fn units(&self) -> usize {
        self.shape[2]
    }

    /// Spikes in the whole batch.
    pub fn spikes(&self) -> usize {
        match &self.form {
            Form::Host(events) => events.units.len(),
            Form::Device { units, .. } => units.dims()[0],
        }
    }

    /// The device that the events were built for.
    pub fn device(&self) -> Device {
        self.device.clone()
    }

    /// Events that a kernel of the CPU has listed.
    pub(crate) fn of_host(events: Arc<HostEvents>, device: &Device) -> Self {
        Self {
            shape: [events.batch, events.steps, events.inputs],
            form: Form::Host(events),
            device: device.clone(),
        }
    }

    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    /// Offsets of the rows and their units, on the host.
    pub(super) fn rows(&self) -> (Vec<u32>, Vec<u32>) {
        match &self.form {
            Form::Host(events) => (events.offsets.clone(), events.units.clone()),
            Form::Device { offsets, units, .. } => {
                (numbers(offsets.clone()), numbers(units.clone()))
            }
        }
    }
}

/// Non-negative integers on the host; anything negative becomes too large for every range check.
pub(super) fn numbers<const D: usize>(tensor: Tensor<D, Int>) -> Vec<u32> {
    let data = tensor.into_data();
    data.iter::<i64>()
        .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        .collect()
}

/// Builds [`SpikeEvents`] on the host, one sample after the other.
///
/// ```
/// use block_core::SpikeEventsBuilder;
///
/// let device = Default::default();
/// let mut builder = SpikeEventsBuilder::new(10, 3);
/// builder.push_sample(&[(4, 2), (0, 1), (4, 2)])?; // (step, unit), in any order, repeats add
/// builder.push_first_spikes(&[9, 0, 10])?; // the step of every unit; 10, the end, is "never"
/// let events = builder.build(&device);
/// assert_eq!(events.shape(), [2, 10, 3]);
/// assert_eq!(events.spikes(), 5);
/// # Ok::<(), block_core::SpikeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SpikeEventsBuilder {
    steps: usize,
    units: usize,
    offsets: Vec<u32>,
    indices: Vec<u32>,
}

impl SpikeEventsBuilder {
    /// An empty batch of samples of `steps` time steps and `units` units.
    ///
    /// # Panics
    ///
    /// If there is no step.
    pub fn new(steps: usize, units: usize) -> Self {
        assert!(
            steps > 0,
            "SpikeEventsBuilder::new: steps must be at least 1, found 0"
        );
        Self {
            steps,
            units,
            offsets: vec![0],
            indices: Vec::new(),
        }
    }

    /// Appends a sample given as `(step, unit)` pairs in any order; a pair that occurs twice counts
    /// twice. Within a step the order of the pairs is kept.
    ///
    /// # Errors
    ///
    /// [`SpikeError::SpikeOutOfRange`] for a step or unit outside of the batch; the builder is then
    /// unchanged.
    pub fn push_sample(&mut self, spikes: &[(u32, u32)]) -> Result<(), SpikeError> {
        for &(step, unit) in spikes {
            self.in_range("step", step as usize, self.steps)?;
            self.in_range("unit", unit as usize, self.units)?;
        }
        self.sort_in(|emit| spikes.iter().for_each(|&(step, unit)| emit(step, unit)));
        Ok(())
    }

    /// Appends a sample in which unit `i` fires once, at `first_steps[i]`, or never when that is
    /// the number of steps.
    ///
    /// # Errors
    ///
    /// [`SpikeError::Shape`] when there is not one entry a unit, [`SpikeError::SpikeOutOfRange`]
    /// for a step beyond the end; the builder is then unchanged.
    pub fn push_first_spikes(&mut self, first_steps: &[u32]) -> Result<(), SpikeError> {
        if first_steps.len() != self.units {
            return Err(SpikeError::Shape {
                operation: "SpikeEventsBuilder::push_first_spikes",
                tensor: "first_steps",
                found: vec![first_steps.len()],
                expected: format!("[{}], one step a unit", self.units),
            });
        }
        for &step in first_steps {
            self.in_range("step", step as usize, self.steps + 1)?;
        }
        let steps = self.steps as u32;
        self.sort_in(|emit| {
            for (unit, &step) in first_steps.iter().enumerate() {
                if step < steps {
                    emit(step, unit as u32);
                }
            }
        });
        Ok(())
    }

    /// Samples so far.
    pub fn len(&self) -> usize {
        (self.offsets.len() - 1) / self.steps
    }

    /// Whether no sample was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.offsets.len() == 1
    }

    /// The batch, for layers on a device.
    pub fn build(self, device: &Device) -> SpikeEvents {
        let shape = [self.len(), self.steps, self.units];
        let form = match on_host(device) {
            true => {
                let events = HostEvents::new(shape, self.offsets, self.indices);
                // Who builds a batch, such as a loader, does so beside other work.
                events.lists();
                Form::Host(Arc::new(events))
            }
            false => {
                let (unit_offsets, unit_rows) = self.by_unit();
                let int = |values: Vec<u32>| {
                    let values: Vec<i32> = values.into_iter().map(|v| v as i32).collect();
                    let len = values.len();
                    let data = TensorData::new(values, [len]);
                    Tensor::<1, Int>::from_data(data, (device, DType::I32))
                };
                Form::Device {
                    offsets: int(self.offsets),
                    units: int(self.indices),
                    unit_offsets: int(unit_offsets),
                    unit_rows: int(unit_rows),
                }
            }
        };
        SpikeEvents {
            form,
            device: device.clone(),
            shape,
        }
    }

    /// Offsets and rows of the events by unit.
    fn by_unit(&self) -> (Vec<u32>, Vec<u32>) {
        let mut offsets = vec![0; self.units + 1];
        for &unit in &self.indices {
            offsets[unit as usize + 1] += 1;
        }
        for unit in 0..self.units {
            offsets[unit + 1] += offsets[unit];
        }
        let mut next = offsets.clone();
        let mut rows = vec![0; self.indices.len()];
        for (row, span) in self.offsets.windows(2).enumerate() {
            for &unit in &self.indices[span[0] as usize..span[1] as usize] {
                let at = &mut next[unit as usize];
                rows[*at as usize] = row as u32;
                *at += 1;
            }
        }
        (offsets, rows)
    }

    fn in_range(&self, what: &'static str, found: usize, limit: usize) -> Result<(), SpikeError> {
        if found < limit {
            return Ok(());
        }
        Err(SpikeError::SpikeOutOfRange {
            sample: self.len(),
            what,
            found,
            limit,
        })
    }

    /// Counting sort by step of the spikes that `each` emits (it is called twice).
    fn sort_in(&mut self, each: impl Fn(&mut dyn FnMut(u32, u32))) {
        let first = self.offsets.len();
        let start = self.indices.len() as u32;
        self.offsets.resize(first + self.steps, 0);
        let rows = &mut self.offsets[first - 1..];
        each(&mut |step, _| rows[step as usize + 1] += 1);
        let mut total = start;
        for row in &mut rows[1..] {
            let count = *row;
            *row = total;
            total += count;
        }
        self.indices.resize(total as usize, 0);
        let indices = &mut self.indices;
        each(&mut |step, unit| {
            let next = &mut rows[step as usize + 1];
            indices[*next as usize] = unit;
            *next += 1;
        });
    }
}
