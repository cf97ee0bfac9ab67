//! Images in idx files of one's own.

use std::path::{Path, PathBuf};

use block_data::{IdxFiles, Input, Locations};
use burn_dataset::Dataset;

use crate::files::{self, gzip, idx};

/// Images of 2×3 pixels with these labels, as two files.
fn split(folder: &Path, names: [&str; 2], labels: &[u8]) {
    let pixels: Vec<u8> = labels.iter().flat_map(|&label| [label; 6]).collect();
    let images = idx(0x803, &[labels.len() as u32, 2, 3], &pixels);
    for (name, bytes) in names.into_iter().zip([images, files::labels(labels)]) {
        let packed = name.to_lowercase().ends_with(".gz");
        let bytes = if packed { gzip(&bytes) } else { bytes };
        files::write(folder, name, &bytes);
    }
}

fn own() -> IdxFiles {
    let [train_images, train_labels, test_images, test_labels] = [
        "emnist/train-images-idx3-ubyte.gz",
        "emnist/train-labels-idx1-ubyte.gz",
        "emnist/test-images-idx3-ubyte",
        "emnist/test-labels-idx1-ubyte",
    ]
    .map(PathBuf::from);
    IdxFiles {
        train_images,
        train_labels,
        test_images,
        test_labels,
        classes: None,
    }
}

fn at(folder: &Path) -> Locations {
    let nowhere = Path::new("/nowhere");
    Locations::from_parts(Some(folder.to_path_buf()), None, nowhere, nowhere)
}

#[test]
fn letters_from_1_to_26_make_27_classes() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("emnist");
    let labels: Vec<u8> = (1..=26).collect();
    // With a dot, in capitals, unpacked or packed.
    let train = ["train-images.idx3-ubyte", "TRAIN-LABELS-IDX1-UBYTE.GZ"];
    split(&folder, train, &labels);
    let test = ["test-images-idx3-ubyte.gz", "test-labels.idx1-ubyte"];
    split(&folder, test, &[3, 26]);
    let source = own().open(&at(root.path())).unwrap();
    assert_eq!((source.name(), source.classes()), ("idx", 27));
    assert_eq!(source.input_shape(), [1, 2, 3]);
    assert_eq!(source.folder(), Some(&*folder));
    assert_eq!((source.train().len(), source.test().len()), (26, 2));
    let sample = source.train().get(25).unwrap();
    assert_eq!(sample.label, 26);
    assert_eq!(sample.input, Input::Values(vec![26.0_f32 / 255.0; 6]));

    let more = IdxFiles {
        classes: Some(47),
        ..own()
    };
    assert_eq!(more.open(&at(root.path())).unwrap().classes(), 47);
    let less = IdxFiles {
        classes: Some(26),
        ..own()
    };
    let text = less.open(&at(root.path())).unwrap_err().to_string();
    let end = "TRAIN-LABELS-IDX1-UBYTE.GZ: sample 25 (from 0) has label 26, expected 0 to 25";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn sixty_two_classes_come_from_either_split() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("emnist");
    let train = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    split(&folder, train, &[0, 46]);
    let test = ["test-images-idx3-ubyte", "test-labels-idx1-ubyte"];
    split(&folder, test, &[61]);
    assert_eq!(own().open(&at(root.path())).unwrap().classes(), 62);
}

#[test]
fn the_file_that_is_missing_or_differs_is_named() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("emnist");
    let train = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    let test = ["test-images-idx3-ubyte", "test-labels-idx1-ubyte"];
    split(&folder, train, &[0, 1]);
    split(&folder, test, &[1]);
    let refused = || own().open(&at(root.path())).unwrap_err().to_string();
    files::write(&folder, test[0], &idx(0x803, &[1, 3, 2], &[0; 6]));
    let text = refused();
    let end = "test-images-idx3-ubyte: found images of 3x2 pixels, expected 2x3";
    assert!(text.ends_with(end), "{text}");
    files::write(
        &folder,
        train[0],
        &idx(0x803, &[1, u32::MAX, u32::MAX], &[0; 6]),
    );
    let text = refused();
    let end = "pixels an image, expected 1 to 1073741824";
    assert!(text.ends_with(end), "{text}");
    files::write(&folder, train[1], b"PK\x03\x04 and more");
    split(&folder, [train[0], "other"], &[0, 1]);
    let text = refused();
    let end = "found a zip archive, expected an idx file; unpack it, and name what was in it";
    assert!(text.ends_with(end), "{text}");
    for name in [test[1], train[1]] {
        std::fs::remove_file(folder.join(name)).unwrap();
        let text = refused();
        let start = format!("emnist/{name}");
        assert!(
            text.starts_with(&start) && text.contains(" is missing: there is no file "),
            "{text}"
        );
    }
}

#[test]
fn the_test_split_opens_without_the_files_of_the_training() {
    let root = tempfile::tempdir().unwrap();
    let test = ["test-images-idx3-ubyte", "test-labels-idx1-ubyte"];
    split(&root.path().join("emnist"), test, &[3, 26]);
    let locations = at(root.path());
    let source = own().open_test(&locations).unwrap();
    assert_eq!((source.train().len(), source.test().len()), (0, 2));
    assert_eq!(source.test().get(1).unwrap().label, 26);
    assert_eq!((source.units(), source.classes()), (6, 27));
    assert!(own().open(&locations).is_err());
}
