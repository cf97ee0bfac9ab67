//! Why a mirror, or the whole fetch, failed.

use crate::DataError;

/// Why something could not be had.
pub(super) enum Failure {
    /// The mirror is at fault: the next one may do.
    Mirror(String),
    /// This machine is at fault: no mirror would do.
    Local(DataError),
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::Local(error)
    }
}
