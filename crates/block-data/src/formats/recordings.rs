//! Recordings in whichever form.

use std::path::Path;

use super::archive::{fault, is_zip, zip_names};
use super::event_files::{EventFile, is_event_file, read_events};
use super::n_mnist::{self, is_recording};
use crate::DataError;

/// Names of an archive that are looked at to tell what is in it.
const NAMES: usize = 1 << 20;

/// Reads recordings in whichever form: a folder or a zip archive of N-MNIST's tree, else HDF5.
///
/// # Errors
///
/// What is wrong with the file.
pub fn read_recordings(path: &Path) -> Result<EventFile, DataError> {
    read_classes(path, None)
}

/// [`read_recordings`], of a tree only the folders of so many classes.
pub(crate) fn read_classes(path: &Path, classes: Option<usize>) -> Result<EventFile, DataError> {
    if path.is_dir() {
        return n_mnist::read_tree(path, classes);
    }
    if !is_zip(path)? {
        return read_events(path);
    }
    let names = zip_names(path, NAMES)?;
    let recording = names.iter().find(|name| is_recording(name));
    let file = names.iter().find(|name| is_event_file(name));
    match (recording, file) {
        (Some(recording), Some(file)) => Err(fault(
            path,
            format!(
                "found {recording:?} and {file:?} in the archive, expected recordings of one form"
            ),
        )),
        (Some(_), None) => n_mnist::read_zip(path, classes),
        // The error names what there is.
        (None, _) => read_events(path),
    }
}
