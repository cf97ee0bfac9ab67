//! Noise on the pixels.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// Gaussian noise N(0, σ) with one σ an image, uniform in [0, `largest_deviation`).
///
/// Source: the reference implementation's `AddGaussianNoise`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianNoise {
    /// The largest standard deviation.
    pub largest_deviation: f32,
    /// The probability that an image gets noise at all.
    pub probability: f64,
}

impl GaussianNoise {
    /// σ up to 0.05, every second image.
    pub const USUAL: Self = Self {
        largest_deviation: 0.05,
        probability: 0.5,
    };

    /// Adds noise to every value, then clamps to [0, 1].
    pub fn add(&self, image: &mut [f32], rng: &mut impl Rng) {
        let deviation = rng.random::<f32>() * self.largest_deviation;
        for value in image {
            let noise: f32 = StandardNormal.sample(rng);
            *value = (*value + noise * deviation).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn mean_deviation_and_bounds() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let noise = GaussianNoise::USUAL;
        let (mut mean, mut variance) = (0.0, 0.0);
        for _ in 0..400 {
            let mut image = vec![0.5; 1000];
            noise.add(&mut image, &mut rng);
            assert!(image.iter().all(|value| (0.0..=1.0).contains(value)));
            mean += image.iter().map(|v| v - 0.5).sum::<f32>() / 400e3;
            variance += image.iter().map(|v| (v - 0.5).powi(2)).sum::<f32>() / 400e3;
        }
        assert!(mean.abs() < 3e-4, "{mean}");
        // The mean of a uniform variable's square is a third of the largest's.
        let expected = 0.05_f32.powi(2) / 3.0;
        assert!(
            (variance / expected - 1.0).abs() < 0.15,
            "{variance} {expected}"
        );
    }
}
