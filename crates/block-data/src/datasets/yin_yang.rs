//! The Yin-Yang data set: points of a yin-yang symbol, three classes, made on the spot.
//!
//! Source: L. Kriener, J. Göltz, M. A. Petrovici, "The Yin-Yang dataset", NICE 2022
//! (arXiv 2102.08211). Bit-identical to the reference implementation's, which draws with NumPy's
//! `RandomState`.

use std::sync::Arc;

use burn_dataset::{Dataset, DatasetError};

use crate::dataset::Origin;
use crate::{DataSet, Input, NumpyRandom, Sample, Splits};

/// The Yin-Yang data set, as [`YinYang::train`] and [`YinYang::test`].
pub const YIN_YANG: DataSet = DataSet {
    name: "yin-yang",
    about: "points of a yin-yang symbol",
    homepage: "https://arxiv.org/abs/2102.08211",
    licence: "none needed",
    input_shape: &[4],
    classes: YIN_YANG_CLASSES.len(),
    class_names: &YIN_YANG_CLASSES,
    samples: [TRAIN.0, TEST.0],
    timing: None,
    normalization: None,
    augmentation: None,
    augmented: false,
    origin: Origin::Made(|_| Ok(YinYang::splits(YinYang::train(), YinYang::test()))),
};

/// Samples and seed of the splits in use.
const TRAIN: (usize, u32) = (20_000, 42);
const TEST: (usize, u32) = (10_000, 0);

/// Radius of the two dots.
const SMALL: f64 = 0.1;
/// Radius of the symbol, whose centre is at (`BIG`, `BIG`).
const BIG: f64 = 0.5;

/// The classes, by label.
pub const YIN_YANG_CLASSES: [&str; 3] = ["yin", "yang", "dot"];

/// A point of the symbol and its class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YinYangPoint {
    /// Abscissa, 0 to 1.
    pub x: f64,
    /// Ordinate, 0 to 1.
    pub y: f64,
    /// Index into [`YIN_YANG_CLASSES`].
    pub class: usize,
}

impl YinYangPoint {
    /// Draws a class, then points until one has it, so that the classes are balanced.
    pub fn draw(random: &mut NumpyRandom) -> Self {
        let class = random.below_three() as usize;
        loop {
            // Times the symbol's diameter, which is 1.
            let (x, y) = (random.uniform(), random.uniform());
            if class_of(x, y) == Some(class) {
                return Self { x, y, class };
            }
        }
    }

    /// What the network sees: (x, y, 1 − x, 1 − y), the differences taken in float64.
    pub fn features(&self) -> [f32; 4] {
        [self.x, self.y, 1.0 - self.x, 1.0 - self.y].map(|value| value as f32)
    }
}

/// The class at a place, or none outside of the symbol.
fn class_of(x: f64, y: f64) -> Option<usize> {
    let distance = |to_x: f64| ((x - to_x).powi(2) + (y - BIG).powi(2)).sqrt();
    if distance(BIG) > BIG {
        return None;
    }
    let (right, left) = (distance(1.5 * BIG), distance(0.5 * BIG));
    if right < SMALL || left < SMALL {
        return Some(2);
    }
    let yang =
        right <= SMALL || (left > SMALL && left <= 0.5 * BIG) || (y > BIG && right > 0.5 * BIG);
    Some(yang.into())
}

/// A split of the Yin-Yang data set.
///
/// ```
/// use block_data::YinYang;
///
/// let train = YinYang::train();
/// assert_eq!(train.points().len(), 20_000);
/// assert_eq!(train.points()[..100], YinYang::new(100, 42).points()[..]);
/// ```
#[derive(Debug, Clone)]
pub struct YinYang {
    points: Vec<YinYangPoint>,
}

impl YinYang {
    /// `samples` points of the generator with this seed.
    pub fn new(samples: usize, seed: u32) -> Self {
        let mut random = NumpyRandom::new(seed);
        let points = (0..samples)
            .map(|_| YinYangPoint::draw(&mut random))
            .collect();
        Self { points }
    }

    /// The training split in use: 20,000 samples, seed 42.
    pub fn train() -> Self {
        Self::new(TRAIN.0, TRAIN.1)
    }

    /// The test split in use: 10,000 samples, seed 0.
    pub fn test() -> Self {
        Self::new(TEST.0, TEST.1)
    }

    /// Splits of any size and seed.
    pub fn splits(train: Self, test: Self) -> Splits {
        Splits {
            class_names: Vec::new(),
            doubts: Vec::new(),
            memory_bytes: (train.len() + test.len()) * size_of::<YinYangPoint>(),
            train: Arc::new(train),
            test: Arc::new(test),
        }
    }

    /// All points, in the order of drawing.
    pub fn points(&self) -> &[YinYangPoint] {
        &self.points
    }
}

impl Dataset<Sample> for YinYang {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let point = &self.points[index];
        Ok(Sample {
            index,
            label: point.class,
            input: Input::Values(point.features().to_vec()),
        })
    }

    fn len(&self) -> usize {
        self.points.len()
    }
}
