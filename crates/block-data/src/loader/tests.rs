//! Seeds and epochs decide what is in a batch, and nothing else.

use burn_dataset::InMemDataset;

use super::*;
use crate::augment::{Augmentation, EventAugmentation};
use crate::{DataSet, Input, YinYang};

/// Ten images, different from one another.
fn pictures() -> Samples {
    let sample = |index: usize| Sample {
        index,
        label: 9 - index,
        input: Input::Values(
            (0..784)
                .map(|i| ((index * 784 + i) % 251) as f32 / 255.0)
                .collect(),
        ),
    };
    Arc::new(InMemDataset::new((0..10).map(sample).collect()))
}

fn loader() -> SpikeLoader {
    SpikeLoader::new(pictures(), Encoding::new(20).unwrap(), 4).unwrap()
}

/// A data set's augmentation.
fn usual(name: &str) -> Augmentation {
    DataSet::named(name).unwrap().augmentation.clone().unwrap()
}

fn augmented(order: u64, augmentation: u64) -> SpikeLoader {
    let usual = usual("fashion-mnist");
    loader()
        .with_shuffle(order)
        .with_augmentation(usual, augmentation)
}

/// A batch's samples, its targets and all of its spikes.
type Content = (Vec<usize>, Vec<i32>, String);

fn content(loader: &SpikeLoader, epoch: u64) -> Vec<Content> {
    let mut batches = loader.epoch(epoch);
    std::iter::from_fn(|| batches.next_on_host())
        .map(|batch| {
            let HostBatch {
                input,
                targets,
                indices,
            } = batch.unwrap();
            (indices, targets, format!("{input:?}"))
        })
        .collect()
}

fn order(batches: &[Content]) -> Vec<usize> {
    batches
        .iter()
        .flat_map(|(indices, ..)| indices.clone())
        .collect()
}

#[test]
fn without_a_seed_the_order_is_the_data_sets() {
    let batches = content(&loader(), 5);
    assert_eq!(order(&batches), (0..10).collect::<Vec<_>>());
    assert_eq!(batches[2].1, [1, 0]);
    assert_eq!(batches, content(&loader(), 6));
}

#[test]
fn two_loaders_give_identical_batches() {
    for epoch in [0, 1, u64::MAX] {
        assert_eq!(
            content(&augmented(1, 2), epoch),
            content(&augmented(1, 2), epoch)
        );
    }
}

#[test]
fn an_epoch_does_not_depend_on_those_before_it() {
    let loader = augmented(1, 2);
    let fresh = content(&augmented(1, 2), 3);
    let _ = (content(&loader, 0), loader.epoch(1).next());
    assert_eq!(content(&loader, 3), fresh);
}

#[test]
fn seeds_and_epochs_change_order_and_augmentation() {
    let base = content(&augmented(1, 2), 3);
    let (epoch, shuffle) = (content(&augmented(1, 2), 4), content(&augmented(9, 2), 3));
    for other in [&epoch, &shuffle] {
        assert_ne!(order(other), order(&base));
        let mut sorted = order(other);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<_>>());
    }
    let augmentation = content(&augmented(1, 9), 3);
    assert_eq!(order(&augmentation), order(&base));
    assert_ne!(augmentation, base);

    // The augmentation alone changes with the epoch, too.
    let still = |epoch| {
        let usual = usual("fashion-mnist");
        content(&loader().with_augmentation(usual, 2), epoch)
    };
    assert_ne!(still(3), still(4));
    assert_ne!(still(3), content(&loader(), 3));
}

#[test]
fn a_samples_augmentation_does_not_depend_on_its_batch() {
    let alone = |size| {
        let steps = Encoding::new(20).unwrap();
        SpikeLoader::new(pictures(), steps, size)
            .unwrap()
            .with_augmentation(usual("mnist"), 2)
    };
    let samples = pictures();
    let batcher = alone(1).batcher.clone().at_epoch(7);
    for (index, (_, _, events)) in content(&alone(1), 7).into_iter().enumerate() {
        let batch = batcher.encode(vec![samples.get(index).unwrap()]).unwrap();
        assert_eq!(format!("{:?}", batch.input), events);
    }
    // A slice keeps the indices, so it keeps the augmentation.
    let part: Samples = Arc::new(PartialDataset::<Samples, Sample>::new(samples, 4, 8));
    let sliced = alone(4).copy(part, None);
    assert_eq!(content(&sliced, 7), content(&alone(4), 7)[1..2]);
}

#[test]
fn burns_iterator_counts_epochs() {
    let loader = SpikeLoader::new(Arc::new(YinYang::new(10, 1)), Encoding::new(8).unwrap(), 4)
        .unwrap()
        .with_shuffle(3);
    let indices = |epoch| order(&content(&loader, epoch));
    for epoch in 0..3 {
        let batches = DataLoader::<SpikeBatch>::iter(&loader);
        let found = batches.flat_map(|batch| batch.unwrap().indices);
        assert_eq!(found.collect::<Vec<_>>(), indices(epoch));
    }
    let moved = DataLoader::<SpikeBatch>::to_device(&loader, &Device::default());
    let found = moved.iter().flat_map(|batch| batch.unwrap().indices);
    assert_eq!(found.collect::<Vec<_>>(), indices(3));
}

#[test]
fn augmented_recordings_follow_from_seed_and_epoch() {
    let times: Vec<f32> = (0..500).map(|i| i as f32 / 1000.0).collect();
    let units: Vec<u32> = (0..500).collect();
    let mut recordings = crate::Recordings::default();
    for label in 0..2 {
        recordings.push(label, &units, &times).unwrap();
    }
    let encoding = Encoding::events(500, 600, 1.0).unwrap();
    let usual = Augmentation::Events(EventAugmentation::USUAL);
    let loader = SpikeLoader::new(Arc::new(recordings), encoding, 2)
        .unwrap()
        .with_augmentation(usual, 4);
    assert_eq!(content(&loader, 1), content(&loader, 1));
    let all: Vec<_> = (0..4).map(|epoch| content(&loader, epoch)).collect();
    assert!(all[1..].iter().any(|other| *other != all[0]));
}
