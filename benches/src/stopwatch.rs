use std::time::Instant;

use block_core::device::{DeviceError, NamedDevice};

use crate::Work;

/// Seconds of one forward and one backward pass.
#[derive(Debug, Clone, Copy)]
pub struct Lap {
    /// Forward.
    pub forward: f64,
    /// Backward, and the optimizer where there is one.
    pub backward: f64,
}

impl Lap {
    /// Seconds of both passes.
    pub fn step(self) -> f64 {
        self.forward + self.backward
    }
}

/// A forward and a backward pass that can be run again and again.
pub trait Passes {
    /// Runs and times both; the device has nothing left to do before, between and after.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn lap(&mut self) -> Result<Lap, DeviceError>;

    /// What a lap must do at least; known of the scan alone.
    fn work(&self) -> Option<Work>;

    /// Spikes of all hidden layers, a sample of the first batch, where there are such layers.
    fn hidden_spikes(&self) -> Option<f64>;
}

/// Measures seconds in which a device works.
pub(crate) struct Stopwatch<'a> {
    device: &'a NamedDevice,
    start: Instant,
}

impl<'a> Stopwatch<'a> {
    /// Starts when the device is idle.
    pub(crate) fn start(device: &'a NamedDevice) -> Result<Self, DeviceError> {
        device.sync()?;
        let start = Instant::now();
        Ok(Self { device, start })
    }

    /// Seconds since the start or the last call, once the device is idle.
    pub(crate) fn split(&mut self) -> Result<f64, DeviceError> {
        self.device.sync()?;
        let now = Instant::now();
        let seconds = (now - self.start).as_secs_f64();
        self.start = now;
        Ok(seconds)
    }
}

/// The middle of the values; of an even number the mean of the middle two.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 3.0, 2.0]), 2.5);
    }
}
