//! The report's sections on single neurons, data sets, and training from a silent start.

pub(crate) mod datasets;
pub(crate) mod neurons;
pub(crate) mod robustness;
