//! Parsers of the files that data sets come in. Their bytes may come from anywhere: every parser is
//! bounded in what it reads and keeps, and never panics.

pub mod archive;
pub mod cifar;
pub mod event_files;
pub mod idx;
pub mod n_mnist;
mod recordings;

pub(crate) use recordings::read_classes;
pub use recordings::read_recordings;
