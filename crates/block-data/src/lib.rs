//! Data sets, spike encoders and augmentation for spiking neural networks.
//!
//! [`open`] finds a data set on disk (or makes it) as a [`DataSource`]; a [`SpikeLoader`] turns a
//! split of it into batches of spike events, on a thread of its own:
//!
//! ```
//! use block_data::{Encoding, Locations, SpikeLoader, open};
//!
//! let source = open("yin-yang", &Locations::new(None))?;
//! let loader = SpikeLoader::new(source.train(), Encoding::new(100)?, 128)?.with_shuffle(42);
//! for batch in loader.epoch(0).take(2) {
//!     let batch = batch?;
//!     assert_eq!(batch.events.shape(), [128, 100, 4]);
//!     assert_eq!(batch.targets.dims(), [128]);
//! }
//! # Ok::<(), block_data::DataError>(())
//! ```
//!
//! Everything random follows from a seed, the epoch and the sample's index alone: results depend
//! neither on threads nor on what ran before.
#![deny(missing_docs)]

pub mod archive;
pub mod augment;
mod batch;
pub mod cifar;
pub mod encode;
mod error;
pub mod event_files;
pub mod fetch;
pub mod idx;
mod images;
mod known;
mod loader;
mod locate;
pub mod n_mnist;
mod numpy_random;
mod random;
mod recordings;
mod sample;
mod source;
mod synthetic;
mod yin_yang;

pub use batch::{Encoding, SpikeBatch, SpikeBatcher};
pub use error::DataError;
pub use event_files::{EventFile, read_events, write_flat};
pub use images::Images;
pub use known::{DATA_SETS, DataSet, Timing};
pub use loader::{SpikeEpoch, SpikeLoader};
pub use locate::{DATA_VARIABLE, Locations, SYSTEM_FOLDER};
pub use numpy_random::NumpyRandom;
pub use recordings::Recordings;
pub use sample::{Input, Recording, Sample, Samples};
pub use source::{
    DataSource, EVENTS, EventFiles, is_present, located, located_to_convert, open, read_recordings,
};
pub use synthetic::SyntheticSpikes;
pub use yin_yang::{YIN_YANG_CLASSES, YinYang, YinYangPoint};
