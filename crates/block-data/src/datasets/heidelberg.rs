//! What the Heidelberg data sets share: spoken words as spikes of 700 channels.
//!
//! Source: B. Cramer, Y. Stradmann, J. Schemmel, F. Zenke, "The Heidelberg spiking data sets for the
//! systematic evaluation of spiking neural networks", IEEE Transactions on Neural Networks and Learning
//! Systems 33 (7), 2022.

use std::path::PathBuf;

use super::recorded;
use crate::fetch::{DataFile, Identity, Mirror};
use crate::{DataError, DataSet, Splits, Timing};

pub(super) const HOMEPAGE: &str = "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/";
pub(super) const LICENCE: &str = "CC BY 4.0";
pub(super) const CHANNELS: &[usize] = &[700];
pub(super) const TIMING: Timing = Timing {
    steps: 500,
    dt: 2.0,
};

/// Where the files lie.
const FOLDERS: [&str; 2] = [
    "https://zenkelab.org/datasets",
    "https://compneuro.net/datasets",
];

pub(super) fn read(set: &DataSet, paths: &[PathBuf]) -> Result<Splits, DataError> {
    recorded::read(paths, set.classes, set.units())
}

/// A `NAME.h5.gz`, with the MD5 of its content, of the publisher's `.gz` and of its `.zip`, as far
/// as they are known. A mirror without a checksum comes last.
pub(super) fn file(name: &str, content: Option<&str>, gz: Option<&str>, zip: &str) -> DataFile {
    let identity =
        |digits: Option<&str>| digits.map_or(Identity::UNKNOWN, |md5| Identity::md5(None, md5));
    let packed_name = format!("{name}.h5.gz");
    let packed = Mirror::untried_in(&FOLDERS, &packed_name);
    let zipped = FOLDERS.map(|folder| Mirror::Zip {
        url: format!("{folder}/{name}.h5.zip"),
        identity: Identity::md5(None, zip),
        tried: false,
    });
    DataFile {
        name: packed_name,
        content: identity(content),
        packed: identity(gz),
        mirrors: match gz {
            Some(_) => packed.into_iter().chain(zipped).collect(),
            None => zipped.into_iter().chain(packed).collect(),
        },
    }
}
