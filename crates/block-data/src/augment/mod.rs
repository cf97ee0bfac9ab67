//! Random changes of images, for training.

mod noise;
mod perspective;
mod shift;

pub use noise::GaussianNoise;
pub use perspective::{RandomPerspective, warp_perspective};
pub use shift::{flip_horizontally, shift};

use rand::{Rng, RngExt};

use crate::DataError;

/// What happens to an image of one channel, in this order: perspective, horizontal flip, crop
/// after zero padding, noise.
///
/// Source: the reference implementation's transforms, which are torchvision's `RandomPerspective`,
/// `RandomHorizontalFlip` and `RandomCrop`, then a noise of its own.
///
/// ```
/// use block_data::augment::ImageAugmentation;
/// use rand::SeedableRng;
///
/// let mut image = vec![0.5; 28 * 28];
/// let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
/// ImageAugmentation::fashion_mnist().apply(&mut image, &mut rng)?;
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
    /// Fashion-MNIST's.
    pub fn fashion_mnist() -> Self {
        Self {
            shape: [28, 28],
            perspective: Some(RandomPerspective {
                distortion: 0.1,
                probability: 0.3,
            }),
            flip: 0.5,
            padding: 1,
            noise: Some(GaussianNoise::default()),
        }
    }

    /// MNIST's: no flip, for digits have a right way round.
    pub fn mnist() -> Self {
        Self {
            shape: [28, 28],
            perspective: Some(RandomPerspective {
                distortion: 0.4,
                probability: 0.7,
            }),
            flip: 0.0,
            padding: 3,
            noise: Some(GaussianNoise::default()),
        }
    }

    /// Changes an image of values in [0, 1]; they stay there.
    ///
    /// # Shapes
    ///
    /// - image: `[rows · columns]`
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for an image of another size.
    pub fn apply(&self, image: &mut Vec<f32>, rng: &mut impl Rng) -> Result<(), DataError> {
        let [rows, columns] = self.shape;
        if image.len() != rows * columns || image.is_empty() {
            let expected = format!("{rows}x{columns}, the augmentation's image size");
            let what = "the number of a sample's values";
            return Err(DataError::argument(what, image.len(), expected));
        }
        if let Some(perspective) = &self.perspective
            && rng.random::<f64>() < perspective.probability
        {
            let corners = perspective.draw(self.shape, rng);
            *image = warp_perspective(image, self.shape, corners);
        }
        if rng.random::<f64>() < self.flip {
            flip_horizontally(image, columns);
        }
        if self.padding > 0 {
            // The corner of the crop within the padded image.
            let mut corner = || rng.random_range(0..=2 * self.padding) as isize;
            let (top, left) = (corner(), corner());
            let padding = self.padding as isize;
            *image = shift(image, self.shape, [padding - top, padding - left]);
        }
        if let Some(noise) = &self.noise
            && rng.random::<f64>() < noise.probability
        {
            noise.add(image, rng);
        }
        Ok(())
    }
}
