//! Data sets of small grey images, kept in memory as bytes.

use std::path::{Path, PathBuf};

use burn_dataset::{Dataset, DatasetError};

use crate::{DataError, Input, Sample, idx};

/// A split of a data set of images; its samples are the pixels as value / 255 in float32.
#[derive(Debug, Clone)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    size: usize,
}

impl Images {
    /// Reads a split from an idx file of images of `shape` rows and columns, and one of labels
    /// below `classes`. Either may be compressed with gzip.
    ///
    /// # Errors
    ///
    /// A [`DataError`] that names the file at fault; [`DataError::LabelCount`] when they differ in
    /// length.
    pub fn read(
        images: &Path,
        labels: &Path,
        shape: [usize; 2],
        classes: usize,
    ) -> Result<Self, DataError> {
        let pixels = idx::read_images(images, shape)?;
        let values = idx::read_labels(labels, classes)?;
        let size = shape[0] * shape[1];
        if values.len() * size != pixels.len() {
            return Err(DataError::LabelCount {
                images: images.to_path_buf(),
                expected: pixels.len() / size,
                labels: labels.to_path_buf(),
                found: values.len(),
            });
        }
        Ok(Self {
            pixels,
            labels: values,
            size,
        })
    }

    /// A split from its bytes: the pixels of all images, `size` each, and their labels.
    pub(crate) fn from_parts(pixels: Vec<u8>, labels: Vec<u8>, size: usize) -> Self {
        debug_assert_eq!(pixels.len(), labels.len() * size);
        Self {
            pixels,
            labels,
            size,
        }
    }

    /// All labels, in the files' order.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The bytes of an image, channel after channel and row after row.
    ///
    /// # Panics
    ///
    /// When there is no such image.
    pub fn pixels(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.size..][..self.size]
    }
}

impl Dataset<Sample> for Images {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let pixels = self.pixels(index).iter();
        Ok(Sample {
            index,
            label: self.labels[index].into(),
            input: Input::Values(pixels.map(|&pixel| f32::from(pixel) / 255.0).collect()),
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

/// Images and labels for training, then for the test.
pub(crate) const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

const IMAGE_SHAPE: [usize; 2] = [28, 28];

/// Both splits, from the paths of [`FILES`].
pub(crate) fn read(paths: &[PathBuf], classes: usize) -> Result<(Images, Images), DataError> {
    let split = |first: usize| {
        let (images, labels) = (&paths[first], &paths[first + 1]);
        Images::read(images, labels, IMAGE_SHAPE, classes)
    };
    Ok((split(0)?, split(2)?))
}

/// What the classes of MNIST or Fashion-MNIST are called.
pub(crate) fn class_names(name: &str) -> &'static [&'static str] {
    match name {
        "fashion-mnist" => &[
            "T-shirt/top",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ],
        _ => &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    }
}
