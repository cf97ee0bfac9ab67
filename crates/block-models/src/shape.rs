//! What flows between layers.

use std::fmt;

use block_core::LayerInput;
use burn::tensor::{DType, Tensor};

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

    /// Channels, rows and columns, if the units are a picture's.
    pub fn picture(self) -> Option<[usize; 3]> {
        match self {
            Self::Units(_) => None,
            Self::Map {
                channels,
                height,
                width,
            } => Some([channels, height, width]),
        }
    }
}

impl From<[usize; 3]> for Shape {
    /// A picture of so many channels, rows and columns.
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self::Map {
            channels,
            height,
            width,
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
    /// The network's element type, in which events become dense.
    pub dtype: DType,
}

impl Signal {
    /// The dense spikes, `[batch, time, unit]`.
    pub fn to_dense(&self) -> Tensor<3> {
        self.spikes.to_dense(&self.spikes.device(), self.dtype)
    }

    /// Other spikes of the same type, whose units have another shape.
    pub(crate) fn with(&self, spikes: LayerInput, shape: Shape) -> Self {
        Self {
            spikes,
            shape,
            dtype: self.dtype,
        }
    }
}
