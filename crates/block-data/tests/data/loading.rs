//! Loaders and batchers as a caller sees them.

use std::sync::Arc;

use block_core::LayerInput;
use block_data::encode::{Frames, repeat_in_time};
use block_data::{
    DataError, DataSet, Encoding, Input, Sample, Samples, SpikeBatch, SpikeBatcher, SpikeLoader,
    YinYang,
};
use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Int, Tensor};
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
        assert_eq!((batch.targets.dims(), batch.len()), ([size], size));
        let events = batch.input.into_events().unwrap();
        assert_eq!(events.shape(), [size, 10, 4]);
        assert_eq!(events.spikes(), size * 4);
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
fn burns_loader_yields_what_batches_convert_to() {
    let learnt: Box<dyn DataLoader<(LayerInput, Tensor<1, Int>)>> =
        Box::new(loader(Arc::new(YinYang::new(10, 1)), 4));
    let (spikes, classes) = learnt.iter().next().unwrap().unwrap();
    assert_eq!(spikes.shape(), [4, 10, 4]);
    assert_eq!(classes.dims(), [4]);

    let frames = Encoding::Frames(Frames::new([1, 1, 2], 3).unwrap());
    let samples = of(vec![sample(0, &[0.5, 0.25])]);
    let learnt: Box<dyn DataLoader<(LayerInput, Tensor<1, Int>)>> =
        Box::new(SpikeLoader::new(samples, frames, 1).unwrap());
    let (frames, classes) = learnt.iter().next().unwrap().unwrap();
    let values = frames.dense().expect("dense frames").to_data();
    values.assert_eq(&[[[0.5_f32, 0.25]; 3]].into(), true);
    assert_eq!(classes.dims(), [1]);
}

#[test]
fn burns_traits() {
    let loader: Box<dyn DataLoader<SpikeBatch>> =
        Box::new(loader(Arc::new(YinYang::new(10, 1)), 4));
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
        (batch.input.shape(), batch.indices),
        (vec![2, 10, 2], vec![0, 7])
    );
}

/// Two channels of two rows and three columns.
fn image(index: usize) -> Vec<f32> {
    (0..12).map(|at| (at + 20 * index) as f32 / 100.0).collect()
}

#[test]
fn batches_of_frames() {
    let images = (0..5).map(|index| sample(index, &image(index))).collect();
    let (mean, deviation) = ([0.25, 0.5], [0.5, 2.0]);
    let frames = Frames::new([2, 2, 3], 4).unwrap();
    let normalized = frames.with_normalization(&mean, &deviation).unwrap();
    let encoding = Encoding::Frames(normalized);
    assert_eq!(encoding.steps(), 4);
    let loader = SpikeLoader::new(of(images), encoding, 2).unwrap();
    let mut seen = Vec::new();
    for batch in loader.with_shuffle(3).epoch(0) {
        let batch = batch.unwrap();
        let size = batch.len();
        assert_eq!(batch.targets.dims(), [size]);
        assert_eq!(batch.input.shape(), [size, 4, 2, 2, 3]);
        // As the encoder repeats an image: channel, time, pixel.
        let by_channel = batch.input.into_frames().unwrap().swap_dims(1, 2);
        let found: Vec<f32> = by_channel.into_data().iter::<f32>().collect();
        for (found, &index) in found.chunks(4 * 12).zip(&batch.indices) {
            let mut expected = image(index);
            for (at, value) in expected.iter_mut().enumerate() {
                *value = (*value - mean[at / 6]) / deviation[at / 6];
            }
            assert_eq!(found, repeat_in_time(&expected, 2, 4).unwrap());
        }
        seen.extend(batch.indices);
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[test]
fn frames_are_augmented_as_values_are() {
    let usual = DataSet::named("mnist")
        .unwrap()
        .augmentation
        .clone()
        .unwrap();
    let values: Vec<f32> = (0..784).map(|at| (at % 29) as f32 / 28.0).collect();
    let samples = of(vec![sample(0, &values)]);
    let loader = |encoding| {
        let loader = SpikeLoader::new(samples.clone(), encoding, 1).unwrap();
        loader.with_augmentation(usual.clone(), 5)
    };
    let frames = Encoding::Frames(Frames::new([1, 28, 28], 1).unwrap());
    let batch = loader(frames).epoch(2).next().unwrap().unwrap();
    let frame: Vec<f32> = batch
        .input
        .into_frames()
        .unwrap()
        .into_data()
        .iter()
        .collect();
    assert_ne!(frame, values);
    // Each value's only spike is at the step that the frame's value has in the single-spike code.
    let batch = loader(Encoding::new(10).unwrap())
        .epoch(2)
        .next()
        .unwrap()
        .unwrap();
    let spikes = batch.input.into_events().unwrap().to_dense();
    let spikes: Vec<f32> = spikes.into_data().iter().collect();
    for (unit, value) in frame.iter().enumerate() {
        let step = ((1.0 - value) * 9.0) as usize;
        assert_eq!(spikes[step * 784 + unit], 1.0, "{unit}");
    }
}

#[test]
fn what_is_filled_with_zeros_has_the_mean_of_the_frames() {
    let cifar = DataSet::named("cifar-10").unwrap();
    let usual = cifar.normalization.unwrap();
    let frames = Frames::new([3, 32, 32], 2).unwrap();
    let frames = frames.with_normalization(usual.mean, usual.deviation);
    // White images, which are far from the mean.
    let samples = (0..20).map(|index| sample(index, &vec![1.0; cifar.units()]));
    let loader = SpikeLoader::new(of(samples.collect()), Encoding::Frames(frames.unwrap()), 20);
    let augmentation = cifar.augmentation.clone().unwrap();
    let loader = loader.unwrap().with_augmentation(augmentation, 1);
    let batch = loader.epoch(0).next().unwrap().unwrap();
    let (input, _): (LayerInput, Tensor<1, Int>) = batch.into();
    assert_eq!(input.shape(), [20, 2, 3072]);
    let dense = input.dense().unwrap().clone();
    let values: Vec<f32> = dense.into_data().iter().collect();
    let white = |channel: usize| (1.0 - usual.mean[channel]) / usual.deviation[channel];
    let mut zeros = 0;
    for (at, &value) in values.iter().enumerate() {
        match value == 0.0 {
            true => zeros += 1,
            false => assert_eq!(value, white(at / 1024 % 3), "{at}"),
        }
    }
    // A shift by two pixels along both axes, as it is on average, fills an eighth.
    let share = f64::from(zeros) / values.len() as f64;
    assert!((0.05..0.25).contains(&share), "{share}");
    let halves: Vec<&[f32]> = values.chunks(3072).take(2).collect();
    assert_eq!(halves[0], halves[1], "the frame is the same at every step");
}

#[test]
fn the_other_kind_of_input_is_refused() {
    let values = || of(vec![sample(0, &[0.5, 0.5])]);
    let only = |encoding| {
        let loader = SpikeLoader::new(values(), encoding, 1).unwrap();
        loader.epoch(0).next().unwrap().unwrap().input
    };
    let frames = || Encoding::Frames(Frames::new([1, 1, 2], 3).unwrap());
    let text = only(frames()).into_events().unwrap_err().to_string();
    let expected = "the input of a batch is frames of shape [1, 3, 1, 1, 2], expected spike events";
    assert_eq!(text, expected);
    let error = only(Encoding::new(3).unwrap()).into_frames().unwrap_err();
    let expected = "the input of a batch is spike events of shape [1, 3, 2], expected frames";
    assert_eq!(error.to_string(), expected);

    let mut recordings = block_data::Recordings::default();
    recordings.push(0, &[1], &[0.5]).unwrap();
    let loader = SpikeLoader::new(Arc::new(recordings), frames(), 1).unwrap();
    let text = "a sample's input is 1 event, expected values, for frames";
    assert_eq!(failure(&loader), (0, vec![text.to_string()]));
    let wrong = of(vec![sample(0, &[0.5])]);
    let loader = SpikeLoader::new(wrong, frames(), 1).unwrap();
    let text = "the number of a sample's values is 1, expected 1x1x2, the shape of a frame";
    assert_eq!(failure(&loader), (0, vec![text.to_string()]));
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
    let usual = DataSet::named("mnist").unwrap().augmentation.clone();
    let augmented = loader(of(vec![good]), 1).with_augmentation(usual.unwrap(), 0);
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
    let text = "the loading thread stopped after 1 of 3 batches";
    assert_eq!(
        failure(&loader(Arc::new(Faulty(true)), 1)),
        (1, vec![text.to_string()])
    );
}
