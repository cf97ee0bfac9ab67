//! The instruction set of the CPU's kernels: chosen at run time, the same bits on each.
//!
//! Kernels are written once, in vectors of 64 bytes; an instruction set with narrower registers takes several
//! for one vector. No fused multiply-adds are used, which not all sets have, and sums across neurons, classes
//! and events have an order that the width does not touch.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use burn::tensor::Element;
use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, f32x16, f64x8};

/// An instruction set that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstructionSet {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on 64-bit ARM.
    Baseline,
    /// AVX2, of x86-64-v3.
    Avx2,
    /// AVX-512 as processors have it since Ice Lake and Zen 4.
    Avx512,
}

impl InstructionSet {
    const ALL: [Self; 3] = [Self::Baseline, Self::Avx2, Self::Avx512];

    /// The instruction sets of this processor, the widest last.
    pub fn available() -> Vec<Self> {
        let best = Self::best();
        Self::ALL.into_iter().filter(|&set| set <= best).collect()
    }

    /// The widest instruction set of this processor.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let level = Level::new();
            if level.as_avx512().is_some() {
                return Self::Avx512;
            }
            if level.as_avx2().is_some() {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// The set that operations called on this thread use: the widest, or that of [`with`].
    pub fn current() -> Self {
        FORCED.get().unwrap_or_else(Self::best)
    }

    /// `baseline`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for InstructionSet {
    type Err = String;

    /// The set of this name, if this processor has it.
    fn from_str(name: &str) -> Result<Self, String> {
        let available = Self::available();
        let found = available.iter().find(|set| set.name() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = available.iter().map(|set| set.name()).collect();
            let names = names.join(", ");
            format!("instruction set {name}: this processor has {names}; choose one of these")
        })
    }
}

thread_local! {
    static FORCED: Cell<Option<InstructionSet>> = const { Cell::new(None) };
}

/// Runs `work` with an instruction set in all operations that it calls on this thread, to measure or to
/// compare.
///
/// # Panics
///
/// If this processor has no such instruction set.
pub fn with<R>(set: InstructionSet, work: impl FnOnce() -> R) -> R {
    struct Back(Option<InstructionSet>);
    impl Drop for Back {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let best = InstructionSet::best();
    assert!(set <= best, "this processor has {best} at most, not {set}");
    let _back = Back(FORCED.replace(Some(set)));
    work()
}

/// Work that is compiled for every instruction set. Everything that it calls must be inlined.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// What a kernel is compiled for and run with.
pub(crate) trait Target: Copy + Send + Sync {
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
}

/// All sets; the processor must have this one.
impl Target for InstructionSet {
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        let level = Level::new();
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(wide) = Wide::of(self) {
                return wide.run(kernel);
            }
            if let Some(simd) = level.as_avx2().filter(|_| self >= Self::Avx2) {
                return simd.vectorize(
                    #[inline(always)]
                    || kernel.run(simd),
                );
            }
            let simd = level.as_sse2().expect("every x86-64 processor has SSE2");
            simd.vectorize(
                #[inline(always)]
                || kernel.run(simd),
            )
        }
        // Every set is the baseline there.
        #[cfg(not(target_arch = "x86_64"))]
        fearless_simd::dispatch!(level, simd => kernel.run(simd))
    }
}

/// AVX-512 alone, for kernels that would only lose with fewer registers.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Wide(fearless_simd::Avx512);

#[cfg(target_arch = "x86_64")]
impl Wide {
    pub(crate) fn of(set: InstructionSet) -> Option<Self> {
        let chosen = set == InstructionSet::Avx512;
        Level::new().as_avx512().filter(|_| chosen).map(Self)
    }
}

#[cfg(target_arch = "x86_64")]
impl Target for Wide {
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        let simd = self.0;
        simd.vectorize(
            #[inline(always)]
            || kernel.run(simd),
        )
    }
}

/// Other architectures have no AVX-512.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy)]
pub(crate) enum Wide {}

#[cfg(not(target_arch = "x86_64"))]
impl Wide {
    pub fn of(_: InstructionSet) -> Option<Self> {
        None
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Target for Wide {
    fn run<K: Kernel>(self, _: K) -> K::Output {
        match self {}
    }
}

/// Vectors of an instruction set fill one of its registers.
pub(crate) fn is_native<S: Simd>() -> bool {
    <S::f32s as SimdBase<S>>::LEN == f32x16::<S>::LEN
}

/// A vector of a [`Real`].
pub(crate) type Vector<S, F> = <F as Real>::Vector<S>;

/// A floating-point type that kernels compute in: f32, and f64 for conformance tests.
pub(crate) trait Real: Element + SimdFloatElement + bytemuck::Pod + Send + Sync {
    /// 64 bytes.
    type Vector<S: Simd>: SimdFloat<S, Element = Self>;

    /// A vector in memory.
    type Line: Copy + Send + Sync + AsRef<[Self]> + AsMut<[Self]>;

    /// A vector of zeros in memory.
    const ZERO: Self::Line;

    /// Elements of a vector.
    const LANES: usize;

    /// The nearest value to `value`.
    fn of(value: f64) -> Self;

    /// A whole number as such.
    fn to_i32(self) -> i32;

    /// The exponential, element by element: as `std` has it, whatever the instruction set.
    fn exp(self) -> Self;
}

impl Real for f32 {
    type Vector<S: Simd> = f32x16<S>;

    type Line = Line32;

    const ZERO: Line32 = Line32::ZERO;
    const LANES: usize = 16;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn to_i32(self) -> i32 {
        self as i32
    }

    #[inline(always)]
    fn exp(self) -> Self {
        f32::exp(self)
    }
}

impl Real for f64 {
    type Vector<S: Simd> = f64x8<S>;

    type Line = Line64;

    const ZERO: Line64 = Line64::ZERO;
    const LANES: usize = 8;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn to_i32(self) -> i32 {
        self as i32
    }

    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
}

/// The first vector of a slice; zeros beyond its end.
#[inline(always)]
pub(crate) fn load<S: Simd, F: Real>(simd: S, from: &[F]) -> Vector<S, F> {
    match from.get(..F::LANES) {
        Some(whole) => Vector::<S, F>::from_slice(simd, whole),
        None => Vector::<S, F>::from_fn(simd, |lane| from.get(lane).copied().unwrap_or(F::of(0.0))),
    }
}

/// Writes a vector to a slice, as much as it has room for.
#[inline(always)]
pub(crate) fn store<S: Simd, F: Real>(vector: Vector<S, F>, to: &mut [F]) {
    match to.get_mut(..F::LANES) {
        Some(whole) => vector.store_slice(whole),
        None => to.copy_from_slice(&vector.as_slice()[..to.len()]),
    }
}

/// Adds a row of whole groups of four, without a loop over what is left.
#[inline(always)]
pub(crate) fn add_quads<F: Real>(to: &mut [F], from: &[F]) {
    let (to, from) = (to.as_chunks_mut::<4>().0, from.as_chunks::<4>().0);
    for (to, from) in to.iter_mut().zip(from) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to += from;
        }
    }
}

/// Sums of columns, in the order of the rows.
pub(crate) fn sum_rows<F: Real>(rows: &[Vec<F>], n: usize) -> Vec<F> {
    let mut total = vec![F::of(0.0); n];
    for row in rows {
        for (sum, &value) in total.iter_mut().zip(row) {
            *sum += value;
        }
    }
    total
}

/// Vectors of a tile's neurons, in memory.
pub(crate) type Row<F, const R: usize> = [<F as Real>::Line; R];

/// The vectors of a row.
#[inline(always)]
pub(crate) fn load_row<S: Simd, F: Real, const R: usize>(
    simd: S,
    row: &Row<F, R>,
) -> [Vector<S, F>; R] {
    std::array::from_fn(
        #[inline(always)]
        |r| load_line::<S, F>(simd, &row[r]),
    )
}

/// The vector of a line.
#[inline(always)]
pub(crate) fn load_line<S: Simd, F: Real>(simd: S, line: &F::Line) -> Vector<S, F> {
    Vector::<S, F>::from_slice(simd, line.as_ref())
}

/// Writes vectors to a row.
#[inline(always)]
pub(crate) fn store_row<S: Simd, F: Real, const R: usize>(
    vectors: &[Vector<S, F>; R],
    row: &mut Row<F, R>,
) {
    for (vector, line) in vectors.iter().zip(row) {
        vector.store_slice(line.as_mut());
    }
}

/// The same value in all vectors of a tile.
#[inline(always)]
pub(crate) fn splat_row<S: Simd, F: Real, const R: usize>(simd: S, value: F) -> [Vector<S, F>; R] {
    [Vector::<S, F>::splat(simd, value); R]
}

/// The sum of the vectors of two tiles.
#[inline(always)]
pub(crate) fn add_rows<S: Simd, F: Real, const R: usize>(
    a: [Vector<S, F>; R],
    b: [Vector<S, F>; R],
) -> [Vector<S, F>; R] {
    std::array::from_fn(
        #[inline(always)]
        |r| a[r] + b[r],
    )
}

macro_rules! line {
    ($line:ident of $lanes:literal $float:ident) => {
        /// A vector in memory, aligned so that it never lies on two cache lines.
        #[derive(Debug, Clone, Copy)]
        #[repr(C, align(64))]
        pub(crate) struct $line([$float; $lanes]);

        impl $line {
            pub(crate) const ZERO: Self = Self([0.0; $lanes]);
        }

        impl AsRef<[$float]> for $line {
            #[inline(always)]
            fn as_ref(&self) -> &[$float] {
                &self.0
            }
        }

        impl AsMut<[$float]> for $line {
            #[inline(always)]
            fn as_mut(&mut self) -> &mut [$float] {
                &mut self.0
            }
        }
    };
}

line!(Line32 of 16 f32);
line!(Line64 of 8 f64);
