//! CIFAR-10's binary batches.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{DataError, Images, counted, open_regular};

/// Labels are below it.
const CLASSES: usize = 10;
/// Bytes of an image: red, green and blue, each 32 rows of 32 pixels.
const IMAGE: usize = 3 * 32 * 32;
/// A label, and its image.
const RECORD: usize = 1 + IMAGE;
/// No batch of CIFAR-10 has more than a few times this.
const LARGEST_FILE: u64 = 1 << 30;

/// Reads the images of several batches, one batch after the other.
///
/// # Errors
///
/// A [`DataError`] that names the file at fault.
pub fn read_batches(paths: &[PathBuf]) -> Result<Images, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let failed = |source| DataError::Read {
            path: path.clone(),
            source,
        };
        let mut file = open_regular(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        if size > LARGEST_FILE {
            let problem =
                format!("found {size} bytes, expected a batch of CIFAR-10, 30730000 bytes");
            let path = path.clone();
            return Err(DataError::Content { path, problem });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        parse_batch(&bytes, path, &mut pixels, &mut labels)?;
    }
    Ok(Images::from_parts(pixels, labels, IMAGE))
}

/// Appends the images (channel, row, column) and labels of a batch: records of a label and the
/// 3·32·32 bytes of its image. `path` is for messages.
///
/// Source: A. Krizhevsky, "The CIFAR-10 dataset", binary version.
///
/// # Errors
///
/// [`DataError::Content`] when the length is not a whole number of records, and 0,
/// [`DataError::Label`] for a label above 9.
pub fn parse_batch(
    bytes: &[u8],
    path: &Path,
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u8>,
) -> Result<(), DataError> {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if records.is_empty() || !rest.is_empty() {
        let found = counted(bytes.len(), "byte");
        return Err(DataError::Content {
            path: path.to_path_buf(),
            problem: format!(
                "found {found}, expected a multiple of {RECORD} (a label and an image of \
                 3x32x32); put a sound copy in its place"
            ),
        });
    }
    for (index, record) in records.iter().enumerate() {
        let (&label, image) = (&record[0], &record[1..]);
        if usize::from(label) >= CLASSES {
            return Err(DataError::Label {
                path: path.to_path_buf(),
                index,
                found: label.into(),
                classes: CLASSES,
            });
        }
        labels.push(label);
        pixels.extend(image);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        parse_batch(bytes, Path::new("b.bin"), &mut pixels, &mut labels)
            .map_err(|error| error.to_string())?;
        Ok((pixels, labels))
    }

    fn record(label: u8, value: u8) -> Vec<u8> {
        let mut bytes = vec![value; RECORD];
        bytes[0] = label;
        bytes
    }

    #[test]
    fn a_batch_by_hand() {
        let (pixels, labels) = parse(&[record(3, 7), record(9, 8)].concat()).unwrap();
        assert_eq!(labels, [3, 9]);
        assert_eq!(pixels, [[7; IMAGE], [8; IMAGE]].concat());
    }

    #[test]
    fn bad_batches_are_refused() {
        let text = "b.bin: found 3072 bytes, expected a multiple of 3073 (a label and an image of \
                    3x32x32); put a sound copy in its place";
        assert_eq!(parse(&record(1, 1)[1..]).unwrap_err(), text);
        assert!(parse(&[]).is_err());
        let text = "b.bin: sample 1 (from 0) has label 10, expected 0 to 9";
        assert_eq!(
            parse(&[record(0, 0), record(10, 0)].concat()).unwrap_err(),
            text
        );
    }
}
