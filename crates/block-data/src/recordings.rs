//! Recordings of events, kept in memory one after the other.

use burn_dataset::{Dataset, DatasetError};

use crate::encode::check_recording;
use crate::{DataError, Input, Recording, Sample};

/// A split of a data set of recordings: flat arrays of all events, and where each recording ends.
///
/// ```
/// use block_data::Recordings;
///
/// let mut recordings = Recordings::default();
/// recordings.push(3, &[0, 5], &[0.001, 0.25])?; // class, units, seconds
/// assert_eq!(recordings.labels(), [3]);
/// assert_eq!(recordings.events(0), (&[0, 5][..], &[0.001, 0.25][..]));
/// # Ok::<(), block_data::DataError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recordings {
    units: Vec<u32>,
    times: Vec<f32>,
    ends: Vec<usize>,
    labels: Vec<u32>,
}

impl Recordings {
    /// Appends a recording: its class, and the unit and time (seconds) of each event.
    ///
    /// # Errors
    ///
    /// [`DataError::Argument`] when units and times differ in number, [`DataError::EventTime`] for a
    /// time that is negative or not finite.
    pub fn push(&mut self, label: u32, units: &[u32], times: &[f32]) -> Result<(), DataError> {
        check_recording(units, times)?;
        self.units.extend(units);
        self.times.extend(times);
        self.ends.push(self.units.len());
        self.labels.push(label);
        Ok(())
    }

    /// Makes room for so many events.
    pub(crate) fn reserve(&mut self, events: usize) {
        self.units.reserve_exact(events);
        self.times.reserve_exact(events);
    }

    /// Recordings from all events and labels; recording i ends before event `ends[i]`. The caller
    /// has checked the times.
    ///
    /// # Panics
    ///
    /// When the parts do not belong together.
    pub(crate) fn from_parts(
        units: Vec<u32>,
        times: Vec<f32>,
        ends: Vec<usize>,
        labels: Vec<u32>,
    ) -> Self {
        let events = ends.last().copied().unwrap_or(0);
        assert_eq!((units.len(), times.len()), (events, events));
        assert!(ends.is_sorted() && ends.len() == labels.len());
        Self {
            units,
            times,
            ends,
            labels,
        }
    }

    /// Units and times (seconds) of a recording.
    ///
    /// # Panics
    ///
    /// When there is no such recording.
    pub fn events(&self, index: usize) -> (&[u32], &[f32]) {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = start..self.ends[index];
        (&self.units[range.clone()], &self.times[range])
    }

    /// All labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The units of all events.
    pub(crate) fn all_units(&self) -> &[u32] {
        &self.units
    }

    /// Events of all recordings together.
    pub fn total_events(&self) -> usize {
        self.units.len()
    }

    /// Bytes that they take in memory.
    pub fn memory_bytes(&self) -> usize {
        let event = size_of::<u32>() + size_of::<f32>();
        let recording = size_of::<usize>() + size_of::<u32>();
        self.units.len() * event + self.labels.len() * recording
    }

    /// The largest unit, if there is an event.
    pub fn largest_unit(&self) -> Option<u32> {
        self.units.iter().copied().max()
    }
}

impl Dataset<Sample> for Recordings {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let (units, times) = self.events(index);
        Ok(Sample {
            index,
            label: self.labels[index] as usize,
            input: Input::Events(Recording {
                units: units.to_vec(),
                times: times.to_vec(),
            }),
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}
