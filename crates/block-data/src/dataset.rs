//! What is known of a data set before a file is read, and how it is opened.

use std::path::PathBuf;
use std::sync::Arc;

use crate::augment::Augmentation;
use crate::fetch::Entry;
use crate::source::numbered;
use crate::{DataError, DataSource, Locations, Normalization, Recordings, Splits, Timing};

/// A data set that can be opened by its name: facts, and the functions that only it has.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// The name in configs, and that of the data set's folder.
    pub name: &'static str,
    /// What the data set consists of, in a few words.
    pub about: &'static str,
    /// Where its publisher, or the paper that defines it, describes it.
    pub homepage: &'static str,
    /// The licence, as the publisher states it.
    pub licence: &'static str,
    /// The shape of a sample: channels, rows and columns of images, rows and columns of a sensor, else
    /// one dimension.
    pub input_shape: &'static [usize],
    /// The number of classes.
    pub classes: usize,
    /// What the classes are called, by label; empty where they are numbered, or where the files name
    /// them.
    pub class_names: &'static [&'static str],
    /// The number of samples for training and for the test.
    pub samples: [usize; 2],
    /// How recordings are binned in time, unless a config says otherwise; none where samples are
    /// values.
    pub timing: Option<Timing>,
    /// The normalisation of values that enter a network unencoded, if there is one.
    pub normalization: Option<Normalization>,
    /// Random changes of training samples, if there are any for this data set.
    pub augmentation: Option<Augmentation>,
    /// Whether training uses the augmentation, unless a config says otherwise.
    pub augmented: bool,
    /// Where the samples come from.
    pub origin: Origin,
}

/// Where the samples of a data set come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// They are made on the spot.
    Made(fn(&DataSet) -> Result<Splits, DataError>),
    /// They are read from files.
    Files {
        /// The packings in which the files may come: the first one whose files are all there is taken. The
        /// last one is the publisher's own.
        packings: &'static [&'static [&'static str]],
        /// How many files of a packing, counted from its end, belong to the test split.
        test_files: usize,
        /// Reads both splits from the files of a packing, in its order.
        read: fn(&DataSet, &[PathBuf]) -> Result<Splits, DataError>,
        /// What is fetched.
        entry: fn(&DataSet) -> Entry,
    },
}

/// A packing of recordings that a conversion makes of any other: flat arrays, the training split and
/// the test split.
pub const CONVERTED: [&str; 2] = ["train.h5", "test.h5"];

impl DataSet {
    /// Input units: values of a sample, or units that events come from.
    pub fn units(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// What is fetched; none for a data set that is made on the spot.
    pub fn entry(&self) -> Option<Entry> {
        match self.origin {
            Origin::Made(_) => None,
            Origin::Files { entry, .. } => Some(entry(self)),
        }
    }

    /// Opens the data set.
    ///
    /// # Errors
    ///
    /// [`DataError::Missing`] when it is in none of the locations, or what is wrong with its files.
    pub fn open(&self, locations: &Locations) -> Result<DataSource, DataError> {
        match self.origin {
            Origin::Made(make) => Ok(self.with_splits(make(self)?)),
            Origin::Files { packings, read, .. } => {
                let paths = locations.find(self.name, packings)?;
                Ok(self.with_splits(read(self, &paths)?).of_files(&paths))
            }
        }
    }

    /// Opens the test split alone: the training split is empty then, and its files need not be there.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_test(&self, locations: &Locations) -> Result<DataSource, DataError> {
        let Origin::Files {
            packings,
            test_files,
            read,
            ..
        } = self.origin
        else {
            return self.open(locations);
        };
        let of_test = packings
            .iter()
            .map(|files| &files[files.len() - test_files..]);
        let paths = locations.find(self.name, &of_test.collect::<Vec<_>>())?;
        // What is read is a pair of splits: the test split stands for both.
        let files = packings.first().map_or(0, |files| files.len());
        let both: Vec<_> = paths
            .iter()
            .cycle()
            .take(files - test_files)
            .chain(&paths)
            .cloned()
            .collect();
        let source = self.with_splits(read(self, &both)?).of_files(&paths);
        Ok(DataSource {
            train: Arc::new(Recordings::default()),
            ..source
        })
    }

    /// This data set with samples of one's own, which have its shape and its classes.
    pub fn with_splits(&self, splits: Splits) -> DataSource {
        let class_names = match (splits.class_names, self.class_names) {
            (names, _) if names.len() == self.classes => names,
            (_, []) => numbered(self.classes),
            (_, names) => names.iter().map(ToString::to_string).collect(),
        };
        DataSource {
            name: self.name,
            input_shape: self.input_shape.to_vec(),
            class_names,
            augmentation: self.augmentation.clone(),
            timing: self.timing,
            normalization: self.normalization,
            folder: None,
            memory_bytes: splits.memory_bytes,
            doubts: splits.doubts,
            train: splits.train,
            test: splits.test,
        }
    }

    /// Whether the data set is in one of the locations, or needs no files.
    pub fn is_present(&self, locations: &Locations) -> bool {
        matches!(self.origin, Origin::Made(_)) || !self.located(locations).is_empty()
    }

    /// Checks, before the data set is fetched, that the folder that the user named is not the data set's own.
    ///
    /// # Errors
    ///
    /// [`DataError::Misplaced`] if it is.
    pub fn check_folder(&self, locations: &Locations) -> Result<(), DataError> {
        let Origin::Files { packings, .. } = self.origin else {
            return Ok(());
        };
        match locations.find(self.name, packings) {
            Err(error @ DataError::Misplaced { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// The files (or folders) from which [`open`](Self::open) would read: none when the data set is in
    /// none of the locations, or needs no files.
    pub fn located(&self, locations: &Locations) -> Vec<PathBuf> {
        self.find(locations, |_| true)
    }

    /// The files from which recordings are converted: as [`located`](Self::located), without those
    /// that a conversion made.
    pub fn located_to_convert(&self, locations: &Locations) -> Vec<PathBuf> {
        self.find(locations, |packing| packing != CONVERTED)
    }

    fn find(&self, locations: &Locations, wanted: impl Fn(&[&str]) -> bool) -> Vec<PathBuf> {
        let Origin::Files { packings, .. } = self.origin else {
            return Vec::new();
        };
        let packings = packings.iter().copied().filter(|packing| wanted(packing));
        let packings: Vec<_> = packings.collect();
        locations.find(self.name, &packings).unwrap_or_default()
    }
}
