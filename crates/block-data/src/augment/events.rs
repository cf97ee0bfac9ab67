//! Random changes of the times of a recording.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::Recording;

/// What happens to a recording, in this order: its times are stretched, then jittered.
///
/// Source: the reference implementation has both, and uses neither.
///
/// ```
/// use block_data::Recording;
/// use block_data::augment::EventAugmentation;
/// use rand::SeedableRng;
///
/// let mut recording = Recording { units: vec![3, 8], times: vec![0.1, 0.5] };
/// let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
/// EventAugmentation::USUAL.apply(&mut recording, &mut rng);
/// assert_eq!(recording.units, [3, 8]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventAugmentation {
    /// Lengthens or shortens the recording.
    pub stretch: Option<TimeStretch>,
    /// Moves each event in time.
    pub jitter: Option<TimeJitter>,
}

/// Multiplies all times of a recording by one factor, uniform from `least` to `most`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeStretch {
    /// The smallest factor.
    pub least: f32,
    /// The largest factor.
    pub most: f32,
    /// The probability that a recording is stretched at all.
    pub probability: f64,
}

/// Adds N(0, σ) to every time, with one σ a recording, uniform in [0, `largest_deviation`). Events
/// that come to lie before the start are dropped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeJitter {
    /// The largest standard deviation in seconds.
    pub largest_deviation: f32,
    /// The probability that a recording is jittered at all.
    pub probability: f64,
}

impl EventAugmentation {
    /// Factors from 0.9 to 1.1 and deviations up to 6 ms, each for every second recording.
    pub const USUAL: Self = Self {
        stretch: Some(TimeStretch {
            least: 0.9,
            most: 1.1,
            probability: 0.5,
        }),
        jitter: Some(TimeJitter {
            largest_deviation: 0.006,
            probability: 0.5,
        }),
    };

    /// Changes a recording's times.
    pub fn apply(&self, recording: &mut Recording, rng: &mut impl Rng) {
        if let Some(stretch) = &self.stretch
            && rng.random::<f64>() < stretch.probability
        {
            let factor = stretch.least + rng.random::<f32>() * (stretch.most - stretch.least);
            recording.times.iter_mut().for_each(|time| *time *= factor);
        }
        if let Some(jitter) = &self.jitter
            && rng.random::<f64>() < jitter.probability
        {
            let deviation = rng.random::<f32>() * jitter.largest_deviation;
            for time in &mut recording.times {
                let noise: f32 = StandardNormal.sample(rng);
                *time += noise * deviation;
            }
            drop_before_start(recording);
        }
    }
}

fn drop_before_start(recording: &mut Recording) {
    let times = &recording.times;
    let mut index = 0;
    recording.units.retain(|_| {
        index += 1;
        times[index - 1] >= 0.0
    });
    recording.times.retain(|&time| time >= 0.0);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn changed(augmentation: EventAugmentation, recording: &Recording) -> Vec<Recording> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut changed = vec![recording.clone(); 400];
        changed
            .iter_mut()
            .for_each(|recording| augmentation.apply(recording, &mut rng));
        changed
    }

    #[test]
    fn one_factor_a_recording_within_its_bounds() {
        let recording = Recording {
            units: vec![0, 1],
            times: vec![0.5, 1.0],
        };
        let augmentation = EventAugmentation {
            jitter: None,
            ..EventAugmentation::USUAL
        };
        let factors: Vec<f32> = changed(augmentation, &recording)
            .iter()
            .map(|changed| {
                assert_eq!(changed.units, recording.units);
                assert_eq!(changed.times[0], 0.5 * changed.times[1]);
                changed.times[1]
            })
            .collect();
        let same = factors.iter().filter(|&&factor| factor == 1.0).count();
        assert!((150..250).contains(&same), "{same}");
        let (least, most) = factors
            .iter()
            .fold((1.0_f32, 1.0_f32), |(a, b), &f| (a.min(f), b.max(f)));
        assert!(
            (0.9..0.905).contains(&least) && (1.095..1.1).contains(&most),
            "{least} {most}"
        );
    }

    #[test]
    fn jitter_has_the_stated_deviation_and_drops_what_falls_before_the_start() {
        let late = Recording {
            units: (0..100).collect(),
            times: vec![1.0; 100],
        };
        let augmentation = EventAugmentation {
            stretch: None,
            ..EventAugmentation::USUAL
        };
        let mut variance = 0.0;
        for changed in changed(augmentation, &late) {
            assert_eq!(changed.units, late.units);
            let squares = changed.times.iter().map(|t| f64::from(t - 1.0).powi(2));
            variance += squares.sum::<f64>() / 40_000.0;
        }
        // Every second recording; the mean square of a uniform deviation is a third of the largest's.
        let expected = 0.006_f64.powi(2) / 6.0;
        assert!(
            (variance / expected - 1.0).abs() < 0.2,
            "{variance} {expected}"
        );

        let early = Recording {
            units: (0..100).collect(),
            times: vec![0.0; 100],
        };
        let mut dropped = 0;
        for changed in changed(augmentation, &early) {
            assert_eq!(changed.units.len(), changed.times.len());
            assert!(changed.times.iter().all(|&time| time >= 0.0));
            assert!(changed.units.is_sorted());
            dropped += 100 - changed.units.len();
        }
        // Half of every second one.
        assert!((8_000..12_000).contains(&dropped), "{dropped}");
    }
}
