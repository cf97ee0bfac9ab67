//! Files of recordings: HDF5, in the layout of the Spiking Heidelberg Digits or in a flat one.
//!
//! # Layouts
//!
//! The layout of SHD and SSC, which the N-MNIST converter of the reference implementation writes,
//! too. A recording is an element of a data set of variable-length numbers:
//!
//! | data set | elements | holds |
//! |---|---|---|
//! | `spikes/units` | `[samples]`, variable-length integers | the unit of each event |
//! | `spikes/times` | `[samples]`, variable-length floats | the time of each event in seconds |
//! | `labels` | `[samples]` integers | the class of each recording |
//! | `extra/keys` | `[classes]` strings, optional | the classes' names |
//!
//! The flat layout, which is smaller and the one to bring data in: the events of
//! all recordings one after the other. The presence of `spikes/offsets` tells it apart:
//!
//! | data set | elements | holds |
//! |---|---|---|
//! | `spikes/units` | `[events]` integers | the unit of each event |
//! | `spikes/times` | `[events]` floats | the time of each event in seconds |
//! | `spikes/offsets` | `[samples + 1]` integers | recording i is the events from offset i up to offset i + 1 |
//! | `labels` | `[samples]` integers | the class of each recording |
//! | `extra/keys` | `[classes]` strings, optional | the classes' names |
//!
//! Integers have 8 to 64 bits, signed or not; floats 16, 32 or 64, and are kept as float32; in
//! either byte order. Units are 0 to 2³² − 1, labels 0 to 65,535, times finite and not negative.
//! Data sets may be contiguous or chunked, with the filters deflate, shuffle and fletcher32, in the
//! format of HDF5 1.14 or older. With h5py a flat file is
//!
//! ```python
//! with h5py.File("train.h5", "w") as file:
//!     file["spikes/units"] = np.concatenate(units).astype("u2")
//!     file["spikes/times"] = np.concatenate(times).astype("f4")
//!     file["spikes/offsets"] = np.cumsum([0] + [len(u) for u in units])
//!     file["labels"] = labels
//!     file["extra/keys"] = ["zero", "one"]
//! ```
//!
//! [`write_flat`] writes one. Files are read as they are, compressed with gzip, or as the only
//! `.h5` or `.hdf5` file of a zip archive.

mod global_heap;
mod numbers;
mod read;
mod write;

use std::path::Path;

use crate::archive::read_packed;
use crate::{DataError, Recordings};

pub use read::read_events_bytes;
pub use write::write_flat;

/// Labels are below it.
pub const MAX_CLASSES: usize = 1 << 16;

/// The largest file that is read, when it is unpacked. SSC's largest has some 2 GiB.
const LIMIT: u64 = 8 << 30;

/// What a file of recordings holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventFile {
    /// The recordings, in the order of the file.
    pub recordings: Recordings,
    /// The name of each class; empty in a file without names.
    pub class_names: Vec<String>,
}

/// Reads a file of recordings in either [layout](self), packed or not. Never writes to it, so that
/// several threads may read the same file.
///
/// Takes the size of the unpacked file, the events (8 bytes each) and at most as much again while
/// it reads.
///
/// # Errors
///
/// A [`DataError`] with the path when the file cannot be read, is damaged, or holds anything but
/// sound recordings.
pub fn read_events(path: &Path) -> Result<EventFile, DataError> {
    let wanted = |name: &str| {
        let hidden = name.starts_with("__MACOSX/"); // what macOS adds
        !hidden && (name.ends_with(".h5") || name.ends_with(".hdf5"))
    };
    // Spikes are not compressed this well: what is, is a bomb.
    let packed = path.metadata().map_or(0, |metadata| metadata.len());
    let limit = LIMIT.min((64 << 20) + 100 * packed);
    read_events_bytes(read_packed(path, limit, wanted)?, path)
}
