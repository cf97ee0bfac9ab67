//! What a data set hands out.

use std::sync::Arc;

use burn_dataset::Dataset;

/// A sample before augmentation and encoding.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its place in the split it comes from, also when it is reached through a selection of that
    /// split: the augmentation's random numbers follow from it.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// Its values in [0, 1], one an input unit; an image's in the order channel, row, column.
    pub values: Vec<f32>,
}

/// A split of a data set, or a selection of one.
pub type Samples = Arc<dyn Dataset<Sample>>;
