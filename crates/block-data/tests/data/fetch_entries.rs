//! What the data sets say of their files, and what is said before anything is fetched.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use block_data::fetch::{Checksum, Entry, FileState, Identity, Mirror, Options, fetch, verify};
use block_data::{DATA_SETS, DataSet, Origin};

use crate::fetch_support::{Log, SET, line, one, options};
use crate::files;

fn entry(name: &str) -> Entry {
    DataSet::named(name).unwrap().entry().unwrap()
}

#[test]
fn what_is_made_on_the_spot_is_not_fetched() {
    for name in ["synthetic", "yin-yang"] {
        assert!(DataSet::named(name).unwrap().entry().is_none());
    }
}

fn is_checksum(identity: &Identity) -> bool {
    let (digits, length) = match &identity.checksum {
        Some(Checksum::Sha256(digits)) => (digits, 64),
        Some(Checksum::Md5(digits)) => (digits, 32),
        None => return true,
    };
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    digits.len() == length && digits.chars().all(is_digit)
}

#[test]
fn every_data_set_is_complete() {
    for set in DATA_SETS {
        assert!(!set.licence.is_empty() && !set.about.is_empty());
        assert!(set.homepage.starts_with("http"));
        assert!([0, set.classes].contains(&set.class_names.len()));
        assert!(set.augmentation.is_some() || !set.augmented);
    }
}

#[test]
fn every_entry_is_complete() {
    for set in DATA_SETS {
        let Origin::Files { packings, .. } = set.origin else {
            continue;
        };
        let entry = set.entry().unwrap();
        assert_eq!(entry.name, set.name);
        // What is fetched can be opened.
        let fetched = |file: &&str| entry.files.iter().any(|fetched| fetched.name == **file);
        assert!(packings.last().unwrap().iter().all(fetched));
        let archive = entry.archive.iter();
        let archive = archive.map(|archive| (&archive.name, &archive.mirrors));
        let files = entry.files.iter().map(|file| (&file.name, &file.mirrors));
        for (name, mirrors) in archive.chain(files) {
            let in_archive = entry.archive.is_some() && mirrors.is_empty();
            assert!(
                in_archive || !mirrors.is_empty(),
                "{name}: expected a mirror"
            );
            // What is not fetched by a link needs no trial.
            for mirror in mirrors {
                let link = matches!(mirror, Mirror::Http { .. } | Mirror::Zip { .. });
                assert!(link || mirror.tried(), "{mirror}");
            }
        }
        let names: BTreeSet<_> = entry.files.iter().map(|file| &file.name).collect();
        assert_eq!(names.len(), entry.files.len());
        for file in &entry.files {
            assert!(is_checksum(&file.content) && is_checksum(&file.packed));
        }
    }
    let size = |name: &str| entry(name).download_size();
    assert_eq!(
        size("mnist"),
        (9_912_422 + 28_881 + 1_648_877 + 4_542, true)
    );
    assert_eq!(size("cifar-10"), (170_052_171, true));
    assert_eq!(size("n-mnist"), (0, false));
    for (name, tried) in [
        ("cifar-10", false),
        ("fashion-mnist", true),
        ("mnist", true),
        ("n-mnist", false),
        ("shd", false),
        ("ssc", false),
    ] {
        assert_eq!(entry(name).tried(), tried, "{name}");
    }
}

#[test]
fn offline() {
    let root = tempfile::tempdir().unwrap();
    let offline = Options {
        offline: true,
        ..options()
    };
    let set = one(b"x", &["http://127.0.0.1:1/"]);
    let error = fetch(&set, root.path(), &offline, &mut Log::default()).unwrap_err();
    let expected = format!(
        "cannot fetch data set set offline; put data.bin (1 bytes, sha256 \
         2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881) into {}/set",
        root.path().display()
    );
    assert_eq!(line(&error), expected);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    // What is there needs no network.
    files::write(&root.path().join(SET), "data.bin", b"x");
    fetch(&set, root.path(), &offline, &mut Log::default()).unwrap();
}

#[test]
fn what_is_in_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mnist");
    files::data_set(root.path(), "mnist", 2, 1);
    fs::remove_file(folder.join("t10k-images-idx3-ubyte.gz")).unwrap();
    files::write(
        &folder,
        "train-labels-idx1-ubyte.gz",
        b"\x1f\x8b\x08damaged",
    );
    let reports = verify(&entry("mnist"), &folder);
    let states: Vec<_> = reports.iter().map(|file| &file.state).collect();
    let wrong = |text: &str| FileState::Wrong(text.into());
    assert_eq!(
        states[0],
        &wrong("1584 bytes of content, expected 47040016")
    );
    assert!(matches!(states[1], FileState::Wrong(why) if why.starts_with("damaged after 0 bytes")));
    assert_eq!(states[2], &FileState::Missing);
    assert_eq!(states[3], &wrong("9 bytes of content, expected 10008"));
    assert_eq!(reports[1].size, Some(10));
    assert_eq!(
        reports[1].path,
        Some(folder.join("train-labels-idx1-ubyte.gz"))
    );
}

#[test]
fn the_systems_fashion_mnist() {
    let folder = Path::new(block_data::SYSTEM_FOLDER).join("fashion-mnist");
    if !folder.is_dir() {
        return crate::fetch_support::skipped("fashion-mnist is not on this machine");
    }
    for file in verify(&entry("fashion-mnist"), &folder) {
        assert_eq!(file.state, FileState::Sound, "{}", file.name);
    }
}

#[test]
fn files_are_looked_at_by_the_names_that_people_give() {
    let root = tempfile::tempdir().unwrap();
    files::data_set(root.path(), "mnist", 2, 1);
    let folder = root.path().join("mnist");
    let dotted = folder.join("train-images.idx3-ubyte.GZ");
    fs::rename(folder.join("train-images-idx3-ubyte.gz"), &dotted).unwrap();
    let report = &verify(&entry("mnist"), &folder)[0];
    assert_eq!(report.path.as_ref(), Some(&dotted));
    assert!(matches!(report.state, FileState::Wrong(_)), "{report:?}");
}
