//! The speed benchmark's spikes.

use std::sync::Arc;

use burn_dataset::{Dataset, DatasetError};
use rand::RngExt;

use crate::dataset::Origin;
use crate::random::{Purpose, stream};
use crate::{DataError, DataSet, Input, Recording, Sample, Splits, Timing};

/// Synthetic spikes, as many as the speed benchmark has.
pub const SYNTHETIC: DataSet = DataSet {
    name: "synthetic",
    about: "random spikes without a meaning",
    homepage: "https://arxiv.org/abs/2205.15286",
    licence: "none needed",
    input_shape: &[1_000],
    classes: CLASSES,
    class_names: &[],
    samples: [1_408, 128],
    timing: Some(Timing {
        steps: STEPS,
        dt: 1.0,
    }),
    normalization: None,
    augmentation: None,
    augmented: false,
    origin: Origin::Made(make),
};

const STEPS: usize = 128;

fn make(set: &DataSet) -> Result<Splits, DataError> {
    let split = |samples, seed| SyntheticSpikes::new(samples, set.units(), STEPS, seed);
    let [train, test] = set.samples;
    Ok(Splits {
        train: Arc::new(split(train, 0)?),
        test: Arc::new(split(test, 1)?),
        class_names: Vec::new(),
        doubts: Vec::new(),
        memory_bytes: 0,
    })
}

/// Spikes without a meaning, made when they are asked for: each sample has a rate r, uniform from 0
/// to 200; every unit fires at every step as often as Poisson(r / steps) says, but at most once. The
/// classes are drawn at random, so there is nothing to learn.
///
/// A step is one millisecond: binned with dt = 1 the events lie where they were drawn.
///
/// Source: L. Taylor, A. King, N. Harper, arXiv 2205.15286, the speed benchmark.
///
/// ```
/// use block_data::SyntheticSpikes;
/// use burn_dataset::Dataset;
///
/// let spikes = SyntheticSpikes::new(8, 100, 32, 7)?; // samples, units, steps, seed
/// assert_eq!(spikes.len(), 8);
/// assert_eq!(spikes.get(3)?, spikes.get(3)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticSpikes {
    samples: usize,
    units: u32,
    steps: u32,
    seed: u64,
}

/// The largest rate: spikes of a unit, if it could fire more than once a step.
const LARGEST_RATE: f64 = 200.0;
/// Classes that are drawn from.
const CLASSES: usize = 10;

impl SyntheticSpikes {
    /// `samples` samples of `units` units over `steps` time steps.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] for no units or steps, or 2³¹ of them and more.
    pub fn new(samples: usize, units: usize, steps: usize, seed: u64) -> Result<Self, DataError> {
        let checked = |what: &'static str, number: usize| match i32::try_from(number) {
            Ok(number @ 1..) => Ok(number as u32),
            _ => Err(DataError::argument(what, number, "1 to 2147483647")),
        };
        Ok(Self {
            samples,
            units: checked("the number of units", units)?,
            steps: checked("the number of time steps", steps)?,
            seed,
        })
    }
}

impl Dataset<Sample> for SyntheticSpikes {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let mut rng = stream(self.seed, Purpose::Synthetic, 0, index as u64);
        let label = rng.random_range(0..CLASSES);
        let rate = rng.random::<f64>() * LARGEST_RATE;
        // Poisson(λ), clipped to 1, is 1 with this probability.
        let fires = -(-rate / f64::from(self.steps)).exp_m1();
        let mut recording = Recording::default();
        for step in 0..self.steps {
            for unit in 0..self.units {
                if rng.random::<f64>() < fires {
                    recording.units.push(unit);
                    recording.times.push(step as f32 / 1000.0);
                }
            }
        }
        Ok(Sample {
            index,
            label,
            input: Input::Events(recording),
        })
    }

    fn len(&self) -> usize {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::EventBinning;

    /// Events of a sample by (step, unit).
    fn binned(spikes: &SyntheticSpikes, index: usize) -> Vec<(u32, u32)> {
        let Input::Events(recording) = spikes.get(index).unwrap().input else {
            panic!("spikes are events");
        };
        let (units, steps) = (spikes.units as usize, spikes.steps as usize);
        let mut events = Vec::new();
        EventBinning::new(units, steps, 1.0)
            .unwrap()
            .encode(&recording.units, &recording.times, &mut events)
            .unwrap();
        assert_eq!(events.len(), recording.units.len(), "no event is lost");
        events
    }

    #[test]
    fn a_unit_fires_at_most_once_a_step_with_the_rate_of_its_sample() {
        let spikes = SyntheticSpikes::new(300, 50, 2048, 1).unwrap();
        let (mut mean, mut largest) = (0.0, 0.0_f64);
        for index in 0..300 {
            let events = binned(&spikes, index);
            assert!(events.windows(2).all(|pair| pair[0] < pair[1]));
            let per_unit = events.len() as f64 / 50.0;
            mean += per_unit / 300.0;
            largest = largest.max(per_unit);
        }
        // E[t (1 − exp(−r / t))] for r uniform from 0 to 200.
        let (t, r) = (2048.0_f64, LARGEST_RATE);
        let expected = t * (1.0 - t / r * (1.0 - (-r / t).exp()));
        assert!((mean / expected - 1.0).abs() < 0.1, "{mean} {expected}");
        assert!(largest > 180.0 && largest < 200.0, "{largest}");
    }

    #[test]
    fn long_trains_keep_their_steps() {
        let spikes = SyntheticSpikes::new(1, 1, 100_000, 3).unwrap();
        let Input::Events(recording) = spikes.get(0).unwrap().input else {
            panic!("spikes are events");
        };
        for time in recording.times {
            let step = time * 1000.0;
            assert!((step - step.round()).abs() < 0.1);
        }
        assert!(SyntheticSpikes::new(1, 0, 1, 0).is_err());
        assert!(SyntheticSpikes::new(1, 1, 1 << 31, 0).is_err());
    }
}
