//! Images that enter a network as they are, not as spikes.

use crate::DataError;

/// Repeats an image at every time step.
///
/// # Shapes
///
/// - image: `[channels, pixels]`
/// - output: `[channels, steps, pixels]`
///
/// # Errors
///
/// [`DataError::Argument`] when the image is not a whole number of channels.
pub fn repeat_in_time(image: &[f32], channels: usize, steps: usize) -> Result<Vec<f32>, DataError> {
    let pixels = pixels(image, channels)?;
    let channels = image.chunks_exact(pixels);
    Ok(channels.flat_map(|channel| channel.repeat(steps)).collect())
}

/// Normalises every channel: (x − mean) / deviation, in float32.
///
/// # Shapes
///
/// - image: `[channels, pixels]`, changed in place
/// - mean, deviation: `[channels]`
///
/// # Errors
///
/// [`DataError::Argument`] when there is not one mean and one deviation a channel, or the image is
/// not a whole number of channels.
pub fn normalize_channels(
    image: &mut [f32],
    mean: &[f32],
    deviation: &[f32],
) -> Result<(), DataError> {
    if mean.len() != deviation.len() {
        let expected = format!("{}, one for each mean", mean.len());
        let what = "the number of standard deviations";
        return Err(DataError::argument(what, deviation.len(), expected));
    }
    let pixels = pixels(image, mean.len())?;
    let constants = mean.iter().zip(deviation);
    for (channel, (mean, deviation)) in image.chunks_exact_mut(pixels).zip(constants) {
        for value in channel {
            *value = (*value - mean) / deviation;
        }
    }
    Ok(())
}

/// Pixels of a channel, at least 1.
fn pixels(image: &[f32], channels: usize) -> Result<usize, DataError> {
    if channels == 0 || image.is_empty() || !image.len().is_multiple_of(channels) {
        let expected = format!("a multiple of its {channels} channels, and neither 0");
        return Err(DataError::argument(
            "the number of an image's values",
            image.len(),
            expected,
        ));
    }
    Ok(image.len() / channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let repeated = repeat_in_time(&[1.0, 2.0, 3.0, 4.0], 2, 2).unwrap();
        assert_eq!(repeated, [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
        let mut image = [1.0, 2.0, 3.0, 4.0];
        normalize_channels(&mut image, &[1.0, 2.0], &[0.5, 2.0]).unwrap();
        assert_eq!(image, [0.0, 2.0, 0.5, 1.0]);
    }

    #[test]
    fn lengths_are_checked() {
        assert!(repeat_in_time(&[1.0, 2.0, 3.0], 2, 1).is_err());
        assert!(repeat_in_time(&[1.0], 0, 1).is_err());
        assert!(normalize_channels(&mut [1.0], &[1.0], &[]).is_err());
        assert!(normalize_channels(&mut [], &[], &[]).is_err());
    }
}
