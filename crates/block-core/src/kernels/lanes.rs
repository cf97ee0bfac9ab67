use std::array::from_fn;

use super::Real;

/// Values of a vector register; also a whole number of registers of other widths.
const WIDTH: usize = 8;

/// Registers a block.
const GROUPS: usize = 4;

const _: () = assert!(
    LANES == 32,
    "a block's spikes are kept as the bits of a u32"
);

/// Neurons a block.
pub(super) const LANES: usize = GROUPS * WIDTH;

/// One value for each neuron of a block.
///
/// The split into groups of one register's width is what keeps the compiler's vectoriser on track: a
/// flat array of all lanes is cut into odd pieces, several times slower.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub(super) struct Lanes<T>([[T; WIDTH]; GROUPS]);

impl<T: Copy> Lanes<T> {
    #[inline(always)]
    pub fn splat(value: T) -> Self {
        Self([[value; WIDTH]; GROUPS])
    }

    /// `LANES` values of a row from `start` on, `fill` beyond its end.
    #[inline(always)]
    pub fn load(row: &[T], start: usize, fill: T) -> Self {
        let mut out = Self::splat(fill);
        let row = &row[start..];
        let row = &row[..row.len().min(LANES)];
        out.0.as_flattened_mut()[..row.len()].copy_from_slice(row);
        out
    }

    #[inline(always)]
    pub fn set(&mut self, lane: usize, value: T) {
        self.0[lane / WIDTH][lane % WIDTH] = value;
    }

    #[inline(always)]
    pub fn as_slice(&self) -> &[T] {
        self.0.as_flattened()
    }

    /// Each group with its counterpart in `other`. A loop over these rather than a closure: closures
    /// are not sure to be inlined, and compiled apart they lose the instruction set.
    #[inline(always)]
    pub fn groups<'a, U>(
        &'a mut self,
        other: &'a Lanes<U>,
    ) -> impl Iterator<Item = (&'a mut [T; WIDTH], &'a [U; WIDTH])> {
        self.0.iter_mut().zip(&other.0)
    }
}

impl<F: Real> Lanes<F> {
    #[inline(always)]
    pub fn zero() -> Self {
        Self::splat(F::zero())
    }

    #[inline(always)]
    fn map(self, other: Self, f: impl Fn(F, F) -> F) -> Self {
        Self(from_fn(|g| from_fn(|i| f(self.0[g][i], other.0[g][i]))))
    }

    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        self.map(other, |a, b| a + b)
    }

    #[inline(always)]
    pub fn mul(self, other: Self) -> Self {
        self.map(other, |a, b| a * b)
    }

    #[inline(always)]
    pub fn scale(self, factor: F) -> Self {
        self.map(self, |a, _| a * factor)
    }

    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        self.map(other, |a, b| a - b)
    }

    /// 1 where the potential is above threshold, else 0.
    #[inline(always)]
    pub fn above(self) -> Self {
        self.map(self, |u, _| match u - F::one() > F::zero() {
            true => F::one(),
            false => F::zero(),
        })
    }

    /// Bit i: whether lane i is not 0.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        let lanes = self.as_slice().iter().enumerate();
        lanes.fold(0, |bits, (lane, &v)| {
            bits | u32::from(v != F::zero()) << lane
        })
    }

    /// Whole numbers as such.
    #[inline(always)]
    pub fn to_i32(self) -> Lanes<i32> {
        Lanes(from_fn(|g| {
            from_fn(|i| num_traits::ToPrimitive::to_i32(&self.0[g][i]).unwrap_or(0))
        }))
    }
}

impl Lanes<i32> {
    /// 1 where a step is `step` or later, else 0.
    #[inline(always)]
    pub fn at_least<F: Real>(&self, step: i32) -> Lanes<F> {
        Lanes(from_fn(|g| {
            from_fn(|i| match self.0[g][i] >= step {
                true => F::one(),
                false => F::zero(),
            })
        }))
    }

    /// 1 where a step is before `step`, else 0.
    #[inline(always)]
    pub fn below(&self, step: i32) -> Self {
        Lanes(from_fn(|g| from_fn(|i| i32::from(self.0[g][i] < step))))
    }
}
