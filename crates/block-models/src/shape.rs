//! What flows between layers.

use std::fmt;

use block_core::LayerInput;

/// What a layer takes or puts out at one time step of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// So many units in a row.
    Units(usize),
    /// Channels of a picture. Its units are numbered row by row, channel after channel.
    Map {
        /// Channels.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl Shape {
    /// The number of units.
    pub fn units(self) -> usize {
        match self {
            Self::Units(units) => units,
            Self::Map {
                channels,
                height,
                width,
            } => channels * height * width,
        }
    }
}

impl fmt::Display for Shape {
    /// `784`, or `1x28x28`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units(units) => write!(f, "{units}"),
            Self::Map {
                channels,
                height,
                width,
            } => write!(f, "{channels}x{height}x{width}"),
        }
    }
}

/// What a layer takes: spikes `[batch, time, unit]` whose units have a shape.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The spikes, or after a skip connection the sums of spikes.
    pub spikes: LayerInput,
    /// How the units are arranged.
    pub shape: Shape,
}
