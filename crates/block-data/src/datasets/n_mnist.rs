//! N-MNIST: MNIST's digits, recorded by an event camera.
//!
//! Source: G. Orchard, A. Jayawant, G. K. Cohen, N. Thakor, "Converting static image datasets to spiking
//! neuromorphic datasets using saccades", Frontiers in Neuroscience 9, 2015.

use std::path::PathBuf;

use super::recorded;
use crate::augment::{Augmentation, EventAugmentation};
use crate::dataset::{CONVERTED, Origin};
use crate::fetch::{DataFile, Entry, Identity, Mirror};
use crate::{DataError, DataSet, Splits, Timing};

/// N-MNIST. The sensor has two polarities, which are folded onto one unit a pixel.
pub const N_MNIST: DataSet = DataSet {
    name: "n-mnist",
    about: "recordings of MNIST's digits by an event camera",
    homepage: "https://www.garrickorchard.com/datasets/n-mnist",
    licence: "CC BY-SA 4.0",
    input_shape: &[34, 34],
    classes: 10,
    class_names: &[],
    samples: [60_000, 10_000],
    timing: Some(Timing {
        steps: 300,
        dt: 1.0,
    }),
    normalization: None,
    augmentation: Some(Augmentation::Events(EventAugmentation::USUAL)),
    augmented: false,
    origin: Origin::Files {
        test_files: 1,
        packings: &[&CONVERTED, &["Train", "Test"], &["Train.zip", "Test.zip"]],
        read,
        entry,
    },
};

const POLARITIES: usize = 2;

/// Whether folding units up to `largest` onto `units` folds the two polarities of N-MNIST's sensor onto one unit a
/// pixel, as is usual for it.
pub fn folds_polarities(units: usize, largest: u32) -> bool {
    units == N_MNIST.units() && (largest as usize) < POLARITIES * units
}

fn read(set: &DataSet, paths: &[PathBuf]) -> Result<Splits, DataError> {
    recorded::read(paths, set.classes, POLARITIES * set.units())
}

fn entry(set: &DataSet) -> Entry {
    let base = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files";
    let dropbox = "https://www.dropbox.com/sh/tg2ljlbmtzygrag";
    let file = |name: &str, md5: &str, mendeley: &str, shared: &str| DataFile {
        name: name.to_string(),
        content: Identity::md5(None, md5),
        packed: Identity::UNKNOWN,
        mirrors: vec![
            Mirror::untried(format!("{base}/{mendeley}/file_downloaded")),
            Mirror::untried(format!("{dropbox}/{shared}/{name}?dl=1")),
        ],
    };
    Entry {
        name: set.name.to_string(),
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
