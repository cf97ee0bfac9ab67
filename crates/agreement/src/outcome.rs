use burn::tensor::DType;
use serde::Serialize;

/// The outcome of one operation on one device.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Name of the operation and route.
    pub operation: String,
    /// Name of the floating-point type.
    pub dtype: String,
    /// Problems (sizes, surrogates, contiguous or strided) that it was run on.
    pub problems: usize,
    /// Values compared, outputs and gradients.
    pub values: usize,
    /// Pairs of sample and neuron left out.
    pub ties: usize,
    /// Largest difference, as a share of what is allowed: at most 1 where everything agrees.
    pub worst: f64,
    /// The first disagreement, if there is one.
    pub failure: Option<String>,
}

impl Outcome {
    /// The outcome of an operation by its name, with nothing compared yet.
    pub fn new(operation: String, dtype: DType) -> Self {
        Self {
            operation,
            dtype: dtype.name().to_owned(),
            problems: 0,
            values: 0,
            ties: 0,
            worst: 0.0,
            failure: None,
        }
    }
}
