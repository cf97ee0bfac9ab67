//! Checks of the arguments of the public functions.

use burn::tensor::DType;

use crate::SpikeError;

/// `found` must equal `expected`, which is spelt `words` in the message.
pub(crate) fn shape(
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

/// None of `[batch, time, neuron]` may be empty.
pub(crate) fn not_empty(operation: &'static str, dims: [usize; 3]) -> Result<(), SpikeError> {
    for (what, size) in ["batch", "time", "neuron"].into_iter().zip(dims) {
        if size == 0 {
            return Err(SpikeError::Empty { operation, what });
        }
    }
    Ok(())
}

/// All tensors of an operation have one element type.
pub(crate) fn dtype(
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
