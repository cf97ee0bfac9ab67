//! Recordings in whichever form.

use std::path::Path;

use super::event_files::{EventFile, read_events};
use super::n_mnist;
use crate::DataError;

/// Reads recordings in whichever form: a folder or a zip archive of N-MNIST's tree, else HDF5.
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
        class_names: n_mnist::DIGITS.map(str::to_string).to_vec(),
    })
}
