//! Numbers of an HDF5 file's types, from their bytes.

use std::convert::Infallible;

use half::f16;
use hdf5::{Datatype, DatatypeByteOrder};

/// Numbers of a type that can be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers {
    /// Integers, booleans and other enumerations.
    Integers(Integers),
    /// Floats.
    Floats(Floats),
}

impl Numbers {
    /// `None` when the type is another one.
    pub(super) fn of(datatype: &Datatype) -> Option<Self> {
        let integers = Integers::of(datatype).map(Self::Integers);
        integers.or_else(|| Floats::of(datatype).map(Self::Floats))
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Integers(integers) => integers.size as usize,
            Self::Floats(floats) => floats.size as usize,
        }
    }

    /// Appends the whole numbers that `bytes` are, up to the first one that is none or does not fit.
    pub(super) fn append_whole<T>(self, bytes: &[u8], numbers: &mut Vec<T>) -> Result<(), Unfit>
    where
        T: TryFrom<i128>,
    {
        match self {
            Self::Integers(integers) => integers.append(bytes, numbers),
            Self::Floats(floats) => floats.append_whole(bytes, numbers),
        }
    }

    /// Appends the numbers that `bytes` are, as float32: float64 and large integers are rounded.
    pub(super) fn append_floats(self, bytes: &[u8], numbers: &mut Vec<f32>) {
        match self {
            Self::Integers(integers) => integers.append_floats(bytes, numbers),
            Self::Floats(floats) => floats.append(bytes, numbers),
        }
    }
}

/// A number that is not whole or does not fit, and its place.
#[derive(Debug, PartialEq)]
pub(super) struct Unfit {
    pub index: usize,
    pub found: String,
    whole: bool,
}

impl Unfit {
    /// What was expected, for whole numbers of so many bits.
    pub(super) fn expected(&self, bits: usize) -> String {
        if self.whole {
            format!("0 to 2^{bits} - 1")
        } else {
            "a whole number".into()
        }
    }
}

/// Integers of 1, 2, 4 or 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integers {
    size: u32,
    signed: bool,
    big_endian: bool,
}

impl Integers {
    /// `None` when the type is another one.
    fn of(datatype: &Datatype) -> Option<Self> {
        let (size, byte_order, offset, precision, signed) = match datatype {
            Datatype::FixedPoint {
                size,
                byte_order,
                layout,
            } => (
                *size,
                byte_order,
                layout.bit_offset,
                layout.bit_precision,
                layout.signed,
            ),
            // PyTables' booleans.
            Datatype::BitField {
                size,
                byte_order,
                bit_offset,
                bit_precision,
            } => (*size, byte_order, *bit_offset, *bit_precision, false),
            // h5py's booleans.
            Datatype::Enumeration { base_type, .. } => {
                return match **base_type {
                    Datatype::FixedPoint { .. } => Self::of(base_type),
                    _ => None,
                };
            }
            _ => return None,
        };
        let whole = offset == 0 && size.checked_mul(8) == Some(u32::from(precision));
        (matches!(size, 1 | 2 | 4 | 8) && whole).then_some(Self {
            size,
            signed,
            big_endian: is_big_endian(byte_order)?,
        })
    }

    fn append<T: TryFrom<i128>>(self, bytes: &[u8], numbers: &mut Vec<T>) -> Result<(), Unfit> {
        self.each(bytes, |index, found| {
            let unfit = |_| Unfit {
                index,
                found: found.to_string(),
                whole: true,
            };
            numbers.push(T::try_from(found).map_err(unfit)?);
            Ok(())
        })
    }

    fn append_floats(self, bytes: &[u8], numbers: &mut Vec<f32>) {
        let pushed = self.each(bytes, |_, found| {
            numbers.push(found as f32);
            Ok::<_, Infallible>(())
        });
        match pushed {
            Ok(()) => {}
        }
    }

    /// Hands every number to `take`, with its place.
    fn each<E>(
        self,
        bytes: &[u8],
        take: impl FnMut(usize, i128) -> Result<(), E>,
    ) -> Result<(), E> {
        match (self.size, self.signed, self.big_endian) {
            (1, false, _) => each(bytes, u8::from_le_bytes, take),
            (1, true, _) => each(bytes, i8::from_le_bytes, take),
            (2, false, false) => each(bytes, u16::from_le_bytes, take),
            (2, false, true) => each(bytes, u16::from_be_bytes, take),
            (2, true, false) => each(bytes, i16::from_le_bytes, take),
            (2, true, true) => each(bytes, i16::from_be_bytes, take),
            (4, false, false) => each(bytes, u32::from_le_bytes, take),
            (4, false, true) => each(bytes, u32::from_be_bytes, take),
            (4, true, false) => each(bytes, i32::from_le_bytes, take),
            (4, true, true) => each(bytes, i32::from_be_bytes, take),
            (_, false, false) => each(bytes, u64::from_le_bytes, take),
            (_, false, true) => each(bytes, u64::from_be_bytes, take),
            (_, true, false) => each(bytes, i64::from_le_bytes, take),
            (_, true, true) => each(bytes, i64::from_be_bytes, take),
        }
    }
}

fn each<const N: usize, S: Into<i128>, E>(
    bytes: &[u8],
    decode: impl Fn([u8; N]) -> S,
    mut take: impl FnMut(usize, i128) -> Result<(), E>,
) -> Result<(), E> {
    let (stored, _) = bytes.as_chunks::<N>();
    let mut stored = stored.iter().enumerate();
    stored.try_for_each(|(index, &number)| take(index, decode(number).into()))
}

/// IEEE 754's numbers of 2, 4 or 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floats {
    size: u32,
    big_endian: bool,
}

impl Floats {
    /// `None` when the type is another one.
    fn of(datatype: &Datatype) -> Option<Self> {
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

    fn append_whole<T: TryFrom<i128>>(
        self,
        bytes: &[u8],
        numbers: &mut Vec<T>,
    ) -> Result<(), Unfit> {
        let half = |bits| f64::from(f16::from_bits(bits));
        let mut values: Vec<f64> = Vec::new();
        match (self.size, self.big_endian) {
            (2, false) => extend(bytes, |b| half(u16::from_le_bytes(b)), &mut values),
            (2, true) => extend(bytes, |b| half(u16::from_be_bytes(b)), &mut values),
            (4, false) => extend(bytes, |b| f32::from_le_bytes(b).into(), &mut values),
            (4, true) => extend(bytes, |b| f32::from_be_bytes(b).into(), &mut values),
            (_, false) => extend(bytes, f64::from_le_bytes, &mut values),
            (_, true) => extend(bytes, f64::from_be_bytes, &mut values),
        }
        for (index, value) in values.into_iter().enumerate() {
            let whole = value.is_finite() && value.fract() == 0.0;
            let number = T::try_from(value as i128).ok().filter(|_| whole);
            numbers.push(number.ok_or_else(|| Unfit {
                index,
                found: value.to_string(),
                whole,
            })?);
        }
        Ok(())
    }

    /// Appends the numbers that `bytes` are, as float32: exact but for float64, which is rounded.
    fn append(self, bytes: &[u8], numbers: &mut Vec<f32>) {
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

fn extend<const N: usize, T>(bytes: &[u8], decode: impl Fn([u8; N]) -> T, numbers: &mut Vec<T>) {
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
            Err(Unfit {
                index: 1,
                found: "-2".into(),
                whole: true
            })
        );
        let error = integers(8, false, false).append(&[0xff; 8], &mut numbers);
        let unfit = error.unwrap_err();
        assert_eq!((unfit.index, unfit.found), (0, u64::MAX.to_string()));
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
