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
//! Integers have 8 to 64 bits, signed or not; floats 16, 32 or 64; in either byte order. Units are 0
//! to 2³² − 1, labels 0 to 65,535, times finite and not negative, and kept as float32. Whole numbers
//! may be floats or booleans too, times integers, and a data set of one dimension a column (n×1).
//! Data sets may be contiguous or chunked, with the filters deflate, shuffle, fletcher32, lzf and
//! scale-offset, in the format of HDF5 1.14 or older. A name may be a soft link, to a data set or to a group;
//! links that nobody needs may lead anywhere. With h5py a flat file is
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

mod dense;
mod event_file;
mod faults;
mod fields;
mod global_heap;
mod groups;
mod links;
mod numbers;
mod read;
mod write;

pub use event_file::{EventFile, MAX_CLASSES};
pub(crate) use read::is_event_file;
pub use read::{read_events, read_events_bytes};
pub use write::write_flat;
