//! The real data sets, where they are: `$BLOCK_DATA`, `data` of the workspace, the system's folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use block_data::formats::n_mnist;
use block_data::{
    DataError, DataSource, Input, Locations, Recordings, SYSTEM_FOLDER, open, read_events,
    write_flat,
};
use burn_dataset::Dataset;
use sha2::{Digest, Sha256};

use crate::files::NO_NAMES;

fn locations() -> Locations {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let variable = std::env::var_os("BLOCK_DATA").map(Into::into);
    Locations::from_parts(None, variable, &workspace, Path::new(SYSTEM_FOLDER))
}

fn skipped(name: &str) {
    // Straight to the stream: the test harness hides what the macros print.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name} is not on this machine");
}

fn installed(name: &str) -> Option<DataSource> {
    match open(name, &locations()) {
        Ok(source) => Some(source),
        Err(DataError::Missing { .. }) => {
            skipped(name);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A file by its path within a folder of data sets.
fn file(path: &str) -> Option<PathBuf> {
    let found = locations().find_file(Path::new(path)).ok();
    if found.is_none() {
        skipped(path);
    }
    found
}

/// Of the labels and of what the samples consist of, in float32. The numbers below were computed in Python
/// too, with NumPy, zipfile and h5py.
fn checksum(samples: &dyn Dataset<block_data::Sample>) -> String {
    let mut sum = Sha256::new();
    for index in 0..samples.len() {
        let sample = samples.get(index).unwrap();
        sum.update((sample.label as u32).to_le_bytes());
        match sample.input {
            Input::Values(values) => {
                values
                    .iter()
                    .for_each(|value| sum.update(value.to_le_bytes()));
            }
            Input::Events(recording) => {
                sum.update((recording.units.len() as u32).to_le_bytes());
                recording
                    .units
                    .iter()
                    .for_each(|unit| sum.update(unit.to_le_bytes()));
                recording
                    .times
                    .iter()
                    .for_each(|time| sum.update(time.to_le_bytes()));
            }
        }
    }
    sum.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// How many samples of each class a split has.
fn balance(samples: &dyn Dataset<block_data::Sample>) -> [usize; 10] {
    let mut counts = [0; 10];
    for index in 0..samples.len() {
        counts[samples.get(index).unwrap().label] += 1;
    }
    counts
}

#[test]
fn fashion_mnist() {
    let Some(source) = installed("fashion-mnist") else {
        return;
    };
    assert_eq!(
        (source.train().len(), source.test().len()),
        (60_000, 10_000)
    );
    assert_eq!(balance(&*source.train()), [6_000; 10]);
    assert_eq!(balance(&*source.test()), [1_000; 10]);
    // The first training image is an ankle boot; the mean grey level is a known constant.
    assert_eq!(
        source.class_names()[source.train().get(0).unwrap().label],
        "ankle boot"
    );
    let mean = mean(&source);
    assert!((mean - 0.2860).abs() < 1e-4, "{mean}");
    assert_eq!(checksum(&*source.train()), "6faee57e6e6ef214");
    assert_eq!(checksum(&*source.test()), "f10b224b29a127ab");
}

#[test]
fn mnist() {
    let Some(source) = installed("mnist") else {
        return;
    };
    assert_eq!(
        (source.train().len(), source.test().len()),
        (60_000, 10_000)
    );
    let expected = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    assert_eq!(balance(&*source.train()), expected);
    let mean = mean(&source);
    assert!((mean - 0.1307).abs() < 1e-4, "{mean}");
    assert_eq!(checksum(&*source.train()), "b021ab4b877029a5");
    assert_eq!(checksum(&*source.test()), "4d423711a0d6a7b4");
}

fn mean(source: &DataSource) -> f64 {
    let train = source.train();
    let sum = |index| {
        let Input::Values(values) = train.get(index).unwrap().input else {
            panic!("an image has values");
        };
        values.iter().map(|&v| f64::from(v)).sum::<f64>()
    };
    (0..train.len()).map(sum).sum::<f64>() / (train.len() * source.units()) as f64
}

/// 1,000 and 100 of N-MNIST's recordings, in the zip files of its publisher's layout.
#[test]
fn a_part_of_n_mnist() {
    let train = [97, 116, 99, 93, 105, 92, 94, 117, 87, 100];
    let test = [8, 14, 8, 11, 14, 7, 10, 15, 2, 11];
    for (name, classes, events, expected) in [
        (
            "n-mnist-small/Train.zip",
            train,
            4_133_231,
            "f33e551990fce244",
        ),
        ("n-mnist-small/Test.zip", test, 385_596, "565807a51a30a865"),
    ] {
        let Some(path) = file(name) else {
            return;
        };
        let zipped = n_mnist::read_zip(&path, None).unwrap().recordings;
        assert_eq!(zipped.len(), classes.iter().sum::<usize>());
        assert_eq!(zipped.total_events(), events);
        assert_eq!(balance(&zipped), classes);
        assert_eq!(checksum(&zipped), expected);

        let folder = tempfile::tempdir().unwrap();
        let mut archive = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
        archive.extract(folder.path()).unwrap();
        let split = path.file_stem().unwrap();
        let tree = n_mnist::read_tree(&folder.path().join(split), None).unwrap();
        assert!(tree.recordings == zipped);

        let flat = folder.path().join("flat.h5");
        write_flat(&flat, &zipped, &NO_NAMES).unwrap();
        assert!(read_events(&flat).unwrap().recordings == zipped);
    }
}

/// Spoken digits in SHD's layout.
#[test]
fn spoken_digits() {
    for (name, recordings, events, expected) in [
        (
            "fsdd-spikes/fsdd_train.h5.gz",
            2_700,
            10_952_977,
            "8e8bd7ddb738b6d0",
        ),
        (
            "fsdd-spikes/fsdd_test.h5.gz",
            300,
            1_220_028,
            "0060645aeed6081d",
        ),
    ] {
        let Some(path) = file(name) else {
            return;
        };
        let read: Recordings = read_events(&path).unwrap().recordings;
        assert_eq!((read.len(), read.total_events()), (recordings, events));
        assert_eq!(balance(&read), [recordings / 10; 10]);
        assert!(read.largest_unit() < Some(700));
        assert_eq!(checksum(&read), expected);
    }
}
