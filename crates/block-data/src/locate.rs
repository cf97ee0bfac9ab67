//! Where data sets are looked for.

use std::env;
use std::path::{Path, PathBuf};

use crate::{DataError, expand_home};

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
            // What cannot be expanded is no folder, and so it is where nothing is found.
            env::var_os(DATA_VARIABLE).map(|folder| {
                let path = PathBuf::from(folder);
                expand_home(&path).unwrap_or(path)
            }),
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

    /// The files of the data set `name` in one of its packings, all from the first folder that has
    /// every one of them, in the packing's order. A file `F.gz` may also be there as `F`, unpacked, or by a
    /// name that differs in capitals, or in a dot for the hyphen before `idx`.
    ///
    /// # Errors
    ///
    /// [`DataError::Missing`] with every place, and what is missing there of the last packing;
    /// [`DataError::Misplaced`] if the folder that the user named holds the files itself.
    pub fn find(&self, name: &str, packings: &[&[&str]]) -> Result<Vec<PathBuf>, DataError> {
        let mut looked_in = Vec::new();
        for folder in self.candidates(name) {
            let mut why = String::new();
            for files in packings {
                match find_in(&folder, files) {
                    Ok(paths) => return Ok(paths),
                    Err(missing) => why = missing,
                }
            }
            looked_in.push(format!("{} ({why})", folder.display()));
        }
        if let Some(problem) = self.misplaced(name, packings) {
            let name = name.to_string();
            return Err(DataError::Misplaced { name, problem });
        }
        let files = packings.last().map(|files| files.join(", "));
        let target = self.download_root().join(name);
        Err(DataError::Missing {
            name: name.to_string(),
            looked_in,
            remedy: format!(
                "put {} into {}",
                files.unwrap_or_default(),
                target.display()
            ),
            folder: self.explicit.clone(),
        })
    }

    /// What to do if the folder that the user named holds the files of the data set `name` itself.
    fn misplaced(&self, name: &str, packings: &[&[&str]]) -> Option<String> {
        let folder = self.named()?;
        packings
            .iter()
            .find(|files| find_in(folder, files).is_ok())?;
        let shown = folder.display();
        Some(match (folder.file_name(), folder.parent()) {
            (Some(last), Some(above)) if last == name => {
                let here = above == Path::new("");
                let above = if here { Path::new(".") } else { above };
                let above = above.display();
                format!("{shown} is the data set's own folder: name the one above it, {above}")
            }
            _ => format!("its files are in {shown} itself: move them into a folder {name} there"),
        })
    }

    /// The folder that the user named, the only place where data sets are looked for.
    pub fn named(&self) -> Option<&Path> {
        self.explicit.as_deref()
    }

    /// A file by its path: absolute, from the working folder or, if it is not there, from the folders
    /// of data sets.
    ///
    /// # Errors
    ///
    /// [`DataError::MissingFile`] with every place.
    pub fn find_file(&self, path: &Path) -> Result<PathBuf, DataError> {
        self.find_by(path, |place| place.exists().then(|| place.to_path_buf()))
    }

    /// [`find_file`](Self::find_file), also by a name that differs as in [`find`](Self::find).
    ///
    /// # Errors
    ///
    /// As [`find_file`](Self::find_file).
    pub(crate) fn find_alike(&self, path: &Path) -> Result<PathBuf, DataError> {
        self.find_by(path, |place| {
            let (folder, name) = (place.parent()?, place.file_name()?);
            find_file_in(folder, &name.to_string_lossy()).ok()
        })
    }

    fn find_by(
        &self,
        path: &Path,
        find: impl Fn(&Path) -> Option<PathBuf>,
    ) -> Result<PathBuf, DataError> {
        if path.is_absolute() {
            return find(path).ok_or_else(|| DataError::MissingFile {
                path: path.to_path_buf(),
                looked_in: Vec::new(),
            });
        }
        let roots = self.roots.iter().map(|root| root.join(path));
        // A folder that the user names is the only place here too.
        let working = self.explicit.is_none().then(|| path.to_path_buf());
        let places: Vec<PathBuf> = working.into_iter().chain(roots).collect();
        match places.iter().find_map(|place| find(place)) {
            Some(place) => Ok(place),
            None => Err(DataError::MissingFile {
                path: path.to_path_buf(),
                looked_in: places,
            }),
        }
    }
}

/// All files in this folder, or why not.
fn find_in(folder: &Path, files: &[&str]) -> Result<Vec<PathBuf>, String> {
    if !folder.is_dir() {
        return Err("no such folder".to_string());
    }
    let (found, missing): (Vec<_>, Vec<_>) = files
        .iter()
        .map(|file| find_file_in(folder, file))
        .partition(Result::is_ok);
    if missing.is_empty() {
        return Ok(found.into_iter().flatten().collect());
    }
    let missing: Vec<_> = missing.into_iter().filter_map(Result::err).collect();
    Err(missing.join(", "))
}

/// A file by its name, unpacked or not, or by one that people give it; or why not.
pub(crate) fn find_file_in(folder: &Path, file: &str) -> Result<PathBuf, String> {
    let exact = [Some(file), file.strip_suffix(".gz")];
    let mut exact = exact.into_iter().flatten().map(|name| folder.join(name));
    if let Some(path) = exact.find(|path| path.exists()) {
        return Ok(path);
    }
    let path = folder.join(file);
    let entries = path.parent().and_then(|folder| folder.read_dir().ok());
    let entries = entries.into_iter().flatten().flatten();
    let mut alike: Vec<_> = entries
        .filter(|entry| is_alike(&entry.file_name().to_string_lossy(), file))
        .map(|entry| entry.path())
        .collect();
    alike.sort();
    match &alike[..] {
        [] => Err(format!("no {file}")),
        [path] => Ok(path.clone()),
        [one, other, ..] => {
            let [one, other] =
                [one, other].map(|path| path.file_name().unwrap_or_default().display());
            Err(format!("both {one} and {other} for {file}"))
        }
    }
}

/// What lies beside files that were found and could be meant as well: the same file unpacked, or by another name.
pub(crate) fn rivals(paths: &[PathBuf]) -> Vec<String> {
    let of_file = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        let entries = path.parent()?.read_dir().ok()?.flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut others: Vec<_> = names
            .filter(|other| other != name && is_alike(other, name))
            .map(|other| format!("{other:?}"))
            .collect();
        others.sort();
        let verb = if others.len() == 1 { "is" } else { "are" };
        let others = others.join(", ");
        (!others.is_empty()).then(|| {
            format!(
                "{}: {others} beside it {verb} not read; keep the one that is meant",
                path.display()
            )
        })
    };
    paths.iter().filter_map(of_file).collect()
}

/// Whether a file of this name is meant by `file`, which may have folders before it: capitals, `.gz` and a dot
/// before `idx` make no difference.
fn is_alike(name: &str, file: &str) -> bool {
    let plain = |name: &str| {
        let name = name.to_lowercase().replace(".idx", "-idx");
        name.strip_suffix(".gz").unwrap_or(&name).to_string()
    };
    let file = file.rsplit('/').next().unwrap_or(file);
    plain(name) == plain(file)
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
        let packings: &[&[&str]] = &[&["other"], &["x.gz", "y.gz"]];
        let found = at(None).find("set", packings);
        let expected = ["x.gz", "y"].map(|file| second.join("set").join(file));
        assert_eq!(found.unwrap(), expected);

        let error = at(Some(first.clone())).find("set", packings).unwrap_err();
        let folder = first.join("set").display().to_string();
        let expected = format!(
            "data set set is missing: looked in {folder} (no y.gz); put x.gz, y.gz into {folder}"
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_data_sets_own_folder_is_no_folder_of_data_sets() {
        let root = tempfile::tempdir().unwrap();
        let told = |folder: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("x"), "").unwrap();
            let text = Locations::new(Some(folder.clone())).find("set", &[&["x.gz"]]);
            (folder, text.unwrap_err().to_string())
        };
        let (folder, text) = told("set");
        let (folder, above) = (folder.display(), root.path().display());
        let part = format!("{folder} is the data set's own folder: name the one above it, {above}");
        assert!(text.ends_with(&part), "{text}");
        let (folder, text) = told("mine");
        let folder = folder.display();
        let part = format!("its files are in {folder} itself: move them into a folder set there");
        assert!(text.ends_with(&part), "{text}");
    }

    #[test]
    fn names_that_people_give_are_found() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("set");
        let find = |file: &str| find_in(&folder, &[file]);
        fs::create_dir(&folder).unwrap();
        for name in [
            "train-images.idx3-ubyte",
            "Train.ZIP",
            "b.H5.GZ",
            "sub-c",
            "SUB-C",
        ] {
            fs::write(folder.join(name), "").unwrap();
        }
        for (file, name) in [
            ("train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"),
            ("Train.zip", "Train.ZIP"),
            ("b.h5.gz", "b.H5.GZ"),
            ("SUB-C", "SUB-C"),
        ] {
            assert_eq!(find(file), Ok(vec![folder.join(name)]));
        }
        assert_eq!(find("Sub-c"), Err("both SUB-C and sub-c for Sub-c".into()));
        assert_eq!(find("Test.zip"), Err("no Test.zip".into()));
        assert_eq!(rivals(&find("Train.zip").unwrap()), [""; 0]);
        for name in ["train-images-idx3-ubyte.gz", "Train-images-idx3-ubyte"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let found = find("train-images-idx3-ubyte.gz").unwrap();
        assert_eq!(found, [folder.join("train-images-idx3-ubyte.gz")]);
        let text = format!(
            "{}: \"Train-images-idx3-ubyte\", \"train-images.idx3-ubyte\" beside it are not read; keep the one that is meant",
            found[0].display()
        );
        assert_eq!(rivals(&found), [text]);
        let error = find_in(&folder, &["x", "Train.zip", "y.gz"]);
        assert_eq!(error, Err("no x, no y.gz".into()));
    }

    #[test]
    fn files_are_found_by_path() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("mine")).unwrap();
        fs::write(root.path().join("mine/train.h5"), "").unwrap();
        let found = |explicit: Option<PathBuf>, path: &str| {
            let variable = Some(root.path().to_path_buf());
            Locations::from_parts(explicit, variable, Path::new("/nowhere"), Path::new("/no"))
                .find_file(Path::new(path))
        };
        let expected = root.path().join("mine/train.h5");
        assert_eq!(found(None, "mine/train.h5").unwrap(), expected);
        let whole = expected.display().to_string();
        assert_eq!(found(None, &whole).unwrap(), expected);
        let text = found(Some("/named".into()), "a.h5")
            .unwrap_err()
            .to_string();
        assert_eq!(text, "a.h5 is missing: there is no file /named/a.h5");
        let text = found(None, "a.h5").unwrap_err().to_string();
        let root = root.path().display();
        assert_eq!(
            text,
            format!(
                "a.h5 is missing: there is no file a.h5, {root}/a.h5, /nowhere/data/a.h5, /no/a.h5"
            )
        );
        // An absolute path is the only place, and is named once.
        for named in [None, Some("/named")] {
            let text = found(named.map(PathBuf::from), "/gone/a.h5").unwrap_err();
            assert_eq!(text.to_string(), "there is no file /gone/a.h5");
        }
    }

    #[test]
    fn every_place_is_listed() {
        let error = locations(None, Some("/var"))
            .find("set", &[&["x"]])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "data set set is missing: looked in /var/set (no such folder), in \
             /home/me/data/set (no such folder), in /sys/set (no such folder); put x into \
             /var/set"
        );
    }
}
