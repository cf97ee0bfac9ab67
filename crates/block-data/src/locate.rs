//! Where data sets are looked for.

use std::env;
use std::path::{Path, PathBuf};

use crate::DataError;

/// The environment variable that names a folder of data sets.
pub const DATA_VARIABLE: &str = "BLOCK_DATA";

/// The system's folder of data sets, where Debian's packages put theirs.
pub const SYSTEM_FOLDER: &str = "/usr/share/datasets";

/// The folders in which data sets are looked for, each in a folder by its name.
///
/// A folder that the user names is the only place. Otherwise these, in this order:
/// `$BLOCK_DATA`, `data` in the working folder, `/usr/share/datasets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locations {
    explicit: Option<PathBuf>,
    roots: Vec<PathBuf>,
}

impl Locations {
    /// The locations of this process. `explicit` is a folder that the user named, if any.
    pub fn new(explicit: Option<PathBuf>) -> Self {
        // Without a working folder (it was deleted), paths relative to it are the best there is.
        let working = env::current_dir().unwrap_or_default();
        Self::from_parts(
            explicit,
            env::var_os(DATA_VARIABLE).map(PathBuf::from),
            &working,
            Path::new(SYSTEM_FOLDER),
        )
    }

    /// The same from its parts: a folder that the user named, the value of `$BLOCK_DATA` (an empty
    /// one counts as unset), the working folder and the system's folder of data sets.
    pub fn from_parts(
        explicit: Option<PathBuf>,
        variable: Option<PathBuf>,
        working: &Path,
        system: &Path,
    ) -> Self {
        let roots = match &explicit {
            Some(folder) => vec![folder.clone()],
            None => variable
                .filter(|folder| !folder.as_os_str().is_empty())
                .into_iter()
                .chain([working.join("data"), system.to_path_buf()])
                .collect(),
        };
        Self { explicit, roots }
    }

    /// The folder that data sets are fetched into: the one that the user named, else
    /// `$BLOCK_DATA`, else `data` in the working folder.
    pub fn download_root(&self) -> PathBuf {
        self.roots[0].clone()
    }

    /// Every folder that may hold the data set `name`, in the order in which they are tried.
    pub fn candidates(&self, name: &str) -> Vec<PathBuf> {
        self.roots.iter().map(|root| root.join(name)).collect()
    }

    /// The files of the data set `name`, in the order of `files`, all from the first folder that
    /// has every one of them. A file `F.gz` may also be there as `F`, unpacked.
    ///
    /// `remedy` is how to get the data set, given the folder to put it into and whether the
    /// system's folder is among the places.
    ///
    /// # Errors
    ///
    /// [`DataError::Missing`] with every place, and what is missing there.
    pub fn find(
        &self,
        name: &str,
        files: &[&str],
        remedy: impl FnOnce(&Path, bool) -> String,
    ) -> Result<Vec<PathBuf>, DataError> {
        let mut looked_in = Vec::new();
        for folder in self.candidates(name) {
            match find_in(&folder, files) {
                Ok(paths) => return Ok(paths),
                Err(why) => looked_in.push(format!("{} ({why})", folder.display())),
            }
        }
        let target = match &self.explicit {
            Some(folder) => folder.join(name),
            None => Path::new("data").join(name),
        };
        Err(DataError::Missing {
            name: name.to_string(),
            looked_in,
            remedy: remedy(&target, self.explicit.is_none()),
        })
    }
}

/// All files in this folder, or why not.
fn find_in(folder: &Path, files: &[&str]) -> Result<Vec<PathBuf>, String> {
    if !folder.is_dir() {
        return Err("no such folder".to_string());
    }
    files
        .iter()
        .map(|file| {
            let unpacked = file.strip_suffix(".gz");
            [Some(*file), unpacked]
                .into_iter()
                .flatten()
                .map(|name| folder.join(name))
                .find(|path| path.is_file())
                .ok_or_else(|| format!("no {file}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn locations(explicit: Option<&str>, variable: Option<&str>) -> Locations {
        Locations::from_parts(
            explicit.map(PathBuf::from),
            variable.map(PathBuf::from),
            Path::new("/home/me"),
            Path::new("/sys"),
        )
    }

    #[test]
    fn the_order_of_places() {
        let expected = ["/var/mnist", "/home/me/data/mnist", "/sys/mnist"].map(PathBuf::from);
        assert_eq!(locations(None, Some("/var")).candidates("mnist"), expected);
        assert_eq!(locations(None, None).candidates("mnist"), expected[1..]);
        assert_eq!(locations(None, Some("")).candidates("mnist"), expected[1..]);
    }

    #[test]
    fn downloads_go_to_the_first_place() {
        let root = |explicit, variable| locations(explicit, variable).download_root();
        assert_eq!(root(Some("/mine"), Some("/var")), Path::new("/mine"));
        assert_eq!(root(None, Some("/var")), Path::new("/var"));
        assert_eq!(root(None, Some("")), Path::new("/home/me/data"));
        assert_eq!(root(None, None), Path::new("/home/me/data"));
    }

    #[test]
    fn a_named_folder_is_the_only_place() {
        let found = locations(Some("/mine"), Some("/var")).candidates("shd");
        assert_eq!(found, [PathBuf::from("/mine/shd")]);
    }

    #[test]
    fn an_incomplete_folder_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let (first, second) = (root.path().join("a"), root.path().join("b"));
        for (folder, files) in [(&first, &["x.gz"][..]), (&second, &["x.gz", "y"][..])] {
            fs::create_dir_all(folder.join("set")).unwrap();
            for file in files {
                fs::write(folder.join("set").join(file), "").unwrap();
            }
        }
        let at = |explicit: Option<PathBuf>| {
            Locations::from_parts(
                explicit,
                Some(first.clone()),
                Path::new("/nowhere"),
                &second,
            )
        };
        let found = at(None).find("set", &["x.gz", "y.gz"], |_, _| unreachable!());
        let expected = ["x.gz", "y"].map(|file| second.join("set").join(file));
        assert_eq!(found.unwrap(), expected);

        let error = at(Some(first.clone()))
            .find("set", &["x.gz", "y.gz"], |to, system| {
                assert!(!system);
                format!("put it into {}", to.display())
            })
            .unwrap_err();
        let folder = first.join("set").display().to_string();
        let expected =
            format!("data set set is missing: looked in {folder} (no y.gz); put it into {folder}");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn every_place_is_listed() {
        let error = locations(None, Some("/var"))
            .find("set", &["x"], |to, _| format!("see {}", to.display()))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "data set set is missing: looked in /var/set (no such folder), in \
             /home/me/data/set (no such folder), in /sys/set (no such folder); see data/set"
        );
    }
}
