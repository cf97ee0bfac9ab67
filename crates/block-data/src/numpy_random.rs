//! NumPy's legacy random numbers, for data sets that are defined by them.

use rand_mt::Mt;

/// The generator behind NumPy's `RandomState(seed)`: a Mersenne Twister (MT19937) whose state comes
/// from `init_genrand(seed)`, and the ways in which NumPy turns its words into numbers.
///
/// ```
/// use block_data::NumpyRandom;
///
/// let mut random = NumpyRandom::new(42);
/// assert_eq!(random.next_u32(), 1608637542);
/// ```
#[derive(Debug, Clone)]
pub struct NumpyRandom(Mt);

impl NumpyRandom {
    /// `RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        Self(Mt::new(seed))
    }

    /// The generator's next word.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// `randint(3)`: the lowest two bits of a word, drawn again while they are 3.
    pub fn below_three(&mut self) -> u32 {
        loop {
            let value = self.next_u32() & 3;
            if value < 3 {
                return value;
            }
        }
    }

    /// `random_sample()`, of which `rand(n)` is n: uniform in [0, 1) with 53 bits, from two words
    /// a and b as ((a >> 5)·2²⁶ + (b >> 6)) / 2⁵³.
    pub fn uniform(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }
}
