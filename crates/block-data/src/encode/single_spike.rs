//! One spike a value: the larger, the earlier.

use super::steps::checked_steps;
use crate::DataError;

/// The single-spike code: a value x in [0, m] becomes one spike at step
/// trunc(((m − x) / m) · (t − 1)), computed in float32.
///
/// Every input fires exactly once, one of value 0 at the last step.
///
/// Source: L. Taylor, A. King, N. Harper, arXiv 2205.15286, and the reference implementation's
/// `SingleSpike1DEncoding` and `SingleSpike2DEncoding`.
///
/// ```
/// use block_data::encode::SingleSpike;
///
/// let mut steps = Vec::new();
/// SingleSpike::new(100)?.encode(&[1.0, 0.5, 0.0], &mut steps)?;
/// assert_eq!(steps, [0, 49, 99]);
/// # Ok::<(), block_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SingleSpike {
    steps: usize,
    maximum: f32,
}

impl SingleSpike {
    /// A code of `steps` time steps for values in [0, 1].
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for no steps, or more than [`MAX_STEPS`](super::MAX_STEPS).
    pub fn new(steps: usize) -> Result<Self, DataError> {
        Self::with_maximum(steps, 1.0)
    }

    /// A code of `steps` time steps for values in [0, `maximum`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and for a maximum that is not positive and finite.
    pub fn with_maximum(steps: usize, maximum: f32) -> Result<Self, DataError> {
        if !(maximum > 0.0 && maximum.is_finite()) {
            let what = "the largest value of the single-spike code";
            return Err(DataError::argument(what, maximum, "a positive number"));
        }
        let steps = checked_steps(steps)?;
        Ok(Self { steps, maximum })
    }

    /// Time steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The largest value, m.
    pub fn maximum(&self) -> f32 {
        self.maximum
    }

    /// Writes the step of every value into `steps`, replacing what it holds.
    ///
    /// # Shapes
    ///
    /// - values: `[units]`, in the order channel, row, column for images
    /// - steps: `[units]`
    ///
    /// # Errors
    ///
    /// [`DataError::Value`] for a value outside of [0, m] (and NaN); `steps` is then empty.
    pub fn encode(&self, values: &[f32], steps: &mut Vec<u32>) -> Result<(), DataError> {
        steps.clear();
        let maximum = self.maximum;
        let inside = |value: f32| (value >= 0.0) & (value <= maximum);
        // A fold without an early exit, which vectorises; faults are searched for only then.
        if !values.iter().fold(true, |all, &value| all & inside(value)) {
            let index = values.iter().position(|&v| !inside(v)).unwrap_or(0);
            return Err(DataError::Value {
                index,
                found: values[index],
                maximum,
            });
        }
        let last = (self.steps - 1) as f32;
        // By way of i32: that cast is one instruction.
        let step = |&value: &f32| ((maximum - value) / maximum * last) as i32 as u32;
        steps.extend(values.iter().map(step));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_out_of_range_are_refused() {
        let code = SingleSpike::with_maximum(10, 2.0).unwrap();
        let mut steps = vec![7];
        for bad in [-0.1, 2.1, f32::NAN, f32::INFINITY] {
            let error = code.encode(&[1.0, bad], &mut steps).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("value 1 is {bad}, expected 0 to 2")
            );
            assert!(steps.is_empty());
        }
    }

    #[test]
    fn impossible_codes_are_refused() {
        let text = SingleSpike::new(0).unwrap_err().to_string();
        assert_eq!(
            text,
            "the number of time steps is 0, expected 1 to 16777216"
        );
        assert!(SingleSpike::new(1 << 25).is_err());
        for maximum in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(SingleSpike::with_maximum(1, maximum).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn larger_values_fire_no_later(
            mut values in prop::collection::vec(0.0f32..=3.0, 1..50),
            count in 1usize..400,
        ) {
            values.sort_by(f32::total_cmp);
            let mut steps = Vec::new();
            SingleSpike::with_maximum(count, 3.0).unwrap().encode(&values, &mut steps).unwrap();
            prop_assert_eq!(steps.len(), values.len());
            prop_assert!(steps.is_sorted_by(|a, b| a >= b));
            prop_assert!(steps.iter().all(|&step| (step as usize) < count));
        }
    }
}
