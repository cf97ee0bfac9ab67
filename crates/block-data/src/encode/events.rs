//! Recordings of events: from seconds to time steps.

use super::steps::checked_steps;
use crate::DataError;

/// Bins events in time: step = round(time · 1000 / dt), half to even, every operation in float32
/// (float64 gives other steps); unit modulo the number of units. Events at or after the last step
/// are dropped, duplicates stay, so that an input may be 2 or more.
///
/// Source: the reference implementation's `SpikeTensorBuilder`.
///
/// ```
/// use block_data::encode::EventBinning;
///
/// let mut events = Vec::new();
/// let binning = EventBinning::new(700, 500, 2.0)?;
/// binning.encode(&[3, 701, 5], &[0.010, 0.001, 1.0], &mut events)?;
/// assert_eq!(events, [(5, 3), (0, 1)]); // (step, unit)
/// # Ok::<(), block_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventBinning {
    units: u32,
    steps: usize,
    dt: f32,
}

impl EventBinning {
    /// Bins onto `units` units and `steps` time steps of `dt` milliseconds.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for a number that is not positive, or more than
    /// [`MAX_STEPS`](super::MAX_STEPS) steps.
    pub fn new(units: usize, steps: usize, dt: f32) -> Result<Self, DataError> {
        if !(dt > 0.0 && dt.is_finite()) {
            let what = "the length of a time step in milliseconds";
            return Err(DataError::argument(what, dt, "a positive number"));
        }
        let limit = i32::MAX as usize;
        if !(1..=limit).contains(&units) {
            let expected = format!("1 to {limit}");
            return Err(DataError::argument("the number of units", units, expected));
        }
        let (units, steps) = (units as u32, checked_steps(steps)?);
        Ok(Self { units, steps, dt })
    }

    /// Input units.
    pub fn units(&self) -> usize {
        self.units as usize
    }

    /// Time steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Writes `(step, unit)` pairs, in the order of the events, into `events`, replacing what it
    /// holds.
    ///
    /// # Shapes
    ///
    /// - units: `[events]`
    /// - times: `[events]`, seconds
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] when the two differ in length, [`DataError::EventTime`] for a time
    /// that is negative or not finite.
    pub fn encode(
        &self,
        units: &[u32],
        times: &[f32],
        events: &mut Vec<(u32, u32)>,
    ) -> Result<(), DataError> {
        events.clear();
        check_recording(units, times)?;
        let end = self.steps as f32;
        events.extend(units.iter().zip(times).filter_map(|(&unit, &time)| {
            let step = self.step(time);
            (step < end).then(|| (step as u32, unit % self.units))
        }));
        Ok(())
    }

    /// The time step of a time in seconds, a whole number; what is not below the number of steps is dropped.
    #[inline]
    pub(crate) fn step(&self, time: f32) -> f32 {
        let exact = time * 1000.0 / self.dt;
        // Half to even by adding what leaves no bit for fractions: not every CPU that this runs on has an instruction
        // for it, and a call a time would take longer than all else. Larger numbers are whole.
        match exact < WHOLE {
            true => (exact + WHOLE) - WHOLE,
            false => exact,
        }
    }

    /// Whether a unit of a recording takes another number by being folded.
    #[inline]
    pub(crate) fn folds(&self, unit: u32) -> bool {
        unit >= self.units
    }
}

/// Float32 from here on, 2²³, are whole.
const WHOLE: f32 = 8_388_608.0;

/// Checks that there is a time for each unit, finite and not negative.
pub(crate) fn check_recording(units: &[u32], times: &[f32]) -> Result<(), DataError> {
    if units.len() != times.len() {
        let expected = format!("{}, one for each time", times.len());
        let what = "the number of a recording's units";
        return Err(DataError::argument(what, units.len(), expected));
    }
    let valid = |time: f32| (0.0..f32::INFINITY).contains(&time);
    // A fold without an early exit, which vectorises; faults are searched for only then.
    if times.iter().fold(true, |all, &time| all & valid(time)) {
        return Ok(());
    }
    let index = times.iter().position(|&time| !valid(time)).unwrap_or(0);
    Err(DataError::EventTime {
        index,
        found: times[index],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_times_are_refused() {
        let binning = EventBinning::new(10, 20, 1.0).unwrap();
        for bad in [-0.0001, f32::NAN, f32::INFINITY] {
            let error = binning
                .encode(&[0, 1], &[0.0, bad], &mut Vec::new())
                .unwrap_err();
            let text = error.to_string();
            let part = format!(
                "event 1 is at {bad} seconds, expected a finite time that is not negative; "
            );
            assert!(text.starts_with(&part), "{text}");
        }
        let error = binning.encode(&[0], &[], &mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the number of a recording's units is 1, expected 0, one for each time"
        );
    }

    #[test]
    fn impossible_binnings_are_refused() {
        assert!(EventBinning::new(0, 1, 1.0).is_err());
        assert!(EventBinning::new(1, 0, 1.0).is_err());
        for dt in [0.0, -1.0, f32::NAN] {
            assert!(EventBinning::new(1, 1, dt).is_err());
        }
    }

    #[test]
    fn halves_go_to_the_even_step() {
        let mut events = Vec::new();
        let times = [0.0005, 0.0015, 0.0025, 0.0035];
        let binning = EventBinning::new(1, 10, 1.0).unwrap();
        binning.encode(&[0; 4], &times, &mut events).unwrap();
        let steps: Vec<_> = events.iter().map(|&(step, _)| step).collect();
        assert_eq!(steps, [0, 2, 2, 4]);
    }

    #[test]
    fn steps_are_rounded_as_by_the_standard_library() {
        for dt in [1.0, 2.0, 0.3, 4000.0, 1e-4] {
            let binning = EventBinning::new(1, 1 << 24, dt).unwrap();
            for bits in (0..f32::INFINITY.to_bits()).step_by(9_973) {
                let time = f32::from_bits(bits);
                let expected = (time * 1000.0 / dt).round_ties_even();
                assert_eq!(binning.step(time), expected, "{time}");
            }
        }
    }
}
