//! Fetching of data sets: from links and package managers, resumed, verified, and whole or not at
//! all.
//!
//! A file is written as `NAME.part`, checked, and only then gets its name; two processes never
//! fetch the same data set at once. Whatever happens in between, to call [`fetch`] again puts it
//! right.

mod catalogue;
mod check;
mod entries;
mod files;
mod http;
mod links;
mod packages;
mod run;
mod unpack;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use catalogue::{Archive, Checksum, DataFile, Entry, Identity, Mirror};
pub use check::{FileReport, FileState};
pub use entries::catalogue;

use crate::DataError;
use files::Lock;
use run::Run;

/// How to fetch.
#[derive(Debug, Clone)]
pub struct Options {
    /// Nothing is fetched; what is missing is an error.
    pub offline: bool,
    /// How long finding a host, and connecting to it, may each take.
    pub connect_timeout: Duration,
    /// How long a connection may be silent.
    pub stall_timeout: Duration,
    /// How long a package manager may take.
    pub command_timeout: Duration,
    /// How often a link is tried again that fails in a way that may pass.
    pub retries: u32,
    /// The pause before it is tried again, doubled each time.
    pub backoff: Duration,
    /// Another catalogue than the built-in one.
    pub catalogue: Option<Vec<Entry>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            offline: false,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            command_timeout: Duration::from_secs(15 * 60),
            retries: 3,
            backoff: Duration::from_secs(1),
            catalogue: None,
        }
    }
}

impl Options {
    fn entry(&self, name: &str) -> Result<Entry, DataError> {
        let entries = self.catalogue.clone().unwrap_or_else(catalogue);
        let known = entries.iter().map(|entry| entry.name.clone()).collect();
        let found = entries.into_iter().find(|entry| entry.name == name);
        found.ok_or(DataError::NotFetchable {
            name: name.to_string(),
            known,
        })
    }
}

/// Is told how a fetch goes on. `()` is one that ignores it.
pub trait Progress {
    /// A file begins to come from a source, with so many bytes if that is known.
    fn begin(&mut self, file: &str, source: &str, total: Option<u64>);
    /// So many more bytes of the file are there, also those of an earlier run.
    fn advance(&mut self, bytes: u64);
    /// The file that began has ended, well or not.
    fn end(&mut self);
    /// A line that the user may want to read: a mirror that failed, a wait.
    fn note(&mut self, line: &str);
}

impl Progress for () {
    fn begin(&mut self, _: &str, _: &str, _: Option<u64>) {}
    fn advance(&mut self, _: u64) {}
    fn end(&mut self) {}
    fn note(&mut self, _: &str) {}
}

/// Why something could not be had.
enum Failure {
    /// The mirror is at fault: the next one may do.
    Mirror(String),
    /// This machine is at fault: no mirror would do.
    Local(DataError),
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::Local(error)
    }
}

/// Fetches what is missing or wrong of a data set into the folder `root/name`, which it returns.
///
/// # Errors
///
/// [`DataError::NotFetchable`] for a name that is not in the catalogue, [`DataError::Offline`] when
/// something is missing and nothing may be fetched, [`DataError::Fetch`] when no mirror has a file,
/// and [`DataError::Write`] when a file cannot be written, of a full disk for example.
pub fn fetch(
    name: &str,
    root: &Path,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<PathBuf, DataError> {
    let entry = options.entry(name)?;
    let folder = root.join(name);
    // Before anything is written: a folder that is complete may be read-only.
    let missing = run::missing(&entry, &folder);
    if missing.is_empty() {
        return Ok(folder);
    }
    // An archive that was put there by hand needs no network.
    let archive = entry.archive.as_ref();
    let at_hand = archive.is_some_and(|archive| folder.join(&archive.name).is_file());
    if options.offline && !at_hand {
        return Err(DataError::Offline {
            name: name.to_string(),
            remedy: run::remedy(&entry, &missing, &folder),
        });
    }
    let create = |folder: &Path| {
        std::fs::create_dir_all(folder).map_err(|source| files::cannot_write(folder, source))
    };
    create(root)?;
    let _lock = Lock::take(root, name, progress)?;
    // Not before the lock: whoever held it may have removed the folder.
    create(&folder)?;
    Run::new(&entry, root, options, progress).all()?;
    Ok(folder)
}

/// Looks at every file of a data set in its folder, by size, checksum and structure, as far as
/// they are known.
///
/// # Errors
///
/// [`DataError::NotFetchable`] for a name that is not in the catalogue.
pub fn verify(name: &str, folder: &Path) -> Result<Vec<FileReport>, DataError> {
    let entry = Options::default().entry(name)?;
    Ok(verify_entry(&entry, folder))
}

/// [`verify`] with an entry of another catalogue.
pub fn verify_entry(entry: &Entry, folder: &Path) -> Vec<FileReport> {
    let files = entry.files.iter();
    files.map(|file| check::report(folder, file)).collect()
}
