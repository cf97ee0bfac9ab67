//! Reader of idx files, the format of MNIST and Fashion-MNIST: a magic number, the dimensions as
//! big-endian u32, then bytes. Compressed with gzip or not.
//!
//! Source of the format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten
//! digits".

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{DataError, Images, open_regular};

/// Unsigned bytes in three dimensions.
const IMAGES: u32 = 0x0000_0803;
/// Unsigned bytes in one dimension.
const LABELS: u32 = 0x0000_0801;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZIP: &[u8] = b"PK\x03\x04";

/// The largest content that is read. EMNIST's largest file has 547 MB.
const LIMIT: usize = 1 << 30;
/// What a header's word is trusted with before a byte of content was seen.
const TRUSTED: usize = 64 << 20;

/// Reads a split from a file of images of `shape` rows and columns, and one of labels below
/// `classes`.
///
/// # Errors
///
/// A [`DataError`] that names the file at fault; [`DataError::LabelCount`] when the two differ in
/// length.
pub fn read_split(
    images: &Path,
    labels: &Path,
    shape: [usize; 2],
    classes: usize,
) -> Result<Images, DataError> {
    Ok(read_any_split(images, labels, Some(shape), classes)?.0)
}

/// [`read_split`] of images of any shape, which is returned, if none is given.
///
/// # Errors
///
/// As [`read_split`].
pub fn read_any_split(
    images: &Path,
    labels: &Path,
    shape: Option<[usize; 2]>,
    classes: usize,
) -> Result<(Images, [usize; 2]), DataError> {
    let (pixels, shape) = parse(open(images)?, images, shape)?;
    let values = read_labels(labels, classes)?;
    let size = shape[0] * shape[1];
    if values.len() * size != pixels.len() {
        return Err(DataError::LabelCount {
            images: images.to_path_buf(),
            expected: pixels.len() / size,
            labels: labels.to_path_buf(),
            found: values.len(),
        });
    }
    Ok((Images::from_parts(pixels, values, size), shape))
}

/// Reads images of `shape` rows and columns.
///
/// # Shapes
///
/// - output: `[images · rows · columns]`, row after row
///
/// # Errors
///
/// A [`DataError`] with the path when the file cannot be read or is anything but such a file.
pub fn read_images(path: &Path, shape: [usize; 2]) -> Result<Vec<u8>, DataError> {
    parse_images(open(path)?, path, shape)
}

/// Reads labels, each below `classes`.
///
/// # Shapes
///
/// - output: `[labels]`
///
/// # Errors
///
/// A [`DataError`] with the path when the file cannot be read or is anything but such a file.
pub fn read_labels(path: &Path, classes: usize) -> Result<Vec<u8>, DataError> {
    parse_labels(open(path)?, path, classes)
}

/// [`read_images`] of decompressed bytes; `path` is for messages. Never takes more than 2 GiB, nor much
/// more than twice what there is, whatever the header says.
///
/// # Errors
///
/// As [`read_images`].
pub fn parse_images(
    reader: impl Read,
    path: &Path,
    shape: [usize; 2],
) -> Result<Vec<u8>, DataError> {
    Ok(parse(reader, path, Some(shape))?.0)
}

/// Pixels and shape of the images.
fn parse(
    mut reader: impl Read,
    path: &Path,
    shape: Option<[usize; 2]>,
) -> Result<(Vec<u8>, [usize; 2]), DataError> {
    let [count, rows, columns] = header(&mut reader, path, IMAGES, "images")?;
    let found = [rows, columns];
    if let Some(expected) = shape.filter(|&shape| shape != found) {
        return Err(DataError::ImageSize {
            path: path.to_path_buf(),
            found,
            expected,
        });
    }
    let pixels = rows.saturating_mul(columns);
    in_range(path, "pixels an image", pixels, LIMIT)?;
    in_range(path, "images", count, LIMIT / pixels)?;
    Ok((content(reader, path, "pixels", count * pixels)?, found))
}

/// [`read_labels`] of decompressed bytes; `path` is for messages. Never takes more than 2 GiB, nor much
/// more than twice what there is, whatever the header says.
///
/// # Errors
///
/// As [`read_labels`].
pub fn parse_labels(
    mut reader: impl Read,
    path: &Path,
    classes: usize,
) -> Result<Vec<u8>, DataError> {
    let [count] = header(&mut reader, path, LABELS, "labels")?;
    in_range(path, "labels", count, LIMIT)?;
    let labels = content(reader, path, "labels", count)?;
    match labels.iter().position(|&label| label as usize >= classes) {
        None => Ok(labels),
        Some(index) => Err(DataError::Label {
            path: path.to_path_buf(),
            index,
            found: labels[index].into(),
            classes,
        }),
    }
}

/// The file's content; whether it is compressed is told by its first bytes, not by its name.
fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let read = |source| DataError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut file = BufReader::with_capacity(1 << 16, open_regular(path).map_err(read)?);
    let start = file.fill_buf().map_err(read)?;
    if start.starts_with(ZIP) {
        return Err(DataError::Content {
            path: path.to_path_buf(),
            problem:
                "found a zip archive, expected an idx file; unpack it, and name what was in it"
                    .into(),
        });
    }
    let compressed = start.starts_with(&GZIP);
    Ok(if compressed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

/// The magic number, checked, and the `N` dimensions after it.
fn header<const N: usize>(
    reader: &mut impl Read,
    path: &Path,
    expected: u32,
    what: &'static str,
) -> Result<[usize; N], DataError> {
    let mut word = || -> Result<u32, DataError> {
        let mut bytes = Vec::with_capacity(4);
        fill(
            &mut reader.by_ref().take(4),
            path,
            "a number in the header",
            &mut bytes,
            4,
        )?;
        Ok(bytes
            .iter()
            .fold(0, |word, &byte| word << 8 | u32::from(byte)))
    };
    let found = word()?;
    if found != expected {
        return Err(DataError::Magic {
            path: path.to_path_buf(),
            found,
            expected,
            what,
        });
    }
    let mut dimensions = [0; N];
    for dimension in &mut dimensions {
        *dimension = word()? as usize;
    }
    Ok(dimensions)
}

fn in_range(path: &Path, what: &'static str, found: usize, limit: usize) -> Result<(), DataError> {
    if (1..=limit).contains(&found) {
        return Ok(());
    }
    Err(DataError::Count {
        path: path.to_path_buf(),
        what,
        found,
        limit,
    })
}

/// Exactly `expected` bytes up to the end of the file.
fn content(
    reader: impl Read,
    path: &Path,
    what: &'static str,
    expected: usize,
) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::with_capacity(expected.min(TRUSTED));
    // One byte more than announced: it tells an oversized file, and at the end of a sound one it
    // makes the decompressor verify its checksum.
    let mut reader = reader.take(expected as u64 + 1);
    fill(&mut reader, path, what, &mut bytes, expected)?;
    if bytes.len() > expected {
        return Err(DataError::Oversized {
            path: path.to_path_buf(),
            what,
            expected,
        });
    }
    Ok(bytes)
}

/// Reads to the end; less than `expected` bytes are an error.
fn fill(
    reader: &mut impl Read,
    path: &Path,
    what: &'static str,
    bytes: &mut Vec<u8>,
    expected: usize,
) -> Result<(), DataError> {
    let result = reader.read_to_end(bytes);
    let found = bytes.len();
    match result {
        Ok(_) if found >= expected => Ok(()),
        // A plain file just ends, a gzip file that was cut has an "unexpected end".
        Ok(_) => Err(truncated(path, what, found, expected)),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof && found < expected => {
            Err(truncated(path, what, found, expected))
        }
        Err(source) => Err(DataError::Damaged {
            path: path.to_path_buf(),
            read: found,
            source,
        }),
    }
}

fn truncated(path: &Path, what: &'static str, found: usize, expected: usize) -> DataError {
    DataError::Truncated {
        path: path.to_path_buf(),
        what,
        found,
        expected,
    }
}
