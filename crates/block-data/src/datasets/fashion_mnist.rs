//! Fashion-MNIST: clothing.
//!
//! Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
//! machine learning algorithms", arXiv 1708.07747, 2017.

use super::idx_images;
use crate::DataSet;
use crate::augment::{Augmentation, GaussianNoise, ImageAugmentation, RandomPerspective};
use crate::dataset::Origin;
use crate::fetch::{Entry, Identity, Mirror};

/// Fashion-MNIST.
pub const FASHION_MNIST: DataSet = DataSet {
    name: "fashion-mnist",
    about: "grey images of clothing",
    homepage: "https://github.com/zalandoresearch/fashion-mnist",
    licence: "MIT",
    input_shape: idx_images::SHAPE,
    classes: 10,
    class_names: &[
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ],
    samples: [60_000, 10_000],
    timing: None,
    normalization: None,
    augmentation: Some(Augmentation::Image(ImageAugmentation {
        shape: [28, 28],
        perspective: Some(RandomPerspective {
            distortion: 0.1,
            probability: 0.3,
        }),
        flip: 0.5,
        padding: 1,
        noise: Some(GaussianNoise::USUAL),
    })),
    augmented: true,
    origin: Origin::Files {
        test_files: 2,
        packings: &[&idx_images::FILES],
        read: idx_images::read,
        entry,
    },
};

/// The contents were checked on the real files. The sizes of the `.gz` are those of Debian's plus the
/// file's name in the header.
fn entry(set: &DataSet) -> Entry {
    let known = [
        (
            Identity::sha256(
                47_040_016,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            Identity::md5(Some(26_421_880), "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ),
        (
            Identity::sha256(
                60_008,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            Identity::md5(Some(29_515), "25c81989df183df01b3e8a0aad5dffbe"),
        ),
        (
            Identity::sha256(
                7_840_016,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            Identity::md5(Some(4_422_102), "bef4ecab320f06d8554ea6380940ec79"),
        ),
        (
            Identity::sha256(
                10_008,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
            Identity::md5(Some(5_148), "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
    ];
    let folders = [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    ];
    idx_images::entry(set, known, |file| {
        let debian = Mirror::Debian {
            package: "dataset-fashion-mnist".to_string(),
            path: format!("usr/share/datasets/fashion-mnist/{file}"),
        };
        [Mirror::untried_in(&folders, file), vec![debian]].concat()
    })
}
