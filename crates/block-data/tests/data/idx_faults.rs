//! Every way in which an idx file can be bad: one clear line that names the file.

use std::path::Path;

use block_data::DataError;
use block_data::formats::idx;
use proptest::prelude::*;

use crate::files::{self, gzip, images, labels};

const SHAPE: [usize; 2] = [28, 28];

/// What reading says of a file with these bytes, without the folder.
fn of_images(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = files::write(folder.path(), "i.gz", bytes);
    message(folder.path(), idx::read_images(&path, SHAPE).unwrap_err())
}

fn of_labels(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = files::write(folder.path(), "l.gz", bytes);
    message(folder.path(), idx::read_labels(&path, 10).unwrap_err())
}

fn message(folder: &Path, error: DataError) -> String {
    let text = error.to_string();
    let folder = format!("{}/", folder.display());
    assert!(text.contains(&folder) && !text.contains('\n'), "{text}");
    text.replace(&folder, "")
}

#[test]
fn sound_files_are_read_packed_and_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..2 * 784).map(|i| i as u8).collect();
    for (image, label) in [
        (images(2, &pixels), labels(&[3, 9])),
        (gzip(&images(2, &pixels)), gzip(&labels(&[3, 9]))),
    ] {
        let image = files::write(folder.path(), "i", &image);
        let label = files::write(folder.path(), "l", &label);
        let read = idx::read_split(&image, &label, SHAPE, 10).unwrap();
        assert_eq!(read.labels(), [3, 9]);
        assert_eq!([read.pixels(0), read.pixels(1)].concat(), pixels);
    }
}

#[test]
fn wrong_magic_number() {
    assert_eq!(
        of_images(&gzip(&labels(&[1, 2, 3]))),
        "i.gz: found magic number 0x00000801, expected 0x00000803 (images); is this the right file?"
    );
    assert_eq!(
        of_labels(b"<html>404"),
        "l.gz: found magic number 0x3c68746d, expected 0x00000801 (labels); is this the right file?"
    );
}

#[test]
fn truncated() {
    assert_eq!(
        of_images(&images(2, &[0; 1000])),
        "i.gz is truncated: found 1000 bytes of pixels, expected 1568; put a sound copy in its place"
    );
    assert_eq!(
        of_labels(&gzip(&files::idx(0x801, &[5], &[1]))),
        "l.gz is truncated: found 1 byte of labels, expected 5; put a sound copy in its place"
    );
    assert_eq!(
        of_images(&images(2, &[])[..6]),
        "i.gz is truncated: found 2 bytes of a number in the header, expected 4; put a sound copy in its place"
    );
    assert_eq!(
        of_labels(&[]),
        "l.gz is truncated: found 0 bytes of a number in the header, expected 4; put a sound copy in its place"
    );
}

#[test]
fn a_gzip_file_cut_anywhere_is_refused() {
    let noise: Vec<u8> = (0..784_u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
    let whole = gzip(&images(1, &noise));
    for end in 0..whole.len() {
        let text = of_images(&whole[..end]);
        let known = ["is truncated", "is damaged", "magic number"];
        assert!(
            known.iter().any(|part| text.contains(part)),
            "{end}: {text}"
        );
    }
}

#[test]
fn a_changed_byte_in_a_gzip_file_is_refused() {
    let mut bytes = gzip(&images(1, &[7; 784]));
    let checksum = bytes.len() - 8;
    bytes[checksum] ^= 1;
    let text = of_images(&bytes);
    assert!(
        text.starts_with("i.gz is damaged: after 784 bytes of content, "),
        "{text}"
    );
    assert!(text.ends_with("; put a sound copy in its place"), "{text}");
}

#[test]
fn oversized() {
    assert_eq!(
        of_images(&gzip(&images(1, &[0; 785]))),
        "i.gz is oversized: found more than the 784 bytes of pixels that its header announces; \
         put a sound copy in its place"
    );
    let text = of_labels(&files::idx(0x801, &[1], &[0, 0]));
    assert!(text.contains("oversized"), "{text}");
}

#[test]
fn other_image_sizes() {
    assert_eq!(
        of_images(&files::idx(0x803, &[1, 32, 28], &[0; 896])),
        "i.gz: found images of 32x28 pixels, expected 28x28"
    );
    let text = of_images(&files::idx(0x803, &[1, u32::MAX, u32::MAX], &[]));
    assert_eq!(
        text,
        "i.gz: found images of 4294967295x4294967295 pixels, expected 28x28"
    );
}

#[test]
fn impossible_counts_take_no_memory() {
    assert_eq!(
        of_images(&images(u32::MAX, &[])),
        "i.gz: its header announces 4294967295 images, expected 1 to 1369568"
    );
    assert_eq!(
        of_labels(&labels(&[])),
        "l.gz: its header announces 0 labels, expected 1 to 1073741824"
    );
    let text = of_labels(&files::idx(0x801, &[200_000_000], &[0]));
    assert!(
        text.contains("found 1 byte of labels, expected 200000000"),
        "{text}"
    );
}

#[test]
fn labels_out_of_range() {
    assert_eq!(
        of_labels(&labels(&[0, 9, 10])),
        "l.gz: sample 2 (from 0) has label 10, expected 0 to 9"
    );
}

#[test]
fn images_and_labels_of_different_length() {
    let folder = tempfile::tempdir().unwrap();
    let image = files::write(folder.path(), "i.gz", &images(2, &[0; 1568]));
    let label = files::write(folder.path(), "l.gz", &labels(&[0; 3]));
    let error = idx::read_split(&image, &label, SHAPE, 10).unwrap_err();
    assert_eq!(
        message(folder.path(), error),
        "l.gz holds 3 labels, expected 2, one for each image in i.gz; they must come from the \
         same split"
    );
}

#[test]
fn unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let error = idx::read_labels(&folder.path().join("none"), 10).unwrap_err();
    let text = message(folder.path(), error);
    assert!(text.starts_with("cannot read none: "), "{text}");
    let error = idx::read_labels(folder.path(), 10).unwrap_err();
    assert!(matches!(error, DataError::Read { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_bytes_are_read_or_refused(
        magic in prop::sample::select(vec![0x801_u32, 0x803]),
        dimensions in prop::collection::vec(0_u32..40, 0..4),
        content in prop::collection::vec(any::<u8>(), 0..900),
        changed in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let mut bytes = files::idx(magic, &dimensions, &content);
        let at = changed.index(bytes.len());
        bytes[at] = to;
        let path = Path::new("x");
        if let Ok(pixels) = idx::parse_images(&bytes[..], path, SHAPE) {
            prop_assert_eq!(pixels.len() + 16, bytes.len());
        }
        if let Ok(labels) = idx::parse_labels(&bytes[..], path, 10) {
            prop_assert!(labels.len() + 8 == bytes.len() && labels.iter().all(|&l| l < 10));
        }
    }
}
