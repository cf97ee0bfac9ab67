//! Loaders and batchers as a caller sees them.

use std::sync::Arc;

use block_data::augment::{Augmentation, ImageAugmentation};
use block_data::{DataError, Encoding, Input, Sample, Samples, SpikeBatcher, SpikeLoader, YinYang};
use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn_dataset::{Dataset, DatasetError, InMemDataset};

fn sample(index: usize, values: &[f32]) -> Sample {
    Sample {
        index,
        label: index % 3,
        input: Input::Values(values.to_vec()),
    }
}

fn of(samples: Vec<Sample>) -> Samples {
    Arc::new(InMemDataset::new(samples))
}

fn loader(samples: Samples, batch_size: usize) -> SpikeLoader {
    SpikeLoader::new(samples, Encoding::new(10).unwrap(), batch_size).unwrap()
}

#[test]
fn batches_have_every_sample_once() {
    let loader = loader(Arc::new(YinYang::new(100, 1)), 32).with_shuffle(5);
    assert_eq!(
        (loader.len(), loader.batches(), loader.is_empty()),
        (100, 4, false)
    );
    let mut seen = Vec::new();
    for (at, batch) in loader.epoch(0).enumerate() {
        let batch = batch.unwrap();
        let size = if at < 3 { 32 } else { 4 };
        assert_eq!(batch.events.shape(), [size, 10, 4]);
        assert_eq!(batch.events.spikes(), size * 4);
        assert_eq!((batch.targets.dims(), batch.len()), ([size], size));
        let points = YinYang::new(100, 1);
        let classes = batch
            .indices
            .iter()
            .map(|&i| points.points()[i].class as i64);
        let targets: Vec<i64> = batch.targets.into_data().iter::<i64>().collect();
        assert_eq!(targets, classes.collect::<Vec<_>>());
        seen.extend(batch.indices);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[test]
fn burns_traits() {
    let loader: Box<dyn DataLoader<_>> = Box::new(loader(Arc::new(YinYang::new(10, 1)), 4));
    assert_eq!(loader.num_items(), 10);
    let mut batches = loader.iter();
    assert_eq!(batches.progress().items_processed, 0);
    assert_eq!(batches.next().unwrap().unwrap().indices, [0, 1, 2, 3]);
    let progress = batches.progress();
    assert_eq!((progress.items_processed, progress.items_total), (4, 10));
    assert_eq!(batches.count(), 2);

    let slice = loader.slice(3, 8);
    assert_eq!(slice.num_items(), 5);
    let sliced = slice.iter().flat_map(|batch| batch.unwrap().indices);
    assert_eq!(sliced.collect::<Vec<_>>(), [3, 4, 5, 6, 7]);

    let batcher = SpikeBatcher::new(Encoding::new(10).unwrap());
    let items = vec![sample(0, &[0.0, 1.0]), sample(7, &[0.5, 0.5])];
    let batch = batcher.batch(items, &Default::default()).unwrap();
    assert_eq!(
        (batch.events.shape(), batch.indices),
        ([2, 10, 2], vec![0, 7])
    );
}

#[test]
fn an_empty_split_has_no_batches() {
    let loader = loader(of(Vec::new()), 4);
    assert!(loader.is_empty() && loader.epoch(0).next().is_none());
}

#[test]
fn a_dropped_epoch_does_not_hang() {
    let loader = loader(Arc::new(YinYang::new(1000, 1)), 1);
    for epoch in 0..20 {
        assert!(loader.epoch(epoch).next().unwrap().is_ok());
    }
}

/// The messages of an epoch's errors, and how many batches came before.
fn failure(loader: &SpikeLoader) -> (usize, Vec<String>) {
    let (good, bad): (Vec<_>, Vec<_>) = loader.epoch(0).partition(Result::is_ok);
    (
        good.len(),
        bad.into_iter()
            .map(|b| b.unwrap_err().to_string())
            .collect(),
    )
}

#[test]
fn bad_samples_end_the_epoch_with_one_error() {
    let good = sample(0, &[0.0, 1.0]);
    let with = |values: &[f32]| loader(of(vec![good.clone(), sample(1, values), good.clone()]), 1);
    let one = |text: &str| (1, vec![text.to_string()]);
    assert_eq!(
        failure(&with(&[0.5, 1.5])),
        one("value 1 is 1.5, expected 0 to 1")
    );
    let unequal = loader(of(vec![good.clone(), sample(1, &[0.0])]), 2);
    let (batches, errors) = failure(&unequal);
    assert_eq!((batches, errors.len()), (0, 1), "{errors:?}");
    let augmented = loader(of(vec![good]), 1)
        .with_augmentation(Augmentation::Image(ImageAugmentation::mnist()), 0);
    let text = "the number of a sample's values is 2, expected channels of 28x28, the augmentation's image size";
    assert_eq!(failure(&augmented), (0, vec![text.to_string()]));
}

#[test]
fn impossible_settings() {
    let error = SpikeLoader::new(of(Vec::new()), Encoding::new(1).unwrap(), 0)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the batch size is 0, expected at least 1"
    );
    assert!(matches!(Encoding::new(0), Err(DataError::Argument { .. })));
}

/// Fails, or panics, at its second sample.
struct Faulty(bool);

impl Dataset<Sample> for Faulty {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        match (index, self.0) {
            (0, _) => Ok(sample(0, &[0.0])),
            (_, false) => Err(DatasetError::new(std::io::Error::other("the disk is gone"))),
            (_, true) => panic!("a fault in a data set"),
        }
    }

    fn len(&self) -> usize {
        3
    }
}

#[test]
fn a_data_set_that_fails() {
    let text = "cannot get a sample: the disk is gone";
    assert_eq!(
        failure(&loader(Arc::new(Faulty(false)), 1)),
        (1, vec![text.to_string()])
    );
    let text = "the loading thread stopped after 1 batches of 3";
    assert_eq!(
        failure(&loader(Arc::new(Faulty(true)), 1)),
        (1, vec![text.to_string()])
    );
}
