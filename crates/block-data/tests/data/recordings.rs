//! Recordings: every way to read them, and their batches.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use block_data::formats::n_mnist;
use block_data::{
    Content, DataSet, DataSource, Encoding, EventFile, EventFiles, Input, Locations, Recordings,
    Sample, Samples, SpikeLoader, open, read_recordings, write_flat,
};
use burn_dataset::{Dataset, InMemDataset};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::files::{self, NO_NAMES};

/// An event of N-MNIST: x, y, polarity, microseconds.
pub(crate) fn event(x: u8, y: u8, on: bool, microseconds: u32) -> [u8; 5] {
    let [_, high, middle, low] = microseconds.to_be_bytes();
    [x, y, high | u8::from(on) << 7, middle, low]
}

/// The recordings of a small split, by their place in the tree.
fn split(shift: u8) -> Vec<(String, Vec<u8>)> {
    let recording = |digit: u8, number: u8| {
        let events = (0..20 * digit + number).map(|i| {
            let time = 1_000 * u32::from(i) + 123;
            event(
                (i + shift) % 34,
                3_u8.wrapping_mul(i).wrapping_add(number) % 34,
                i % 3 == 0,
                time,
            )
        });
        let bytes = events.flatten().collect();
        (format!("{digit}/{number:05}.bin"), bytes)
    };
    // Not in the order in which they are read.
    let digits = (0..10_u8).rev();
    digits
        .flat_map(|digit| (0..3).map(move |number| recording(digit, number)))
        .collect()
}

fn tree(folder: &Path, split: &[(String, Vec<u8>)]) {
    for (name, bytes) in split {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn zip(path: &Path, prefix: &str, split: &[(String, Vec<u8>)]) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_directory(prefix, SimpleFileOptions::default())
        .unwrap();
    for (name, bytes) in split {
        let name = format!("{prefix}/{name}");
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    fs::write(path, writer.finish().unwrap().into_inner()).unwrap();
}

fn at(folder: &Path) -> Locations {
    let nowhere = Path::new("/nowhere");
    Locations::from_parts(Some(folder.to_path_buf()), None, nowhere, nowhere)
}

fn all(samples: &Samples) -> Vec<Sample> {
    (0..samples.len())
        .map(|i| samples.get(i).unwrap())
        .collect()
}

#[test]
fn n_mnist_is_the_same_from_zip_tree_and_converted() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("n-mnist");
    fs::create_dir(&folder).unwrap();
    let sources = || -> DataSource { open("n-mnist", &at(root.path())).unwrap() };

    zip(&folder.join("Train.zip"), "Train", &split(0));
    zip(&folder.join("Test.zip"), "Test", &split(5));
    let zipped = sources();
    assert_eq!((zipped.units(), zipped.classes()), (34 * 34, 10));
    assert_eq!((zipped.train().len(), zipped.test().len()), (30, 30));
    let timing = zipped.timing().unwrap();
    assert_eq!((timing.steps, timing.dt), (300, 1.0));
    let sample = zipped.train().get(29).unwrap();
    assert_eq!((sample.index, sample.label), (29, 9));
    let Input::Events(recording) = sample.input else {
        panic!("a recording has events");
    };
    assert_eq!(recording.units.len(), 182);
    assert_eq!(recording.units[0], 34 * 2 + 34 * 34);
    assert_eq!(recording.times[1], 1_123.0 / 1e6);

    tree(&folder.join("Train"), &split(0));
    tree(&folder.join("Test"), &split(5));
    let unpacked = sources();
    let recordings = n_mnist::read_zip(&folder.join("Train.zip"), None)
        .unwrap()
        .recordings;
    fs::remove_file(folder.join("Train.zip")).unwrap();
    write_flat(&folder.join("train.h5"), &recordings, &NO_NAMES).unwrap();
    let test = n_mnist::read_tree(&folder.join("Test"), None)
        .unwrap()
        .recordings;
    write_flat(&folder.join("test.h5"), &test, &NO_NAMES).unwrap();
    fs::remove_dir_all(folder.join("Train")).unwrap();
    let converted = sources();
    for other in [unpacked, converted] {
        assert_eq!(all(&other.train()), all(&zipped.train()));
        assert_eq!(all(&other.test()), all(&zipped.test()));
    }
}

#[test]
fn bad_recordings_name_file_and_member() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("Train.zip");
    let refused = |bytes: &[u8]| {
        zip(
            &path,
            "Train",
            &[("7/00001.bin".to_string(), bytes.to_vec())],
        );
        let text = n_mnist::read_zip(&path, None).unwrap_err().to_string();
        text.replace(&root.path().display().to_string(), "")
    };
    assert_eq!(
        refused(&[0; 7]),
        "/Train.zip/Train/7/00001.bin: found 7 bytes, expected a multiple of 5 (the bytes of an \
         event)"
    );
    assert_eq!(
        refused(&[event(1, 1, true, 5), event(34, 0, true, 5)].concat()),
        "/Train.zip/Train/7/00001.bin: event 1 is at x 34, y 0, expected both below 34"
    );
    zip(&path, "Train", &[("notes.txt".to_string(), vec![1])]);
    let text = n_mnist::read_zip(&path, None).unwrap_err().to_string();
    assert!(text.ends_with("found no recording, expected files <digit>/<name>.bin"));
}

/// Two splits of one's own.
fn own(root: &Path, train: &Recordings, test: &Recordings, names: &[String]) -> EventFiles {
    write_flat(&root.join("a.h5"), train, names).unwrap();
    write_flat(&root.join("b.h5"), test, names).unwrap();
    EventFiles {
        train: PathBuf::from("a.h5"),
        test: PathBuf::from("b.h5"),
        units: None,
        classes: None,
    }
}

fn recordings(samples: &[(u32, &[u32], &[f32])]) -> Recordings {
    let mut recordings = Recordings::default();
    for (label, units, times) in samples {
        recordings.push(*label, units, times).unwrap();
    }
    recordings
}

#[test]
fn files_of_ones_own() {
    let root = tempfile::tempdir().unwrap();
    let train = recordings(&[(0, &[0, 7], &[0.0, 0.5]), (2, &[], &[])]);
    let test = recordings(&[(1, &[9], &[0.25])]);
    let files = own(root.path(), &train, &test, &[]);
    let source = files.open(&at(root.path())).unwrap();
    assert_eq!((source.units(), source.classes()), (10, 3));
    assert_eq!(source.name(), "events");
    assert!(source.timing().is_none());
    assert_eq!((source.train().len(), source.test().len()), (2, 1));

    let larger = EventFiles {
        units: Some(5),
        classes: Some(4),
        ..files.clone()
    };
    let source = larger.open(&at(root.path())).unwrap();
    assert_eq!((source.units(), source.classes()), (5, 4));

    let smaller = EventFiles {
        classes: Some(2),
        ..files.clone()
    };
    let text = smaller.open(&at(root.path())).unwrap_err().to_string();
    assert!(
        text.ends_with("a.h5: sample 1 (from 0) has label 2, expected 0 to 1"),
        "{text}"
    );

    let names = ["null", "eins", "zwei", "drei"].map(str::to_string);
    let files = own(root.path(), &train, &test, &names);
    assert_eq!(files.open(&at(root.path())).unwrap().class_names(), names);

    let lost = EventFiles {
        test: PathBuf::from("c.h5"),
        ..files
    };
    let text = lost.open(&at(root.path())).unwrap_err().to_string();
    assert!(
        text.starts_with("c.h5 is missing: there is no file "),
        "{text}"
    );
}

#[test]
fn a_split_holds_the_same_however_its_file_is_packed() {
    let root = tempfile::tempdir().unwrap();
    let train = recordings(&[(1, &[3, 0], &[0.0, 0.25]), (0, &[2], &[0.5])]);
    own(root.path(), &train, &train, &[]);
    let flat = fs::read(root.path().join("a.h5")).unwrap();
    fs::write(root.path().join("packed.h5.gz"), files::gzip(&flat)).unwrap();
    let expected = Content::of(&(Arc::new(train) as Samples)).unwrap();
    for file in ["a.h5", "packed.h5.gz"] {
        let found = read_recordings(&root.path().join(file)).unwrap().recordings;
        let content = Content::of(&(Arc::new(found) as Samples)).unwrap();
        assert_eq!(content, expected, "{file}");
    }
}

#[test]
fn the_test_split_opens_alone() {
    let root = tempfile::tempdir().unwrap();
    let train = recordings(&[(0, &[0], &[0.0])]);
    let test = recordings(&[(2, &[4], &[0.0]), (0, &[1], &[0.5])]);
    let files = own(root.path(), &train, &test, &[]);
    fs::remove_file(root.path().join(&files.train)).unwrap();
    let files = EventFiles {
        units: Some(7),
        ..files
    };
    let source = files.open_test(&at(root.path())).unwrap();
    assert_eq!((source.train().len(), source.test().len()), (0, 2));
    assert_eq!((source.units(), source.classes()), (7, 3));
    let fewer = EventFiles {
        classes: Some(2),
        ..files
    };
    let text = fewer.open_test(&at(root.path())).unwrap_err().to_string();
    assert!(
        text.contains("b.h5: sample 0 (from 0) has label 2, expected 0 to 1"),
        "{text}"
    );
}

#[test]
fn an_unlabelled_recording_is_no_class_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let train = recordings(&[(0, &[0], &[0.0]), (65_535, &[1], &[0.0])]);
    let files = own(root.path(), &train, &train, &[]);
    let text = files.open(&at(root.path())).unwrap_err().to_string();
    let part = "a.h5: the largest label is 65535, the next largest 0, expected less than 1000";
    assert!(text.contains(part), "{text}");
    let files = EventFiles {
        classes: Some(65_536),
        ..files
    };
    assert_eq!(files.open(&at(root.path())).unwrap().classes(), 65_536);
}

#[test]
fn a_damaged_conversion_says_what_hides_what() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("n-mnist");
    fs::create_dir(&folder).unwrap();
    zip(&folder.join("Train.zip"), "Train", &split(0));
    zip(&folder.join("Test.zip"), "Test", &split(5));
    fs::write(folder.join("train.h5"), b"damaged").unwrap();
    fs::write(folder.join("test.h5"), b"damaged").unwrap();
    let text = open("n-mnist", &at(root.path())).unwrap_err().to_string();
    assert!(
        text.contains("n-mnist/train.h5: ") && text.ends_with("own files once more"),
        "{text}"
    );
    let set = DataSet::named("n-mnist").unwrap();
    let from = set.located_to_convert(&at(root.path()));
    assert_eq!(
        from,
        ["Train.zip", "Test.zip"].map(|name| folder.join(name))
    );
    assert_eq!(set.located(&at(root.path()))[0], folder.join("train.h5"));
}

#[test]
fn an_archive_holds_one_split() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("both.zip");
    let members = ["Train/1/a.bin", "Test/1/a.bin"].map(|name| (name.to_string(), Vec::new()));
    zip(&path, "N", &members);
    let text = n_mnist::read_zip(&path, None).unwrap_err().to_string();
    let end = "found recordings in \"N/Train\" and in \"N/Test\", expected one split an archive";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn an_archive_of_an_hdf5_file() {
    let root = tempfile::tempdir().unwrap();
    let recordings = recordings(&[(1, &[3], &[0.5])]);
    write_flat(&root.path().join("a.h5"), &recordings, &NO_NAMES).unwrap();
    let bytes = fs::read(root.path().join("a.h5")).unwrap();
    zip(
        &root.path().join("a.zip"),
        "x",
        &[("a.h5".to_string(), bytes)],
    );
    assert_eq!(
        read_recordings(&root.path().join("a.zip"))
            .unwrap()
            .recordings,
        recordings
    );
}

#[test]
fn conversions_side_by_side_leave_one_whole_file() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.h5");
    let units: Vec<u32> = (0..100_000_u32).map(|i| i.wrapping_mul(i) % 700).collect();
    let times: Vec<f32> = (0..100_000).map(|i| i as f32 / 1e5).collect();
    let recordings = recordings(&[(0, &units, &times)]);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| write_flat(&path, &recordings, &NO_NAMES).unwrap());
        }
    });
    assert_eq!(read_recordings(&path).unwrap().recordings, recordings);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn units_and_labels_beyond_the_data_sets_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shd");
    fs::create_dir(&folder).unwrap();
    let sound = recordings(&[(19, &[699], &[0.1])]);
    let open_with = |test: &Recordings| {
        write_flat(&folder.join("train.h5"), &sound, &NO_NAMES).unwrap();
        write_flat(&folder.join("test.h5"), test, &NO_NAMES).unwrap();
        open("shd", &at(root.path()))
    };
    let source = open_with(&sound).unwrap();
    assert_eq!((source.units(), source.classes()), (700, 20));
    let text = open_with(&recordings(&[(0, &[700], &[0.1])]))
        .unwrap_err()
        .to_string();
    assert!(text.ends_with("test.h5: found an event of unit 700, expected less than 700"));
    let text = open_with(&recordings(&[(20, &[0], &[0.1])]))
        .unwrap_err()
        .to_string();
    let expected = "test.h5: sample 0 (from 0) has label 20, expected 0 to 19";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn batches_of_recordings() {
    let samples = recordings(&[
        (1, &[0, 5, 5, 3], &[0.0, 0.004, 0.004, 0.02]),
        (0, &[], &[]),
        // At the last step, one unit folded onto another, and one too late.
        (2, &[4, 11, 1], &[0.018, 0.018, 0.021]),
    ]);
    let encoding = Encoding::events(8, 10, 2.0).unwrap();
    let loader = SpikeLoader::new(Arc::new(samples), encoding, 2).unwrap();
    let events = loader
        .epoch(0)
        .map(|batch| batch.unwrap().input.into_events().unwrap());
    let batches: Vec<_> = events.collect();
    assert_eq!(batches[0].shape(), [2, 10, 8]);
    // The event at step 10 is dropped, the double one stays.
    assert_eq!(batches[0].spikes(), 3);
    assert_eq!(batches[1].shape(), [1, 10, 8]);
    assert_eq!(batches[1].spikes(), 2);
}

#[test]
fn the_wrong_kind_of_sample_is_an_error() {
    let recording = recordings(&[(0, &[0], &[0.0])]);
    let loader = SpikeLoader::new(Arc::new(recording), Encoding::new(10).unwrap(), 1).unwrap();
    assert_eq!(
        loader.epoch(0).next().unwrap().unwrap_err().to_string(),
        "a sample's input is 1 event, expected values, for the single-spike code"
    );
    let values = Sample {
        index: 0,
        label: 0,
        input: Input::Values(vec![0.5; 3]),
    };
    let samples: Samples = Arc::new(InMemDataset::new(vec![values]));
    let encoding = Encoding::events(3, 10, 1.0).unwrap();
    let loader = SpikeLoader::new(samples, encoding, 1).unwrap();
    assert_eq!(
        loader.epoch(0).next().unwrap().unwrap_err().to_string(),
        "a sample's input is 3 values, expected events, for a binning in time"
    );
}

#[test]
fn what_a_file_is_follows_from_its_form() {
    let root = tempfile::tempdir().unwrap();
    tree(&root.path().join("t"), &split(0));
    zip(&root.path().join("t.zip"), "t", &split(0));
    let from_tree = read_recordings(&root.path().join("t")).unwrap();
    let EventFile {
        recordings,
        class_names,
        doubts,
    } = read_recordings(&root.path().join("t.zip")).unwrap();
    assert!(doubts.is_empty());
    assert_eq!(recordings, from_tree.recordings);
    assert_eq!(class_names.len(), 10);
    let text = files::write(root.path(), "x.h5", b"no hdf5 at all");
    assert!(read_recordings(&text).is_err());
}

/// Names with capitals, as some cameras and systems write them.
fn capitals(split: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let split = split.iter();
    split
        .map(|(name, bytes)| (name.to_uppercase(), bytes.clone()))
        .collect()
}

#[test]
fn trees_as_people_pack_them() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let expected = {
        zip(&path("plain.zip"), "Train", &split(0));
        read_recordings(&path("plain.zip")).unwrap().recordings
    };
    zip(&path("CAPITALS.ZIP"), "Train", &capitals(&split(0)));
    zip(&path("nested.zip"), "N-MNIST/Train", &split(0));
    fs::copy(path("plain.zip"), path("named.h5")).unwrap();
    let mut bytes = fs::read(path("plain.zip")).unwrap();
    for byte in 0..bytes.len() {
        if bytes[byte..].starts_with(b"Train/") {
            bytes[byte + 5] = b'\\';
            if bytes.get(byte + 7) == Some(&b'/') {
                bytes[byte + 7] = b'\\';
            }
        }
    }
    fs::write(path("windows.zip"), bytes).unwrap();
    tree(&path("tree"), &split(0));
    tree(&path("twice/Train"), &capitals(&split(0)));
    fs::write(path("twice/.DS_Store"), "x").unwrap();
    fs::write(path("twice/Train/3/._00000.BIN"), "x").unwrap();
    for name in [
        "CAPITALS.ZIP",
        "nested.zip",
        "named.h5",
        "windows.zip",
        "tree",
        "twice",
    ] {
        let file = read_recordings(&path(name)).unwrap_or_else(|e| panic!("{e}"));
        assert!(file.recordings == expected, "{name}");
        assert!(file.doubts.is_empty(), "{name}");
    }
    tree(&path("both/Train"), &split(0));
    tree(&path("both/Test"), &split(5));
    let text = read_recordings(&path("both")).unwrap_err().to_string();
    let (a, b) = ("\"Test\"", "\"Train\"");
    assert!(text.contains(a) && text.contains(b), "{text}");
    assert!(text.ends_with("expected one split a folder"), "{text}");
}

#[test]
fn an_archive_of_two_forms_or_files_is_refused_by_their_names() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.zip");
    let archive = |names: &[&str]| {
        let members = names.iter().map(|name| (name.to_string(), b"x".to_vec()));
        zip(&path, "d", &members.collect::<Vec<_>>());
        let text = read_recordings(&path).unwrap_err().to_string();
        text.replace(&format!("{}: ", path.display()), "")
    };
    assert_eq!(
        archive(&["train.h5", "3/a.bin"]),
        "found \"d/3/a.bin\" and \"d/train.h5\" in the archive, expected recordings of one form"
    );
    assert_eq!(
        archive(&["train.H5", "test.hdf5"]),
        "found \"d/train.H5\" and \"d/test.hdf5\" in the archive, expected one of them"
    );
    assert_eq!(
        archive(&["train.h5.gz"]),
        "found \"d/train.h5.gz\" in the archive, which is packed itself; unpack the archive, and name what was in it"
    );
}

#[test]
fn classes_beyond_the_digits() {
    let root = tempfile::tempdir().unwrap();
    let mut more = split(0);
    for class in ["10", "11", "twelve"] {
        more.push((format!("{class}/a.bin"), event(1, 2, true, 3).to_vec()));
    }
    zip(&root.path().join("train.zip"), "Train", &more);
    tree(&root.path().join("test"), &split(5));
    let files = EventFiles {
        train: PathBuf::from("train.zip"),
        test: PathBuf::from("test"),
        units: None,
        classes: None,
    };
    for classes in [None, Some(12)] {
        let files = EventFiles {
            classes,
            ..files.clone()
        };
        let source = files.open(&at(root.path())).unwrap();
        assert_eq!((source.classes(), source.train().len()), (12, 32));
        assert_eq!(source.train().get(31).unwrap().label, 11);
        let [doubt] = source.doubts() else {
            panic!("{:?}", source.doubts());
        };
        let end = "train.zip: the folder \"Train/twelve\" is not read; a class's folder is its number, with .bin \
                   files in it";
        assert!(doubt.ends_with(end), "{doubt}");
    }
    // The data set itself has ten.
    let folder = root.path().join("n-mnist");
    fs::create_dir(&folder).unwrap();
    zip(&folder.join("Train.zip"), "Train", &more);
    zip(&folder.join("Test.ZIP"), "Test", &split(5));
    let source = open("n-mnist", &at(root.path())).unwrap();
    assert_eq!((source.classes(), source.train().len()), (10, 30));
    let doubt = &source.doubts()[0];
    let end = "the folders \"Train/10\", \"Train/11\", \"Train/twelve\" are not read; a class's folder is its number \
               below 10, with .bin files in it";
    assert!(doubt.ends_with(end), "{doubt}");
}
