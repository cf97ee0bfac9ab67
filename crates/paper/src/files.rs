//! Reading and writing of files: JSON, lines of JSON, and files that are written whole or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
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

/// Lines of JSON.
pub struct Lines<T> {
    /// The value of each line.
    pub values: Vec<T>,
    /// The bytes of these lines. What follows them is a last line that was cut off.
    pub length: usize,
}

/// The whole lines of a file of JSON lines; none where there is no file.
///
/// # Errors
///
/// A line that is not such a value, by its number.
pub fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Lines<T>> {
    let text = text_if_there(path)?.unwrap_or_default();
    let length = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text[..length].lines().enumerate();
    let values = lines.map(|(index, line)| {
        serde_json::from_str(line)
            .with_context(|| format!("{}, line {}", path.display(), index + 1))
    });
    let values = values.collect::<Result<_>>()?;
    Ok(Lines { values, length })
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
    fn lines_end_where_a_line_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.jsonl");
        assert_eq!(json_lines::<u32>(&path).unwrap().length, 0);
        write_whole(&path, b"1\n23\n4").unwrap();
        let lines = json_lines::<u32>(&path).unwrap();
        assert_eq!((lines.values, lines.length), (vec![1, 23], 5));
        write_whole(&path, b"1\nx\n").unwrap();
        let error = json_lines::<u32>(&path).err().unwrap();
        assert!(
            error.to_string().ends_with("lines.jsonl, line 2"),
            "{error}"
        );
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
