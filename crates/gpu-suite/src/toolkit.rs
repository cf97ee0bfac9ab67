//! Finds NVIDIA's compiler and headers, CUDA 12 or 13, where the loader does not look by itself.

use std::ffi::OsString;
use std::fs;
#[cfg(not(unix))]
use std::fs::hard_link as make_link;
#[cfg(unix)]
use std::os::unix::fs::symlink as make_link;
use std::path::{Path, PathBuf};

/// What the programs need of a toolkit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolkit {
    /// The folder whose `include` has `cuda_fp16.h`.
    pub root: PathBuf,
    /// The compiler, whatever number stands behind its name.
    pub compiler: PathBuf,
}

const COMPILER: &str = "libnvrtc.so";
const HEADER: &str = "include/cuda_fp16.h";

impl Toolkit {
    /// The first of these folders that has headers, and the first that has a compiler, best in the same.
    ///
    /// # Errors
    ///
    /// What is missing, and where it was looked for.
    pub(crate) fn find(roots: &[PathBuf]) -> Result<Self, String> {
        let with_headers = || roots.iter().filter(|root| root.join(HEADER).is_file());
        let compilers = || roots.iter().filter_map(|root| compiler(root));
        let whole = with_headers().find_map(|root| Some((root.clone(), compiler(root)?)));
        let apart = || Some((with_headers().next()?.clone(), compilers().next()?));
        if let Some((root, compiler)) = whole.or_else(apart) {
            return Ok(Self { root, compiler });
        }
        let missing = match (with_headers().next(), compilers().next()) {
            (None, None) => format!("neither {COMPILER} nor {HEADER}"),
            (None, Some(found)) => format!("{} but no {HEADER}", found.display()),
            (Some(root), _) => format!("{} but no {COMPILER}", root.join(HEADER).display()),
        };
        let places: Vec<String> = roots.iter().map(|p| p.display().to_string()).collect();
        Err(format!(
            "CUDA: found {missing} in {}; install NVIDIA's CUDA toolkit, 12 or 13, or name its folder in CUDA_PATH",
            places.join(", ")
        ))
    }
}

/// Variables by which the programs and the loader find a toolkit.
pub(crate) type Variables = Vec<(&'static str, OsString)>;

/// The variables for the toolkit of this machine.
///
/// # Errors
///
/// If there is none, or it cannot be linked to.
pub(crate) fn variables() -> Result<Variables, String> {
    let links = std::env::temp_dir().join(format!("block-cuda-{}", std::process::id()));
    Toolkit::find(&places())?.variables(&links)
}

impl Toolkit {
    /// With `links`, a folder for a link to a compiler with a number: the loader looks for one without.
    fn variables(&self, links: &Path) -> Result<Variables, String> {
        let at = |error: std::io::Error| format!("{}: {error}", links.display());
        let link = links.join(COMPILER);
        if fs::read_link(&link).is_ok() {
            fs::remove_file(&link).map_err(at)?;
        }
        fs::create_dir_all(links).map_err(at)?;
        make_link(&self.compiler, &link).map_err(at)?;
        let folder = self.compiler.parent().unwrap_or(Path::new("/"));
        let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        // The compiler loads a library of its own from beside it.
        let own = [links.to_owned(), folder.to_owned()];
        let all = own.into_iter().chain(std::env::split_paths(&before));
        let libraries = std::env::join_paths(all.filter(|path| !path.as_os_str().is_empty()));
        let libraries = libraries.map_err(|e| format!("LD_LIBRARY_PATH: {e}"))?;
        Ok(vec![
            ("CUDA_PATH", self.root.clone().into_os_string()),
            ("LD_LIBRARY_PATH", libraries),
        ])
    }
}

/// The compiler of a folder: one without a number, else that with the highest.
fn compiler(root: &Path) -> Option<PathBuf> {
    let folders = [
        "lib64",
        "lib",
        "lib/x86_64-linux-gnu",
        "targets/x86_64-linux/lib",
        "",
    ];
    folders.iter().find_map(|folder| {
        let mut found = entries(&root.join(folder));
        found.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name == COMPILER || name.starts_with("libnvrtc.so.")
        });
        found.sort();
        let plain = found.iter().position(|path| path.ends_with(COMPILER));
        match plain {
            Some(index) => Some(found.swap_remove(index)),
            None => found.pop(),
        }
    })
}

/// Where toolkits lie: what the environment names, the usual folders, and PyPI's packages under Python's.
pub(crate) fn places() -> Vec<PathBuf> {
    let variables = ["CUDA_PATH", "CUDA_HOME"];
    let named = variables.iter().filter_map(std::env::var_os);
    let mut places: Vec<PathBuf> = named.map(PathBuf::from).collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path) {
        if let Ok(program) = folder.join("nvcc").canonicalize() {
            places.extend(program.ancestors().nth(2).map(Path::to_owned));
        }
    }
    places.push("/usr/local/cuda".into());
    let mut numbered = entries(Path::new("/usr/local"));
    numbered.retain(|path| path.to_string_lossy().contains("/cuda-"));
    numbered.sort();
    places.extend(numbered.into_iter().rev());
    places.extend(["/opt/cuda", "/usr"].map(PathBuf::from));
    let pythons = ["/usr/local/lib", "/usr/lib", "/opt/conda/lib"];
    for python in pythons.iter().flat_map(|folder| entries(Path::new(folder))) {
        for packages in ["site-packages", "dist-packages"] {
            places.extend(entries(&python.join(packages).join("nvidia")));
        }
    }
    let mut seen = std::collections::HashSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten();
    let mut found: Vec<PathBuf> = found.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    fn roots(root: &tempfile::TempDir, names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| root.path().join(name)).collect()
    }

    #[test]
    fn a_whole_toolkit_comes_before_parts_of_two() {
        let root = tree(&[
            "a/include/cuda_fp16.h",
            "b/include/cuda_fp16.h",
            "b/lib64/libnvrtc.so.13",
            "b/lib64/libnvrtc.so.13.0.48",
        ]);
        let found = Toolkit::find(&roots(&root, &["a", "b"])).unwrap();
        assert_eq!(found.root, root.path().join("b"));
        let compiler = root.path().join("b/lib64/libnvrtc.so.13.0.48");
        assert_eq!(found.compiler, compiler);
    }

    #[test]
    fn pypis_packages_have_compiler_and_headers_apart() {
        let root = tree(&[
            "cuda_nvrtc/lib/libnvrtc.so.12",
            "cuda_runtime/include/cuda_fp16.h",
        ]);
        let found = Toolkit::find(&roots(&root, &["cuda_nvrtc", "cuda_runtime"])).unwrap();
        assert_eq!(found.root, root.path().join("cuda_runtime"));
        assert!(found.compiler.ends_with("cuda_nvrtc/lib/libnvrtc.so.12"));
    }

    #[test]
    fn the_variables_lead_to_a_compiler_without_a_number() {
        let root = tree(&["lib64/libnvrtc.so.13", HEADER]);
        let found = Toolkit::find(&roots(&root, &[""])).unwrap();
        let links = root.path().join("links");
        // Twice: the suite may be started again.
        for _ in 0..2 {
            let variables = found.variables(&links).unwrap();
            assert_eq!(variables[0], ("CUDA_PATH", found.root.clone().into()));
            assert_eq!(variables[1].0, "LD_LIBRARY_PATH");
            let folders: Vec<PathBuf> = std::env::split_paths(&variables[1].1).collect();
            assert_eq!(folders[..2], [links.clone(), root.path().join("lib64")]);
            let target = fs::read_link(folders[0].join(COMPILER)).unwrap();
            assert_eq!(target, found.compiler);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let root = tree(&["lib64/libnvrtc.so"]);
        let message = Toolkit::find(&roots(&root, &[""])).unwrap_err();
        assert!(message.contains("but no include/cuda_fp16.h"), "{message}");
        let root = tree(&[HEADER]);
        let message = Toolkit::find(&roots(&root, &[""])).unwrap_err();
        assert!(message.contains("but no libnvrtc.so in"), "{message}");
        let message = Toolkit::find(&[]).unwrap_err();
        assert!(message.contains("neither"), "{message}");
        assert!(message.contains("CUDA_PATH"), "{message}");
    }
}
