//! What a data set hands out.

use std::sync::Arc;

use burn_dataset::Dataset;

use crate::{DataError, counted};

/// A sample before augmentation and encoding.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The sample's place in the split it comes from, also when it is reached through a selection of that
    /// split: the augmentation's random numbers follow from it.
    pub index: usize,
    /// The sample's class.
    pub label: usize,
    /// What is encoded as spikes.
    pub input: Input,
}

/// What a sample consists of.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Values in [0, 1], one an input unit; an image's in the order channel, row, column.
    Values(Vec<f32>),
    /// A recording of events.
    Events(Recording),
}

impl Input {
    /// The error for an input of the wrong kind.
    pub(crate) fn refuse(&self, expected: &str) -> DataError {
        let found = match self {
            Self::Values(values) => counted(values.len(), "value"),
            Self::Events(recording) => counted(recording.times.len(), "event"),
        };
        DataError::argument("a sample's input", found, expected)
    }
}

/// The events of a recording, in the order of its file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    /// The unit of each event.
    pub units: Vec<u32>,
    /// The time of each event in seconds.
    pub times: Vec<f32>,
}

/// A split of a data set, or a selection of one.
pub type Samples = Arc<dyn Dataset<Sample>>;
