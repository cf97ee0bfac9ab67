//! N-MNIST's recordings as its publishers pack them: `.bin` files in a folder a digit, or a zip of
//! that tree.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;

use super::recording::{SensorEvent, decode};
use crate::formats::archive::{ArchiveLimits, ends_with, fault, zip_members, zip_names};
use crate::formats::event_files::{EventFile, MAX_CLASSES};
use crate::source::numbered;
use crate::{DataError, Recordings, counted, open_regular};

/// The digits, which are classes even where none of them was recorded.
const DIGITS: usize = 10;

/// Several times what the whole data set has.
const LIMITS: ArchiveLimits = ArchiveLimits {
    members: 1 << 20,
    member_bytes: 16 << 20,
    total_bytes: 8 << 30,
};

/// Folders that may lie in each other, a class's own the last of them.
const DEPTH: usize = 5;

/// Folders that a message names.
const NAMED: usize = 3;

/// Reads a tree of recordings, `<class>/<name>.bin`, in the order of classes and names. It may lie in
/// folders of its own.
///
/// With `classes`, folders numbered `classes` or higher are not read; without, those of every number are.
/// [`EventFile::doubts`] lists what is not read.
///
/// # Errors
///
/// A [`DataError`] that names the file at fault, or the folder if there is no recording in it.
pub fn read_tree(folder: &Path, classes: Option<usize>) -> Result<EventFile, DataError> {
    let mut names = Vec::new();
    list(folder, "", DEPTH, &mut names)?;
    let layout = Layout::of(&names, classes, folder)?;
    let decoded: Vec<_> = layout
        .files
        .par_iter()
        .map(|&(class, index)| {
            let path = folder.join(&names[index]);
            let failed = |source| DataError::Read {
                path: path.clone(),
                source,
            };
            let mut file = open_regular(&path).map_err(failed)?;
            let size = file.metadata().map_err(failed)?.len();
            if size > LIMITS.member_bytes {
                let most = LIMITS.member_bytes;
                let problem = format!("found {size} bytes, expected at most {most}");
                return Err(fault(&path, problem));
            }
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(failed)?;
            Ok((class, decode(&bytes, &path)?))
        })
        .collect::<Result<_, _>>()?;
    together(decoded, layout.doubts)
}

/// Reads a tree from a zip archive, as [`read_tree`] does from a folder.
///
/// # Errors
///
/// A [`DataError`] that names the archive, also if there is no recording in it.
pub fn read_zip(archive: &Path, classes: Option<usize>) -> Result<EventFile, DataError> {
    let names = zip_names(archive, LIMITS.members + 1)?;
    if names.len() > LIMITS.members {
        let most = LIMITS.members;
        let problem = format!("found more than {most} files, expected a tree of recordings");
        return Err(fault(archive, problem));
    }
    let layout = Layout::of(&names, classes, archive)?;
    // By place in the sorted list: members come in the archive's order.
    let places = layout.files.iter().enumerate();
    let places: BTreeMap<&str, (usize, u32)> = places
        .map(|(place, &(class, index))| (names[index].as_str(), (place, class)))
        .collect();
    let mut files = Vec::new();
    zip_members(
        archive,
        LIMITS,
        |name| places.contains_key(name),
        |name, bytes| {
            let (place, class) = places[name];
            files.push((place, class, decode(bytes, &archive.join(name))?));
            Ok(())
        },
    )?;
    files.sort_by_key(|&(place, ..)| place);
    let decoded = files.into_iter().map(|(_, class, events)| (class, events));
    together(decoded.collect(), layout.doubts)
}

/// Appends the paths of all files in a folder, as an archive would name them.
fn list(
    folder: &Path,
    prefix: &str,
    depth: usize,
    names: &mut Vec<String>,
) -> Result<(), DataError> {
    let failed = |source| DataError::Read {
        path: folder.to_path_buf(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "__MACOSX" {
            continue;
        }
        let name = format!("{prefix}{name}");
        // A link may lead to a folder; the kind of anything else is known without a look at it.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_symlink() && !path.exists() {
            let problem = "found a link that leads nowhere, expected a file or a folder; mend the link, or remove it";
            return Err(fault(&path, problem));
        }
        if !(kind.is_dir() || kind.is_symlink() && path.is_dir()) {
            names.push(name);
        } else if depth > 0 {
            list(&path, &format!("{name}/"), depth - 1, names)?;
        } else {
            let problem = format!(
                "found the folder {name:?} within {DEPTH} others, expected a tree of recordings, <digit>/<name>.bin"
            );
            return Err(fault(folder, problem));
        }
        if names.len() > LIMITS.members {
            let most = LIMITS.members;
            let problem = format!("found more than {most} files, expected a tree of recordings");
            return Err(fault(folder, problem));
        }
    }
    Ok(())
}

/// Which files are recordings of which class.
struct Layout {
    /// Class and place in the list of names, sorted by class and name.
    files: Vec<(u32, usize)>,
    doubts: Vec<String>,
}

impl Layout {
    fn of(names: &[String], classes: Option<usize>, path: &Path) -> Result<Self, DataError> {
        let limit = classes.unwrap_or(MAX_CLASSES);
        let mut files = Vec::new();
        let mut split: Option<&str> = None;
        // Whether a folder is read.
        let mut folders: BTreeMap<&str, bool> = BTreeMap::new();
        // What is in a class's folder and is no recording.
        let mut others = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let (parent, class) = folder.rsplit_once('/').unwrap_or(("", folder));
            let class = number(class);
            let recording = is_recording(name);
            match class.filter(|&class| recording && (class as usize) < limit) {
                Some(class) => {
                    let first = *split.get_or_insert(parent);
                    if first != parent {
                        let whole = if path.is_dir() {
                            "a folder"
                        } else {
                            "an archive"
                        };
                        let problem = format!(
                            "found recordings in {first:?} and in {parent:?}, expected one split {whole}"
                        );
                        return Err(fault(path, problem));
                    }
                    files.push((class, index));
                    folders.insert(folder, true);
                }
                // What else lies in the tree is of no interest.
                None if recording || class.is_some() => {
                    folders.entry(folder).or_insert(false);
                    if !recording {
                        others.push((folder, name.as_str()));
                    }
                }
                None => {}
            }
        }
        let passed_over = folders.iter().filter(|(_, read)| !**read);
        let passed_over: Vec<_> = passed_over
            .map(|(folder, _)| format!("{:?}", if folder.is_empty() { "." } else { folder }))
            .collect();
        let more = passed_over.len().saturating_sub(NAMED);
        let mut shown = passed_over[..passed_over.len() - more].join(", ");
        if more > 0 {
            shown += &format!(" and {more} more");
        }
        let (noun, verb) = match passed_over.len() {
            1 => ("folder", "is"),
            _ => ("folders", "are"),
        };
        if files.is_empty() {
            let other = names
                .iter()
                .find(|name| ends_with(name, &["h5", "hdf5", "zip", "gz"]));
            let problem = match (&*shown, other) {
                ("", Some(file)) => format!("found no recording, but {file:?}; name that file"),
                ("", None) => "found no recording, expected files <digit>/<name>.bin".into(),
                (folders, _) => format!(
                    "found no recording to read, only the {noun} {folders}, expected files <digit>/<name>.bin; a \
                     class's folder is its number"
                ),
            };
            return Err(fault(path, problem));
        }
        files.sort_by(|a, b| (a.0, &names[a.1]).cmp(&(b.0, &names[b.1])));
        let below = classes.map_or(String::new(), |classes| format!(" below {classes}"));
        let of_folders = (!passed_over.is_empty()).then(|| {
            format!(
                "{}: the {noun} {shown} {verb} not read; a class's folder is its number{below}, with .bin files in it",
                path.display()
            )
        });
        // A folder that is not read has its line.
        others.retain(|(folder, _)| folders[folder]);
        let of_files = others.iter().map(|(_, name)| *name).min().map(|first| {
            format!(
                "{}: {} beside recordings {} not read, such as {first:?}; recordings are .bin files, each by itself",
                path.display(),
                counted(others.len(), "file"),
                if others.len() == 1 { "is" } else { "are" },
            )
        });
        Ok(Self {
            files,
            doubts: of_folders.into_iter().chain(of_files).collect(),
        })
    }
}

/// The number that a folder's name is.
fn number(name: &str) -> Option<u32> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    name.parse().ok().filter(|_| digits)
}

/// Whether a file of this name is a recording.
pub(crate) fn is_recording(name: &str) -> bool {
    ends_with(name, &["bin"])
}

/// All recordings, each with its class. A decoded recording is dropped as soon as it is copied, to save
/// memory.
fn together(
    decoded: Vec<(u32, Vec<SensorEvent>)>,
    doubts: Vec<String>,
) -> Result<EventFile, DataError> {
    let mut recordings = Recordings::default();
    recordings.reserve(decoded.iter().map(|(_, events)| events.len()).sum());
    for (class, events) in decoded {
        let units: Vec<u32> = events.iter().map(SensorEvent::unit).collect();
        let times: Vec<f32> = events.iter().map(SensorEvent::seconds).collect();
        recordings.push(class, &units, &times)?;
    }
    let largest = recordings.labels().iter().max();
    let classes = largest.map_or(0, |&class| class as usize + 1);
    Ok(EventFile {
        recordings,
        class_names: numbered(classes.max(DIGITS)),
        doubts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(names: &[&str], classes: Option<usize>) -> Result<Layout, String> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let layout = Layout::of(&names, classes, Path::new("t.zip"));
        layout.map_err(|error| error.to_string())
    }

    #[test]
    fn members_are_recordings_by_their_place() {
        let found = layout(
            &["T/3/1.bin", "T/3/0.BIN", "T/11/a.bin", "T/readme.txt"],
            None,
        );
        let found = found.unwrap();
        assert_eq!(found.files, [(3, 1), (3, 0), (11, 2)]);
        assert!(found.doubts.is_empty());
        assert_eq!(layout(&["3/00891.bin"], None).unwrap().files, [(3, 0)]);
    }

    #[test]
    fn folders_that_are_not_read_are_said() {
        let names = [
            "3/1.bin",
            "10/1.bin",
            "11/1.bin",
            "one/1.bin",
            "7/a.npy",
            "2.bin",
            "+5/1.bin",
        ];
        let found = layout(&names, Some(11)).unwrap();
        assert_eq!(found.files, [(3, 0), (10, 1)]);
        assert_eq!(
            found.doubts,
            [
                "t.zip: the folders \".\", \"+5\", \"11\" and 2 more are not read; a class's folder is its number below \
              11, with .bin files in it"
            ]
        );
        assert_eq!(
            layout(&["T/one/1.bin", "T/two/1.bin"], None).err().unwrap(),
            "t.zip: found no recording to read, only the folders \"T/one\", \"T/two\", expected files \
             <digit>/<name>.bin; a class's folder is its number"
        );
        assert_eq!(
            layout(&["Train.zip", "notes"], None).err().unwrap(),
            "t.zip: found no recording, but \"Train.zip\"; name that file"
        );
    }

    #[test]
    fn files_that_are_no_recordings_are_said() {
        let found = layout(
            &["3/1.bin", "3/2.bin.gz", "3/0.bin.gz", "4/1.bin", "readme"],
            None,
        );
        assert_eq!(
            found.unwrap().doubts,
            [
                "t.zip: 2 files beside recordings are not read, such as \"3/0.bin.gz\"; recordings are .bin files, each by \
              itself"
            ]
        );
        let found = layout(&["3/1.bin", "3/a.npy"], None).unwrap();
        assert!(
            found.doubts[0].starts_with("t.zip: 1 file beside recordings is not read, such as")
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_nowhere_and_endless_trees_are_refused() {
        use std::os::unix::fs::symlink;

        let tree = |name: &str, target: &str| {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("3")).unwrap();
            fs::write(folder.path().join("3/a.bin"), [0; 5]).unwrap();
            symlink(target, folder.path().join(name)).unwrap();
            read_tree(folder.path(), None).unwrap_err().to_string()
        };
        let text = tree("4", "/gone");
        assert!(
            text.ends_with(
                "/4: found a link that leads nowhere, expected a file or a folder; mend the link, or remove it"
            ),
            "{text}"
        );
        let text = tree("4", ".");
        assert!(
            text.contains("/4: found the folder \"4/4/4/4/4/")
                && text.contains("\" within 5 others"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_tree_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("3")).unwrap();
        let text = read_tree(folder.path(), None).unwrap_err().to_string();
        assert!(text.ends_with(": found no recording, expected files <digit>/<name>.bin"));
        let long = vec![0; (16 << 20) + 5];
        fs::write(folder.path().join("3/a.bin"), long).unwrap();
        let text = read_tree(folder.path(), None).unwrap_err().to_string();
        assert!(text.ends_with("a.bin: found 16777221 bytes, expected at most 16777216"));
    }
}
