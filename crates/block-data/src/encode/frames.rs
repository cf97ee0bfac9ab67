//! Analogue inputs: images that enter a network as they are, not as spikes.

use super::analogue::normalize_channels;
use super::steps::checked_steps;
use crate::DataError;

/// The values of an image as a frame, the same at every time step.
///
/// ```
/// use block_data::encode::Frames;
///
/// // One channel of a row and two columns.
/// let frames = Frames::new([1, 1, 2], 20)?.with_normalization(&[0.5], &[0.25])?;
/// assert_eq!(frames.encode(&[0.5, 1.0])?, [0.0, 2.0]);
/// # Ok::<(), block_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    shape: [usize; 3],
    steps: usize,
    normalization: Option<(Vec<f32>, Vec<f32>)>,
}

impl Frames {
    /// Frames of `shape` channels, rows and columns over `steps` time steps.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for a shape without values, for no steps, or more than
    /// [`MAX_STEPS`](super::MAX_STEPS).
    pub fn new(shape: [usize; 3], steps: usize) -> Result<Self, DataError> {
        let values = shape
            .iter()
            .try_fold(1, |all: usize, &n| all.checked_mul(n));
        if values.is_none_or(|values| values == 0) {
            let found = shape.map(|n| n.to_string()).join("x");
            let what = "the shape of a frame";
            return Err(DataError::argument(what, found, "at least 1x1x1"));
        }
        Ok(Self {
            shape,
            steps: checked_steps(steps)?,
            normalization: None,
        })
    }

    /// Normalises every channel: (x − mean) / deviation, in float32. A loader does so before random changes, so that
    /// pixels that these fill with 0 have the channel's mean.
    ///
    /// # Shapes
    ///
    /// - mean, deviation: `[channels]`
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] when there is not one mean and one deviation a channel, or one of them
    /// is not finite, or a deviation not positive.
    pub fn with_normalization(
        mut self,
        mean: &[f32],
        deviation: &[f32],
    ) -> Result<Self, DataError> {
        let channels = self.shape[0];
        for (what, numbers) in [
            ("the number of means", mean),
            ("the number of standard deviations", deviation),
        ] {
            if numbers.len() != channels {
                let expected = format!("{channels}, one a channel");
                return Err(DataError::argument(what, numbers.len(), expected));
            }
        }
        if let Some(found) = mean.iter().find(|mean| !mean.is_finite()) {
            let what = "the mean of a channel";
            return Err(DataError::argument(what, found, "a finite number"));
        }
        let positive = |deviation: &f32| *deviation > 0.0 && deviation.is_finite();
        if let Some(found) = deviation.iter().find(|deviation| !positive(deviation)) {
            let what = "the standard deviation of a channel";
            return Err(DataError::argument(what, found, "a positive number"));
        }
        self.normalization = Some((mean.to_vec(), deviation.to_vec()));
        Ok(self)
    }

    /// Channels, rows and columns.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Time steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The frame of an image.
    ///
    /// # Shapes
    ///
    /// - values: `[channels · rows · columns]`, in this order
    /// - output: the same
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for another number of values.
    pub fn encode(&self, values: &[f32]) -> Result<Vec<f32>, DataError> {
        let mut frame = values.to_vec();
        self.normalize(&mut frame)?;
        Ok(frame)
    }

    /// Normalises an image, if a normalisation is set.
    pub(crate) fn normalize(&self, values: &mut [f32]) -> Result<(), DataError> {
        self.check(values)?;
        match &self.normalization {
            Some((mean, deviation)) => normalize_channels(values, mean, deviation),
            None => Ok(()),
        }
    }

    /// Checks the number of an image's values.
    pub(crate) fn check(&self, values: &[f32]) -> Result<(), DataError> {
        if values.len() == self.shape.iter().product::<usize>() {
            return Ok(());
        }
        let [channels, rows, columns] = self.shape;
        let expected = format!("{channels}x{rows}x{columns}, the shape of a frame");
        let what = "the number of a sample's values";
        Err(DataError::argument(what, values.len(), expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_frames_are_refused() {
        for shape in [[0, 1, 1], [1, 0, 1], [1, 1, 0], [usize::MAX, 2, 1]] {
            assert!(Frames::new(shape, 1).is_err());
        }
        assert!(Frames::new([1, 1, 1], 0).is_err());
        let refused = |mean: &[f32], deviation: &[f32]| {
            let frames = Frames::new([2, 1, 1], 1).unwrap();
            let error = frames.with_normalization(mean, deviation).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            refused(&[0.0], &[1.0, 1.0]),
            "the number of means is 1, expected 2, one a channel"
        );
        assert_eq!(
            refused(&[0.0; 2], &[1.0, 0.0]),
            "the standard deviation of a channel is 0, expected a positive number"
        );
        assert!(refused(&[0.0, f32::NAN], &[1.0; 2]).starts_with("the mean of a channel is NaN"));
        let error = Frames::new([2, 1, 1], 1).unwrap().encode(&[0.0; 3]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "the number of a sample's values is 3, expected 2x1x1, the shape of a frame"
        );
    }
}
