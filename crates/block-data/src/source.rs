//! Data sets by name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn_dataset::Dataset;
use burn_dataset::transform::SelectionDataset;
use rand::seq::SliceRandom;

use crate::augment::Augmentation;
use crate::images::{FASHION_MNIST, IMAGE_SHAPE, IdxDataSet, MNIST};
use crate::random::{Purpose, stream};
use crate::{DataError, Locations, Sample, Samples, YIN_YANG_CLASSES, YinYang};

/// The names that [`open`] knows.
pub const DATA_SETS: [&str; 3] = [FASHION_MNIST.name, MNIST.name, YIN_YANG];

const YIN_YANG: &str = "yin-yang";

/// A data set: its splits, and what a network needs to know of it.
#[derive(Clone)]
pub struct DataSource {
    name: &'static str,
    input_shape: Vec<usize>,
    class_names: &'static [&'static str],
    augmentation: Option<Augmentation>,
    folder: Option<PathBuf>,
    train: Samples,
    test: Samples,
}

/// Opens a data set by its name, one of [`DATA_SETS`].
///
/// # Errors
///
/// [`DataError::UnknownDataSet`], [`DataError::Missing`] when it is in none of the locations, or
/// what is wrong with its files.
pub fn open(name: &str, locations: &Locations) -> Result<DataSource, DataError> {
    for set in [FASHION_MNIST, MNIST] {
        if set.name == name {
            return open_images(&set, locations);
        }
    }
    if name == YIN_YANG {
        return Ok(DataSource::yin_yang(YinYang::train(), YinYang::test()));
    }
    Err(DataError::UnknownDataSet {
        name: name.to_string(),
        known: &DATA_SETS,
    })
}

/// Whether the data set of this name is trained with an augmentation; false for names that [`open`]
/// does not know.
pub fn has_augmentation(name: &str) -> bool {
    [FASHION_MNIST, MNIST].iter().any(|set| set.name == name)
}

fn open_images(set: &IdxDataSet, locations: &Locations) -> Result<DataSource, DataError> {
    let paths = locations.find(set.name, IdxDataSet::files(), |target, system_too| {
        set.remedy(target, system_too)
    })?;
    let (train, test) = set.read(&paths)?;
    let [rows, columns] = IMAGE_SHAPE;
    Ok(DataSource {
        name: set.name,
        input_shape: vec![1, rows, columns],
        class_names: set.classes,
        augmentation: Some(Augmentation::Image((set.augmentation)())),
        folder: paths[0].parent().map(Path::to_path_buf),
        train: Arc::new(train),
        test: Arc::new(test),
    })
}

impl DataSource {
    /// The Yin-Yang data set with splits of any size and seed; [`open`] takes
    /// [`YinYang::train`] and [`YinYang::test`].
    pub fn yin_yang(train: YinYang, test: YinYang) -> Self {
        Self {
            name: YIN_YANG,
            input_shape: vec![4],
            class_names: &YIN_YANG_CLASSES,
            augmentation: None,
            folder: None,
            train: Arc::new(train),
            test: Arc::new(test),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The shape of a sample: channels, rows and columns of images, else one dimension.
    pub fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }

    /// Input units: values of a sample.
    pub fn units(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// Classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// What the classes are called, by label.
    pub fn class_names(&self) -> &[&str] {
        self.class_names
    }

    /// The augmentation that this data set is trained with, if there is one.
    pub fn augmentation(&self) -> Option<&Augmentation> {
        self.augmentation.as_ref()
    }

    /// The folder it was read from, or none when it was made on the spot.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The training split.
    pub fn train(&self) -> Samples {
        self.train.clone()
    }

    /// The test split.
    pub fn test(&self) -> Samples {
        self.test.clone()
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
                "between 0 and 1, leaving at least one of {len} samples for training and for validation"
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
