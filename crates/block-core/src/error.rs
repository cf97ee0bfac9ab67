//! The one error type of this crate.

use thiserror::Error;

/// Why an operation refused its arguments. Every variant names the operation (or the tensor) and
/// both sides of the disagreement.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SpikeError {
    /// A tensor has another shape than the operation needs.
    #[error("{operation}: `{tensor}` has shape {found:?}, expected {expected}")]
    Shape {
        /// The public function that was called.
        operation: &'static str,
        /// The argument at fault.
        tensor: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// What it should have been, in words and numbers.
        expected: String,
    },
    /// A tensor has another element type than those it is computed with.
    #[error("{operation}: `{tensor}` is {found}, expected {expected}; cast one of them")]
    DataType {
        /// The public function that was called.
        operation: &'static str,
        /// The argument at fault.
        tensor: &'static str,
        /// Its element type.
        found: &'static str,
        /// That of the others.
        expected: &'static str,
    },
    /// A spike lies outside of the batch's time steps or units.
    #[error(
        "spike train of sample {sample}: {what} {found} is out of range, expected less than {limit}"
    )]
    SpikeOutOfRange {
        /// Index of the sample within the batch.
        sample: usize,
        /// `"step"` or `"unit"`.
        what: &'static str,
        /// The value found.
        found: usize,
        /// The first value that is too large.
        limit: usize,
    },
    /// A dimension that must not be empty is.
    #[error("{operation}: {what} must be at least 1, found 0")]
    Empty {
        /// The public function that was called.
        operation: &'static str,
        /// The dimension.
        what: &'static str,
    },
    /// A dense spike train holds something other than whole, non-negative spike counts.
    #[error(
        "spike train: {found} at step {step}, unit {unit}, expected a whole number of spikes from 0 to 65536"
    )]
    NotSpikes {
        /// Time step.
        step: usize,
        /// Unit.
        unit: usize,
        /// The value found.
        found: f32,
    },
    /// Two spike trains were combined of which one is dense only and the other events only.
    #[error(
        "{operation}: one spike train is dense only, the other events only; convert one of them"
    )]
    NoCommonForm {
        /// The public function that was called.
        operation: &'static str,
    },
}
