//! The agreement suite: every operation of `block-core`, forward and gradients, by every neuron model and with every
//! surrogate, on any device and in any floating-point type, against plain tensor operations in float64 on the CPU.
//!
//! Models and surrogates are those that `block-core` lists, so that one that is added is covered.
//!
//! A neuron whose potential comes so close to the threshold that rounding decides on its spike is a tie:
//! its sample and neuron are left out of loss and comparison, its weights in the readout are 0, and it is
//! counted.

mod compare;
mod operations;
mod outcome;
mod problem;

use std::collections::HashMap;

use block_core::Surrogate;
use burn::tensor::{DType, Device};

pub use compare::Named;
pub use operations::{Operation, Output, Route};
pub use outcome::Outcome;
use problem::Case;
pub use problem::{Input, Pictures, Problem, Sizes};

/// The sizes that every operation is run on: every size 1, a single step, sizes that are no multiple of a
/// vector, more neurons than a tile, few neurons over a long time, more than a GPU works on at once. The index
/// is the seed.
pub const SIZES: [Sizes; 8] = [
    Sizes::new(1, 1, 1, 1, 1),
    Sizes::new(2, 1, 3, 5, 2),
    Sizes::new(3, 29, 8, 67, 3),
    Sizes::new(2, 7, 13, 301, 11),
    Sizes::new(1, 300, 2, 1, 1),
    Sizes::new(2, 517, 3, 5, 2),
    Sizes::new(3, 90, 2, 64_000, 1),
    Sizes::new(2, 40, 3, 5, 2),
];

/// The index in [`SIZES`] of the problem without a single input spike.
const SILENT: u64 = 7;

/// The size that every surrogate is tried on.
const SMALL: Sizes = Sizes::new(2, 9, 3, 5, 2);

/// Inputs that fire once, more of them at one step than there are steps.
const CODES: (u64, Sizes) = (206, Sizes::new(3, 6, 40, 35, 2));

/// Sizes of the problems of [`Problem::steady`], for the operations whose sums over time grow with its square:
/// few neurons, and more than a GPU cuts time for.
const STEADY: [Sizes; 2] = [Sizes::new(1, 500, 1, 2, 1), Sizes::new(127, 370, 1, 130, 1)];

/// Convolutions that every operation on pictures is run on: a small one, one that moves by 2 over an input that does
/// not end with it, and one with more channels than a vector on one side and more than a tile on the other.
pub const PICTURES: [Pictures; 3] = [
    Pictures {
        input: [2, 5, 4],
        channels: 3,
        kernel: 3,
        stride: 1,
        padding: 1,
    },
    Pictures {
        input: [3, 6, 7],
        channels: 6,
        kernel: 3,
        stride: 2,
        padding: 0,
    },
    Pictures {
        input: [17, 4, 5],
        channels: 35,
        kernel: 3,
        stride: 1,
        padding: 2,
    },
];

/// The types that a GPU has kernels for: float32, and of the half-precision ones those that it supports.
pub fn gpu_types(device: &Device) -> Vec<DType> {
    let half = [DType::F16, DType::BF16].into_iter();
    let half = half.filter(|&dtype| device.supports_dtype(dtype));
    [DType::F32].into_iter().chain(half).collect()
}

/// The problems for one device and type, and the results that are expected of them.
pub struct Suite {
    device: Device,
    dtype: DType,
    problems: Vec<Problem>,
    /// By the problem's index; several operations have the same.
    expected: HashMap<(usize, operations::Result), (Case, Vec<Named>)>,
}

impl Suite {
    /// Draws the problems: all [`SIZES`] with a surrogate each, a small one with every surrogate, one whose inputs
    /// fire once, and two of long sums; all [`PICTURES`], the first with every surrogate.
    pub fn new(device: &Device, dtype: DType) -> Self {
        let sizes = SIZES.into_iter().zip(0..).map(|(sizes, seed)| {
            let problem = Problem::random(seed, sizes, dtype);
            match seed {
                SILENT => problem.with_input(Input::Silence, seed),
                _ => problem,
            }
        });
        let seeds = (102..).step_by(4);
        let small = Surrogate::all(3.0).into_iter().zip(seeds);
        let small = small
            .map(|(surrogate, seed)| Problem::random(seed, SMALL, dtype).with_surrogate(surrogate));
        let (seed, codes) = CODES;
        let once = Input::Codes {
            late: 1,
            twice: false,
        };
        let codes = Problem::random(seed, codes, dtype).with_input(once, seed);
        let steady = STEADY.map(|sizes| Problem::steady(sizes, dtype));
        let all = Surrogate::all(3.0).into_iter();
        let all = all.map(|surrogate| (PICTURES[0], surrogate));
        let own = PICTURES.map(|pictures| (pictures, Surrogate::default()));
        let pictures = own.into_iter().chain(all).zip(300..);
        let pictures = pictures.map(|((pictures, surrogate), seed)| {
            Problem::convolution(seed, pictures, dtype).with_surrogate(surrogate)
        });
        let problems = sizes.chain(small).chain([codes]).chain(steady);
        let problems = problems.chain(pictures);
        Self::of(device, dtype, problems.collect())
    }

    /// A suite of these problems.
    pub fn of(device: &Device, dtype: DType, problems: Vec<Problem>) -> Self {
        Self {
            device: device.clone(),
            dtype,
            problems,
            expected: HashMap::new(),
        }
    }

    /// Runs one operation on all problems that it has a meaning for, contiguous and strided; nothing if there is none.
    pub fn run(&mut self, operation: Operation) -> Option<Outcome> {
        let (device, dtype) = (&self.device, self.dtype);
        let mut outcome = Outcome::new(operation.name(), dtype);
        for (index, problem) in self.problems.iter().enumerate() {
            if !operation.covers(problem, dtype) {
                continue;
            }
            let key = (index, operation.result());
            let (case, expected) = self
                .expected
                .entry(key)
                .or_insert_with(|| operation.result().expected(problem));
            for strided in [false, true] {
                let found = operation.found(problem, case, device, dtype, strided);
                outcome.problems += 1;
                outcome.ties += case.ties();
                let place = format!("{problem}, strided: {strided}");
                let expected: Vec<_> = expected
                    .iter()
                    .filter(|of| operation.gives(of.name))
                    .collect();
                outcome.compare(&found, &expected, dtype, &place);
            }
            if problem.sizes.neurons > 10_000 {
                // No other operation has the same, and it is large.
                self.expected.remove(&key);
            }
        }
        (outcome.problems > 0).then_some(outcome)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:<48} {:<5} {:>3} problems {:>8} values {:>5} ties  worst {:.1e}  {}",
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
