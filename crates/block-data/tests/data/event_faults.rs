//! Every way in which a file of recordings can be bad: one clear line that names the file.

use std::path::Path;

use block_data::formats::event_files::{read_events, read_events_bytes};
use hdf5::{FileBuilder, GroupBuilder};

use crate::event_files::fixture;

/// What reading says of these bytes.
fn refused(bytes: Vec<u8>) -> String {
    let error = read_events_bytes(bytes, Path::new("a.h5")).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

/// A flat file of three recordings, after `change`.
struct Flat {
    units: Vec<i64>,
    times: Vec<f64>,
    offsets: Vec<i64>,
    labels: Vec<i32>,
    names: Vec<&'static str>,
}

fn flat(change: impl FnOnce(&mut Flat)) -> Vec<u8> {
    let mut flat = Flat {
        units: vec![0, 1, 2, 3],
        times: vec![0.0, 0.25, 0.5, 1.0],
        offsets: vec![0, 1, 1, 4],
        labels: vec![0, 1, 1],
        names: Vec::new(),
    };
    change(&mut flat);
    file(|file, spikes| {
        spikes.create_dataset("units").with_i64_data(&flat.units);
        spikes.create_dataset("times").with_f64_data(&flat.times);
        spikes
            .create_dataset("offsets")
            .with_i64_data(&flat.offsets);
        file.create_dataset("labels").with_i32_data(&flat.labels);
        if !flat.names.is_empty() {
            let mut extra = file.create_group("extra");
            extra.create_dataset("keys").with_vlen_strings(&flat.names);
            file.add_group(extra.finish());
        }
    })
}

fn file(fill: impl FnOnce(&mut FileBuilder, &mut GroupBuilder)) -> Vec<u8> {
    let mut file = FileBuilder::new();
    let mut spikes = file.create_group("spikes");
    fill(&mut file, &mut spikes);
    file.add_group(spikes.finish());
    file.finish().unwrap()
}

/// A fixture with the bytes of `from` replaced by those of `to` where they first occur.
fn changed(name: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read(fixture(name)).unwrap();
    let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
    bytes[at..][..to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn a_sound_file_is_read() {
    let file = read_events_bytes(flat(|_| ()), Path::new("a.h5")).unwrap();
    assert_eq!(file.recordings.labels(), [0, 1, 1]);
    assert_eq!(file.recordings.events(1), (&[][..], &[][..]));
    assert_eq!(
        file.recordings.events(2),
        (&[1, 2, 3][..], &[0.25, 0.5, 1.0][..])
    );
}

#[test]
fn other_files() {
    assert_eq!(
        refused(b"<html>404".to_vec()),
        "a.h5: found no HDF5 signature, expected an HDF5 file of recordings; is this the right file?"
    );
    assert_eq!(
        refused(Vec::new()),
        "a.h5: found an empty file, expected an HDF5 file of recordings"
    );
}

#[test]
fn missing_groups_and_data_sets() {
    let mut empty = FileBuilder::new();
    empty.create_dataset("labels").with_i32_data(&[1]);
    assert_eq!(
        refused(empty.finish().unwrap()),
        "a.h5: found no group spikes, expected spikes/units, spikes/times and labels"
    );
    for (missing, name) in [
        ("units", "spikes/units"),
        ("times", "spikes/times"),
        ("labels", "labels"),
    ] {
        let bytes = file(|file, spikes| {
            for name in ["units", "times"]
                .into_iter()
                .filter(|&name| name != missing)
            {
                spikes.create_dataset(name).with_i32_data(&[1]);
            }
            if missing != "labels" {
                file.create_dataset("labels").with_i32_data(&[1]);
            }
        });
        assert_eq!(
            refused(bytes),
            format!(
                "a.h5: found no data set {name}, expected spikes/units, spikes/times and labels"
            )
        );
    }
}

#[test]
fn lengths_that_differ() {
    assert_eq!(
        refused(flat(|file| file.units.push(1))),
        "a.h5: found 5 events in spikes/units, expected 4 as in spikes/times"
    );
    assert_eq!(
        refused(flat(|file| file.labels.push(1))),
        "a.h5: found 4 labels, expected 3, one for each recording"
    );
    assert_eq!(
        refused(flat(|file| file.names = vec!["zero"])),
        "a.h5: found 1 name in extra/keys, expected 2, one for each class"
    );
    // The reference of recording 1: 37 elements, then an address below 65,536.
    let mut bytes = std::fs::read(fixture("h5py_shd.h5")).unwrap();
    let is_reference = |w: &[u8]| w[..4] == [37, 0, 0, 0] && w[4..6] != [0; 2] && w[6..] == [0; 6];
    let at = bytes.windows(12).position(is_reference).unwrap();
    bytes[at] = 36;
    assert_eq!(
        refused(bytes),
        "a.h5: recording 1 has 36 units, expected 37, one for each time"
    );
}

#[test]
fn impossible_times() {
    let (shift, leave) = (
        "let the times of each recording begin at 0: add what the earliest is below 0 to all of them, or leave out what \
         comes before 0",
        "leave out what has no time",
    );
    for (time, text, remedy) in [
        (-0.5, "-0.5", shift),
        (f64::NAN, "NaN", leave),
        (1e300, "inf", leave),
        (f64::INFINITY, "inf", leave),
        (f64::NEG_INFINITY, "-inf", leave),
    ] {
        assert_eq!(
            refused(flat(|file| file.times[2] = time)),
            format!(
                "a.h5: recording 2: event 1 is at {text} seconds, expected a finite time that is not negative; {remedy}"
            )
        );
    }
    assert_eq!(
        refused(flat(|file| file.times[0] = -1.0)),
        format!(
            "a.h5: recording 0: event 0 is at -1 seconds, expected a finite time that is not negative; {shift}"
        )
    );
    // Recording 1 begins at 5/64 seconds, 0x2d00 in float16; the next is 8/64.
    assert_eq!(
        refused(changed(
            "h5py_shd.h5",
            &[0x00, 0x2d, 0x00, 0x30],
            &[0x00, 0x2d, 0x00, 0x7c]
        )),
        format!(
            "a.h5: recording 1: event 1 is at inf seconds, expected a finite time that is not negative; {leave}"
        )
    );
}

#[test]
fn impossible_units() {
    assert_eq!(
        refused(flat(|file| file.units[1] = -1)),
        "a.h5: element 1 of spikes/units is -1, expected 0 to 2^32 - 1"
    );
    assert_eq!(
        refused(flat(|file| file.units[3] = 1 << 32)),
        "a.h5: element 3 of spikes/units is 4294967296, expected 0 to 2^32 - 1"
    );
    // Recording 1 begins at units 31 and 48.
    assert_eq!(
        refused(changed(
            "pytables_n_mnist.h5",
            &[31, 0, 0, 0, 48, 0, 0, 0],
            &[31, 0, 0, 0, 48, 0, 0, 0x80]
        )),
        "a.h5: recording 1: event 1 has unit -2147483600, expected 0 to 4294967295"
    );
}

#[test]
fn impossible_labels() {
    assert_eq!(
        refused(flat(|file| file.labels[2] = -1)),
        "a.h5: element 2 of labels is -1, expected 0 to 2^32 - 1; if that means unlabelled, leave the recording out"
    );
    assert_eq!(
        refused(flat(|file| file.labels[1] = 65_536)),
        "a.h5: sample 1 (from 0) has label 65536, expected less than 65536, the largest below that is 1; is it unlabelled?"
    );
}

#[test]
fn impossible_offsets() {
    for (offsets, text) in [
        (
            vec![1, 1, 1, 4],
            "offset 0 in spikes/offsets is 1, expected 0",
        ),
        (
            vec![0, 2, 1, 4],
            "offset 2 in spikes/offsets is 1, expected at least 2, the one before",
        ),
        (
            vec![0, 1, 1, 5],
            "offset 3 in spikes/offsets is 5, expected 4, the number of events",
        ),
        (
            vec![0, 1, 1, 3],
            "offset 3 in spikes/offsets is 3, expected 4, the number of events",
        ),
        (
            vec![],
            "found no offset in spikes/offsets, expected one more than labels",
        ),
        (
            vec![-1, 4],
            "element 0 of spikes/offsets is -1, expected 0 to 2^64 - 1",
        ),
    ] {
        assert_eq!(
            refused(flat(|file| file.offsets = offsets)),
            format!("a.h5: {text}")
        );
    }
}

#[test]
fn other_types() {
    let bytes = |offsets: bool, units_as_text: bool| {
        file(|file, spikes| {
            if units_as_text {
                spikes.create_dataset("units").with_vlen_strings(&["1"]);
                spikes.create_dataset("times").with_f32_data(&[1.0]);
            } else {
                spikes.create_dataset("units").with_u8_data(&[1]);
                spikes.create_dataset("times").with_vlen_strings(&["1"]);
            }
            if offsets {
                spikes.create_dataset("offsets").with_u8_data(&[0, 1]);
            }
            file.create_dataset("labels").with_u8_data(&[1]);
        })
    };
    for (bytes, text) in [
        (
            bytes(true, true),
            "found elements of type vlen_string in spikes/units, expected numbers",
        ),
        (
            bytes(true, false),
            "found elements of type vlen_string in spikes/times, expected numbers",
        ),
        (
            bytes(false, false),
            "found elements of type u8 in spikes/units, expected variable-length numbers",
        ),
        (
            file(|file, spikes| {
                spikes
                    .create_dataset("units")
                    .with_u8_data(&[1; 4])
                    .with_shape(&[2, 2]);
                spikes.create_dataset("times").with_f32_data(&[1.0]);
                file.create_dataset("labels").with_f32_data(&[1.0]);
            }),
            "found 2 dimensions of spikes/units, expected 1",
        ),
    ] {
        assert_eq!(refused(bytes), format!("a.h5: {text}"));
    }
}

#[test]
fn files_cut_anywhere_are_refused() {
    for name in [
        "h5py_shd.h5",
        "h5py_v114.h5",
        "pytables_n_mnist.h5",
        "h5py_flat.h5",
    ] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for end in (0..whole.len()).step_by(97) {
            let text = refused(whole[..end].to_vec());
            let known = [
                "is truncated: found ",
                "no HDF5 signature",
                "found an empty file",
                "cannot be opened",
            ];
            assert!(
                known.iter().any(|part| text.contains(part)),
                "{name}, {end}: {text}"
            );
        }
    }
    let whole = std::fs::read(fixture("h5py_shd.h5")).unwrap();
    assert_eq!(
        refused(whole[..5000].to_vec()),
        "a.h5 is truncated: found 5000 bytes of content, expected 13432; put a sound copy in its place"
    );
}

#[test]
fn a_header_s_shape_takes_no_memory() {
    // The dimension of units and times, everywhere, becomes 2^40.
    let mut bytes = std::fs::read(fixture("h5py_flat.h5")).unwrap();
    let events: u64 = (0..20).map(|i| 37 * i % 101).sum();
    let mut at = 0;
    while let Some(found) = bytes[at..]
        .windows(8)
        .position(|w| w == events.to_le_bytes())
    {
        at += found;
        bytes[at..][..8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    }
    assert_eq!(
        refused(bytes),
        "a.h5: found 1099511627776 elements of 2 bytes in spikes/units, expected at most 68240384 bytes in a \
         file of this size; put a sound copy in its place"
    );
}

#[test]
fn a_deeply_nested_type_does_not_overflow_the_stack() {
    let text = read_events(&fixture("nested_type.h5.gz"))
        .unwrap_err()
        .to_string();
    let end = ": found elements of type other(vlen<vlen<vlen<vlen<vlen<vlen<vlen in labels, expected numbers";
    assert!(text.ends_with(end), "{text}");
}
