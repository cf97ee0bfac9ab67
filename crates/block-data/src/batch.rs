//! From samples to batches of spike events.

use block_core::{SpikeEvents, SpikeEventsBuilder};
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use rayon::prelude::*;

use crate::augment::Augmentation;
use crate::encode::{EventBinning, SingleSpike};
use crate::random::{Purpose, stream};
use crate::{DataError, Input, Sample};

/// How samples become spikes: values by their size, events by their time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Encoding {
    /// Values in [0, 1], one spike each.
    Values(SingleSpike),
    /// Events of recordings, binned in time.
    Events(EventBinning),
}

impl Encoding {
    /// Values in [0, 1] as spike trains of `steps` time steps; see [`SingleSpike`].
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for no steps, or more than
    /// [`MAX_STEPS`](crate::encode::MAX_STEPS).
    pub fn new(steps: usize) -> Result<Self, DataError> {
        SingleSpike::new(steps).map(Self::Values)
    }

    /// Events as spike trains of `units` units and `steps` time steps of `dt` milliseconds; see
    /// [`EventBinning`].
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for a number that cannot be.
    pub fn events(units: usize, steps: usize, dt: f32) -> Result<Self, DataError> {
        EventBinning::new(units, steps, dt).map(Self::Events)
    }

    /// Time steps of a spike train.
    pub fn steps(&self) -> usize {
        match self {
            Self::Values(code) => code.steps(),
            Self::Events(binning) => binning.steps(),
        }
    }

    /// Input units of these samples.
    fn units(&self, samples: &[Sample]) -> usize {
        match (self, samples.first().map(|sample| &sample.input)) {
            (Self::Events(binning), _) => binning.units(),
            (Self::Values(_), Some(Input::Values(values))) => values.len(),
            _ => 0,
        }
    }

    fn encode(&self, input: &Input) -> Result<Spikes, DataError> {
        match (self, input) {
            (Self::Values(code), Input::Values(values)) => {
                let mut steps = Vec::with_capacity(values.len());
                code.encode(values, &mut steps)?;
                Ok(Spikes::First(steps))
            }
            (Self::Events(binning), Input::Events(recording)) => {
                let mut events = Vec::with_capacity(recording.units.len());
                binning.encode(&recording.units, &recording.times, &mut events)?;
                Ok(Spikes::Events(events))
            }
            (Self::Values(_), input) => Err(input.refuse("values, for the single-spike code")),
            (Self::Events(_), input) => Err(input.refuse("events, for a binning in time")),
        }
    }
}

/// A sample's spikes before they are sorted into a batch.
enum Spikes {
    First(Vec<u32>),
    Events(Vec<(u32, u32)>),
}

/// A batch as a network takes it.
#[derive(Debug, Clone)]
pub struct SpikeBatch {
    /// The spikes, `[batch, steps, units]`.
    pub events: SpikeEvents,
    /// The classes, `[batch]`.
    pub targets: Tensor<1, Int>,
    /// Each sample's place in its split.
    pub indices: Vec<usize>,
}

impl SpikeBatch {
    /// Samples in the batch.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// Samples that a thread takes at once: enough to be worth it.
const SIDE_BY_SIDE: usize = 16;

/// Augments and encodes samples.
///
/// As Burn's [`Batcher`] it yields a `Result`, so that a sample that cannot be encoded is an error
/// and not a panic.
#[derive(Debug, Clone)]
pub struct SpikeBatcher {
    encoding: Encoding,
    augmentation: Option<(Augmentation, u64)>,
    epoch: u64,
}

impl SpikeBatcher {
    /// A batcher that leaves samples as they are before it encodes them.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            augmentation: None,
            epoch: 0,
        }
    }

    /// Changes every sample first. What happens to it follows from the seed, the epoch and the
    /// sample's index.
    pub fn with_augmentation(mut self, augmentation: Augmentation, seed: u64) -> Self {
        self.augmentation = Some((augmentation, seed));
        self
    }

    /// The same for another epoch; a new batcher is at epoch 0.
    pub fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The host's part of the work, the samples side by side.
    pub(crate) fn encode(&self, samples: Vec<Sample>) -> Result<HostBatch, DataError> {
        let units = self.encoding.units(&samples);
        let targets = samples.iter().map(|sample| sample.label as i32).collect();
        let indices = samples.iter().map(|sample| sample.index).collect();
        let encoded: Vec<Result<Spikes, DataError>> = samples
            .into_par_iter()
            .with_min_len(SIDE_BY_SIDE)
            .map(|sample| self.encode_one(sample))
            .collect();
        let mut builder = SpikeEventsBuilder::new(self.encoding.steps(), units);
        for spikes in encoded {
            match spikes? {
                Spikes::First(steps) => builder.push_first_spikes(&steps)?,
                Spikes::Events(events) => builder.push_sample(&events)?,
            }
        }
        Ok(HostBatch {
            builder,
            targets,
            indices,
        })
    }

    fn encode_one(&self, mut sample: Sample) -> Result<Spikes, DataError> {
        if let Some((augmentation, seed)) = &self.augmentation {
            let index = sample.index as u64;
            let mut rng = stream(*seed, Purpose::Augmentation, self.epoch, index);
            augmentation.apply(&mut sample.input, &mut rng)?;
        }
        self.encoding.encode(&sample.input)
    }
}

impl Batcher<Sample, Result<SpikeBatch, DataError>> for SpikeBatcher {
    fn batch(&self, items: Vec<Sample>, device: &Device) -> Result<SpikeBatch, DataError> {
        Ok(self.encode(items)?.into_batch(device))
    }
}

/// A batch before it is moved to a device.
pub(crate) struct HostBatch {
    pub builder: SpikeEventsBuilder,
    pub targets: Vec<i32>,
    pub indices: Vec<usize>,
}

impl HostBatch {
    pub fn into_batch(self, device: &Device) -> SpikeBatch {
        let len = self.targets.len();
        let targets = TensorData::new(self.targets, [len]);
        SpikeBatch {
            events: self.builder.build(device),
            targets: Tensor::from_data(targets, (device, DType::I32)),
            indices: self.indices,
        }
    }

    pub fn len(&self) -> usize {
        self.indices.len()
    }
}
