//! Batches of an epoch, made ahead of time on a thread of their own.

use std::error::Error;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::tensor::Device;
use burn_dataset::transform::PartialDataset;
use burn_dataset::{Dataset, DatasetError};
use rand::seq::SliceRandom;

use crate::augment::Augmentation;
use crate::batch::HostBatch;
use crate::random::{Purpose, stream};
use crate::{DataError, Encoding, Sample, Samples, SpikeBatch, SpikeBatcher};

/// Batches that wait, made but not yet asked for. Two hide the time of making one; more would only
/// take memory.
const AHEAD: usize = 2;

/// Loads a split of a data set, batch by batch; the last batch holds what is left. A batch consists of
/// spike events or of frames, as the [`Encoding`] says.
///
/// Order and augmentation follow from the seeds and the epoch's number alone. [`epoch`] takes that
/// number; Burn's [`DataLoader::iter`] counts by itself, from 0, and yields whatever a [`SpikeBatch`]
/// converts to.
///
/// Samples are augmented and encoded on a background thread, which only the iterator keeps alive;
/// tensors are made on the thread that asks, so that a GPU sees one stream of work.
///
/// [`epoch`]: Self::epoch
///
/// ```
/// use std::sync::Arc;
/// use block_data::{Encoding, SpikeLoader, YinYang};
///
/// let loader = SpikeLoader::new(Arc::new(YinYang::new(10, 1)), Encoding::new(32)?, 4)?
///     .with_shuffle(7);
/// let sizes = loader.epoch(0).map(|batch| Ok(batch?.len()));
/// assert_eq!(sizes.collect::<Result<Vec<_>, block_data::DataError>>()?, [4, 4, 2]);
/// # Ok::<(), block_data::DataError>(())
/// ```
pub struct SpikeLoader {
    samples: Samples,
    batcher: SpikeBatcher,
    batch_size: usize,
    shuffle: Option<u64>,
    device: Option<Device>,
    next_epoch: AtomicU64,
}

impl SpikeLoader {
    /// A loader in the data set's order, without augmentation, on the default device.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for an empty batch.
    pub fn new(samples: Samples, encoding: Encoding, batch_size: usize) -> Result<Self, DataError> {
        if batch_size == 0 {
            return Err(DataError::argument(
                "the batch size",
                batch_size,
                "at least 1",
            ));
        }
        Ok(Self {
            samples,
            batcher: SpikeBatcher::new(encoding),
            batch_size,
            shuffle: None,
            device: None,
            next_epoch: AtomicU64::new(0),
        })
    }

    /// Shuffles, anew for every epoch.
    pub fn with_shuffle(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// Changes every sample before it is encoded, anew for every epoch.
    pub fn with_augmentation(mut self, augmentation: Augmentation, seed: u64) -> Self {
        self.batcher = self.batcher.with_augmentation(augmentation, seed);
        self
    }

    /// Makes the batches on this device.
    pub fn with_device(mut self, device: Device) -> Self {
        self.device = Some(device);
        self
    }

    /// Samples of an epoch.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Batches of an epoch.
    pub fn batches(&self) -> usize {
        self.len().div_ceil(self.batch_size)
    }

    /// The batches of one epoch; work on them begins at once. An error is the last item.
    pub fn epoch(&self, epoch: u64) -> SpikeEpoch {
        let mut order: Vec<usize> = (0..self.len()).collect();
        if let Some(seed) = self.shuffle {
            order.shuffle(&mut stream(seed, Purpose::Order, epoch, 0));
        }
        let work = Work {
            samples: self.samples.clone(),
            batcher: self.batcher.clone().at_epoch(epoch),
            order,
            batch_size: self.batch_size,
        };
        let (sender, receiver) = sync_channel(AHEAD);
        let started = thread::Builder::new()
            .name("spike-loader".to_string())
            .spawn(move || work.run(&sender));
        let (receiver, failure) = match started {
            Ok(_) => (Some(receiver), None),
            Err(source) => (None, Some(DataError::Thread(source))),
        };
        SpikeEpoch {
            receiver,
            failure,
            device: self.device.clone().unwrap_or_default(),
            batches: 0,
            total_batches: self.batches(),
            samples: 0,
            total_samples: self.len(),
        }
    }

    /// The same loader for other samples or another device. Epochs go on where this one is.
    fn copy(&self, samples: Samples, device: Option<Device>) -> Self {
        Self {
            samples,
            batcher: self.batcher.clone(),
            batch_size: self.batch_size,
            shuffle: self.shuffle,
            device,
            next_epoch: AtomicU64::new(self.next_epoch.load(Ordering::Relaxed)),
        }
    }
}

impl<B> DataLoader<B> for SpikeLoader
where
    B: TryFrom<SpikeBatch> + 'static,
    B::Error: Error + Send + Sync + 'static,
{
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<B> + 'a> {
        let epoch = self.next_epoch.fetch_add(1, Ordering::Relaxed);
        Box::new(BurnEpoch {
            epoch: self.epoch(epoch),
            batch: PhantomData,
        })
    }

    fn num_items(&self) -> usize {
        self.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<B>> {
        Arc::new(self.copy(self.samples.clone(), Some(device.clone())))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<B>> {
        let part = PartialDataset::<Samples, Sample>::new(self.samples.clone(), start, end);
        Arc::new(self.copy(Arc::new(part), self.device.clone()))
    }
}

/// What the background thread does.
struct Work {
    samples: Samples,
    batcher: SpikeBatcher,
    order: Vec<usize>,
    batch_size: usize,
}

impl Work {
    fn run(self, sender: &SyncSender<Result<HostBatch, DataError>>) {
        for indices in self.order.chunks(self.batch_size) {
            let samples = self.samples.get_many(indices.to_vec());
            let batch = samples
                .map_err(DataError::from)
                .and_then(|samples| self.batcher.encode(samples));
            let failed = batch.is_err();
            // Nobody receives any more when the iterator was dropped.
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }
}

/// An iterator over the batches of one epoch; see [`SpikeLoader::epoch`]. Dropping it early stops
/// the background thread.
pub struct SpikeEpoch {
    receiver: Option<Receiver<Result<HostBatch, DataError>>>,
    failure: Option<DataError>,
    device: Device,
    batches: usize,
    total_batches: usize,
    samples: usize,
    total_samples: usize,
}

impl SpikeEpoch {
    fn next_on_host(&mut self) -> Option<Result<HostBatch, DataError>> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        let receiver = self.receiver.as_ref()?;
        if self.batches == self.total_batches {
            self.receiver = None;
            return None;
        }
        // Without a sender the thread panicked, which only a foreign data set can make it do.
        let batch = receiver.recv().unwrap_or(Err(DataError::Stopped {
            batches: self.batches,
            expected: self.total_batches,
        }));
        match &batch {
            Ok(batch) => {
                self.batches += 1;
                self.samples += batch.len();
            }
            Err(_) => self.receiver = None,
        }
        Some(batch)
    }
}

impl Iterator for SpikeEpoch {
    type Item = Result<SpikeBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_on_host()?;
        Some(batch.map(|batch| batch.into_batch(&self.device)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // One more for an error.
        (0, Some(self.total_batches - self.batches + 1))
    }
}

/// [`SpikeEpoch`] as Burn takes it: batches of the caller's type, and Burn's error.
struct BurnEpoch<B> {
    epoch: SpikeEpoch,
    batch: PhantomData<fn() -> B>,
}

impl<B> Iterator for BurnEpoch<B>
where
    B: TryFrom<SpikeBatch>,
    B::Error: Error + Send + Sync + 'static,
{
    type Item = Result<B, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.epoch.next()?.map_err(DatasetError::new);
        Some(batch.and_then(|batch| B::try_from(batch).map_err(DatasetError::new)))
    }
}

impl<B> DataLoaderIterator<B> for BurnEpoch<B>
where
    B: TryFrom<SpikeBatch>,
    B::Error: Error + Send + Sync + 'static,
{
    fn progress(&self) -> Progress {
        let SpikeEpoch {
            samples,
            total_samples,
            ..
        } = self.epoch;
        Progress::new(samples, total_samples, Some("items".to_string()))
    }
}

#[cfg(test)]
mod tests;
