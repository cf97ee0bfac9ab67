//! Images in idx files of one's own, such as EMNIST's. Nothing is known of them beforehand, so they are
//! not in the registry.

use std::path::PathBuf;
use std::sync::Arc;

use burn_dataset::Dataset;

use super::idx_images::of_digits;
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
        let images = locations.find_alike(&self.train_images)?;
        let labels = locations.find_alike(&self.train_labels)?;
        // Of four files the one that is missing is said before the first is read.
        let of_test = self.find_test(locations)?;
        let (train, shape) = read_any_split(&images, &labels, None, self.most_classes())?;
        let (test, _) = self.read_test(&of_test, Some(shape))?;
        let [test_images, test_labels] = of_test;
        let paths = [images, labels, test_images, test_labels];
        Ok(self.source(train, test, shape).of_files(&paths))
    }

    /// Opens the test split alone; there are no training samples then, and the training files need not be there.
    /// Classes that are not given follow from it.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_test(&self, locations: &Locations) -> Result<DataSource, DataError> {
        let of_test = self.find_test(locations)?;
        let (test, shape) = self.read_test(&of_test, None)?;
        let train = Images::from_parts(Vec::new(), Vec::new(), shape[0] * shape[1]);
        Ok(self.source(train, test, shape).of_files(&of_test))
    }

    fn find_test(&self, locations: &Locations) -> Result<[PathBuf; 2], DataError> {
        Ok([
            locations.find_alike(&self.test_images)?,
            locations.find_alike(&self.test_labels)?,
        ])
    }

    fn read_test(
        &self,
        [images, labels]: &[PathBuf; 2],
        shape: Option<[usize; 2]>,
    ) -> Result<(Images, [usize; 2]), DataError> {
        read_any_split(images, labels, shape, self.most_classes())
    }

    fn most_classes(&self) -> usize {
        self.classes.unwrap_or(LABELS)
    }

    fn source(&self, train: Images, test: Images, shape: [usize; 2]) -> DataSource {
        let largest = [&train, &test].into_iter().flat_map(Images::labels).max();
        let derived = largest.map_or(1, |&label| usize::from(label) + 1);
        let size = shape[0] * shape[1];
        DataSource {
            name: IDX,
            input_shape: vec![1, shape[0], shape[1]],
            class_names: numbered(self.classes.unwrap_or(derived)),
            augmentation: Some(of_digits(shape)),
            timing: None,
            normalization: None,
            folder: None,
            memory_bytes: (train.len() + test.len()) * (size + 1),
            doubts: Vec::new(),
            train: Arc::new(train),
            test: Arc::new(test),
        }
    }
}
