//! Spiking Speech Commands.

use super::heidelberg;
use crate::DataSet;
use crate::augment::{Augmentation, EventAugmentation};
use crate::dataset::{CONVERTED, Origin};
use crate::fetch::Entry;

/// Spiking Speech Commands.
pub const SSC: DataSet = DataSet {
    name: "ssc",
    about: "spoken commands as spikes of 700 channels",
    homepage: heidelberg::HOMEPAGE,
    licence: heidelberg::LICENCE,
    input_shape: heidelberg::CHANNELS,
    classes: 35,
    class_names: &[],
    samples: [75_466, 20_382],
    timing: Some(heidelberg::TIMING),
    normalization: None,
    augmentation: Some(Augmentation::Events(EventAugmentation::USUAL)),
    augmented: false,
    origin: Origin::Files {
        test_files: 1,
        packings: &[
            &CONVERTED,
            &["ssc_train.h5.zip", "ssc_test.h5.zip"],
            &["ssc_train.h5.gz", "ssc_test.h5.gz"],
        ],
        read: heidelberg::read,
        entry,
    },
};

fn entry(set: &DataSet) -> Entry {
    Entry {
        name: set.name.to_string(),
        files: vec![
            heidelberg::file("ssc_train", None, None, "d102be95e7144fcc0553d1f45ba94170"),
            heidelberg::file("ssc_test", None, None, "a35ff1e9cffdd02a20eb850c17c37748"),
        ],
        archive: None,
    }
}
