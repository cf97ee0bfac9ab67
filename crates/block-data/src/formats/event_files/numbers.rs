//! Numbers of an HDF5 file's types, from their bytes.

use half::f16;
use hdf5::{Datatype, DatatypeByteOrder};

/// Integers of 1, 2, 4 or 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integers {
    size: u32,
    signed: bool,
    big_endian: bool,
}

/// A number that does not fit, and its place.
#[derive(Debug, PartialEq)]
pub(super) struct OutOfRange {
    pub index: usize,
    pub found: i128,
}

impl Integers {
    /// `None` when the type is another one.
    pub(super) fn of(datatype: &Datatype) -> Option<Self> {
        let Datatype::FixedPoint {
            size,
            byte_order,
            layout,
        } = datatype
        else {
            return None;
        };
        let bits = size.checked_mul(8);
        let whole = layout.bit_offset == 0 && bits == Some(u32::from(layout.bit_precision));
        (matches!(size, 1 | 2 | 4 | 8) && whole).then_some(Self {
            size: *size,
            signed: layout.signed,
            big_endian: is_big_endian(byte_order)?,
        })
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        self.size as usize
    }

    /// Appends the numbers that `bytes` are.
    pub(super) fn append<T>(self, bytes: &[u8], numbers: &mut Vec<T>) -> Result<(), OutOfRange>
    where
        T: TryFrom<i128>,
    {
        match (self.size, self.signed, self.big_endian) {
            (1, false, _) => append(bytes, u8::from_le_bytes, numbers),
            (1, true, _) => append(bytes, i8::from_le_bytes, numbers),
            (2, false, false) => append(bytes, u16::from_le_bytes, numbers),
            (2, false, true) => append(bytes, u16::from_be_bytes, numbers),
            (2, true, false) => append(bytes, i16::from_le_bytes, numbers),
            (2, true, true) => append(bytes, i16::from_be_bytes, numbers),
            (4, false, false) => append(bytes, u32::from_le_bytes, numbers),
            (4, false, true) => append(bytes, u32::from_be_bytes, numbers),
            (4, true, false) => append(bytes, i32::from_le_bytes, numbers),
            (4, true, true) => append(bytes, i32::from_be_bytes, numbers),
            (_, false, false) => append(bytes, u64::from_le_bytes, numbers),
            (_, false, true) => append(bytes, u64::from_be_bytes, numbers),
            (_, true, false) => append(bytes, i64::from_le_bytes, numbers),
            (_, true, true) => append(bytes, i64::from_be_bytes, numbers),
        }
    }
}

fn append<const N: usize, S: Into<i128>, T: TryFrom<i128>>(
    bytes: &[u8],
    decode: impl Fn([u8; N]) -> S,
    numbers: &mut Vec<T>,
) -> Result<(), OutOfRange> {
    let (stored, _) = bytes.as_chunks::<N>();
    numbers.reserve(stored.len());
    for (index, &number) in stored.iter().enumerate() {
        let found = decode(number).into();
        match T::try_from(found) {
            Ok(number) => numbers.push(number),
            Err(_) => return Err(OutOfRange { index, found }),
        }
    }
    Ok(())
}

/// IEEE 754's numbers of 2, 4 or 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floats {
    size: u32,
    big_endian: bool,
}

impl Floats {
    /// `None` when the type is another one.
    pub(super) fn of(datatype: &Datatype) -> Option<Self> {
        let Datatype::FloatingPoint {
            size,
            byte_order,
            layout,
        } = datatype
        else {
            return None;
        };
        let (mantissa, exponent, bias) = match size {
            2 => (10, 5, 15),
            4 => (23, 8, 127),
            8 => (52, 11, 1023),
            _ => return None,
        };
        let ieee = layout.bit_offset == 0
            && u32::from(layout.bit_precision) == size * 8
            && (layout.mantissa_location, layout.mantissa_size) == (0, mantissa)
            && (layout.exponent_location, layout.exponent_size) == (mantissa, exponent)
            && layout.exponent_bias == bias;
        ieee.then_some(Self {
            size: *size,
            big_endian: is_big_endian(byte_order)?,
        })
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        self.size as usize
    }

    /// Appends the numbers that `bytes` are, as float32: exact but for float64, which is rounded.
    pub(super) fn append(self, bytes: &[u8], numbers: &mut Vec<f32>) {
        let half = |bits| f16::from_bits(bits).to_f32();
        match (self.size, self.big_endian) {
            (2, false) => extend(bytes, |b| half(u16::from_le_bytes(b)), numbers),
            (2, true) => extend(bytes, |b| half(u16::from_be_bytes(b)), numbers),
            (4, false) => extend(bytes, f32::from_le_bytes, numbers),
            (4, true) => extend(bytes, f32::from_be_bytes, numbers),
            (_, false) => extend(bytes, |b| f64::from_le_bytes(b) as f32, numbers),
            (_, true) => extend(bytes, |b| f64::from_be_bytes(b) as f32, numbers),
        }
    }
}

fn extend<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32, numbers: &mut Vec<f32>) {
    let (stored, _) = bytes.as_chunks::<N>();
    numbers.extend(stored.iter().map(|&number| decode(number)));
}

fn is_big_endian(order: &DatatypeByteOrder) -> Option<bool> {
    match order {
        DatatypeByteOrder::LittleEndian => Some(false),
        DatatypeByteOrder::BigEndian => Some(true),
        DatatypeByteOrder::Vax => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(size: u32, signed: bool, big_endian: bool) -> Integers {
        Integers {
            size,
            signed,
            big_endian,
        }
    }

    #[test]
    fn integers_of_every_width_and_order() {
        for size in [1, 2, 4, 8] {
            for signed in [false, true] {
                let (mut little, mut big) = (vec![5, 0, 0, 0, 0, 0, 0, 0], vec![0; 8]);
                little.truncate(size as usize);
                big.truncate(size as usize);
                big[size as usize - 1] = 5;
                let mut numbers: Vec<u32> = Vec::new();
                integers(size, signed, false)
                    .append(&little, &mut numbers)
                    .unwrap();
                integers(size, signed, true)
                    .append(&big, &mut numbers)
                    .unwrap();
                assert_eq!(numbers, [5, 5], "{size} bytes");
            }
        }
    }

    #[test]
    fn integers_that_do_not_fit_are_named() {
        let mut numbers: Vec<u32> = Vec::new();
        let bytes = [1, 0, 0xfe, 0xff];
        let error = integers(2, true, false).append(&bytes, &mut numbers);
        assert_eq!(
            error,
            Err(OutOfRange {
                index: 1,
                found: -2
            })
        );
        let error = integers(8, false, false).append(&[0xff; 8], &mut numbers);
        let found = u64::MAX.into();
        assert_eq!(error, Err(OutOfRange { index: 0, found }));
    }

    #[test]
    fn every_half_is_exact() {
        for big_endian in [false, true] {
            let floats = Floats {
                size: 2,
                big_endian,
            };
            for bits in 0..=u16::MAX {
                let bytes = if big_endian {
                    bits.to_be_bytes()
                } else {
                    bits.to_le_bytes()
                };
                let mut numbers = Vec::new();
                floats.append(&bytes, &mut numbers);
                // By the definition: sign, 5 bits of exponent, 10 of mantissa.
                let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
                let magnitude = match exponent {
                    0 => mantissa * 2_f64.powi(-24),
                    31 if mantissa == 0.0 => f64::INFINITY,
                    31 => f64::NAN,
                    _ => (1024.0 + mantissa) * 2_f64.powi(exponent - 25),
                };
                let expected = if bits >> 15 == 1 {
                    -magnitude
                } else {
                    magnitude
                };
                let found = f64::from(numbers[0]);
                assert!(
                    found == expected || found.is_nan() && expected.is_nan(),
                    "{bits:#x}"
                );
            }
        }
    }

    #[test]
    fn floats_of_every_width_and_order() {
        let mut numbers = Vec::new();
        for (size, little, big) in [
            (
                4,
                0.25_f32.to_le_bytes().to_vec(),
                0.25_f32.to_be_bytes().to_vec(),
            ),
            (
                8,
                0.25_f64.to_le_bytes().to_vec(),
                0.25_f64.to_be_bytes().to_vec(),
            ),
        ] {
            Floats {
                size,
                big_endian: false,
            }
            .append(&little, &mut numbers);
            Floats {
                size,
                big_endian: true,
            }
            .append(&big, &mut numbers);
        }
        assert_eq!(numbers, [0.25; 4]);
    }
}
