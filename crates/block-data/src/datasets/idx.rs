//! Images in idx files of one's own, such as EMNIST's. Nothing is known of them beforehand, so they are
//! not in the registry.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn_dataset::Dataset;

use crate::augment::{Augmentation, GaussianNoise, ImageAugmentation, RandomPerspective};
use crate::formats::idx::read_any_split;
use crate::source::numbered;
use crate::{DataError, DataSource, Images, Locations};

/// The name of [`IdxFiles`] as a data set.
pub const IDX: &str = "idx";

/// Labels are bytes.
const LABELS: usize = 1 << 8;

/// Grey images in idx files of one's own, compressed with gzip or not.
///
/// A relative path is taken from the working folder or, if it is not there, from the folders of the
/// [`Locations`]. A file is also found with or without `.gz`, by a name that differs in capitals, and by one with a
/// dot in the place of the hyphen before `idx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdxFiles {
    /// Images of the training split.
    pub train_images: PathBuf,
    /// Labels of the training split.
    pub train_labels: PathBuf,
    /// Images of the test split, of the same size.
    pub test_images: PathBuf,
    /// Labels of the test split.
    pub test_labels: PathBuf,
    /// Classes. By default one more than the largest label of both splits: labels from 1 to 26 make 27 classes,
    /// the first of them empty.
    pub classes: Option<usize>,
}

impl IdxFiles {
    /// Opens the files.
    ///
    /// # Errors
    ///
    /// [`DataError::Missing`] with the file that is missing, or what is wrong with a file.
    pub fn open(&self, locations: &Locations) -> Result<DataSource, DataError> {
        let paths = [
            locations.find_alike(&self.train_images)?,
            locations.find_alike(&self.train_labels)?,
            locations.find_alike(&self.test_images)?,
            locations.find_alike(&self.test_labels)?,
        ];
        let [train_images, train_labels, test_images, test_labels] = &paths;
        let most = self.classes.unwrap_or(LABELS);
        let (train, shape) = read_any_split(train_images, train_labels, None, most)?;
        let (test, _) = read_any_split(test_images, test_labels, Some(shape), most)?;
        let largest = [&train, &test].into_iter().flat_map(Images::labels).max();
        let derived = largest.map_or(1, |&label| usize::from(label) + 1);
        let size = shape[0] * shape[1];
        Ok(DataSource {
            name: IDX,
            input_shape: vec![1, shape[0], shape[1]],
            class_names: numbered(self.classes.unwrap_or(derived)),
            // That of handwritten digits, which letters resemble.
            augmentation: Some(Augmentation::Image(ImageAugmentation {
                shape,
                perspective: Some(RandomPerspective {
                    distortion: 0.4,
                    probability: 0.7,
                }),
                flip: 0.0,
                padding: 3,
                noise: Some(GaussianNoise::USUAL),
            })),
            timing: None,
            folder: paths[0].parent().map(Path::to_path_buf),
            memory_bytes: (train.len() + test.len()) * (size + 1),
            doubts: Vec::new(),
            train: Arc::new(train),
            test: Arc::new(test),
        })
    }
}
