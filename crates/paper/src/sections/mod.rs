//! The report's sections on single neurons, data sets, training from a silent start, and convolutional networks.

pub(crate) mod convolutions;
pub(crate) mod datasets;
pub(crate) mod neurons;
pub(crate) mod robustness;
