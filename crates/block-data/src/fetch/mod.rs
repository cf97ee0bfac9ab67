//! Fetching of files: from links and package managers, resumed, verified, and whole or not at all.
//!
//! What is fetched is an [`Entry`]; which data sets there are is not known here. A file is written as
//! `NAME.part`, checked, and only then gets its name; two processes never fetch the same data set at
//! once. Whatever happens in between, calling [`fetch`] again puts it right.

mod check;
mod entry;
mod failure;
mod files;
mod http;
mod links;
mod options;
mod packages;
mod progress;
mod run;
mod unpack;

pub use check::{FileReport, FileState, verify};
pub use entry::{Archive, Checksum, DataFile, Entry, Identity, Mirror};
pub use options::Options;
pub use progress::Progress;
pub use run::fetch;
