//! The data sets that are known by name: each has a file, a `pub mod` line and a line of the registry. Private modules are
//! shared by several.

pub mod cifar_10;
pub mod events;
pub mod fashion_mnist;
mod heidelberg;
pub mod idx;
mod idx_images;
pub mod mnist;
pub mod n_mnist;
mod recorded;
pub mod shd;
pub mod ssc;
pub mod synthetic;
pub mod yin_yang;

use crate::{DataError, DataSet, DataSource, Locations};

/// Every data set that is known by name, sorted by it.
pub static DATA_SETS: &[DataSet] = &[
    cifar_10::CIFAR_10,
    fashion_mnist::FASHION_MNIST,
    mnist::MNIST,
    n_mnist::N_MNIST,
    shd::SHD,
    ssc::SSC,
    synthetic::SYNTHETIC,
    yin_yang::YIN_YANG,
];

impl DataSet {
    /// The data set of this name, if there is one.
    pub fn named(name: &str) -> Option<&'static Self> {
        DATA_SETS.iter().find(|set| set.name == name)
    }

    /// The data set of this name.
    ///
    /// # Errors
    ///
    /// [`DataError::UnknownDataSet`] with all names.
    pub fn known(name: &str) -> Result<&'static Self, DataError> {
        Self::named(name).ok_or_else(|| DataError::UnknownDataSet {
            name: name.to_string(),
            known: DATA_SETS.iter().map(|set| set.name).collect(),
        })
    }
}

/// Opens a data set by its name, one of [`DATA_SETS`].
///
/// # Errors
///
/// [`DataError::UnknownDataSet`], and as [`DataSet::open`].
pub fn open(name: &str, locations: &Locations) -> Result<DataSource, DataError> {
    DataSet::known(name)?.open(locations)
}

/// Whether the data set of this name is in one of the locations, or needs no files.
pub fn is_present(name: &str, locations: &Locations) -> bool {
    DataSet::named(name).is_some_and(|set| set.is_present(locations))
}
