//! Random streams that depend on what they are for, and on nothing else.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a stream of random numbers is for, so that equal seeds do not correlate.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Order,
    Augmentation,
    Validation,
    Synthetic,
}

/// The stream of one epoch and one sample (or 0): the same whatever ran before, on whichever
/// thread.
pub(crate) fn stream(seed: u64, purpose: Purpose, epoch: u64, index: u64) -> Xoshiro256PlusPlus {
    let key = [purpose as u64, epoch, index]
        .into_iter()
        .fold(scramble(seed), |key, part| scramble(key ^ part));
    Xoshiro256PlusPlus::seed_from_u64(key)
}

/// One output of SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014): a bijection that spreads
/// every bit of its argument.
fn scramble(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::Rng;

    use super::*;

    #[test]
    fn streams_differ_in_every_part() {
        let mut first = HashSet::new();
        for seed in 0..4 {
            for purpose in [
                Purpose::Order,
                Purpose::Augmentation,
                Purpose::Validation,
                Purpose::Synthetic,
            ] {
                for epoch in 0..4 {
                    for index in 0..4 {
                        first.insert(stream(seed, purpose, epoch, index).next_u64());
                    }
                }
            }
        }
        assert_eq!(first.len(), 4 * 4 * 4 * 4);
    }
}
