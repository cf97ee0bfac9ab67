//! The agreement suite: every operation of `block-core`, forward and gradients, on any device and in any
//! floating-point type, against plain tensor operations in float64 on the CPU.
//!
//! A neuron whose potential comes so close to the threshold that rounding decides on its spike is a tie:
//! its sample and neuron are left out of loss and comparison, its weights in the readout are 0, and it is
//! counted.

mod compare;
mod operations;
mod problem;

use burn::tensor::{DType, Device};
use serde::Serialize;

pub use operations::{Beside, Operation};
use problem::Problem;
pub use problem::Sizes;

/// What came of one operation on one device.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Name of the operation and route.
    pub operation: String,
    /// Name of the floating-point type.
    pub dtype: String,
    /// Problems (sizes, contiguous or strided) that it was run on.
    pub problems: usize,
    /// Values compared, outputs and gradients.
    pub values: usize,
    /// Pairs of sample and neuron left out.
    pub ties: usize,
    /// Largest difference, relative to the largest value of its tensor.
    pub worst: f64,
    /// The first disagreement, if there is one.
    pub failure: Option<String>,
}

/// The sizes that every operation is run on: one of everything, one step, nothing a multiple of
/// anything, more neurons than a block of threads, few neurons over a long time, more than a GPU works on
/// at once.
pub const SIZES: [Sizes; 8] = [
    Sizes::new(1, 1, 1, 1, 1),
    Sizes::new(2, 1, 3, 5, 2),
    Sizes::new(3, 29, 8, 67, 3),
    Sizes::new(2, 7, 13, 301, 11),
    Sizes::new(1, 300, 2, 1, 1),
    Sizes::new(2, 517, 3, 5, 2),
    Sizes::new(3, 90, 2, 64_000, 1),
    // Without a single input spike.
    Sizes::new(2, 40, 3, 5, 2),
];

/// Sizes of the problems of [`Problem::steady`](problem::Problem::steady), for the operations whose sums
/// over time grow with its square: few neurons, and more than a GPU cuts time for.
const STEADY: [Sizes; 2] = [Sizes::new(1, 500, 1, 2, 1), Sizes::new(127, 370, 1, 130, 1)];

/// The types that a GPU has kernels for: float32, and of the half-precision ones those that it supports.
pub fn gpu_types(device: &Device) -> Vec<DType> {
    let half = [DType::F16, DType::BF16].into_iter();
    let half = half.filter(|&dtype| device.supports_dtype(dtype));
    [DType::F32].into_iter().chain(half).collect()
}

/// Runs one operation on all [`SIZES`], contiguous and strided; nothing if it has no meaning in a type.
pub fn run(operation: Operation, device: &Device, dtype: DType) -> Option<Outcome> {
    let mut outcome = Outcome {
        operation: operation.name(),
        dtype: dtype.name().to_owned(),
        problems: 0,
        values: 0,
        ties: 0,
        worst: 0.0,
        failure: None,
    };
    let random = SIZES.into_iter().enumerate();
    let random = random
        .filter(|(_, sizes)| operation.covers(*sizes, dtype))
        .map(|(seed, sizes)| Problem::random(seed as u64, sizes, dtype, operation.model()));
    let steady = STEADY
        .into_iter()
        .filter(|&sizes| operation.is_tried_by(sizes));
    let steady = steady.map(|sizes| Problem::steady(sizes, dtype, operation.model()));
    for problem in random.chain(steady) {
        let sizes = problem.sizes;
        let expected = operation.expected(&problem);
        for strided in [false, true] {
            let found = operation.found(&problem, device, dtype, strided);
            outcome.problems += 1;
            outcome.ties += problem.ties();
            let place = format!("{sizes:?}, strided: {strided}");
            compare::compare(&found, &expected, dtype, &place, &mut outcome);
        }
    }
    (outcome.problems > 0).then_some(outcome)
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:<34} {:<5} {:>3} problems {:>8} values {:>5} ties  worst {:.1e}  {}",
            self.operation,
            self.dtype,
            self.problems,
            self.values,
            self.ties,
            self.worst,
            self.failure.as_deref().unwrap_or("agrees"),
        )
    }
}
