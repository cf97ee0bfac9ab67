//! Files on disk: the lock, the scratch folder, and how a file takes its name.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::check;
use super::entry::DataFile;
use super::progress::Progress;
use crate::DataError;

/// The error of a file that cannot be written.
pub(super) fn cannot_write(path: &Path, source: io::Error) -> DataError {
    DataError::Write {
        path: path.to_path_buf(),
        source,
    }
}

/// Keeps other processes from fetching the same data set, as long as it lives. The file itself
/// stays: to remove it would let two processes lock two files of one name.
pub(super) struct Lock(File);

impl Drop for Lock {
    /// A child process that was forked meanwhile shares the open file until it runs its own program, and the lock
    /// with it: closing the file would not give it back.
    fn drop(&mut self) {
        // A file system without locks has nothing to give back.
        let _ = self.0.unlock();
    }
}

impl Lock {
    pub(super) fn take(
        root: &Path,
        name: &str,
        progress: &mut dyn Progress,
    ) -> Result<Self, DataError> {
        let path = root.join(format!(".{name}.lock"));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| cannot_write(&path, source))?;
        let result = match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                progress.note(&format!(
                    "waiting for another process that fetches data set {name}"
                ));
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        match result {
            // Some network file systems have no locks: two runs then fetch twice, no worse.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                progress.note(&format!("{} cannot be locked: {error}", path.display()));
            }
            Err(source) => return Err(cannot_write(&path, source)),
            Ok(()) => {}
        }
        Ok(Self(file))
    }
}

/// A folder for what package managers write, gone when dropped. What a killed process left of it
/// is removed first.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(root: &Path, name: &str) -> Self {
        let scratch = Self(root.join(format!(".{name}.scratch")));
        scratch.remove();
        scratch
    }

    /// The folder, made when it is first asked for; absolute, as commands run inside.
    pub(super) fn folder(&self) -> Result<PathBuf, DataError> {
        let made = fs::create_dir_all(&self.0).and_then(|()| std::path::absolute(&self.0));
        made.map_err(|source| cannot_write(&self.0, source))
    }

    fn remove(&self) {
        // Nothing depends on it, and the next run tries again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The size of a file; 0 when there is none.
pub(super) fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> Result<(), DataError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot_write(path, error)),
        _ => Ok(()),
    }
}

/// The path under which a file is written before it has its name.
pub(super) fn part(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.part"))
}

/// Gives a file that was checked its name, in one step that survives a power cut.
pub(super) fn place(part: &Path, folder: &Path, name: &str) -> Result<(), DataError> {
    let path = folder.join(name);
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(part).map_err(|source| cannot_write(part, source))?;
    fs::rename(part, &path).map_err(|source| cannot_write(&path, source))?;
    // Only Unix lets a folder be synced.
    if cfg!(unix) {
        sync(folder).map_err(|source| cannot_write(folder, source))?;
    }
    Ok(())
}

/// [`place`] under the name that tells whether it is packed. A bad file of the other name would
/// hide this one or be mistaken for it, and is removed.
pub(super) fn place_data(part: &Path, folder: &Path, file: &DataFile) -> Result<(), DataError> {
    if !file.is_gzip() {
        return place(part, folder, &file.name);
    }
    let (mut name, mut other) = (file.name.as_str(), file.unpacked_name());
    if !check::is_gzip(part).map_err(|source| cannot_write(part, source))? {
        (name, other) = (other, name);
    }
    place(part, folder, name)?;
    remove(&folder.join(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_given_back_once_dropped_whatever_shares_it() {
        let root = tempfile::tempdir().unwrap();
        let lock = Lock::take(root.path(), "mnist", &mut ()).unwrap();
        // A forked child shares the open file in the same way.
        let shared = lock.0.try_clone().unwrap();
        drop(lock);
        let again = File::open(root.path().join(".mnist.lock")).unwrap();
        again.try_lock().unwrap();
        drop(shared);
    }
}
