//! Small images, kept in memory as bytes.

use burn_dataset::{Dataset, DatasetError};

use crate::{Input, Sample};

/// A split of a data set of images; its samples are the pixels as value / 255 in float32.
#[derive(Debug, Clone)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    size: usize,
}

impl Images {
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
