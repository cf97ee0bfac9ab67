//! The number of time steps.

use crate::DataError;

/// The most time steps: beyond, float32 no longer tells one step from the next.
pub const MAX_STEPS: usize = 1 << 24;

/// Checks a number of time steps.
pub(super) fn checked_steps(steps: usize) -> Result<usize, DataError> {
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
