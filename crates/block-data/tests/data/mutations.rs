//! Damaged files of every kind: no parser panics, and none takes much memory.

use std::path::Path;

use crate::archives::zip_of;
use crate::event_files::fixture;
use crate::event_variants::variants;
use crate::files;
use crate::mutate::check;
use block_data::formats::archive::{ArchiveLimits, unpack_bytes, zip_members_of_bytes};
use block_data::formats::cifar::parse_batch;
use block_data::formats::event_files::read_events_bytes;
use block_data::formats::{idx, n_mnist};

#[test]
fn idx_files() {
    let pixels: Vec<u8> = (0..784_u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
    let seeds = [files::images(1, &pixels), files::labels(&[3, 9, 0, 1])];
    let path = Path::new("a");
    check("idx", &seeds, |bytes| {
        let images = idx::parse_images(bytes, path, [28, 28]).is_ok();
        images | idx::parse_labels(bytes, path, 10).is_ok()
    });
}

#[test]
fn cifar_batches() {
    let seed: Vec<u8> = (0..2 * 3073_u32).map(|i| (i % 3073 % 10) as u8).collect();
    check("cifar", &[seed], |bytes| {
        parse_batch(bytes, Path::new("a"), &mut Vec::new(), &mut Vec::new()).is_ok()
    });
}

#[test]
fn n_mnist_recordings() {
    let bytes: Vec<u8> = (0..500_u32).map(|i| (i * i % 34) as u8).collect();
    check("n_mnist", &[bytes], |bytes| {
        n_mnist::decode(bytes, Path::new("a")).is_ok()
    });
}

#[test]
fn hdf5_files() {
    let names = [
        "h5py_shd.h5",
        "h5py_v114.h5",
        "h5py_big_endian.h5",
        "h5py_flat.h5",
        "h5py_flat_v114.h5",
        "pytables_shd.h5",
        "pytables_n_mnist.h5",
        "pytables_flat.h5",
    ];
    let mut seeds = names
        .map(|name| std::fs::read(fixture(name)).unwrap())
        .to_vec();
    // With links in each kind of group, without the largest file.
    let variants = variants().into_iter();
    let links = variants.filter(|(name, bytes)| name.starts_with("link") && bytes.len() < 1 << 17);
    seeds.extend(links.map(|(_, bytes)| bytes));
    check("hdf5", &seeds, |bytes| {
        read_events_bytes(bytes.to_vec(), Path::new("a")).is_ok()
    });
}

#[test]
fn zip_and_gzip_files() {
    let noise: Vec<u8> = (0..700_u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
    let limits = ArchiveLimits {
        members: 10,
        member_bytes: 1 << 20,
        total_bytes: 1 << 21,
    };
    let seeds = [
        zip_of(&[("a/", b""), ("a/1.h5", &noise), ("a/2.bin", &[1; 5000])]),
        std::fs::read(fixture("pytables_shd.h5.zip")).unwrap(),
        files::gzip(&noise),
    ];
    let path = Path::new("a");
    check("zip", &seeds, |bytes| {
        let packed = unpack_bytes(bytes, path, 1 << 20, |name| name.ends_with(".h5")).is_ok();
        packed | zip_members_of_bytes(bytes, path, limits, |_| true, |_, _| Ok(())).is_ok()
    });
}
