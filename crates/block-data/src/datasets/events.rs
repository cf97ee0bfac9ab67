//! Recordings in files of one's own. Nothing is known of them beforehand, so they are not in the
//! registry.

use std::path::{Path, PathBuf};

use super::recorded;
use crate::augment::{Augmentation, EventAugmentation};
use crate::formats::archive::fault;
use crate::source::numbered;
use crate::{DataError, DataSource, EventFile, Locations, Recordings};

/// More units than sensors usually have: 512 times 512 pixels of two polarities make half as many.
const MANY_UNITS: usize = 1 << 20;

/// More classes than recordings usually have, in files that do not say how many there are.
const MANY_CLASSES: usize = 1_000;

/// The name of [`EventFiles`] as a data set.
pub const EVENTS: &str = "events";

/// Recordings in files of one's own, in a form that [`read_recordings`](crate::read_recordings) knows.
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

/// The file of the split that a number occurs in.
fn file_of<'a>(number: usize, splits: [&[u32]; 2], paths: &'a [PathBuf]) -> &'a Path {
    let is_first = splits[0].iter().any(|&found| found as usize == number);
    &paths[usize::from(!is_first)]
}

/// The largest number of both splits, and the next.
fn largest_of(what: &str, splits: [&[u32]; 2]) -> String {
    let all = || splits.into_iter().flatten().copied();
    let largest = all().max().unwrap_or_default();
    match all().filter(|&number| number < largest).max() {
        Some(next) => format!("the largest {what} is {largest}, the next largest {next}"),
        None => format!("the only {what} is {largest}"),
    }
}

impl EventFiles {
    /// Opens the files. They are not binned yet, and have no [`timing`](DataSource::timing) of their own.
    ///
    /// # Errors
    ///
    /// [`DataError::Missing`], or what is wrong with the files.
    pub fn open(&self, locations: &Locations) -> Result<DataSource, DataError> {
        let paths = [
            locations.find_file(&self.train)?,
            locations.find_file(&self.test)?,
        ];
        let train = recorded::read_some(&paths[0], None)?;
        let test = recorded::read_some(&paths[1], None)?;
        self.source(train, test, &paths)
    }

    /// Opens the test split alone; there are no training samples then. Units and classes that are not given follow from
    /// it.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_test(&self, locations: &Locations) -> Result<DataSource, DataError> {
        let path = locations.find_file(&self.test)?;
        let EventFile {
            recordings: test,
            class_names,
            doubts,
        } = recorded::read_some(&path, None)?;
        let train = EventFile {
            class_names,
            ..EventFile::default()
        };
        let test = EventFile {
            recordings: test,
            doubts,
            ..EventFile::default()
        };
        self.source(train, test, &[path.clone(), path])
    }

    fn source(
        &self,
        train: EventFile,
        test: EventFile,
        paths: &[PathBuf],
    ) -> Result<DataSource, DataError> {
        let class_names = train.class_names;
        let doubts = [train.doubts, test.doubts].concat();
        let splits = [train.recordings, test.recordings];
        let units = self.units.unwrap_or_else(|| {
            let largest = splits.iter().filter_map(Recordings::largest_unit).max();
            largest.map_or(1, |unit| unit as usize + 1)
        });
        if self.units.is_none() && units > MANY_UNITS {
            let all = splits.each_ref().map(Recordings::all_units);
            let problem = format!(
                "{}, expected less than {MANY_UNITS}; is it a stray? If there are that many units, state their number",
                largest_of("unit", all)
            );
            return Err(fault(file_of(units - 1, all, paths), problem));
        }
        let labels = splits.iter().flat_map(Recordings::labels);
        let largest = labels.max().map_or(1, |&label| label as usize + 1);
        if largest > MANY_CLASSES && self.classes.is_none() && class_names.len() < largest {
            let all = splits.each_ref().map(Recordings::labels);
            let problem = format!(
                "{}, expected less than {MANY_CLASSES}; are some recordings unlabelled? If there are that many classes, \
                 state their number",
                largest_of("label", all)
            );
            return Err(fault(file_of(largest - 1, all, paths), problem));
        }
        let names = match self.classes {
            None if class_names.len() >= largest => class_names,
            None => numbered(largest),
            Some(classes) if class_names.len() == classes => class_names,
            Some(classes) => numbered(classes),
        };
        let splits = recorded::splits(splits, paths, names.len(), Vec::new())?;
        Ok(DataSource {
            name: EVENTS,
            input_shape: vec![units],
            class_names: names,
            augmentation: Some(Augmentation::Events(EventAugmentation::USUAL)),
            timing: None,
            normalization: None,
            folder: paths[0].parent().map(Path::to_path_buf),
            memory_bytes: splits.memory_bytes,
            doubts,
            train: splits.train,
            test: splits.test,
        })
    }
}
