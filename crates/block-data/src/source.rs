//! Data sets by name, and recordings by path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn_dataset::Dataset;
use burn_dataset::transform::SelectionDataset;
use rand::seq::SliceRandom;

use crate::augment::{Augmentation, EventAugmentation, ImageAugmentation};
use crate::random::{Purpose, stream};
use crate::synthetic::SYNTHETIC_CLASSES;
use crate::{
    DATA_SETS, DataError, DataSet, EventFile, Images, Locations, Recordings, Sample, Samples,
    SyntheticSpikes, Timing, YIN_YANG_CLASSES, YinYang, cifar, images, n_mnist, read_events,
};

/// A data set: its splits, and what a network needs to know of it.
#[derive(Clone)]
pub struct DataSource {
    name: String,
    input_shape: Vec<usize>,
    class_names: Vec<String>,
    augmentation: Option<Augmentation>,
    timing: Option<Timing>,
    folder: Option<PathBuf>,
    memory_bytes: usize,
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
    let set = DataSet::named(name).ok_or_else(|| DataError::UnknownDataSet {
        name: name.to_string(),
        known: DATA_SETS.iter().map(|set| set.name).collect(),
    })?;
    match set.name {
        "yin-yang" => Ok(DataSource::yin_yang(YinYang::train(), YinYang::test())),
        "synthetic" => synthetic(set),
        _ => {
            let paths = locations.find(set.name, packings(set.name))?;
            let folder = paths[0].parent().map(Path::to_path_buf);
            let mut source = match set.name {
                "cifar-10" => of_images(set, cifar::read(&paths)?, &cifar::CLASSES),
                "n-mnist" | "shd" | "ssc" => recorded(set, &paths)?,
                _ => {
                    let splits = images::read(&paths, set.classes)?;
                    of_images(set, splits, images::class_names(set.name))
                }
            };
            source.folder = folder;
            Ok(source)
        }
    }
}

/// Whether a data set is in one of the locations, or needs no files.
pub fn is_present(name: &str, locations: &Locations) -> bool {
    let made = DataSet::named(name).is_some() && packings(name).is_empty();
    made || !located(name, locations).is_empty()
}

/// The files (or folders) from which [`open`] would read a data set: none when it is in none of the
/// locations, or needs no files.
pub fn located(name: &str, locations: &Locations) -> Vec<PathBuf> {
    locations.find(name, packings(name)).unwrap_or_default()
}

/// The files that a data set may come as: the first packing of which all are there is taken. The
/// last one is as its publisher hands it out.
fn packings(name: &str) -> &'static [&'static [&'static str]] {
    match name {
        "cifar-10" => &[&cifar::FILES],
        "fashion-mnist" | "mnist" => &[&images::FILES],
        "n-mnist" => &[&CONVERTED, &["Train", "Test"], &["Train.zip", "Test.zip"]],
        "shd" => &[
            &CONVERTED,
            &["shd_train.h5.zip", "shd_test.h5.zip"],
            &["shd_train.h5.gz", "shd_test.h5.gz"],
        ],
        "ssc" => &[
            &CONVERTED,
            &["ssc_train.h5.zip", "ssc_test.h5.zip"],
            &["ssc_train.h5.gz", "ssc_test.h5.gz"],
        ],
        _ => &[],
    }
}

/// Recordings as flat arrays, made of any of their other packings.
const CONVERTED: [&str; 2] = ["train.h5", "test.h5"];

fn is_converted(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| CONVERTED.iter().any(|converted| name == *converted))
}

/// The files from which a data set of recordings is converted: as [`located`], but for those that a
/// conversion made.
pub fn located_to_convert(name: &str, locations: &Locations) -> Vec<PathBuf> {
    let packings = packings(name)
        .iter()
        .filter(|packing| **packing != CONVERTED);
    let packings: Vec<_> = packings.copied().collect();
    locations.find(name, &packings).unwrap_or_default()
}

fn of_images(set: &DataSet, splits: (Images, Images), classes: &[&str]) -> DataSource {
    let augmentation = match set.name {
        "cifar-10" => ImageAugmentation::cifar_10(),
        "fashion-mnist" => ImageAugmentation::fashion_mnist(),
        _ => ImageAugmentation::mnist(),
    };
    let (train, test) = splits;
    let memory_bytes = (train.len() + test.len()) * (set.units() + 1);
    DataSource {
        class_names: classes.iter().map(ToString::to_string).collect(),
        augmentation: Some(Augmentation::Image(augmentation)),
        memory_bytes,
        train: Arc::new(train),
        test: Arc::new(test),
        ..DataSource::of(set)
    }
}

fn synthetic(set: &DataSet) -> Result<DataSource, DataError> {
    let steps = set.timing.map_or(1, |timing| timing.steps);
    let split = |samples, seed| SyntheticSpikes::new(samples, set.units(), steps, seed);
    let [train, test] = set.samples;
    Ok(DataSource {
        class_names: numbered(SYNTHETIC_CLASSES),
        train: Arc::new(split(train, 0)?),
        test: Arc::new(split(test, 1)?),
        ..DataSource::of(set)
    })
}

fn recorded(set: &DataSet, paths: &[PathBuf]) -> Result<DataSource, DataError> {
    let read = |path: &PathBuf| {
        read_recordings(path).map_err(|error| match error {
            DataError::Content { path, problem } if is_converted(&path) => {
                let problem = format!(
                    "{problem}; or delete it, and convert the data set's own files once more"
                );
                DataError::Content { path, problem }
            }
            other => other,
        })
    };
    let [train, test] = [read(&paths[0])?, read(&paths[1])?];
    let names = match train.class_names.len() == set.classes {
        true => train.class_names,
        false => numbered(set.classes),
    };
    let splits = [train.recordings, test.recordings];
    // N-MNIST has two polarities.
    let polarities = if set.name == "n-mnist" { 2 } else { 1 };
    check_units(&splits, paths, polarities * set.units())?;
    of_recordings(DataSource::of(set), splits, paths, names)
}

/// More classes than recordings usually have, in files that do not say how many there are.
const MANY_CLASSES: usize = 1_000;

/// The name of [`EventFiles`] as a data set.
pub const EVENTS: &str = "events";

/// Recordings in files of one's own, in a form that [`read_recordings`] knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFiles {
    /// The training split. A relative path is taken from the working folder or, if it is not there,
    /// from the folders of the [`Locations`].
    pub train: PathBuf,
    /// The test split.
    pub test: PathBuf,
    /// Input units; other units are folded onto them, modulo their number. By default one more than
    /// the largest unit of both splits.
    pub units: Option<usize>,
    /// Classes. By default as many as the training split has names for, or one more than the largest
    /// label of both splits.
    pub classes: Option<usize>,
}

impl EventFiles {
    /// Opens them. They are not binned yet, and have no [`timing`](DataSource::timing) of their own.
    ///
    /// # Errors
    ///
    /// [`DataError::Missing`], or what is wrong with the files.
    pub fn open(&self, locations: &Locations) -> Result<DataSource, DataError> {
        let paths = [
            locations.find_file(&self.train)?,
            locations.find_file(&self.test)?,
        ];
        let EventFile {
            recordings: train,
            class_names,
        } = read_recordings(&paths[0])?;
        let splits = [train, read_recordings(&paths[1])?.recordings];
        let units = self.units.unwrap_or_else(|| {
            let largest = splits.iter().filter_map(Recordings::largest_unit).max();
            largest.map_or(1, |unit| unit as usize + 1)
        });
        let labels = splits.iter().flat_map(Recordings::labels);
        let largest = labels.max().map_or(1, |&label| label as usize + 1);
        if largest > MANY_CLASSES && self.classes.is_none() && class_names.len() < largest {
            let found = format!("{} in these files", largest - 1);
            let expected = format!(
                "less than {MANY_CLASSES}; are some recordings unlabelled? With as many classes say \
                 how many there are"
            );
            return Err(DataError::argument("the largest label", found, expected));
        }
        let names = match self.classes {
            None if class_names.len() >= largest => class_names,
            None => numbered(largest),
            Some(classes) if class_names.len() == classes => class_names,
            Some(classes) => numbered(classes),
        };
        let source = DataSource {
            folder: paths[0].parent().map(Path::to_path_buf),
            ..DataSource::empty(EVENTS, &[units], None)
        };
        of_recordings(source, splits, &paths, names)
    }
}

/// Recordings in whichever form: a folder or a zip archive of N-MNIST's tree, else HDF5.
///
/// # Errors
///
/// What is wrong with the file.
pub fn read_recordings(path: &Path) -> Result<EventFile, DataError> {
    let recordings = if path.is_dir() {
        n_mnist::read_tree(path)?
    } else if path.extension().is_some_and(|extension| extension == "zip") {
        match n_mnist::read_zip(path) {
            Ok(recordings) => recordings,
            // It may hold an HDF5 file; if it does not, what N-MNIST's reader says is of more use.
            Err(error) => return read_events(path).map_err(|_| error),
        }
    } else {
        return read_events(path);
    };
    Ok(EventFile {
        recordings,
        class_names: numbered(n_mnist::CLASSES),
    })
}

/// Fills in two splits of recordings whose labels are among the classes.
fn of_recordings(
    source: DataSource,
    splits: [Recordings; 2],
    paths: &[PathBuf],
    class_names: Vec<String>,
) -> Result<DataSource, DataError> {
    let classes = class_names.len();
    for (split, path) in splits.iter().zip(paths) {
        let mut labels = split.labels().iter().map(|&label| label as usize);
        if let Some(index) = labels.position(|label| label >= classes) {
            return Err(DataError::Label {
                path: path.clone(),
                index,
                found: split.labels()[index] as usize,
                classes,
            });
        }
    }
    let memory_bytes = splits.iter().map(Recordings::memory_bytes).sum();
    let [train, test] = splits;
    Ok(DataSource {
        class_names,
        augmentation: Some(Augmentation::Events(EventAugmentation::default())),
        memory_bytes,
        train: Arc::new(train),
        test: Arc::new(test),
        ..source
    })
}

fn check_units(splits: &[Recordings; 2], paths: &[PathBuf], units: usize) -> Result<(), DataError> {
    for (split, path) in splits.iter().zip(paths) {
        if let Some(unit) = split.largest_unit().filter(|&unit| unit as usize >= units) {
            return Err(DataError::Content {
                path: path.clone(),
                problem: format!("found an event of unit {unit}, expected less than {units}"),
            });
        }
    }
    Ok(())
}

fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

impl DataSource {
    /// Without samples yet.
    fn empty(name: &str, input_shape: &[usize], timing: Option<Timing>) -> Self {
        Self {
            name: name.to_string(),
            input_shape: input_shape.to_vec(),
            class_names: Vec::new(),
            augmentation: None,
            timing,
            folder: None,
            memory_bytes: 0,
            train: Arc::new(Recordings::default()),
            test: Arc::new(Recordings::default()),
        }
    }

    /// A known one without samples yet.
    fn of(set: &DataSet) -> Self {
        Self::empty(set.name, set.input_shape, set.timing)
    }

    /// The Yin-Yang data set with splits of any size and seed; [`open`] takes
    /// [`YinYang::train`] and [`YinYang::test`].
    pub fn yin_yang(train: YinYang, test: YinYang) -> Self {
        Self {
            class_names: YIN_YANG_CLASSES.map(str::to_string).to_vec(),
            memory_bytes: (train.len() + test.len()) * size_of::<crate::YinYangPoint>(),
            train: Arc::new(train),
            test: Arc::new(test),
            ..Self::empty("yin-yang", &[4], None)
        }
    }

    /// Its name; [`EVENTS`] for files of one's own.
    pub fn name(&self) -> &str {
        &self.name
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

    /// Classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// What the classes are called, by label.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The augmentation that there is for this data set.
    pub fn augmentation(&self) -> Option<&Augmentation> {
        self.augmentation.as_ref()
    }

    /// The usual binning of recordings; none for values, and for files of one's own.
    pub fn timing(&self) -> Option<Timing> {
        self.timing
    }

    /// The folder it was read from, or none when it was made on the spot.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Bytes that it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
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
