//! The folder of a run: its files, written so that a crash leaves the old or the new one, whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::clock::Moment;
use crate::error::{Result, RunnerError};

/// The resolved config.
pub const CONFIG: &str = "config.toml";
/// Versions, device, machine.
pub const ENVIRONMENT: &str = "environment.json";
/// One line an epoch.
pub const EPOCHS: &str = "epochs.jsonl";
/// One line a batch.
pub const BATCHES: &str = "batches.jsonl";
/// What came out.
pub const SUMMARY: &str = "summary.json";
/// What `eval` found.
pub const EVALUATION: &str = "eval.json";
/// Weights of the best epoch.
pub const BEST: &str = "best.safetensors";
/// Weights as training goes on with them.
pub const LAST: &str = "last.safetensors";
/// Everything that going on needs.
pub const RESUME: &str = "resume.safetensors";
const LOCK: &str = ".lock";

const CHOOSE: &str = "choose a folder that can be written to with --out";
/// What to do when the folder of a run that exists cannot be written to.
pub(crate) const REPAIR: &str =
    "see that the run's folder can be written to and its disk has room, then go on with --resume";

/// A run's folder, which no other process writes to while this exists.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: File,
}

impl Drop for RunFolder {
    /// A child process that was forked meanwhile shares the open file until it runs its own program, and the lock
    /// with it: closing the file would not give it back.
    fn drop(&mut self) {
        // A file system without locks has nothing to give back.
        let _ = self.lock.unlock();
    }
}

impl RunFolder {
    /// Makes the folder of a new run; it may exist if it holds none.
    ///
    /// # Errors
    ///
    /// [`RunnerError::HoldsRun`], or [`RunnerError::Write`].
    pub fn create(path: &Path) -> Result<Self> {
        for found in [CONFIG, RESUME, EPOCHS, SUMMARY] {
            if path.join(found).exists() {
                let path = path.to_path_buf();
                return Err(RunnerError::HoldsRun { path, found });
            }
        }
        fs::create_dir_all(path).map_err(write_error(path, CHOOSE))?;
        Self::lock(path, CHOOSE)
    }

    /// Makes the folder `runs/<name>-<time>`, with a number behind it if there is one already.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub fn create_named(name: &str) -> Result<Self> {
        let parent = Path::new("runs");
        fs::create_dir_all(parent).map_err(write_error(parent, CHOOSE))?;
        let stem = format!("{name}-{}", Moment::now().compact());
        let mut path = parent.join(&stem);
        let mut number = 2;
        loop {
            match fs::create_dir(&path) {
                Ok(()) => return Self::lock(&path, CHOOSE),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    path = parent.join(format!("{stem}-{number}"));
                    number += 1;
                }
                Err(error) => return Err(write_error(&path, CHOOSE)(error)),
            }
        }
    }

    /// Opens the folder of a run, to write to it.
    ///
    /// # Errors
    ///
    /// [`RunnerError::NotARun`], [`RunnerError::InUse`] or [`RunnerError::Write`].
    pub fn open(path: &Path) -> Result<Self> {
        check(path)?;
        Self::lock(path, REPAIR)
    }

    fn lock(path: &Path, remedy: &'static str) -> Result<Self> {
        let file = path.join(LOCK);
        let lock = File::create(&file).map_err(write_error(&file, remedy))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_path_buf(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(RunnerError::InUse {
                path: path.to_path_buf(),
            }),
            // A file system without locks: nothing to hold.
            Err(TryLockError::Error(_)) => Ok(Self {
                path: path.to_path_buf(),
                lock,
            }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file: to a temporary name, to the disk, then over the old one.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(name);
        let temporary = self.file(&format!(".{name}.tmp"));
        let written = (|| {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            // The new name itself must reach the disk too; only Unix opens folders as files.
            #[cfg(unix)]
            File::open(&self.path)?.sync_all()?;
            Ok(())
        })();
        written.map_err(write_error(&path, REPAIR))
    }

    /// Writes a file of pretty JSON.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(value)
            .map_err(|error| write_error(&self.file(name), REPAIR)(error.into()))?;
        bytes.push(b'\n');
        self.write(name, &bytes)
    }
}

/// Checks that a folder is a run's.
///
/// # Errors
///
/// [`RunnerError::NotARun`].
pub fn check(path: &Path) -> Result<()> {
    let missing = if !path.exists() {
        "there is no such folder".to_string()
    } else if !path.is_dir() {
        "it is a file".to_string()
    } else if !path.join(CONFIG).is_file() {
        format!("it has no {CONFIG}")
    } else {
        return Ok(());
    };
    Err(RunnerError::NotARun {
        path: path.to_path_buf(),
        missing,
    })
}

/// A file of JSON lines that grows.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: BufWriter<File>,
    length: u64,
}

impl Log {
    /// Opens a log, made if absent, and cuts it to its first `length` bytes: what came after the
    /// last checkpoint is about to be written again.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`], or [`RunnerError::Checkpoint`] if it is shorter than that.
    pub fn open(path: PathBuf, length: u64) -> Result<Self> {
        let opened = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .and_then(|file| Ok((file.metadata()?.len(), file)));
        let (found, mut file) = opened.map_err(write_error(&path, REPAIR))?;
        if found < length {
            let problem = format!("found {found} bytes, expected the {length} of the checkpoint");
            return Err(RunnerError::Checkpoint { path, problem });
        }
        file.set_len(length)
            .and_then(|()| file.seek(SeekFrom::Start(length)))
            .map_err(write_error(&path, REPAIR))?;
        let file = BufWriter::new(file);
        Ok(Self { path, file, length })
    }

    /// Appends a line.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub fn append(&mut self, value: &impl Serialize) -> Result<()> {
        let written = serde_json::to_vec(value)
            .map_err(std::io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.length += line.len() as u64;
                self.file.write_all(&line)
            });
        written.map_err(write_error(&self.path, REPAIR))
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub fn sync(&mut self) -> Result<()> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_data())
            .map_err(write_error(&self.path, REPAIR))
    }

    /// Its bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

fn write_error(path: &Path, remedy: &'static str) -> impl FnOnce(std::io::Error) -> RunnerError {
    let path = path.to_path_buf();
    move |source| RunnerError::Write {
        path,
        source,
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let folder = RunFolder::create(&path).unwrap();
        folder.write(CONFIG, b"").unwrap();
        let error = RunFolder::open(&path).unwrap_err();
        assert!(matches!(error, RunnerError::InUse { .. }));
        drop(folder);
        RunFolder::open(&path).unwrap();
        let error = RunFolder::create(&path).unwrap_err();
        assert!(matches!(error, RunnerError::HoldsRun { .. }));
    }

    #[test]
    fn a_folder_is_free_once_dropped_whatever_shares_its_lock() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        let folder = RunFolder::create(&path).unwrap();
        folder.write(CONFIG, b"").unwrap();
        // A forked child shares the open file in the same way.
        let shared = folder.lock.try_clone().unwrap();
        drop(folder);
        RunFolder::open(&path).unwrap();
        drop(shared);
    }

    #[test]
    fn a_log_is_cut_to_the_checkpoint() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        let mut log = Log::open(path.clone(), 0).unwrap();
        log.append(&1).unwrap();
        log.append(&23).unwrap();
        log.sync().unwrap();
        assert_eq!(log.length(), 5);
        drop(log);
        let mut log = Log::open(path.clone(), 2).unwrap();
        log.append(&4).unwrap();
        log.sync().unwrap();
        drop(log);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n4\n");
        assert!(Log::open(path, 5).is_err());
    }

    #[test]
    fn written_files_leave_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path()).unwrap();
        folder.write(BEST, b"one").unwrap();
        folder.write(BEST, b"two").unwrap();
        assert_eq!(fs::read(folder.file(BEST)).unwrap(), b"two");
        let mut names: Vec<_> = fs::read_dir(root.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, [LOCK, BEST]);
    }
}
