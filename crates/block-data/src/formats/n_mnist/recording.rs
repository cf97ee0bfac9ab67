//! A recording of N-MNIST: 5 bytes an event.

use std::path::Path;

use crate::DataError;

const EVENT: usize = 5;
const SIDE: u8 = 34;

/// An event of N-MNIST's sensor of 34×34 pixels.
///
/// Source: G. Orchard, A. Jayawant, G. Cohen, N. Thakor, "Converting static image datasets to
/// spiking neuromorphic datasets using saccades", Frontiers in Neuroscience 9, 2015.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorEvent {
    /// Column, below 34.
    pub x: u8,
    /// Row, below 34.
    pub y: u8,
    /// Whether the pixel got brighter.
    pub on: bool,
    /// Time since the recording's start, in microseconds, below 2²³.
    pub microseconds: u32,
}

impl SensorEvent {
    /// x + 34·y + 34·34·polarity. A binning onto 1156 units folds the two polarities together.
    pub fn unit(&self) -> u32 {
        let side = u32::from(SIDE);
        u32::from(self.x) + side * u32::from(self.y) + side * side * u32::from(self.on)
    }

    /// The time in seconds: microseconds / 10⁶ in float32.
    pub fn seconds(&self) -> f32 {
        self.microseconds as f32 / 1e6
    }
}

/// Decodes a recording: x, y, then one polarity bit and 23 bits of microseconds, big-endian.
/// `path` is for messages.
///
/// # Errors
///
/// [`DataError::EventLength`] when the length is not a whole number of events,
/// [`DataError::EventPlace`] for an event outside of the sensor.
pub fn decode(bytes: &[u8], path: &Path) -> Result<Vec<SensorEvent>, DataError> {
    let (events, []) = bytes.as_chunks::<EVENT>() else {
        return Err(DataError::EventLength {
            path: path.to_path_buf(),
            found: bytes.len(),
            event: EVENT,
        });
    };
    let decode = |(index, &[x, y, high, middle, low]): (usize, &[u8; EVENT])| {
        if x >= SIDE || y >= SIDE {
            return Err(DataError::EventPlace {
                path: path.to_path_buf(),
                index,
                x,
                y,
                side: SIDE,
            });
        }
        Ok(SensorEvent {
            x,
            y,
            on: high & 0x80 != 0,
            microseconds: u32::from_be_bytes([0, high & 0x7f, middle, low]),
        })
    };
    events.iter().enumerate().map(decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_recordings_are_refused() {
        let decode = |bytes: &[u8]| decode(bytes, Path::new("a.bin"));
        assert_eq!(decode(&[]).unwrap(), []);
        let text = decode(&[1, 2, 3, 4, 5, 6]).unwrap_err().to_string();
        assert_eq!(
            text,
            "a.bin: found 6 bytes, expected a multiple of 5 (the bytes of an event)"
        );
        let text = decode(&[0, 0, 0, 0, 0, 33, 34, 0, 0, 0])
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "a.bin: event 1 is at x 33, y 34, expected both below 34"
        );
    }

    #[test]
    fn an_event_by_hand() {
        let found = decode(&[2, 3, 0x80, 0x01, 0x02], Path::new("")).unwrap();
        let event = SensorEvent {
            x: 2,
            y: 3,
            on: true,
            microseconds: 258,
        };
        assert_eq!(found, [event]);
        assert_eq!(event.unit(), 2 + 34 * 3 + 1156);
        assert_eq!(event.seconds(), 258e-6);
    }
}
