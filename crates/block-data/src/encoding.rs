//! How samples enter a network.

use crate::encode::{EventBinning, Frames, SingleSpike};
use crate::{DataError, Input};

/// How samples enter a network: values as spikes, by their size, or as they are; events by their time.
#[derive(Debug, Clone, PartialEq)]
pub enum Encoding {
    /// Values in [0, 1], one spike each.
    Values(SingleSpike),
    /// Events of recordings, binned in time.
    Events(EventBinning),
    /// Values as they are, the same at every time step.
    Frames(Frames),
}

impl Encoding {
    /// Values in [0, 1] as one spike each within `steps` time steps; see [`SingleSpike`].
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for no steps, or more than
    /// [`MAX_STEPS`](crate::encode::MAX_STEPS).
    pub fn new(steps: usize) -> Result<Self, DataError> {
        SingleSpike::new(steps).map(Self::Values)
    }

    /// Events binned onto `units` units and `steps` time steps of `dt` milliseconds; see
    /// [`EventBinning`].
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for a number that cannot be.
    pub fn events(units: usize, steps: usize, dt: f32) -> Result<Self, DataError> {
        EventBinning::new(units, steps, dt).map(Self::Events)
    }

    /// Time steps of an input.
    pub fn steps(&self) -> usize {
        match self {
            Self::Values(code) => code.steps(),
            Self::Events(binning) => binning.steps(),
            Self::Frames(frames) => frames.steps(),
        }
    }

    /// Prepares a sample for random changes and [`encode`](Self::encode): normalises a frame's values.
    pub(crate) fn prepare(&self, input: &mut Input) -> Result<(), DataError> {
        match (self, input) {
            (Self::Frames(frames), Input::Values(values)) => frames.normalize(values),
            _ => Ok(()),
        }
    }

    /// Encodes a sample that is prepared.
    pub(crate) fn encode(&self, input: &Input) -> Result<Encoded, DataError> {
        match (self, input) {
            (Self::Values(code), Input::Values(values)) => {
                let mut steps = Vec::with_capacity(values.len());
                code.encode(values, &mut steps)?;
                Ok(Encoded::First(steps))
            }
            (Self::Events(binning), Input::Events(recording)) => {
                let mut events = Vec::with_capacity(recording.units.len());
                binning.encode(&recording.units, &recording.times, &mut events)?;
                Ok(Encoded::Events(events))
            }
            (Self::Frames(frames), Input::Values(values)) => {
                frames.check(values)?;
                Ok(Encoded::Frame(values.clone()))
            }
            (Self::Values(_), input) => Err(input.refuse("values, for the single-spike code")),
            (Self::Events(_), input) => Err(input.refuse("events, for a binning in time")),
            (Self::Frames(_), input) => Err(input.refuse("values, for frames")),
        }
    }
}

/// An encoded sample before it is part of a batch.
pub(crate) enum Encoded {
    /// The step of each unit's only spike.
    First(Vec<u32>),
    /// Steps and units.
    Events(Vec<(u32, u32)>),
    /// Values of a frame.
    Frame(Vec<f32>),
}
