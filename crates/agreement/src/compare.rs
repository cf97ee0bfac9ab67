//! What is compared, and how closely.

use burn::tensor::{DType, Tensor};

use crate::Outcome;

/// A named result: numbers, and which of them count.
#[derive(Debug, Clone)]
pub struct Named {
    /// The name in reports.
    pub name: &'static str,
    /// The numbers, row-major.
    pub values: Vec<f64>,
    /// Numbers are left out where this is false; empty where all count.
    pub counts: Vec<bool>,
    /// Whether they must be equal, not only close.
    pub exact: bool,
}

impl Named {
    /// Numbers that must be close.
    pub(crate) fn close<const D: usize>(name: &'static str, tensor: Tensor<D>) -> Self {
        let values = tensor.into_data().convert::<f64>();
        Self {
            name,
            values: values.try_into_vec().expect("just converted"),
            counts: Vec::new(),
            exact: false,
        }
    }

    fn is_counted(&self, index: usize) -> bool {
        self.counts.get(index).is_none_or(|&counts| counts)
    }
}

/// How far an entry of a tensor may be from the reference: `relative`·|reference| + `floor`·max|reference| + the
/// smallest number of the type, which decides only where a whole tensor is that small.
///
/// The floor is for entries that are sums whose terms cancel: they carry the rounding errors of their terms,
/// however small they are. Gradients of β, biases and weights are sums over samples, steps and neurons.
#[derive(Debug, Clone, Copy)]
struct Tolerance {
    relative: f64,
    floor: f64,
}

/// The tolerances by type, and what was measured over all problems on the CPU.
///
/// | | largest difference, as a share of its tensor's largest value | floor that is needed beside `relative` |
/// |---|---|---|
/// | float64 | 9e-15 | 0, and 4e-18 with a `relative` of 1e-11 |
/// | float32 | 1.0e-5, of ∂L/∂β of a readout of 64,000 neurons | 1.4e-6, of the biases' gradient there, a sum over 270 steps |
/// | float16 | 8.5e-3, of ∂L/∂W, a sum over 500 steps | 2.8e-3, of multi-spike layers |
/// | bfloat16 | 5.9e-2 | 2.0e-2, of dense layers |
///
/// In half precision the current x·W is rounded before it enters the neurons, and the surrogate is taken at a
/// potential that is off by as much. On Vulkan float16 was off by up to twice the CPU's, 1.6e-2 of the tensor's
/// largest value.
fn tolerance(dtype: DType) -> Tolerance {
    let (relative, floor) = match dtype {
        DType::F64 => (1e-9, 1e-12),
        DType::F16 => (2e-3, 1.8e-2),
        DType::BF16 => (4e-2, 6e-2),
        _ => (9e-5, 5e-6),
    };
    Tolerance { relative, floor }
}

/// The largest number that a type has; what lies beyond is as good as infinite.
fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 65504.0,
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    }
}

/// The spacing of a type's numbers around 0: nothing closer can be expected.
fn smallest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 2_f64.powi(-24),
        DType::F64 => f64::MIN_POSITIVE,
        // Devices may treat what has fewer digits as 0.
        _ => f64::from(f32::MIN_POSITIVE),
    }
}

impl Outcome {
    /// Compares what was found with what is expected, by name: all of it, and nothing else.
    pub fn compare(&mut self, found: &[Named], expected: &[&Named], dtype: DType, place: &str) {
        let names = |named: &mut dyn Iterator<Item = &'static str>| named.collect::<Vec<_>>();
        let (has, wants) = (
            names(&mut found.iter().map(|one| one.name)),
            names(&mut expected.iter().map(|one| one.name)),
        );
        if has != wants {
            let problem = format!("{place}: the results are {has:?}, expected {wants:?}");
            self.failure.get_or_insert(problem);
            return;
        }
        for (found, expected) in found.iter().zip(expected) {
            self.compare_one(found, expected, dtype, place);
        }
    }

    fn compare_one(&mut self, found: &Named, expected: &Named, dtype: DType, place: &str) {
        if found.values.len() != expected.values.len() {
            let (name, found, expected) = (found.name, found.values.len(), expected.values.len());
            let problem = format!("{place}: {name} has {found} values, expected {expected}");
            self.failure.get_or_insert(problem);
            return;
        }
        let finite = |value: f64| value.clamp(-largest(dtype), largest(dtype));
        let pairs = found.values.iter().zip(&expected.values).enumerate();
        let pairs = pairs.filter(|(index, _)| expected.is_counted(*index));
        let pairs = pairs.map(|(index, (&found, &expected))| (index, found, finite(expected)));
        let scale = pairs
            .clone()
            .fold(0.0_f64, |max, (_, _, value)| max.max(value.abs()));
        let Tolerance { relative, floor } = tolerance(dtype);
        for (index, found, value) in pairs {
            let difference = (finite(found) - value).abs();
            let share = match expected.exact {
                true => difference,
                false if difference == 0.0 => 0.0,
                false => difference / (relative * value.abs() + floor * scale + smallest(dtype)),
            };
            self.values += 1;
            self.worst = self.worst.max(share);
            let agrees = match expected.exact {
                true => difference == 0.0,
                // Not a number is no agreement either.
                false => share <= 1.0,
            };
            if !agrees {
                let name = expected.name;
                self.failure.get_or_insert_with(|| {
                    format!("{place}: {name}[{index}] is {found}, expected {value}")
                });
            }
        }
    }
}
