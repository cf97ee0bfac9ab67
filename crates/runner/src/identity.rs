//! What a run belongs to: its config, and the content of its data, wherever that lies.

use std::fmt;
use std::time::Instant;

use block_data::{Content, counted};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::{Difference, Result, RunnerError};
use crate::plan::Plan;

/// The content of a split, as files of a run hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitContent {
    /// The samples.
    pub samples: usize,
    /// The largest unit that events come from, or the number of the last value.
    pub largest_unit: Option<usize>,
    /// The largest label.
    pub largest_label: Option<usize>,
    /// The fingerprint of the decoded samples, as [`block_data::Fingerprint`] says it.
    pub fingerprint: String,
}

impl From<Content> for SplitContent {
    fn from(content: Content) -> Self {
        Self {
            samples: content.samples,
            largest_unit: content.largest_unit,
            largest_label: content.largest_label,
            fingerprint: content.fingerprint.to_string(),
        }
    }
}

impl SplitContent {
    fn counts(&self) -> [Option<usize>; 3] {
        [Some(self.samples), self.largest_unit, self.largest_label]
    }
}

impl fmt::Display for SplitContent {
    /// What a person compares, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            samples,
            fingerprint,
            ..
        } = self;
        write!(f, "{}", counted(*samples, "sample"))?;
        if let Some(unit) = self.largest_unit {
            write!(f, ", units up to {unit}")?;
        }
        if let Some(label) = self.largest_label {
            write!(f, ", labels up to {label}")?;
        }
        write!(f, ", {fingerprint}")
    }
}

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunData {
    /// The whole training split, with what of it is held out.
    pub train: SplitContent,
    /// The test split.
    pub test: SplitContent,
    /// What the classes are called, by label.
    pub class_names: Vec<String>,
}

impl RunData {
    /// Reads both splits of a plan once.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Data`](crate::RunnerError::Data) if a sample cannot be read.
    pub fn of(plan: &Plan) -> Result<Self> {
        let (source, begin) = (&plan.source, Instant::now());
        let data = Self {
            train: Content::of(&source.train())?.into(),
            test: Content::of(&source.test())?.into(),
            class_names: source.class_names().to_vec(),
        };
        tracing::debug!("fingerprints took {:.3} s", begin.elapsed().as_secs_f64());
        Ok(data)
    }
}

/// What may differ from a run, besides what leaves the epochs so far as they are: `train.epochs`, milestones
/// that are not reached yet, `train.gamma` before the first of them, `data.validation` where no samples are held out, and
/// where the data lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accept {
    /// Everything that fits the network's shape.
    pub changes: bool,
    /// The test split, as it was named. Training does not depend on it.
    pub test_split: bool,
}

pub(crate) const TRAINING_SPLIT: &str = "the training split";
pub(crate) const TEST_SPLIT: &str = "the test split";

/// How a plan differs from a run of which `epochs` epochs are finished, as far as the run says what it was. Another
/// test split is allowed if it was named.
pub(crate) fn differences(
    before: (Option<&Config>, Option<&RunData>),
    now: (&Config, &RunData),
    epochs: usize,
    is_test_named: bool,
) -> Vec<Difference> {
    let keys = before.0.into_iter().flat_map(|before| {
        let keys = before.differences(now.0).into_iter();
        keys.map(|one| Difference {
            allowed: before.may_become(now.0, &one.key, epochs),
            what: format!("`{}`", one.key),
            run: one.before,
            now: one.now,
        })
    });
    let splits = before.1.into_iter().flat_map(|before| {
        let splits = [
            (TRAINING_SPLIT, &before.train, &now.1.train),
            (TEST_SPLIT, &before.test, &now.1.test),
        ];
        let other = splits.into_iter().filter(|(_, before, now)| before != now);
        other.map(move |(what, before, now)| Difference {
            allowed: is_test_named && what == TEST_SPLIT,
            what: what.to_string(),
            run: before.to_string(),
            now: match before.counts() != now.counts() {
                true => now.to_string(),
                false => format!("{now} (other samples, or in another order)"),
            },
        })
    });
    keys.chain(splits).collect()
}

/// Checks that a network has an input for every unit of the events in a split.
///
/// A config folds larger units only where it says so: `folds` is whether the run's own data were folded.
///
/// # Errors
///
/// [`RunnerError::Units`].
pub(crate) fn check_units(
    plan: &Plan,
    what: &str,
    split: &SplitContent,
    folds: bool,
) -> Result<()> {
    let units = plan.source.units();
    match split.largest_unit {
        Some(largest) if largest >= units && !folds => Err(RunnerError::Units {
            split: what.to_string(),
            place: plan.file_of(what == TEST_SPLIT),
            largest,
            units,
        }),
        _ => Ok(()),
    }
}

impl RunData {
    /// Whether units of the run's own data are folded onto its network's inputs.
    pub(crate) fn folds(&self, units: usize) -> bool {
        let largest = self.train.largest_unit.max(self.test.largest_unit);
        largest.is_some_and(|largest| largest >= units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told_and_what_of_it_is_allowed() {
        let config = |set: &[&str]| {
            let set: Vec<_> = set.iter().map(ToString::to_string).collect();
            Config::parse("[data]\nname = \"yin-yang\"", "", &set).unwrap()
        };
        let split = |fingerprint: &str| SplitContent {
            samples: 3,
            largest_unit: Some(7),
            largest_label: None,
            fingerprint: fingerprint.to_string(),
        };
        let data = |test: &str| RunData {
            train: split("a"),
            test: split(test),
            class_names: Vec::new(),
        };
        let (before, now) = (config(&[]), config(&["train.epochs=3", "seed=1"]));
        let (data, other) = (data("b"), data("c"));
        let found = |before, now| differences(before, now, 1, false);
        assert_eq!(found((Some(&before), Some(&data)), (&before, &data)), []);
        assert_eq!(found((None, None), (&now, &other)), []);
        let told: Vec<_> = found((Some(&before), Some(&data)), (&now, &other))
            .iter()
            .map(|one| (one.to_string(), one.allowed))
            .collect();
        let expected = [
            ("`seed` is 0 in the run, 1 now", false),
            ("`train.epochs` is 140 in the run, 3 now", true),
            (
                "the test split is 3 samples, units up to 7, b in the run, 3 samples, units up to 7, c (other samples, or in another order) now",
                false,
            ),
        ];
        assert_eq!(
            told,
            expected.map(|(text, allowed)| (text.to_string(), allowed))
        );
        let named = differences((None, Some(&data)), (&now, &other), 1, true);
        assert!(named.len() == 1 && named[0].allowed, "{named:?}");
        assert!(!data.folds(8) && data.folds(7));
    }
}
