//! N-MNIST's recordings as its publishers pack them: `.bin` files in a folder a digit, or a zip of
//! that tree.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::recording::{SensorEvent, decode};
use crate::formats::archive::{ArchiveLimits, zip_members};
use crate::{DataError, Recordings};

/// What the classes are called.
pub const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Several times what the whole data set has.
const LIMITS: ArchiveLimits = ArchiveLimits {
    members: 1 << 20,
    member_bytes: 16 << 20,
    total_bytes: 8 << 30,
};

/// Reads a tree of recordings, `<digit>/<name>.bin`, in the order of digits and names. Files and
/// folders of other names are passed over.
///
/// # Errors
///
/// A [`DataError`] that names the file at fault, or the folder if there is no recording in it.
pub fn read_tree(folder: &Path) -> Result<Recordings, DataError> {
    let failed = |path: &Path, source| DataError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut files: Vec<(u32, PathBuf)> = Vec::new();
    for digit in 0..DIGITS.len() as u32 {
        let class = folder.join(digit.to_string());
        if !class.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&class).map_err(|error| failed(&class, error))? {
            let path = entry.map_err(|error| failed(&class, error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if is_recording(&name) {
                files.push((digit, path));
            }
        }
    }
    files.sort();
    let decoded: Vec<_> = files
        .par_iter()
        .map(|(digit, path)| {
            let size = fs::metadata(path)
                .map_err(|error| failed(path, error))?
                .len();
            if size > LIMITS.member_bytes {
                let (path, most) = (path.clone(), LIMITS.member_bytes);
                let problem = format!("found {size} bytes, expected at most {most}");
                return Err(DataError::Content { path, problem });
            }
            let bytes = fs::read(path).map_err(|error| failed(path, error))?;
            Ok((*digit, decode(&bytes, path)?))
        })
        .collect::<Result<_, _>>()?;
    together(decoded, folder)
}

/// Reads the same from a zip archive of the tree, which may stand in a folder of its own there.
///
/// # Errors
///
/// A [`DataError`] that names the archive at fault, or the archive if there is no recording in it.
pub fn read_zip(archive: &Path) -> Result<Recordings, DataError> {
    let mut files: Vec<(u32, String, Vec<SensorEvent>)> = Vec::new();
    let mut split: Option<String> = None;
    zip_members(
        archive,
        LIMITS,
        |name| place(name).is_some(),
        |name, bytes| {
            let Some((folder, digit, file)) = place(name) else {
                return Ok(());
            };
            let first = split.get_or_insert_with(|| folder.to_string());
            if first != folder {
                let problem = format!(
                    "found recordings in {first:?} and in {folder:?}, expected one split an archive"
                );
                let path = archive.to_path_buf();
                return Err(DataError::Content { path, problem });
            }
            let events = decode(bytes, &archive.join(name))?;
            files.push((digit, file.to_string(), events));
            Ok(())
        },
    )?;
    files.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let files = files.into_iter();
    together(
        files.map(|(digit, _, events)| (digit, events)).collect(),
        archive,
    )
}

/// Folder of the tree, digit and file name of a member `…/<digit>/<name>.bin`.
fn place(name: &str) -> Option<(&str, u32, &str)> {
    let (folder, file) = name.rsplit_once('/')?;
    let (folder, digit) = folder.rsplit_once('/').unwrap_or(("", folder));
    let digit = digit.parse().ok()?;
    let sound = (digit as usize) < DIGITS.len() && is_recording(file);
    // What macOS adds to archives.
    (sound && !folder.starts_with("__MACOSX")).then_some((folder, digit, file))
}

/// Whether a file of this name is a recording; hidden files are not.
fn is_recording(name: &str) -> bool {
    name.ends_with(".bin") && !name.starts_with('.')
}

/// All recordings as one [`Recordings`], each with its digit. A decoded recording is dropped as soon as it is
/// copied, to save memory.
fn together(decoded: Vec<(u32, Vec<SensorEvent>)>, path: &Path) -> Result<Recordings, DataError> {
    if decoded.is_empty() {
        return Err(DataError::Content {
            path: path.to_path_buf(),
            problem: "found no recording, expected files <digit>/<name>.bin".to_string(),
        });
    }
    let mut recordings = Recordings::default();
    recordings.reserve(decoded.iter().map(|(_, events)| events.len()).sum());
    for (digit, events) in decoded {
        let units: Vec<u32> = events.iter().map(SensorEvent::unit).collect();
        let times: Vec<f32> = events.iter().map(SensorEvent::seconds).collect();
        recordings.push(digit, &units, &times)?;
    }
    Ok(recordings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_recordings_by_their_place() {
        assert_eq!(place("Train/3/00891.bin"), Some(("Train", 3, "00891.bin")));
        assert_eq!(place("3/00891.bin"), Some(("", 3, "00891.bin")));
        for other in [
            "00891.bin",
            "Train/10/1.bin",
            "Train/3/1.txt",
            "Train/x/1.bin",
            "Train/3/._1.bin",
            "__MACOSX/Train/3/1.bin",
        ] {
            assert_eq!(place(other), None);
        }
    }

    #[test]
    fn an_empty_tree_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("3")).unwrap();
        let text = read_tree(folder.path()).unwrap_err().to_string();
        assert!(text.ends_with(": found no recording, expected files <digit>/<name>.bin"));
        let long = vec![0; (16 << 20) + 5];
        fs::write(folder.path().join("3/a.bin"), long).unwrap();
        let text = read_tree(folder.path()).unwrap_err().to_string();
        assert!(text.ends_with("a.bin: found 16777221 bytes, expected at most 16777216"));
    }
}
