//! A pass over a split, with the encoder that training uses.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use rayon::prelude::*;

use crate::encode::{EventBinning, check_recording};
use crate::encoding::Encoded;
use crate::{Account, DataError, Encoding, EventAccount, Input, Recording, Samples, Tally};

/// Samples that a thread takes at once: enough to be worth it.
const SIDE_BY_SIDE: usize = 64;

/// Events of a recording that go into its digest, besides their number.
const DIGESTED: usize = 256;

/// An [`Account`] of a split, and what else is needed to judge the split.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The account.
    pub account: Account,
    /// How often each label occurs.
    pub labels: Tally,
    /// How often each unit occurs in the files, of recordings.
    pub units: Tally,
    /// Spikes of each time step, of recordings.
    pub steps: Tally,
    /// The most spikes of a sample.
    pub most_spikes: u64,
    /// When a recording begins and ends, in seconds: medians over those that have events, and the median of the time
    /// in between.
    pub typical: Option<Typical>,
    /// How many recordings last more than [`MUCH_LONGER`] times as long as is typical, and how long the longest of all does,
    /// in seconds.
    pub much_longer: (usize, f32),
    /// A number for the input of each sample that is not empty, the same for the same input, sorted. It is made of some
    /// of a recording's events only, so it is no proof of the same input.
    digests: Vec<u64>,
}

/// A recording that lasts so many times as long as others is in another unit of time, or has a stray time.
pub const MUCH_LONGER: f32 = 100.0;

/// Medians over recordings, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Typical {
    /// The first event's time.
    pub begin: f32,
    /// The last event's time.
    pub end: f32,
    /// The time between them.
    pub length: f32,
}

impl Survey {
    /// Goes over all samples of a split, as they are, on all threads.
    ///
    /// # Errors
    ///
    /// [`DataError`] for a sample that cannot be had, that the encoding refuses, or whose label is none of the
    /// `classes`.
    pub fn of(samples: &Samples, encoding: &Encoding, classes: usize) -> Result<Self, DataError> {
        let counts = (0..samples.len())
            .into_par_iter()
            .with_min_len(SIDE_BY_SIDE)
            .try_fold(Counts::default, |mut counts, index| {
                let sample = samples.get(index)?;
                if sample.label >= classes {
                    let expected = format!("less than {classes}, the number of classes");
                    let what = "a sample's label";
                    return Err(DataError::argument(what, sample.label, expected));
                }
                counts.labels.add(sample.label as u32);
                counts.add(&sample.input, encoding)?;
                Ok(counts)
            })
            .try_reduce(Counts::default, |one, other| Ok(one.merged(other)))?;
        Ok(counts.finish(encoding, classes))
    }

    /// How many of this split's samples have an input that another split has too; empty ones do not count.
    pub fn shared_with(&self, other: &Self) -> usize {
        let known = |digest: &&u64| other.digests.binary_search(digest).is_ok();
        self.digests.iter().filter(known).count()
    }
}

/// What threads count, each of its own samples.
#[derive(Default)]
struct Counts {
    samples: usize,
    empty: usize,
    spikes: u64,
    most_spikes: u64,
    /// The first and the last step with a spike.
    range: Option<[u32; 2]>,
    labels: Tally,
    units: Tally,
    steps: Tally,
    events: EventAccount,
    times: Vec<[f32; 2]>,
    digests: Vec<u64>,
    /// A recording's steps.
    scratch: Vec<f32>,
}

impl Counts {
    fn add(&mut self, input: &Input, encoding: &Encoding) -> Result<(), DataError> {
        self.samples += 1;
        match (encoding, input) {
            (Encoding::Events(binning), Input::Events(recording)) => {
                self.add_recording(recording, binning)
            }
            (_, Input::Values(values)) => {
                if let Encoded::First(steps) = encoding.encode(input)? {
                    self.add_spikes(steps.len() as u64);
                    if !steps.is_empty() {
                        self.add_steps(range(steps.iter().copied()));
                    }
                }
                match values.iter().all(|&value| value == 0.0) {
                    true => self.empty += 1,
                    false => self.digest(values.chunks(2).map(|pair| {
                        let bits = |value: &f32| u64::from(value.to_bits());
                        pair.iter().fold(0, |all, value| all << 32 | bits(value))
                    })),
                }
                Ok(())
            }
            // Refused there, as by a loader.
            _ => encoding.encode(input).map(drop),
        }
    }

    fn add_recording(
        &mut self,
        recording: &Recording,
        binning: &EventBinning,
    ) -> Result<(), DataError> {
        let Recording { units, times } = recording;
        check_recording(units, times)?;
        if times.is_empty() {
            self.empty += 1;
            return Ok(());
        }
        // Each pass is so plain that it runs over several events at once.
        let [first, last] = range(times.iter().map(|time| time.to_bits()));
        let [first, last] = [first, last].map(|bits| f32::from_bits(bits) + 0.0);
        self.times.push([first, last]);
        let end = binning.steps() as f32;
        let steps = &mut self.scratch;
        steps.clear();
        steps.extend(times.iter().map(|&time| binning.step(time)));
        let before = steps.iter().filter(|&&step| step < 0.0).count();
        let after = steps.iter().filter(|&&step| step >= end).count();
        let folded = units.iter().filter(|&&unit| binning.folds(unit)).count();
        self.events.total += times.len() as u64;
        self.events.dropped_before += before as u64;
        self.events.dropped_after += after as u64;
        self.events.folded += folded as u64;
        units.iter().for_each(|&unit| self.units.add(unit));
        // Neighbours in time are often in one step, whose count would be waited for.
        let (early, late) = steps.split_at(steps.len() / 2);
        let (paired, rest) = late.split_at(early.len());
        for (&one, &other) in early.iter().zip(paired) {
            for step in [one, other] {
                if (0.0..end).contains(&step) {
                    self.steps.add(step as u32);
                }
            }
        }
        let rest = rest.iter().filter(|step| (0.0..end).contains(*step));
        rest.for_each(|&step| self.steps.add(step as u32));
        match times.len() - before - after {
            0 => self.events.emptied += 1,
            kept => {
                self.add_spikes(kept as u64);
                let first = binning.step(first).max(0.0) as u32;
                self.add_steps([first, self.steps.largest().unwrap_or(first)]);
            }
        }
        // Events here and there tell recordings apart.
        let stride = times.len().div_ceil(DIGESTED);
        let events = units.iter().zip(times).step_by(stride);
        let events = events.map(|(&unit, time)| u64::from(unit) << 32 | u64::from(time.to_bits()));
        self.digest([times.len() as u64].into_iter().chain(events));
        Ok(())
    }

    fn add_spikes(&mut self, spikes: u64) {
        self.spikes += spikes;
        self.most_spikes = self.most_spikes.max(spikes);
    }

    fn add_steps(&mut self, [first, last]: [u32; 2]) {
        let [before, after] = self.range.unwrap_or([first, last]);
        self.range = Some([before.min(first), after.max(last)]);
    }

    fn digest(&mut self, content: impl Iterator<Item = u64>) {
        let mut hasher = FixedState::default().build_hasher();
        content.for_each(|number| hasher.write_u64(number));
        self.digests.push(hasher.finish());
    }

    fn merged(mut self, other: Self) -> Self {
        self.samples += other.samples;
        self.empty += other.empty;
        self.spikes += other.spikes;
        self.most_spikes = self.most_spikes.max(other.most_spikes);
        if let Some(range) = other.range {
            self.add_steps(range);
        }
        self.labels.merge(&other.labels);
        self.units.merge(&other.units);
        self.steps.merge(&other.steps);
        let events = &mut self.events;
        events.total += other.events.total;
        events.dropped_before += other.events.dropped_before;
        events.dropped_after += other.events.dropped_after;
        events.emptied += other.events.emptied;
        events.folded += other.events.folded;
        self.times.extend(other.times);
        self.digests.extend(other.digests);
        self
    }

    fn finish(mut self, encoding: &Encoding, classes: usize) -> Survey {
        let labels = &self.labels;
        let without = (0..classes).filter(|&class| labels.count(class as u32) == Some(0));
        let classes_without_samples = without.collect();
        let events = matches!(encoding, Encoding::Events(_)).then(|| {
            let total = self.events.total;
            let dropped = self.events.dropped();
            let first = self.times.iter().map(|[first, _]| *first);
            let last = self.times.iter().map(|[_, last]| *last);
            EventAccount {
                dropped_share: (total > 0).then(|| dropped as f64 / total as f64),
                first_time: first.reduce(f32::min),
                last_time: last.reduce(f32::max),
                largest_unit: self.units.largest(),
                ..self.events
            }
        });
        let of = |time: fn(&[f32; 2]) -> f32| median(self.times.iter().map(time).collect());
        let typical = of(|times| times[0]).zip(of(|times| times[1]));
        let typical = typical.zip(of(|[first, last]| last - first));
        let usual = typical.map_or(0.0, |(_, length)| length);
        let lengths = self.times.iter().map(|[first, last]| last - first);
        let far = lengths
            .clone()
            .filter(|&length| usual > 0.0 && length > MUCH_LONGER * usual);
        let much_longer = (far.count(), lengths.fold(0.0, f32::max));
        self.digests.sort_unstable();
        Survey {
            account: Account {
                samples: self.samples,
                empty: self.empty,
                spikes: self.spikes,
                steps: self.range,
                largest_label: self.labels.largest(),
                classes_without_samples,
                events,
            },
            typical: typical.map(|((begin, end), length)| Typical { begin, end, length }),
            most_spikes: self.most_spikes,
            much_longer,
            labels: self.labels,
            units: self.units,
            steps: self.steps,
            digests: self.digests,
        }
    }
}

/// The least and the largest of some numbers below 2³¹; there is at least one.
fn range(numbers: impl Iterator<Item = u32>) -> [u32; 2] {
    // Signed: that is one instruction on any CPU.
    let [least, most] = numbers.fold([i32::MAX, i32::MIN], |[least, most], number| {
        [least.min(number as i32), most.max(number as i32)]
    });
    [least, most].map(|number| number as u32)
}

/// The middle one of some numbers, the upper of two.
fn median(mut numbers: Vec<f32>) -> Option<f32> {
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return None;
    }
    let (_, &mut median, _) = numbers.select_nth_unstable_by(middle, f32::total_cmp);
    Some(median)
}
