//! Small idx files, written by hand.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// An idx file's bytes: magic number, dimensions, content.
pub(crate) fn idx(magic: u32, dimensions: &[u32], content: &[u8]) -> Vec<u8> {
    let header = [&[magic], dimensions].concat();
    let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.extend(content);
    bytes
}

pub(crate) fn images(count: u32, pixels: &[u8]) -> Vec<u8> {
    idx(0x803, &[count, 28, 28], pixels)
}

pub(crate) fn labels(values: &[u8]) -> Vec<u8> {
    idx(0x801, &[values.len() as u32], values)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A folder of data sets with a `name` of `train` and `test` images; every pixel of image i is i.
pub(crate) fn data_set(root: &Path, name: &str, train: u8, test: u8) {
    for (prefix, count) in [("train", train), ("t10k", test)] {
        let folder = root.join(name);
        let pixels: Vec<u8> = (0..count).flat_map(|i| [i; 784]).collect();
        let classes: Vec<u8> = (0..count).map(|i| i % 10).collect();
        let bytes = gzip(&images(count.into(), &pixels));
        write(&folder, &format!("{prefix}-images-idx3-ubyte.gz"), &bytes);
        let bytes = gzip(&labels(&classes));
        write(&folder, &format!("{prefix}-labels-idx1-ubyte.gz"), &bytes);
    }
}

/// For files that name no classes.
pub(crate) const NO_NAMES: [&str; 0] = [];
