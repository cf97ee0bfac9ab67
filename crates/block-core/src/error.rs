//! The error type of this crate, and the checks that raise it.

use burn::tensor::DType;
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
        /// The argument's shape.
        found: Vec<usize>,
        /// The shape that the operation expects, in words and numbers.
        expected: String,
    },
    /// A tensor has another element type than those it is computed with.
    #[error("{operation}: `{tensor}` is {found}, expected {expected}; cast one of them")]
    DataType {
        /// The public function that was called.
        operation: &'static str,
        /// The argument at fault.
        tensor: &'static str,
        /// The argument's element type.
        found: &'static str,
        /// The element type of the other arguments.
        expected: &'static str,
    },
    /// A spike lies outside of the batch's time steps or units.
    #[error(
        "spikes of sample {sample}: {what} {found} is out of range, expected less than {limit}"
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
    /// Dense spikes hold something other than whole, non-negative spike counts.
    #[error(
        "dense spikes: {found} at step {step}, unit {unit}, expected a whole number of spikes from 0 to 65536"
    )]
    NotSpikes {
        /// Time step.
        step: usize,
        /// Unit.
        unit: usize,
        /// The value found.
        found: f32,
    },
    /// A layer of another neuron model than the operation computes.
    #[error("{operation}: `{argument}` are {found} neurons, expected {expected}")]
    Model {
        /// The public function that was called.
        operation: &'static str,
        /// The argument at fault.
        argument: &'static str,
        /// The name of the layer's model.
        found: &'static str,
        /// The models that the operation computes.
        expected: &'static str,
    },
}

/// `found` must equal `expected`, which is spelt `words` in the message.
pub(crate) fn check_shape(
    operation: &'static str,
    tensor: &'static str,
    found: &[usize],
    expected: &[usize],
    words: &str,
) -> Result<(), SpikeError> {
    if found == expected {
        return Ok(());
    }
    Err(SpikeError::Shape {
        operation,
        tensor,
        found: found.to_vec(),
        expected: format!("{expected:?} {words}"),
    })
}

/// No dimension of `[batch, time, neuron]` may be empty.
pub(crate) fn check_not_empty(operation: &'static str, dims: [usize; 3]) -> Result<(), SpikeError> {
    for (what, size) in ["batch", "time", "neuron"].into_iter().zip(dims) {
        if size == 0 {
            return Err(SpikeError::Empty { operation, what });
        }
    }
    Ok(())
}

/// All tensors of an operation have one element type.
pub(crate) fn check_dtype(
    operation: &'static str,
    tensor: &'static str,
    found: DType,
    expected: DType,
) -> Result<(), SpikeError> {
    if found == expected {
        return Ok(());
    }
    Err(SpikeError::DataType {
        operation,
        tensor,
        found: found.name(),
        expected: expected.name(),
    })
}
