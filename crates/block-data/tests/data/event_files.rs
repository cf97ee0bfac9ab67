//! Files of recordings: those of h5py and PyTables, our own, and threads.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use block_data::Recordings;
use block_data::formats::event_files::{EventFile, read_events, write_flat};

pub(crate) fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    folder.join(name)
}

/// What every fixture holds, by the formula of `make_fixtures.py`.
pub(crate) fn expected() -> Recordings {
    let mut recordings = Recordings::default();
    for i in 0..20 {
        let events = 0..37 * i % 101;
        let units: Vec<u32> = events.clone().map(|j| (31 * i + 17 * j) % 700).collect();
        let times: Vec<f32> = events.map(|j| (5 * i + 3 * j) as f32 / 64.0).collect();
        recordings.push(3 * i % 5, &units, &times).unwrap();
    }
    recordings
}

const NAMES: [&str; 5] = ["zero", "one", "two", "three", "vier und fünf"];
const ASCII_NAMES: [&str; 5] = ["zero", "one", "two", "three", "four"];

#[test]
fn every_fixture_holds_what_its_script_says() {
    for (name, class_names) in [
        ("h5py_shd.h5", &NAMES[..]),
        ("h5py_shd.h5.gz", &NAMES),
        ("h5py_soft_link.h5", &[]),
        ("h5py_v114.h5", &ASCII_NAMES),
        ("h5py_big_endian.h5", &[]),
        ("h5py_flat.h5", &NAMES),
        ("h5py_flat_v114.h5", &[]),
        ("pytables_shd.h5", &ASCII_NAMES),
        ("pytables_shd.h5.zip", &ASCII_NAMES),
        ("pytables_n_mnist.h5", &[]),
        ("pytables_flat.h5", &[]),
    ] {
        let file = read_events(&fixture(name)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(file.class_names, class_names, "{name}");
        assert!(file.recordings == expected(), "{name}");
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.h5");
    let mut wide = Recordings::default();
    wide.push(65_535, &[u32::MAX, 0, 65_536], &[0.1, 1e-9, 1e9])
        .unwrap();
    wide.push(0, &[], &[]).unwrap();
    let mut long = Recordings::default();
    let units: Vec<u32> = (0..200_000_u32)
        .map(|i| i.wrapping_mul(i) % 65_536)
        .collect();
    let times: Vec<f32> = (0..200_000).map(|i| i as f32 / 1e6).collect();
    long.push(1, &units, &times).unwrap();
    let mut silent = Recordings::default();
    silent.push(1, &[], &[]).unwrap();
    for (recordings, class_names) in [
        (expected(), &NAMES[..]),
        (wide, &[]),
        (long, &["", "a"]),
        (silent, &[]),
        (Recordings::default(), &[]),
    ] {
        write_flat(&path, &recordings, class_names).unwrap();
        let expected = EventFile {
            recordings,
            class_names: class_names.iter().map(|&name| name.into()).collect(),
            doubts: Vec::new(),
        };
        assert!(read_events(&path).unwrap() == expected);
    }
    let left: Vec<_> = folder.path().read_dir().unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn impossible_writes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/own.h5");
    let text = write_flat(&path, &expected(), &NAMES)
        .unwrap_err()
        .to_string();
    let start = format!("{}: cannot be written: ", path.display());
    assert!(text.starts_with(&start) && !text.contains('\n'), "{text}");
    let path = folder.path().join("own.h5");
    let text = write_flat(&path, &expected(), &NAMES[..4])
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "a label is 4, expected less than 4, the number of classes"
    );
    let mut many = Recordings::default();
    many.push(65_536, &[], &[]).unwrap();
    let text = write_flat(&path, &many, &[""; 0]).unwrap_err().to_string();
    assert_eq!(
        text,
        "a label is 65536, expected less than 65536, the number of classes"
    );
    assert!(!path.exists());
}

#[test]
fn several_threads_read_one_file() {
    let expected = expected();
    for name in ["h5py_shd.h5", "h5py_flat.h5", "pytables_shd.h5.zip"] {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        assert!(read_events(&fixture(name)).unwrap().recordings == expected);
                    }
                });
            }
        });
    }
}

/// h5py's check of what [`write_flat`] wrote, against the formula of `make_fixtures.py`.
const CHECK: &str = r#"
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "r") as file:
    index = [np.arange(37 * i % 101) for i in range(20)]
    units, times, offsets = (file["spikes"][name] for name in ("units", "times", "offsets"))
    assert (units.dtype, times.dtype, offsets.dtype) == ("u2", "f4", "u8"), (units, times, offsets)
    assert (units[:] == np.concatenate([(31 * i + 17 * j) % 700 for i, j in enumerate(index)])).all()
    assert (times[:] == np.concatenate([(5 * i + 3 * j) / 64 for i, j in enumerate(index)])).all()
    assert (offsets[:] == np.cumsum([0] + [len(j) for j in index])).all()
    assert (file["labels"][:] == [3 * i % 5 for i in range(20)]).all()
    assert list(file["extra/keys"].asstr()) == ["zero", "one", "two", "three", "vier und f\u00fcnf"]
"#;

/// With `BLOCK_PYTHON` a Python that has h5py, else `python3`.
#[test]
fn h5py_reads_what_is_written() {
    let python = std::env::var("BLOCK_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_h5py = Command::new(&python).args(["-c", "import h5py"]).output();
    if !has_h5py.is_ok_and(|output| output.status.success()) {
        // Straight to the stream: the test harness hides what the macros print.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {python} has no h5py to read our file with"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.h5");
    write_flat(&path, &expected(), &NAMES).unwrap();
    let checked = Command::new(&python)
        .args(["-c", CHECK])
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );

    // More than one chunk of each data set.
    let mut large = Recordings::default();
    let (units, times): (Vec<u32>, Vec<f32>) = (0..200_000).map(|i| (i % 700, i as f32)).unzip();
    for label in 0..70_000 {
        let events = if label == 5 { 0..200_000 } else { 0..0 };
        large
            .push(label % 9, &units[events.clone()], &times[events])
            .unwrap();
    }
    write_flat(&path, &large, &NAMES[..0]).unwrap();
    let checked = Command::new(&python)
        .args(["-c", CHECK_LARGE])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}

const CHECK_LARGE: &str = r#"
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "r") as file:
    units, times, offsets = (file["spikes"][name][:] for name in ("units", "times", "offsets"))
    assert (units == np.arange(200000) % 700).all() and (times == np.arange(200000)).all()
    assert (offsets == np.where(np.arange(70001) > 5, 200000, 0)).all()
    assert (file["labels"][:] == np.arange(70000) % 9).all()
"#;

#[test]
fn a_format_that_is_too_new_is_refused() {
    let text = read_events(&fixture("h5py_latest.h5"))
        .unwrap_err()
        .to_string();
    let end = "/h5py_latest.h5: found data layout version 5 in spikes/units, expected at most 4; write the file in the \
               format of HDF5 1.14 or older (h5py: without `libver`, or with `libver=\"v114\"`)";
    assert!(text.ends_with(end), "{text}");
}
