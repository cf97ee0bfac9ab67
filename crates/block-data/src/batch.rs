//! From samples to batches of spike events.

use block_core::{SpikeEvents, SpikeEventsBuilder};
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::augment::ImageAugmentation;
use crate::encode::SingleSpike;
use crate::random::{Purpose, stream};
use crate::{DataError, Sample};

/// How samples become spikes.
///
/// Values in [0, 1] are encoded with one spike each, as [`SingleSpike`] says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encoding {
    code: SingleSpike,
}

impl Encoding {
    /// Spike trains of `steps` time steps.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for no steps, or more than
    /// [`MAX_STEPS`](crate::encode::MAX_STEPS).
    pub fn new(steps: usize) -> Result<Self, DataError> {
        let code = SingleSpike::new(steps)?;
        Ok(Self { code })
    }

    /// Time steps of a spike train.
    pub fn steps(&self) -> usize {
        self.code.steps()
    }
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

/// Augments and encodes samples.
///
/// As Burn's [`Batcher`] it yields a `Result`, so that a sample that cannot be encoded is an error
/// and not a panic.
#[derive(Debug, Clone)]
pub struct SpikeBatcher {
    encoding: Encoding,
    augmentation: Option<(ImageAugmentation, u64)>,
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
    pub fn with_augmentation(mut self, augmentation: ImageAugmentation, seed: u64) -> Self {
        self.augmentation = Some((augmentation, seed));
        self
    }

    /// The same for another epoch; a new batcher is at epoch 0.
    pub fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The host's part of the work.
    pub(crate) fn encode(&self, samples: Vec<Sample>) -> Result<HostBatch, DataError> {
        let units = samples.first().map_or(0, |sample| sample.values.len());
        let mut builder = SpikeEventsBuilder::new(self.encoding.steps(), units);
        let mut targets = Vec::with_capacity(samples.len());
        let mut indices = Vec::with_capacity(samples.len());
        let mut steps = Vec::with_capacity(units);
        for mut sample in samples {
            if let Some((augmentation, seed)) = &self.augmentation {
                let index = sample.index as u64;
                let mut rng = stream(*seed, Purpose::Augmentation, self.epoch, index);
                augmentation.apply(&mut sample.values, &mut rng)?;
            }
            self.encoding.code.encode(&sample.values, &mut steps)?;
            builder.push_first_spikes(&steps)?;
            targets.push(sample.label as i32);
            indices.push(sample.index);
        }
        Ok(HostBatch {
            builder,
            targets,
            indices,
        })
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
