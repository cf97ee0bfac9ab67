//! What a split holds, so that it can be compared with another one, wherever its files lie and however they are packed.

use std::fmt;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use crate::{DataError, Input, Samples};

/// A split's content in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The samples.
    pub samples: usize,
    /// The largest unit of an event; for values, of which every sample has as many, that of the last value.
    pub largest_unit: Option<usize>,
    /// The largest label.
    pub largest_label: Option<usize>,
    /// The fingerprint of all samples.
    pub fingerprint: Fingerprint,
}

/// XXH3-128 of the decoded samples of a split, in their order. It tells contents apart that differ by mistake, and does not
/// protect from somebody who forges one.
///
/// A sample is hashed as the label (u64), a byte (0 for values, 1 for events), the number of values or events (u64), and
/// then the values as float32, or all units as u32 and all times in seconds as float32. The samples' hashes, of 16 bytes
/// each, are hashed once more. Everything is little-endian.
///
/// ```
/// use std::sync::Arc;
/// use block_data::{Content, Recordings};
///
/// let mut recordings = Recordings::default();
/// recordings.push(3, &[0, 5], &[0.001, 0.25])?; // class, units, seconds
/// let content = Content::of(&(Arc::new(recordings) as _))?;
/// assert_eq!(content.fingerprint.to_string(), "xxh3-128:decd846b33b5107fc230049453141953");
/// assert_eq!((content.samples, content.largest_unit, content.largest_label), (1, Some(5), Some(3)));
/// # Ok::<(), block_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Content {
    /// Reads all samples of a split once, on all threads.
    ///
    /// # Errors
    ///
    /// [`DataError::Dataset`] if a sample cannot be read.
    pub fn of(samples: &Samples) -> Result<Self, DataError> {
        let of_sample = |bytes: &mut Vec<u8>, index: usize| {
            let sample = samples.get(index)?;
            bytes.clear();
            bytes.extend((sample.label as u64).to_le_bytes());
            let largest_unit = match &sample.input {
                Input::Values(values) => {
                    bytes.push(0);
                    bytes.extend((values.len() as u64).to_le_bytes());
                    append(bytes, values, |value| value.to_le_bytes());
                    values.len().checked_sub(1)
                }
                Input::Events(recording) => {
                    bytes.push(1);
                    bytes.extend((recording.units.len() as u64).to_le_bytes());
                    append(bytes, &recording.units, |unit| unit.to_le_bytes());
                    append(bytes, &recording.times, |time| time.to_le_bytes());
                    recording.units.iter().max().map(|&unit| unit as usize)
                }
            };
            Ok::<_, DataError>((xxh3_128(bytes), largest_unit, sample.label))
        };
        let all = 0..samples.len();
        let found: Vec<_> = all
            .into_par_iter()
            .map_init(Vec::new, of_sample)
            .collect::<Result<_, _>>()?;
        let hashes: Vec<u8> = found.iter().flat_map(|one| one.0.to_le_bytes()).collect();
        Ok(Self {
            samples: found.len(),
            largest_unit: found.iter().filter_map(|one| one.1).max(),
            largest_label: found.iter().map(|one| one.2).max(),
            fingerprint: Fingerprint(xxh3_128(&hashes)),
        })
    }
}

/// In one go: appended one by one, the numbers would take longer than their hash.
fn append<T: Copy>(bytes: &mut Vec<u8>, numbers: &[T], to_le_bytes: impl Fn(T) -> [u8; 4]) {
    let start = bytes.len();
    bytes.resize(start + 4 * numbers.len(), 0);
    let (slots, _) = bytes[start..].as_chunks_mut();
    for (slot, &number) in slots.iter_mut().zip(numbers) {
        *slot = to_le_bytes(number);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "xxh3-128:{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Images, Recordings, YinYang};

    fn recordings(all: &[(u32, &[u32], &[f32])]) -> Content {
        let mut recordings = Recordings::default();
        for (label, units, times) in all {
            recordings.push(*label, units, times).unwrap();
        }
        Content::of(&(Arc::new(recordings) as Samples)).unwrap()
    }

    #[test]
    fn every_change_of_a_split_shows() {
        let first: (u32, &[u32], &[f32]) = (1, &[4, 2], &[0.5, 0.25]);
        let second: (u32, &[u32], &[f32]) = (0, &[7], &[0.125]);
        let contents = [
            recordings(&[]),
            recordings(&[first]),
            recordings(&[first, second]),
            recordings(&[second, first]),
            recordings(&[(2, first.1, first.2), second]),
            recordings(&[(1, &[4, 3], first.2), second]),
            recordings(&[(1, &[2, 4], first.2), second]),
            recordings(&[(1, first.1, &[0.5, 0.25000003]), second]),
            recordings(&[(1, &[4], &[0.5]), (0, &[2, 7], &[0.25, 0.125])]),
        ];
        for (index, content) in contents.iter().enumerate() {
            let same = contents.iter().filter(|other| *other == content);
            assert_eq!(same.count(), 1, "{index}");
        }
        assert_eq!(recordings(&[first, second]), contents[2]);
        let Content {
            samples,
            largest_unit,
            largest_label,
            ..
        } = contents[2];
        assert_eq!(
            (samples, largest_unit, largest_label),
            (2, Some(7), Some(1))
        );
        assert_eq!(
            (contents[0].largest_unit, contents[0].largest_label),
            (None, None)
        );
    }

    #[test]
    fn values_count_as_samples_have_them() {
        let content = |samples| Content::of(&samples).unwrap();
        let images = |pixels: &[u8]| Images::from_parts(pixels.to_vec(), vec![3, 1], 2);
        let found = content(Arc::new(images(&[0, 255, 1, 2])));
        assert_eq!(
            (found.samples, found.largest_unit, found.largest_label),
            (2, Some(1), Some(3))
        );
        assert_ne!(found, content(Arc::new(images(&[0, 255, 1, 3]))));
        let [a, b] = [1, 1].map(|seed| content(Arc::new(YinYang::new(50, seed))));
        assert_eq!(a, b);
        assert_ne!(a, content(Arc::new(YinYang::new(50, 2))));
    }
}
