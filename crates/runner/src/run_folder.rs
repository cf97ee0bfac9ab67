//! The folder of a run: its files, written so that a crash leaves the old or the new one, whole.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use block_data::special_file;
use serde::Serialize;

use crate::clock::Moment;
use crate::error::{Result, RunnerError};
use crate::files::{REPAIR, unfinished, write_error, write_keeping, write_whole};

/// The resolved config.
pub(crate) const CONFIG: &str = "config.toml";
/// Versions, device, machine.
pub(crate) const ENVIRONMENT: &str = "environment.json";
/// What was found in its place and is no such record.
pub(crate) const UNREADABLE: &str = "environment-unreadable.json";
/// One line an epoch.
pub(crate) const EPOCHS: &str = "epochs.jsonl";
/// One line a batch.
pub(crate) const BATCHES: &str = "batches.jsonl";
/// What came out.
pub(crate) const SUMMARY: &str = "summary.json";
/// What `eval` found.
pub(crate) const EVALUATION: &str = "eval.json";
/// Weights of the best epoch.
pub(crate) const BEST: &str = "best.safetensors";
/// What becomes of them where a run goes on with accepted changes after so many epochs.
pub(crate) fn best_until(epoch: usize) -> String {
    format!("{BEST_UNTIL}{epoch}.safetensors")
}
const BEST_UNTIL: &str = "best-until-epoch-";
/// Weights as training goes on with them.
pub(crate) const LAST: &str = "last.safetensors";
/// What was found of the logs that are no lines of them.
pub(crate) const UNREADABLE_LOGS: [&str; 2] =
    ["epochs-unreadable.jsonl", "batches-unreadable.jsonl"];
/// Everything that going on needs.
pub(crate) const RESUME: &str = "resume.safetensors";
/// The one before that, in case that is damaged.
pub(crate) const PREVIOUS: &str = "resume-previous.safetensors";
const LOCK: &str = ".lock";
const FILES: [&str; 10] = [
    CONFIG,
    ENVIRONMENT,
    EPOCHS,
    BATCHES,
    SUMMARY,
    EVALUATION,
    BEST,
    LAST,
    RESUME,
    PREVIOUS,
];

const CHOOSE: &str = "choose a folder that can be written to with --out";

/// A run's folder, which no other process writes to while this exists.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: File,
    /// Whether it was made for this run.
    made: bool,
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
        for found in [RESUME, PREVIOUS, CONFIG, EPOCHS, SUMMARY] {
            if path.join(found).exists() {
                let path = path.to_path_buf();
                let remedy = match found {
                    RESUME | PREVIOUS => "go on with it by --resume",
                    _ => "no checkpoint is there, so clear it",
                };
                return Err(RunnerError::HoldsRun {
                    path,
                    found,
                    remedy,
                });
            }
        }
        let made = !path.exists();
        fs::create_dir_all(path).map_err(write_error(path, CHOOSE))?;
        let mut folder = Self::lock(path, CHOOSE)?;
        folder.made = made;
        Ok(folder)
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
                Ok(()) => {
                    let mut folder = Self::lock(&path, CHOOSE)?;
                    folder.made = true;
                    return Ok(folder);
                }
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
        check_files(path)?;
        let file = path.join(LOCK);
        let lock = File::create(&file).map_err(write_error(&file, remedy))?;
        match lock.try_lock() {
            Ok(()) => {
                let folder = Self {
                    path: path.to_path_buf(),
                    lock,
                    made: false,
                };
                folder.clear_unfinished();
                Ok(folder)
            }
            Err(TryLockError::WouldBlock) => Err(RunnerError::InUse {
                path: path.to_path_buf(),
            }),
            // A file system without locks: nothing to hold.
            Err(TryLockError::Error(_)) => Ok(Self {
                path: path.to_path_buf(),
                lock,
                made: false,
            }),
        }
    }

    /// Removes files that a killed process had not written to their end.
    fn clear_unfinished(&self) {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_of_run = |name: &&str| {
                name.starts_with(BEST_UNTIL)
                    || FILES.contains(name)
                    || UNREADABLE_LOGS.contains(name)
            };
            if unfinished(&name).filter(is_of_run).is_some() {
                // What cannot be removed will be written over.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Takes back a new run that failed before its first checkpoint, as nothing could go on with it: removes its
    /// files, and the folder if it was made for it. The error, with what to do instead of --resume.
    pub(crate) fn abandon(&self, error: RunnerError) -> RunnerError {
        // Those that it wrote, and no others that may have been there.
        for name in [CONFIG, ENVIRONMENT, EPOCHS, BATCHES, RESUME, LAST, LOCK] {
            let _ = fs::remove_file(self.file(name));
        }
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
        match error {
            RunnerError::Write { path, source, .. } => RunnerError::Write {
                path,
                source,
                remedy: "see that there is room on the disk, or choose another folder with --out, and start anew",
            },
            other => other,
        }
    }

    /// The error for one of its files that cannot be written.
    fn write_error(&self, file: &Path) -> impl FnOnce(std::io::Error) -> RunnerError {
        let remedy = match self.path.is_dir() {
            true => REPAIR,
            false => {
                "the run's folder was deleted or moved while the run went on; where it was moved, go on there with --resume"
            }
        };
        write_error(file, remedy)
    }

    /// The folder's path.
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
        let written = write_whole(&path, bytes);
        written.map_err(self.write_error(&path))
    }

    /// Writes a file as [`write`](Self::write) does; the old one stays under the name `previous`.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub(crate) fn write_keeping(&self, name: &str, previous: &str, bytes: &[u8]) -> Result<()> {
        let (path, previous) = (self.file(name), self.file(previous));
        let written = write_keeping(&path, bytes, &previous);
        written.map_err(self.write_error(&path))
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(self.write_error(&path)(error))
            }
            _ => Ok(()),
        }
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
/// [`RunnerError::NotARun`], [`RunnerError::Checkpoint`] for what is neither a file nor a folder in the place of a file.
pub(crate) fn check(path: &Path) -> Result<()> {
    let missing = if !path.exists() {
        "there is no such folder".to_string()
    } else if !path.is_dir() {
        "it is a file".to_string()
    } else if !path.join(CONFIG).exists() && !path.join(RESUME).exists() {
        format!("it has no {CONFIG}")
    } else {
        return check_files(path);
    };
    Err(RunnerError::NotARun {
        path: path.to_path_buf(),
        missing,
    })
}

/// Refuses what would be waited for.
fn check_files(path: &Path) -> Result<()> {
    for name in FILES.iter().chain(&[LOCK]) {
        let path = path.join(name);
        if let Some(found) = special_file(&path) {
            let problem = format!("it is {found}, expected a file; put the run's own in its place");
            return Err(RunnerError::Checkpoint { path, problem });
        }
    }
    Ok(())
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
