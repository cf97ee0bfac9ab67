//! What data sets in the files of MNIST share.

use std::path::PathBuf;
use std::sync::Arc;

use burn_dataset::Dataset;

use crate::augment::{Augmentation, GaussianNoise, ImageAugmentation, RandomPerspective};
use crate::fetch::{DataFile, Entry, Identity, Mirror};
use crate::formats::idx;
use crate::{DataError, DataSet, Splits};

/// The shape of a sample.
pub(super) const SHAPE: &[usize] = &[1, ROWS, COLUMNS];
const ROWS: usize = 28;
const COLUMNS: usize = 28;

/// The augmentation of handwritten digits, which letters resemble: no flip, for they have a right way round.
pub(super) const fn of_digits(shape: [usize; 2]) -> Augmentation {
    Augmentation::Image(ImageAugmentation {
        shape,
        perspective: Some(RandomPerspective {
            distortion: 0.4,
            probability: 0.7,
        }),
        flip: 0.0,
        padding: 3,
        noise: Some(GaussianNoise::USUAL),
    })
}

/// Images and labels for training, then for the test.
pub(super) const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// Reads both splits, from the paths of [`FILES`].
pub(super) fn read(set: &DataSet, paths: &[PathBuf]) -> Result<Splits, DataError> {
    let split = |first: usize| {
        let (images, labels) = (&paths[first], &paths[first + 1]);
        idx::read_split(images, labels, [ROWS, COLUMNS], set.classes)
    };
    let (train, test) = (split(0)?, split(2)?);
    Ok(Splits {
        memory_bytes: (train.len() + test.len()) * (set.units() + 1),
        class_names: Vec::new(),
        doubts: Vec::new(),
        train: Arc::new(train),
        test: Arc::new(test),
    })
}

/// What is fetched: for each of [`FILES`] what is known of its content and of the publisher's `.gz`,
/// and its mirrors by its name.
pub(super) fn entry(
    set: &DataSet,
    known: [(Identity, Identity); 4],
    mirrors: impl Fn(&str) -> Vec<Mirror>,
) -> Entry {
    let file = |(name, (content, packed)): (&str, (Identity, Identity))| DataFile {
        name: name.to_string(),
        content,
        packed,
        mirrors: mirrors(name),
    };
    Entry {
        name: set.name.to_string(),
        files: FILES.into_iter().zip(known).map(file).collect(),
        archive: None,
    }
}
