//! CIFAR-10: animals and vehicles.
//!
//! Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", technical report,
//! 2009.

use std::path::PathBuf;
use std::sync::Arc;

use burn_dataset::Dataset;

use crate::augment::{Augmentation, ImageAugmentation};
use crate::dataset::Origin;
use crate::fetch::{Archive, DataFile, Entry, Identity, Mirror};
use crate::formats::cifar;
use crate::{DataError, DataSet, Normalization, Splits};

/// CIFAR-10.
pub const CIFAR_10: DataSet = DataSet {
    name: "cifar-10",
    about: "colour images of animals and vehicles",
    homepage: "https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated",
    input_shape: &[3, 32, 32],
    classes: 10,
    class_names: &[
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ],
    samples: [50_000, 10_000],
    timing: None,
    normalization: Some(Normalization {
        mean: &[0.4914, 0.4822, 0.4465],
        deviation: &[0.2023, 0.1994, 0.2010],
    }),
    augmentation: Some(Augmentation::Image(ImageAugmentation {
        shape: [32, 32],
        perspective: None,
        flip: 0.5,
        padding: 4,
        noise: None,
    })),
    augmented: true,
    origin: Origin::Files {
        test_files: 1,
        packings: &[&UNPACKED, &FILES],
        read,
        entry,
    },
};

/// The five batches for training, then the test's.
const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// The same, as the publisher's archive unpacks.
const UNPACKED: [&str; 6] = [
    "cifar-10-batches-bin/data_batch_1.bin",
    "cifar-10-batches-bin/data_batch_2.bin",
    "cifar-10-batches-bin/data_batch_3.bin",
    "cifar-10-batches-bin/data_batch_4.bin",
    "cifar-10-batches-bin/data_batch_5.bin",
    "cifar-10-batches-bin/test_batch.bin",
];

fn read(set: &DataSet, paths: &[PathBuf]) -> Result<Splits, DataError> {
    let (train, test) = paths.split_at(paths.len() - 1);
    let (train, test) = (cifar::read_batches(train)?, cifar::read_batches(test)?);
    Ok(Splits {
        memory_bytes: (train.len() + test.len()) * (set.units() + 1),
        class_names: Vec::new(),
        doubts: Vec::new(),
        train: Arc::new(train),
        test: Arc::new(test),
    })
}

/// The bytes of a file of 10,000 records of a label and 3 · 32 · 32 pixels.
const BATCH: u64 = 10_000 * (1 + 3 * 32 * 32);

fn entry(set: &DataSet) -> Entry {
    let in_archive = |name: &str, content| DataFile {
        name: name.to_string(),
        content,
        packed: Identity::UNKNOWN,
        mirrors: Vec::new(),
    };
    let digits = [
        "5dd7e06a14cb22eb9f671a540d1b7c25",
        "5ea93a67294ea407fff1d09f752e9692",
        "942cd6a4bcdd0dd3c604fbe906cb4421",
        "ae636b3ba5c66a11e91e8cb52e771fcb",
        "53f37980c15c3d472c316c40844f3f0d",
        "803d5f7f4d78ea53de84dbe85f74fb6d",
    ];
    let batches = FILES.iter().zip(digits);
    let batches = batches.map(|(name, md5)| in_archive(name, Identity::md5(Some(BATCH), md5)));
    let folders = [
        "https://www.cs.toronto.edu/~kriz",
        "https://cave.cs.toronto.edu/kriz",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10",
    ];
    let archive = "cifar-10-binary.tar.gz";
    let sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";
    Entry {
        name: set.name.to_string(),
        files: batches
            .chain([in_archive("batches.meta.txt", Identity::UNKNOWN)])
            .collect(),
        archive: Some(Archive {
            name: archive.to_string(),
            identity: Identity::sha256(170_052_171, sha256),
            folder: "cifar-10-batches-bin".to_string(),
            mirrors: Mirror::untried_in(&folders, archive),
        }),
    }
}
