//! Spiking Heidelberg Digits.

use super::heidelberg;
use crate::DataSet;
use crate::augment::{Augmentation, EventAugmentation};
use crate::dataset::{CONVERTED, Origin};
use crate::fetch::Entry;

/// Spiking Heidelberg Digits.
pub const SHD: DataSet = DataSet {
    name: "shd",
    about: "spoken digits as spikes of 700 channels",
    homepage: heidelberg::HOMEPAGE,
    licence: heidelberg::LICENCE,
    input_shape: heidelberg::CHANNELS,
    classes: 20,
    class_names: &[],
    samples: [8_156, 2_264],
    timing: Some(heidelberg::TIMING),
    normalization: None,
    augmentation: Some(Augmentation::Events(EventAugmentation::USUAL)),
    augmented: false,
    origin: Origin::Files {
        test_files: 1,
        packings: &[
            &CONVERTED,
            &["shd_train.h5.zip", "shd_test.h5.zip"],
            &["shd_train.h5.gz", "shd_test.h5.gz"],
        ],
        read: heidelberg::read,
        entry,
    },
};

fn entry(set: &DataSet) -> Entry {
    Entry {
        name: set.name.to_string(),
        files: vec![
            heidelberg::file(
                "shd_train",
                Some("8e9877c85f29a28dd353ea6a54402667"),
                Some("d47c9825dee33347913e8ce0f2be08b0"),
                "f3252aeb598ac776c1b526422d90eecb",
            ),
            heidelberg::file(
                "shd_test",
                Some("207ad1295a0ab611e22d1734989c254e"),
                Some("3062a80ec0c5719404d5b02e166543b1"),
                "1503a5064faa34311c398fb0a1ed0a6f",
            ),
        ],
        archive: None,
    }
}
