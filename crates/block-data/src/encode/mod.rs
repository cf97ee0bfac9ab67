//! Spike encoders: from values or recordings to events, as plain functions over slices.

mod analogue;
mod events;
mod n_mnist;
mod single_spike;

pub use analogue::{normalize_channels, repeat_in_time};
pub use events::EventBinning;
pub(crate) use events::check_recording;
pub use n_mnist::{SensorEvent, decode_n_mnist};
pub use single_spike::SingleSpike;

use crate::DataError;

/// The most time steps: beyond, float32 no longer tells one step from the next.
pub const MAX_STEPS: usize = 1 << 24;

/// Checks a number of time steps.
fn checked_steps(steps: usize) -> Result<usize, DataError> {
    if (1..=MAX_STEPS).contains(&steps) {
        return Ok(steps);
    }
    let expected = format!("1 to {MAX_STEPS}");
    Err(DataError::argument(
        "the number of time steps",
        steps,
        expected,
    ))
}
