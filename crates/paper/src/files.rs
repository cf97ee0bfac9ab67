//! Reading and writing of files: JSON, lines of JSON, and files that are written whole or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use runner::files::{Lines, read_lines};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The text of a file.
pub fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// The text of a file, if there is one.
pub fn text_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        text => text.map(Some).with_context(|| path.display().to_string()),
    }
}

/// The value in a file of JSON.
pub fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&text(path)?).with_context(|| path.display().to_string())
}

/// The value in a file of JSON, if there is one.
pub fn json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match path.exists() {
        true => json(path).map(Some),
        false => Ok(None),
    }
}

/// The whole lines of a file of JSON lines; none where there is no file.
///
/// # Errors
///
/// A line that is not such a value, by its number.
pub fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Lines<T>> {
    match path.exists() {
        true => Ok(read_lines(path)?),
        false => Ok(Lines {
            values: Vec::new(),
            length: 0,
        }),
    }
}

/// Writes a file as the runner does, whole or not at all. Makes its folder.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| runner::files::write_whole(path, bytes));
    written.with_context(|| path.display().to_string())
}

/// Writes a file of indented JSON, as [`write_whole`] does.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    write_whole(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_has_no_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.jsonl");
        assert_eq!(json_lines::<u32>(&path).unwrap().length, 0);
        write_whole(&path, b"1\n23\n").unwrap();
        assert_eq!(json_lines::<u32>(&path).unwrap().values, [1, 23]);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("within")).unwrap();
        let error = write_whole(&path, b"x").unwrap_err();
        assert!(error.to_string().ends_with("taken"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
