//! Data sets with faults: one clear line, exit code 2, no panic.

use crate::util::{Bench, write_images};

/// Expects that spoiled files are refused, by `check` and before a training makes its folder.
fn refused(change: impl Fn(&str, &mut Vec<u8>), parts: &[&str]) {
    let bench = Bench::new();
    bench.write("f.toml", "");
    write_images(&bench, "data-sets", change);
    let place = ["--data-dir", "data-sets"];
    bench.refused(&[&["check", "f.toml"], &place[..]].concat(), parts);
    bench.refused(&[&["f.toml", "--out", "run"], &place[..]].concat(), parts);
    assert!(
        !bench.path("run").exists(),
        "nothing is made before the data is read"
    );
}

#[test]
fn missing_data() {
    let bench = Bench::new();
    bench.write("f.toml", "");
    bench.write("empty/file", "");
    let parts = [
        "cannot fetch data set fashion-mnist offline",
        "empty/fashion-mnist",
        "t10k-labels-idx1-ubyte.gz (5148 bytes, md5 bb300cfdad3c16e7a12a480ee83cd310)",
    ];
    bench.refused(&["f.toml", "--offline", "--data-dir", "empty"], &parts);
    bench.refused(&["f.toml", "--offline", "--set", "data.dir=empty"], &parts);
    // Nothing is run, so nothing is fetched.
    let parts = [
        "data set fashion-mnist is missing",
        "empty/fashion-mnist",
        " data get fashion-mnist --data-dir /",
        "/empty`",
    ];
    bench.refused(&["check", "f.toml", "--data-dir", "empty"], &parts);
    bench.refused(&["check", "f.toml", "--set", "data.dir=empty"], &parts);
    let said = bench.run(&["data", "check", "fashion-mnist", "--data-dir", "empty"]);
    let hint = " data get fashion-mnist --data-dir empty` fetches it";
    assert!(said.out.contains(hint), "{said:?}");
}

#[test]
fn a_data_sets_own_folder_instead_of_the_one_above_it() {
    let bench = Bench::new();
    bench.write("f.toml", "");
    write_images(&bench, "sets", |_, _| ());
    let own = ["--data-dir", "sets/fashion-mnist"];
    let parts = [
        "is the data set's own folder: name the one above it",
        "sets\n",
    ];
    bench.refused(&[&["check", "f.toml"], &own[..]].concat(), &parts);
    // Nothing is fetched into it.
    bench.refused(&[&["f.toml", "--out", "run"], &own[..]].concat(), &parts);
    bench.refused(
        &[&["data", "get", "fashion-mnist"], &own[..]].concat(),
        &parts,
    );
    assert!(!bench.path("sets/fashion-mnist/fashion-mnist").exists());
}

#[test]
fn truncated_idx_file() {
    let change = |name: &str, bytes: &mut Vec<u8>| {
        if name == "train-images-idx3-ubyte" {
            bytes.truncate(5000);
        }
    };
    refused(
        change,
        &[
            "train-images-idx3-ubyte is truncated",
            "expected",
            "put a sound copy in its place, as `",
            " data get fashion-mnist --data-dir ",
        ],
    );
}

#[test]
fn truncated_gzip_file() {
    let change = |name: &str, bytes: &mut Vec<u8>| {
        if name == "t10k-labels-idx1-ubyte" {
            *bytes = vec![0x1f, 0x8b, 8, 0, 0, 0];
        }
    };
    refused(change, &["t10k-labels-idx1-ubyte is truncated"]);
}

#[test]
fn wrong_magic_number() {
    let change = |name: &str, bytes: &mut Vec<u8>| {
        if name == "t10k-images-idx3-ubyte" {
            bytes[3] = 1;
        }
    };
    let parts = [
        "t10k-images-idx3-ubyte: found magic number 0x00000801",
        "expected 0x00000803",
    ];
    refused(change, &parts);
}

#[test]
fn labels_and_images_of_different_length() {
    let change = |name: &str, bytes: &mut Vec<u8>| {
        if name == "train-labels-idx1-ubyte" {
            bytes.pop();
            bytes[7] = 59;
        }
    };
    refused(
        change,
        &["train-labels-idx1-ubyte holds 59 labels, expected 60"],
    );
}

#[test]
fn label_that_is_no_class() {
    let change = |name: &str, bytes: &mut Vec<u8>| {
        if name == "train-labels-idx1-ubyte" {
            bytes[8] = 10;
        }
    };
    let parts = [
        "train-labels-idx1-ubyte: sample 0 (from 0) has label 10, expected 0 to 9",
        "the data set, data.classes or the run has 10 classes",
    ];
    refused(change, &parts);
}
