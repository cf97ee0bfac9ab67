//! What data sets of recordings share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::CONVERTED;
use crate::formats::read_classes;
use crate::{DataError, EventFile, Recordings, Splits};

/// Reads the training split and the test split, whose units and labels are below the given numbers.
pub(super) fn read(paths: &[PathBuf], classes: usize, units: usize) -> Result<Splits, DataError> {
    let [train, test] = [read_one(&paths[0], classes)?, read_one(&paths[1], classes)?];
    let doubts = [train.doubts, test.doubts].concat();
    let recordings = [train.recordings, test.recordings];
    for (split, path) in recordings.iter().zip(paths) {
        if let Some(unit) = split.largest_unit().filter(|&unit| unit as usize >= units) {
            return Err(DataError::Content {
                path: path.clone(),
                problem: format!("found an event of unit {unit}, expected less than {units}"),
            });
        }
    }
    Ok(Splits {
        doubts,
        ..splits(recordings, paths, classes, train.class_names)?
    })
}

/// Reads a file with at least one recording, of a tree only the folders of so many classes.
pub(super) fn read_some(path: &Path, classes: Option<usize>) -> Result<EventFile, DataError> {
    let file = read_classes(path, classes)?;
    match file.recordings.labels() {
        [] => Err(DataError::Content {
            path: path.to_path_buf(),
            problem: "found no recording, expected at least one".to_string(),
        }),
        _ => Ok(file),
    }
}

fn read_one(path: &Path, classes: usize) -> Result<EventFile, DataError> {
    let name = path.file_name().unwrap_or_default();
    let is_converted = CONVERTED.iter().any(|converted| name == *converted);
    read_some(path, Some(classes)).map_err(|error| match error {
        DataError::Content { path, problem } if is_converted => {
            let problem =
                format!("{problem}; or delete it, and convert the data set's own files once more");
            DataError::Content { path, problem }
        }
        other => other,
    })
}

/// The training split and the test split, if every label is below `classes`.
pub(super) fn splits(
    recordings: [Recordings; 2],
    paths: &[PathBuf],
    classes: usize,
    class_names: Vec<String>,
) -> Result<Splits, DataError> {
    for (split, path) in recordings.iter().zip(paths) {
        let (least, most) = (split.labels().iter().min(), split.labels().iter().max());
        if let (Some(1), Some(&most)) = (least, most)
            && most as usize == classes
        {
            return Err(DataError::Content {
                path: path.clone(),
                problem: format!(
                    "found labels from 1 to {classes}, expected 0 to {}; are they numbered from 1?",
                    classes - 1
                ),
            });
        }
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
    let memory_bytes = recordings.iter().map(Recordings::memory_bytes).sum();
    let [train, test] = recordings;
    Ok(Splits {
        train: Arc::new(train),
        test: Arc::new(test),
        class_names,
        doubts: Vec::new(),
        memory_bytes,
    })
}
