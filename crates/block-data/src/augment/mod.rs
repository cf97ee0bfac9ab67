//! Random changes of images and recordings, for training.

mod events;
mod noise;
mod perspective;
mod shift;

pub use events::{EventAugmentation, TimeJitter, TimeStretch};
pub use noise::GaussianNoise;
pub use perspective::{RandomPerspective, warp_perspective};
pub use shift::{flip_horizontally, shift};

use rand::{Rng, RngExt};

use crate::{DataError, Input};

/// What happens to a training sample before it is encoded.
#[derive(Debug, Clone, PartialEq)]
pub enum Augmentation {
    /// What happens to an image.
    Image(ImageAugmentation),
    /// What happens to a recording.
    Events(EventAugmentation),
}

impl Augmentation {
    /// Changes a sample's input.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for an input of the other kind, or an image of another size.
    pub fn apply(&self, input: &mut Input, rng: &mut impl Rng) -> Result<(), DataError> {
        match (self, input) {
            (Self::Image(augmentation), Input::Values(image)) => augmentation.apply(image, rng),
            (Self::Events(augmentation), Input::Events(recording)) => {
                augmentation.apply(recording, rng);
                Ok(())
            }
            (Self::Image(_), input) => Err(input.refuse("values, for an image's augmentation")),
            (Self::Events(_), input) => Err(input.refuse("events, for a recording's augmentation")),
        }
    }
}

/// What happens to an image, to all of its channels alike, in this order: perspective, horizontal flip, crop
/// after zero padding, noise.
///
/// Source: the reference implementation's transforms, which are torchvision's `RandomPerspective`,
/// `RandomHorizontalFlip` and `RandomCrop`, then a noise of its own.
///
/// ```
/// use block_data::augment::{GaussianNoise, ImageAugmentation};
/// use rand::SeedableRng;
///
/// let augmentation = ImageAugmentation {
///     shape: [28, 28],
///     perspective: None,
///     flip: 0.5,
///     padding: 1,
///     noise: Some(GaussianNoise::USUAL),
/// };
/// let mut image = vec![0.5; 28 * 28];
/// let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
/// augmentation.apply(&mut image, &mut rng)?;
/// assert!(image.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
/// # Ok::<(), block_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ImageAugmentation {
    /// Rows and columns of an image.
    pub shape: [usize; 2],
    /// Views the image from another side.
    pub perspective: Option<RandomPerspective>,
    /// The probability of a horizontal flip.
    pub flip: f64,
    /// Zeros added on every side before a crop of the original size: the image moves by up to
    /// that many pixels along both axes.
    pub padding: usize,
    /// Adds noise to the pixels.
    pub noise: Option<GaussianNoise>,
}

impl ImageAugmentation {
    /// Changes an image. Values in [0, 1] stay there; perspective and noise clamp others.
    ///
    /// # Shapes
    ///
    /// - image: `[channels · rows · columns]`
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for an image of another size.
    pub fn apply(&self, image: &mut Vec<f32>, rng: &mut impl Rng) -> Result<(), DataError> {
        let [rows, columns] = self.shape;
        let pixels = rows * columns;
        if pixels == 0 || image.is_empty() || !image.len().is_multiple_of(pixels) {
            let expected = format!("channels of {rows}x{columns}, the augmentation's image size");
            let what = "the number of a sample's values";
            return Err(DataError::argument(what, image.len(), expected));
        }
        let by_channel = |image: &[f32], change: &dyn Fn(&[f32]) -> Vec<f32>| -> Vec<f32> {
            image.chunks_exact(pixels).flat_map(change).collect()
        };
        if let Some(perspective) = &self.perspective
            && rng.random::<f64>() < perspective.probability
        {
            let corners = perspective.draw(self.shape, rng);
            *image = by_channel(image, &|channel| {
                warp_perspective(channel, self.shape, corners)
            });
        }
        if rng.random::<f64>() < self.flip {
            flip_horizontally(image, columns);
        }
        if self.padding > 0 {
            // The corner of the crop within the padded image.
            let mut corner = || rng.random_range(0..=2 * self.padding) as isize;
            let (top, left) = (corner(), corner());
            let padding = self.padding as isize;
            let by = [padding - top, padding - left];
            *image = by_channel(image, &|channel| shift(channel, self.shape, by));
        }
        if let Some(noise) = &self.noise
            && rng.random::<f64>() < noise.probability
        {
            noise.add(image, rng);
        }
        Ok(())
    }
}
