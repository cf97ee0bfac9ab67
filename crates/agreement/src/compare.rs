//! What is compared, and how closely.

use burn::tensor::DType;

use crate::Outcome;

/// A named result: numbers, and which of them count.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub name: &'static str,
    pub values: Vec<f64>,
    /// Left out where false; empty where all count.
    pub counts: Vec<bool>,
    /// Whether it must be equal, not only close.
    pub exact: bool,
}

/// Largest difference allowed, relative to the largest value of a tensor.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-9,
        DType::F16 => 2e-2,
        DType::BF16 => 1e-1,
        _ => 1e-4,
    }
}

/// The largest number that a type has; what lies beyond is as good as infinite.
fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 65504.0,
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    }
}

pub(crate) fn compare(
    found: &[Named],
    expected: &[Named],
    dtype: DType,
    place: &str,
    outcome: &mut Outcome,
) {
    assert_eq!(found.len(), expected.len(), "{}", outcome.operation);
    for (found, expected) in found.iter().zip(expected) {
        let count = |index: usize| expected.counts.get(index).is_none_or(|&counts| counts);
        let scale = expected
            .values
            .iter()
            .fold(1e-6_f64, |max, v| max.max(v.abs().min(largest(dtype))));
        let allowed = match expected.exact {
            true => 0.0,
            false => tolerance(dtype),
        };
        if found.values.len() != expected.values.len() {
            let (found, expected) = (found.values.len(), expected.values.len());
            let problem = format!("{place}: {found} values, expected {expected}");
            outcome.failure.get_or_insert(problem);
            return;
        }
        let pairs = found.values.iter().zip(&expected.values).enumerate();
        for (index, (&found, &value)) in pairs.filter(|(index, _)| count(*index)) {
            let value = value.clamp(-largest(dtype), largest(dtype));
            let found = found.clamp(-largest(dtype), largest(dtype));
            let difference = (found - value).abs() / scale;
            outcome.values += 1;
            outcome.worst = outcome.worst.max(difference);
            // Not a number is no agreement either.
            if difference <= allowed {
                continue;
            }
            outcome.failure.get_or_insert_with(|| {
                let name = expected.name;
                format!("{place}: {name}[{index}] is {found}, expected {value}")
            });
        }
    }
}
