//! From samples to batches of spike events, or of frames.

use block_core::{LayerInput, SpikeEvents, SpikeEventsBuilder};
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use rayon::prelude::*;

use crate::augment::Augmentation;
use crate::encoding::{Encoded, Encoding};
use crate::random::{Purpose, stream};
use crate::{DataError, Input, Sample};

/// What a network receives of a batch.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "a few tensor handles a batch; a box would save nothing"
)]
pub enum BatchInput {
    /// Spikes, `[batch, time, unit]`.
    Events(SpikeEvents),
    /// Values, `[batch, time, channel, row, column]`. Each frame is in memory once, whatever the number
    /// of time steps.
    Frames(Tensor<5>),
}

impl BatchInput {
    /// The shape, batch and time first.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Events(events) => events.shape().to_vec(),
            Self::Frames(frames) => frames.dims().to_vec(),
        }
    }

    /// The spikes.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] when the batch consists of frames.
    pub fn into_events(self) -> Result<SpikeEvents, DataError> {
        match self {
            Self::Events(events) => Ok(events),
            Self::Frames(_) => Err(self.refuse("spike events")),
        }
    }

    /// The frames.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] when the batch consists of spikes.
    pub fn into_frames(self) -> Result<Tensor<5>, DataError> {
        match self {
            Self::Frames(frames) => Ok(frames),
            Self::Events(_) => Err(self.refuse("frames")),
        }
    }

    fn refuse(&self, expected: &str) -> DataError {
        let kind = match self {
            Self::Events(_) => "spike events",
            Self::Frames(_) => "frames",
        };
        let found = format!("{kind} of shape {:?}", self.shape());
        DataError::argument("the input of a batch", found, expected)
    }
}

/// A batch as a network takes it.
#[derive(Debug, Clone)]
pub struct SpikeBatch {
    /// What the network receives.
    pub input: BatchInput,
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

/// What a spiking network learns from: the input and the classes of a batch. The units of a frame are numbered row by
/// row, channel after channel.
impl From<SpikeBatch> for (LayerInput, Tensor<1, Int>) {
    fn from(batch: SpikeBatch) -> Self {
        let input = match batch.input {
            BatchInput::Events(events) => events.into(),
            BatchInput::Frames(frames) => {
                let [size, steps, channels, rows, columns] = frames.dims();
                let units = channels * rows * columns;
                LayerInput::Dense(frames.reshape([size, steps, units]))
            }
        };
        (input, batch.targets)
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

    /// This batcher for another epoch; a new batcher is at epoch 0.
    pub fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The host's part of the work, the samples side by side.
    pub(crate) fn encode(&self, samples: Vec<Sample>) -> Result<HostBatch, DataError> {
        let mut input = HostInput::empty(&self.encoding, &samples);
        let targets = samples.iter().map(|sample| sample.label as i32).collect();
        let indices = samples.iter().map(|sample| sample.index).collect();
        let encoded: Vec<Result<Encoded, DataError>> = samples
            .into_par_iter()
            .with_min_len(SIDE_BY_SIDE)
            .map(|sample| self.encode_one(sample))
            .collect();
        for sample in encoded {
            input.push(sample?)?;
        }
        Ok(HostBatch {
            input,
            targets,
            indices,
        })
    }

    fn encode_one(&self, mut sample: Sample) -> Result<Encoded, DataError> {
        self.encoding.prepare(&mut sample.input)?;
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
    pub input: HostInput,
    pub targets: Vec<i32>,
    pub indices: Vec<usize>,
}

/// The input of a batch before it is moved to a device.
#[derive(Debug)]
pub(crate) enum HostInput {
    Events(SpikeEventsBuilder),
    /// Values `[batch, channel, row, column]`, the shape of a frame, and time steps.
    Frames {
        values: Vec<f32>,
        shape: [usize; 3],
        steps: usize,
    },
}

impl HostInput {
    /// A batch without samples yet. If values become spikes, the first sample tells the number of units.
    fn empty(encoding: &Encoding, samples: &[Sample]) -> Self {
        let units = match (encoding, samples.first().map(|sample| &sample.input)) {
            (Encoding::Frames(frames), _) => {
                let shape = frames.shape();
                let values = samples.len() * shape.iter().product::<usize>();
                return Self::Frames {
                    values: Vec::with_capacity(values),
                    shape,
                    steps: frames.steps(),
                };
            }
            (Encoding::Events(binning), _) => binning.units(),
            (Encoding::Values(_), Some(Input::Values(values))) => values.len(),
            (Encoding::Values(_), _) => 0,
        };
        Self::Events(SpikeEventsBuilder::new(encoding.steps(), units))
    }

    fn push(&mut self, sample: Encoded) -> Result<(), DataError> {
        match (self, sample) {
            (Self::Events(builder), Encoded::First(steps)) => builder.push_first_spikes(&steps)?,
            (Self::Events(builder), Encoded::Events(events)) => builder.push_sample(&events)?,
            (Self::Frames { values, .. }, Encoded::Frame(frame)) => values.extend(frame),
            _ => unreachable!("one encoding makes the samples and the batch"),
        }
        Ok(())
    }

    fn into_input(self, batch: usize, device: &Device) -> BatchInput {
        match self {
            Self::Events(builder) => BatchInput::Events(builder.build(device)),
            Self::Frames {
                values,
                shape: [channels, rows, columns],
                steps,
            } => {
                let once = TensorData::new(values, [batch, 1, channels, rows, columns]);
                let once = Tensor::<5>::from_data(once, device);
                BatchInput::Frames(once.expand([batch, steps, channels, rows, columns]))
            }
        }
    }
}

impl HostBatch {
    pub(crate) fn into_batch(self, device: &Device) -> SpikeBatch {
        let len = self.targets.len();
        let targets = TensorData::new(self.targets, [len]);
        SpikeBatch {
            input: self.input.into_input(len, device),
            targets: Tensor::from_data(targets, (device, DType::I32)),
            indices: self.indices,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.indices.len()
    }
}
