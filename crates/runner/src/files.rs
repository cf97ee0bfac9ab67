//! Files that a crash leaves whole, and files of JSON lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use block_data::{counted, open_regular};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, RunnerError};

/// What to do when the folder of a run that exists cannot be written to.
pub(crate) const REPAIR: &str =
    "see that the run's folder can be written to and its disk has room, then go on with --resume";

/// Writes a file so that a crash leaves the old or the new one: to a temporary name beside it, to the disk, then
/// over the old one.
///
/// # Errors
///
/// What the system says; the old file is still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, None)
}

/// Writes a file as [`write_whole`] does; the old one, if there is one, stays under the name `previous`. A crash may
/// leave the old file there and the new one missing.
///
/// # Errors
///
/// What the system says; the old file is still there, under one of the two names.
pub(crate) fn write_keeping(path: &Path, bytes: &[u8], previous: &Path) -> io::Result<()> {
    put(path, bytes, Some(previous))
}

fn put(path: &Path, bytes: &[u8], previous: Option<&Path>) -> io::Result<()> {
    let (folder, temporary) = (path.parent().unwrap_or(path), temporary(path));
    let mut file = File::create(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written
        .and_then(|()| match previous {
            Some(previous) if path.exists() => fs::rename(path, previous),
            _ => Ok(()),
        })
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            // The error that matters is the first one.
            let _ = fs::remove_file(&temporary);
        })?;
    // The new name itself must reach the disk too; only Unix opens folders as files.
    #[cfg(unix)]
    if !folder.as_os_str().is_empty() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The name of a file until it is whole.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// The name of the file that one of this name was to become.
pub(crate) fn unfinished(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".tmp")
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
///
/// What the system says, or [`ErrorKind::FileTooLarge`].
pub(crate) fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    if file.metadata()?.len() > limit {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    // A device, for one, has no length.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// What a file of JSON lines holds.
#[derive(Debug)]
pub struct Lines<T> {
    /// The value of each line.
    pub values: Vec<T>,
    /// The bytes of these lines. What follows them is a last line that was cut off.
    pub length: usize,
}

/// Reads the whole lines of a file of JSON lines.
///
/// # Errors
///
/// [`RunnerError::Read`], or [`RunnerError::Checkpoint`] with the line that is no such value.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Lines<T>> {
    let text = fs::read_to_string(path).map_err(|source| RunnerError::Read {
        path: path.to_path_buf(),
        source,
        expected: "a file of JSON lines",
    })?;
    let length = text.rfind('\n').map_or(0, |end| end + 1);
    let parse = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| RunnerError::Checkpoint {
            path: path.to_path_buf(),
            problem: format!("line {}: {error}", index + 1),
        })
    };
    let values = text[..length].lines().enumerate().map(parse);
    let values = values.collect::<Result<_>>()?;
    Ok(Lines { values, length })
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
            let problem = format!(
                "found {}, expected the {length} of the checkpoint: its end was lost; put the file back from a \
                 copy, or start the run anew",
                counted(found, "byte")
            );
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

    /// The log's length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

pub(crate) fn write_error(
    path: &Path,
    remedy: &'static str,
) -> impl FnOnce(std::io::Error) -> RunnerError {
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
    fn lines_end_where_a_line_was_cut_off() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lines.jsonl");
        write_whole(&path, b"1\n23\n4").unwrap();
        let lines = read_lines::<u32>(&path).unwrap();
        assert_eq!((lines.values, lines.length), (vec![1, 23], 5));
        write_whole(&path, b"1\nx\n").unwrap();
        let error = read_lines::<u32>(&path).unwrap_err().to_string();
        assert!(error.contains("lines.jsonl: line 2: "), "{error}");
    }
}
