//! An opened data set.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn_dataset::Dataset;
use burn_dataset::transform::SelectionDataset;
use rand::seq::SliceRandom;

use crate::augment::Augmentation;
use crate::locate::rivals;
use crate::random::{Purpose, stream};
use crate::words::counted;
use crate::{DataError, Sample, Samples};

/// A binning of recordings in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Time steps.
    pub steps: usize,
    /// The length of a time step in milliseconds.
    pub dt: f32,
}

/// A normalisation of values that enter a network as they are: (x − mean) / deviation, by channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalization {
    /// The means of the channels.
    pub mean: &'static [f32],
    /// The standard deviations of the channels.
    pub deviation: &'static [f32],
}

/// The samples of a data set.
#[derive(Clone)]
pub struct Splits {
    /// The training split.
    pub train: Samples,
    /// The test split.
    pub test: Samples,
    /// The names that the files give the classes, by label; empty where they give none.
    pub class_names: Vec<String>,
    /// Bytes that both splits take in memory.
    pub memory_bytes: usize,
    /// What is not wrong with the files but probably unintended, one sentence each.
    pub doubts: Vec<String>,
}

/// An opened data set: its splits, and what a network needs to know of it.
#[derive(Clone)]
pub struct DataSource {
    pub(crate) name: &'static str,
    pub(crate) input_shape: Vec<usize>,
    pub(crate) class_names: Vec<String>,
    pub(crate) augmentation: Option<Augmentation>,
    pub(crate) timing: Option<Timing>,
    pub(crate) normalization: Option<Normalization>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) memory_bytes: usize,
    pub(crate) doubts: Vec<String>,
    pub(crate) train: Samples,
    pub(crate) test: Samples,
}

/// Names of classes that have only numbers.
pub(crate) fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

impl DataSource {
    /// The data set's name; [`EVENTS`](crate::EVENTS) for files of one's own.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The shape of a sample: channels, rows and columns of images, rows and columns of a sensor,
    /// else one dimension.
    pub fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }

    /// Input units: values of a sample, or units that events come from.
    pub fn units(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// What the classes are called, by label.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The augmentation for this data set, if there is one.
    pub fn augmentation(&self) -> Option<&Augmentation> {
        self.augmentation.as_ref()
    }

    /// The usual binning of recordings; none for values, and for files of one's own.
    pub fn timing(&self) -> Option<Timing> {
        self.timing
    }

    /// The usual normalisation of values that enter a network as they are, if there is one.
    pub fn normalization(&self) -> Option<Normalization> {
        self.normalization
    }

    /// The folder that the data set was read from, or none when it was made on the spot.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Bytes that the data set takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// What is not wrong with the files but probably unintended, one sentence each.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// The training split.
    pub fn train(&self) -> Samples {
        self.train.clone()
    }

    /// The test split.
    pub fn test(&self) -> Samples {
        self.test.clone()
    }

    /// This source, read from these files: its folder is theirs, and what could be meant beside one is doubtful.
    pub(crate) fn of_files(self, paths: &[PathBuf]) -> Self {
        Self {
            folder: paths[0].parent().map(Path::to_path_buf),
            doubts: [self.doubts, rivals(paths)].concat(),
            ..self
        }
    }

    /// Holds a random `fraction` of the training split out, as `(training, validation)`. Samples
    /// keep the index that they have in the whole split; both parts are in its order.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for a fraction that leaves one of the parts empty.
    pub fn split_validation(
        &self,
        fraction: f64,
        seed: u64,
    ) -> Result<(Samples, Samples), DataError> {
        let len = self.train.len();
        let held_out = (fraction * len as f64).round();
        if !(held_out >= 1.0 && held_out < len as f64) {
            let expected = format!(
                "between 0 and 1, leaving at least one of {} for training and for validation",
                counted(len, "sample")
            );
            return Err(DataError::argument(
                "the validation fraction",
                fraction,
                expected,
            ));
        }
        let mut order: Vec<usize> = (0..len).collect();
        order.shuffle(&mut stream(seed, Purpose::Validation, 0, 0));
        let (validation, train) = order.split_at_mut(held_out as usize);
        let select = |indices: &mut [usize]| -> Samples {
            indices.sort_unstable();
            let indices = indices.to_vec();
            let whole = self.train.clone();
            Arc::new(SelectionDataset::<Samples, Sample>::from_indices_unchecked(
                whole, indices,
            ))
        };
        Ok((select(train), select(validation)))
    }
}

impl std::fmt::Debug for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataSource")
            .field("name", &self.name)
            .field("input_shape", &self.input_shape)
            .field("folder", &self.folder)
            .field("train", &self.train.len())
            .field("test", &self.test.len())
            .finish_non_exhaustive()
    }
}
