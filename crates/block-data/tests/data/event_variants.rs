//! HDF5 as people write it: links, and numbers of other types. Every case is a member of one archive,
//! which `make_fixtures.py` writes.

use std::io::Read;
use std::path::Path;

use block_data::Recordings;
use block_data::formats::event_files::read_events_bytes;
use zip::ZipArchive;

use crate::event_files::{expected, fixture};

/// Every variant, by its name.
pub(crate) fn variants() -> Vec<(String, Vec<u8>)> {
    let file = std::fs::File::open(fixture("h5py_variants.zip")).unwrap();
    let mut archive = ZipArchive::new(file).unwrap();
    let members = (0..archive.len()).map(|index| {
        let mut member = archive.by_index(index).unwrap();
        let name = member.name().strip_suffix(".h5").unwrap().to_string();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    });
    members.collect()
}

/// The same recordings with other labels and times.
fn changed(label: impl Fn(u32) -> u32, time: impl Fn(usize, f32) -> f32) -> Recordings {
    let mut changed = Recordings::default();
    for (recording, &old) in expected().labels().iter().enumerate() {
        let all = expected();
        let (units, times) = all.events(recording);
        let times = times.iter().enumerate();
        let times: Vec<f32> = times.map(|(index, &old)| time(index, old)).collect();
        changed.push(label(old), units, &times).unwrap();
    }
    changed
}

#[test]
fn links_and_other_types_are_read_as_h5py_reads_them() {
    let mut sound = 0;
    for (name, bytes) in variants() {
        if name.starts_with("FAULTY_") {
            continue;
        }
        let expected = match &*name {
            "labels_as_booleans" | "links_and_booleans_of_pytables" => {
                changed(|label| label % 2, |_, time| time)
            }
            "times_as_integers" => changed(|label| label, |index, _| index as f32),
            _ => expected(),
        };
        let file = read_events_bytes(bytes, Path::new(&name)).unwrap_or_else(|e| panic!("{e}"));
        assert!(file.recordings == expected, "{name}");
        let names: &[&str] = match &*name {
            "link_of_names" => &["zero", "one", "two", "three", "vier und fünf"],
            _ => &[],
        };
        assert_eq!(file.class_names, names, "{name}");
        sound += 1;
    }
    assert_eq!(sound, 26);
}

/// What is said of each faulty variant.
const FAULTS: &[(&str, &str)] = &[
    (
        "compressed_by_szip",
        "found spikes/units compressed with szip, which is not read here; rewrite the file with `h5repack -f GZIP=4 \
         in.h5 out.h5`, where that filter is installed",
    ),
    (
        "compressed_by_zstd",
        "found spikes/units compressed with zstd, which is not read here; rewrite the file with `h5repack -f GZIP=4 \
         in.h5 out.h5`, where that filter is installed",
    ),
    (
        "compressed_by_blosc",
        "found spikes/units compressed with blosc, which is not read here; rewrite the file with `h5repack -f GZIP=4 \
         in.h5 out.h5`, where that filter is installed",
    ),
    (
        "compressed_by_bzip2",
        "found spikes/units compressed with bzip2, which is not read here; rewrite the file with `h5repack -f GZIP=4 \
         in.h5 out.h5`, where that filter is installed",
    ),
    (
        "labels_into_nothing",
        "cannot read labels: found a soft link labels to /digit, where nothing is",
    ),
    (
        "labels_into_nothing_by_a_chain",
        "cannot read labels: found a soft link a to spikes/label, where nothing is",
    ),
    (
        "group_into_nothing",
        "cannot read spikes/units: found a soft link spikes to /event, where nothing is",
    ),
    (
        "offsets_into_nothing",
        "cannot read spikes/offsets: found a soft link spikes/offsets to end, where nothing is",
    ),
    (
        "names_into_nothing",
        "cannot read extra/keys: found a soft link extra/keys to /names, where nothing is",
    ),
    (
        "labels_in_a_circle",
        "cannot read labels: found a soft link labels to /a, which leads back to the link",
    ),
    (
        "labels_of_themselves",
        "cannot read labels: found a soft link labels to labels, which leads back to the link",
    ),
    (
        "labels_of_a_long_chain",
        "cannot read labels: found a path of more than 256 names behind links, the last of them 255",
    ),
    (
        "external_labels",
        "cannot read labels: found an external link labels to /y/labels in the file other.h5, which is not followed; \
         copy what is there into this file",
    ),
    (
        "external_group",
        "cannot read spikes/units: found an external link spikes to /spikes in the file other.h5, which is not \
         followed; copy what is there into this file",
    ),
    (
        "group_is_a_data_set",
        "found no group spikes, expected spikes/units, spikes/times and labels",
    ),
    (
        "labels_are_a_group",
        "found a group labels, expected a data set",
    ),
    (
        "virtual_labels",
        "found a virtual data set labels, whose numbers are in other files, which are not followed; write them into one \
         with `h5repack -l CONTI in.h5 out.h5`",
    ),
    (
        "labels_in_a_raw_file",
        "found the numbers of labels in raw files of their own, which are not followed; write them into one with \
         `h5repack -l CONTI in.h5 out.h5`",
    ),
    (
        "labels_as_text",
        "found elements of type vlen_string in labels, expected numbers; number the classes from 0, and name them in \
         extra/keys",
    ),
    (
        "labels_as_bytes",
        "found elements of type string in labels, expected numbers; number the classes from 0, and name them in \
         extra/keys",
    ),
    (
        "labels_of_one_number_a_class",
        "found 2 dimensions of labels, expected 1; of one number a class, the label is the place of the largest \
         (numpy: labels.argmax(1))",
    ),
    (
        "labels_with_a_fraction",
        "element 3 of labels is 2.5, expected a whole number",
    ),
    (
        "labels_with_no_number",
        "element 7 of labels is NaN, expected a whole number",
    ),
    (
        "labels_below_zero",
        "element 9 of labels is -1, expected 0 to 2^32 - 1; if that means unlabelled, leave the recording out",
    ),
    (
        "labels_of_one_number",
        "found 0 dimensions of labels, expected 1",
    ),
    (
        "labels_of_nothing",
        "found 0 dimensions of labels, expected 1",
    ),
    (
        "labels_of_two_columns",
        "found elements of type compound{digit: u8, speaker: u8} in labels, expected numbers",
    ),
    (
        "units_with_a_fraction",
        "element 0 of spikes/units is 31.5, expected a whole number",
    ),
    (
        "attributes_alone",
        "found no group spikes, expected spikes/units, spikes/times and labels",
    ),
];

#[test]
fn what_cannot_be_read_is_named_and_never_fetched_again() {
    let variants = variants();
    let faulty = variants
        .iter()
        .filter_map(|(name, bytes)| Some((name.strip_prefix("FAULTY_")?, bytes)));
    let faulty: Vec<_> = faulty.collect();
    assert_eq!(faulty.len(), FAULTS.len());
    let mut other = Vec::new();
    for ((name, bytes), (expected, text)) in faulty.into_iter().zip(FAULTS) {
        assert_eq!(name, *expected);
        let error = read_events_bytes(bytes.clone(), Path::new("a.h5")).unwrap_err();
        let found = error.to_string();
        if !found.starts_with("a.h5: ") || !found.ends_with(text) || found.contains("fetch it") {
            other.push(format!("{name}: {found}"));
        }
    }
    assert!(other.is_empty(), "{}", other.join("\n"));
}
