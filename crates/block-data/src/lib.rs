//! Data sets, spike encoders and augmentation for spiking neural networks.
//!
//! [`open`] finds a data set on disk (or makes it) as a [`DataSource`]; a [`SpikeLoader`] turns a
//! split of it into batches of spike events, or of frames, on a thread of its own:
//!
//! ```
//! use block_data::{Encoding, Locations, SpikeLoader, open};
//!
//! let source = open("yin-yang", &Locations::new(None))?;
//! let loader = SpikeLoader::new(source.train(), Encoding::new(100)?, 128)?.with_shuffle(42);
//! for batch in loader.epoch(0).take(2) {
//!     let batch = batch?;
//!     assert_eq!(batch.input.shape(), [128, 100, 4]);
//!     assert_eq!(batch.targets.dims(), [128]);
//! }
//! # Ok::<(), block_data::DataError>(())
//! ```
//!
//! Everything random follows from a seed, the epoch and the sample's index alone: results depend
//! neither on threads nor on what ran before.

#![deny(missing_docs)]

mod account;
pub mod augment;
mod batch;
mod content;
mod dataset;
pub mod datasets;
pub mod encode;
mod encoding;
mod error;
pub mod fetch;
pub mod formats;
mod home;
mod images;
mod loader;
mod locate;
mod numpy_random;
mod random;
mod recordings;
mod regular;
mod sample;
mod source;
mod survey;
mod tally;
mod words;

pub use account::{Account, EventAccount};
pub use batch::{BatchInput, SpikeBatch, SpikeBatcher};
pub use content::{Content, Fingerprint};
pub use dataset::{CONVERTED, DataSet, Origin};
pub use datasets::events::{EVENTS, EventFiles};
pub use datasets::idx::{IDX, IdxFiles};
pub use datasets::n_mnist::folds_polarities;
pub use datasets::synthetic::SyntheticSpikes;
pub use datasets::yin_yang::{YIN_YANG_CLASSES, YinYang, YinYangPoint};
pub use datasets::{DATA_SETS, is_present, open};
pub use encoding::Encoding;
pub use error::DataError;
pub use formats::event_files::{EventFile, read_events, write_flat};
pub use formats::read_recordings;
pub use home::expand_home;
pub use images::Images;
pub use loader::{SpikeEpoch, SpikeLoader};
pub use locate::{DATA_VARIABLE, Locations, SYSTEM_FOLDER};
pub use numpy_random::NumpyRandom;
pub use recordings::Recordings;
pub use regular::{open_regular, special_file};
pub use sample::{Input, Recording, Sample, Samples};
pub use source::{DataSource, Normalization, Splits, Timing};
pub use survey::{MUCH_LONGER, Survey, Typical};
pub use tally::Tally;
pub use words::{counted, ranges};
