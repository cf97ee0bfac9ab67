//! N-MNIST's recordings as its publishers pack them: `.bin` files in a folder a digit, or a zip of
//! that tree.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::archive::{ArchiveLimits, zip_members};
use crate::encode::{SensorEvent, decode_n_mnist};
use crate::{DataError, Recordings};

/// The digits.
pub(crate) const CLASSES: usize = 10;

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
    for digit in 0..CLASSES as u32 {
        let class = folder.join(digit.to_string());
        if !class.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&class).map_err(|error| failed(&class, error))? {
            let path = entry.map_err(|error| failed(&class, error))?.path();
            if path.extension().is_some_and(|extension| extension == "bin") {
                files.push((digit, path));
            }
        }
    }
    files.sort();
    let decoded: Vec<_> = files
        .par_iter()
        .map(|(_, path)| {
            let size = fs::metadata(path)
                .map_err(|error| failed(path, error))?
                .len();
            if size > LIMITS.member_bytes {
                let (path, most) = (path.clone(), LIMITS.member_bytes);
                let problem = format!("found {size} bytes, expected at most {most}");
                return Err(DataError::Content { path, problem });
            }
            let bytes = fs::read(path).map_err(|error| failed(path, error))?;
            decode_n_mnist(&bytes, path)
        })
        .collect();
    let mut recordings = Recordings::default();
    for ((digit, _), events) in files.iter().zip(decoded) {
        push(&mut recordings, *digit, &events?)?;
    }
    not_empty(recordings, folder)
}

/// Reads the same from a zip archive of the tree, which may stand in a folder of its own there.
///
/// # Errors
///
/// A [`DataError`] that names the archive at fault, or the archive if there is no recording in it.
pub fn read_zip(archive: &Path) -> Result<Recordings, DataError> {
    let mut files: Vec<(u32, String, Vec<SensorEvent>)> = Vec::new();
    zip_members(
        archive,
        LIMITS,
        |name| place(name).is_some(),
        |name, bytes| {
            let events = decode_n_mnist(bytes, &archive.join(name))?;
            if let Some((digit, file)) = place(name) {
                files.push((digit, file.to_string(), events));
            }
            Ok(())
        },
    )?;
    files.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let mut recordings = Recordings::default();
    for (digit, _, events) in &files {
        push(&mut recordings, *digit, events)?;
    }
    not_empty(recordings, archive)
}

/// Digit and file name of a member `…/<digit>/<name>.bin`.
fn place(name: &str) -> Option<(u32, &str)> {
    let (folder, file) = name.rsplit_once('/')?;
    let digit = folder.rsplit('/').next()?.parse().ok()?;
    ((digit as usize) < CLASSES && file.ends_with(".bin")).then_some((digit, file))
}

fn push(recordings: &mut Recordings, digit: u32, events: &[SensorEvent]) -> Result<(), DataError> {
    let units: Vec<u32> = events.iter().map(SensorEvent::unit).collect();
    let times: Vec<f32> = events.iter().map(SensorEvent::seconds).collect();
    recordings.push(digit, &units, &times)
}

fn not_empty(recordings: Recordings, path: &Path) -> Result<Recordings, DataError> {
    if recordings.labels().is_empty() {
        return Err(DataError::Content {
            path: path.to_path_buf(),
            problem: "found no recording, expected files <digit>/<name>.bin".to_string(),
        });
    }
    Ok(recordings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_recordings_by_their_place() {
        assert_eq!(place("Train/3/00891.bin"), Some((3, "00891.bin")));
        assert_eq!(place("3/00891.bin"), Some((3, "00891.bin")));
        for other in [
            "00891.bin",
            "Train/10/1.bin",
            "Train/3/1.txt",
            "Train/x/1.bin",
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
