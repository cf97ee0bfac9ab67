//! What a split holds, and what of it reaches a network.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::{counted, ranges};

/// What a split holds, and what an encoding makes of it; a [`Survey`](crate::Survey) counts it. Samples are taken as
/// they are, before random changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Samples: recordings, images or points.
    pub samples: usize,
    /// Samples without an event, or all of whose values are 0.
    pub empty: usize,
    /// Spikes that go into a network, all samples together; frames have none.
    pub spikes: u64,
    /// The first and the last time step that has a spike.
    pub steps: Option<[u32; 2]>,
    /// The largest label.
    pub largest_label: Option<u32>,
    /// Labels of classes that no sample has, in ascending order.
    pub classes_without_samples: Vec<usize>,
    /// The events of recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<EventAccount>,
}

/// The events of a split of recordings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EventAccount {
    /// Events in the files.
    pub total: u64,
    /// Events before the first time step.
    pub dropped_before: u64,
    /// Events after the last time step.
    pub dropped_after: u64,
    /// The fraction of all events that is dropped; none without events.
    pub dropped_share: Option<f64>,
    /// Recordings that have events, all of which are dropped.
    pub emptied: usize,
    /// Events whose unit is none of the network's inputs, and takes another's number by being folded.
    pub folded: u64,
    /// The earliest time in seconds.
    pub first_time: Option<f32>,
    /// The latest time in seconds.
    pub last_time: Option<f32>,
    /// The largest unit in the files.
    pub largest_unit: Option<u32>,
}

impl EventAccount {
    /// Events that no time step holds.
    pub fn dropped(&self) -> u64 {
        self.dropped_before + self.dropped_after
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { samples, empty, .. } = *self;
        match &self.events {
            Some(events) => {
                let recordings = counted(samples, "recording");
                write!(f, "{recordings}, {empty} empty, {events}")?;
            }
            None => write!(f, "{}, {empty} blank", counted(samples, "sample"))?,
        }
        if self.events.is_none() && self.spikes > 0 {
            write!(f, ", {}", counted(self.spikes, "spike"))?;
        }
        match self.steps {
            Some([first, last]) if first == last => write!(f, "; time step {first}")?,
            Some([first, last]) => write!(f, "; time steps {first} to {last}")?,
            None => (),
        }
        if let Some(label) = self.largest_label {
            write!(f, "; largest label {label}")?;
        }
        match self.classes_without_samples.len() {
            0 => write!(f, ", every class has samples"),
            1 => write!(f, ", class {} has none", self.missing()),
            _ => write!(f, ", classes {} have none", self.missing()),
        }
    }
}

impl fmt::Display for EventAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            total,
            dropped_before,
            dropped_after,
            emptied,
            folded,
            ..
        } = self;
        write!(f, "{}", counted(*total, "event"))?;
        let Some(share) = self.dropped_share else {
            return Ok(());
        };
        write!(
            f,
            ", {} dropped ({}; {dropped_before} before and {dropped_after} after the window)",
            self.dropped(),
            percent(share)
        )?;
        if *emptied > 0 {
            let verb = if *emptied == 1 { "loses" } else { "lose" };
            write!(
                f,
                ", {} {verb} all of theirs",
                counted(*emptied, "recording")
            )?;
        }
        write!(f, ", {folded} folded")?;
        if let (Some(first), Some(last)) = (self.first_time, self.last_time) {
            write!(f, "; from {first} to {last} s")?;
        }
        match self.largest_unit {
            Some(unit) => write!(f, "; largest unit {unit}"),
            None => Ok(()),
        }
    }
}

impl Account {
    /// The labels of classes without samples as ranges: `3, 5-7`.
    pub fn missing(&self) -> String {
        ranges(&self.classes_without_samples)
    }
}

/// A share as percent with one decimal, which says 0 or 100 only where it is.
fn percent(share: f64) -> String {
    match 100.0 * share {
        0.0 => "0 %".to_string(),
        share if share < 0.1 => "under 0.1 %".to_string(),
        100.0 => "100 %".to_string(),
        share if share > 99.9 => "over 99.9 %".to_string(),
        share => format!("{share:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_but_never_to_nothing_or_all() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(1e-9), "under 0.1 %");
        assert_eq!(percent(0.4404), "44.0 %");
        assert_eq!(percent(0.99999), "over 99.9 %");
        assert_eq!(percent(1.0), "100 %");
    }
}
