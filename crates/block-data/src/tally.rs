//! How often each number occurs.

use std::collections::BTreeMap;

/// Numbers below it are all counted.
const SMALL: u32 = 1 << 17;
/// How many of the numbers from `SMALL` on are counted: the largest.
const LARGE: usize = 1 << 12;

/// How often each number occurs: every number below 2¹⁷, and the 4,096 largest ones beyond, so that a tally takes
/// little memory whatever it counts. It does not depend on the order of counting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    small: Vec<u64>,
    large: BTreeMap<u32, u64>,
}

impl Tally {
    /// Counts a number once more.
    #[inline]
    pub(crate) fn add(&mut self, number: u32) {
        match self.small.get_mut(number as usize) {
            Some(count) => *count += 1,
            None => self.add_new(number, 1),
        }
    }

    fn add_new(&mut self, number: u32, count: u64) {
        if number < SMALL {
            let place = number as usize;
            if place >= self.small.len() {
                self.small.resize(place + 1, 0);
            }
            self.small[place] += count;
            return;
        }
        let smallest = self.large.first_key_value().map(|(&number, _)| number);
        let full = self.large.len() == LARGE;
        if full && smallest.is_some_and(|smallest| number < smallest) {
            return;
        }
        *self.large.entry(number).or_insert(0) += count;
        if self.large.len() > LARGE {
            self.large.pop_first();
        }
    }

    /// Counts what another tally has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (number, count) in other.iter() {
            self.add_new(number, count);
        }
    }

    /// Numbers in ascending order, each with how often it occurs.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, u64)> {
        let small = self.small.iter().enumerate();
        let small = small.map(|(number, &count)| (number as u32, count));
        let large = self.large.iter().map(|(&number, &count)| (number, count));
        small.filter(|&(_, count)| count > 0).chain(large)
    }

    /// How often a number occurs; none if it is not counted.
    pub fn count(&self, number: u32) -> Option<u64> {
        let small = self.small.get(number as usize).copied();
        match (number < SMALL, small) {
            (true, count) => Some(count.unwrap_or(0)),
            (false, _) if self.large.len() < LARGE => {
                Some(self.large.get(&number).copied().unwrap_or(0))
            }
            (false, _) => self.large.get(&number).copied(),
        }
    }

    /// The largest number.
    pub fn largest(&self) -> Option<u32> {
        self.iter().next_back().map(|(number, _)| number)
    }

    /// The smallest number that is counted.
    pub fn smallest(&self) -> Option<u32> {
        self.iter().next().map(|(number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_in_any_order_and_in_parts() {
        let numbers = [7, SMALL + 5, 0, 7, u32::MAX, SMALL - 1, SMALL + 5];
        let counted = |numbers: &[u32]| {
            let mut tally = Tally::default();
            numbers.iter().for_each(|&number| tally.add(number));
            tally
        };
        let whole = counted(&numbers);
        let expected = [
            (0, 1),
            (7, 2),
            (SMALL - 1, 1),
            (SMALL + 5, 2),
            (u32::MAX, 1),
        ];
        assert!(whole.iter().eq(expected));
        assert_eq!(
            (whole.smallest(), whole.largest()),
            (Some(0), Some(u32::MAX))
        );
        assert_eq!((whole.count(7), whole.count(8)), (Some(2), Some(0)));
        let mut parts = counted(&numbers[3..]);
        parts.merge(&counted(&numbers[..3]));
        assert_eq!(parts, whole);
        assert_eq!(Tally::default().largest(), None);
    }

    #[test]
    fn of_numbers_without_end_the_largest_are_kept() {
        let mut up = Tally::default();
        let mut down = Tally::default();
        let end = SMALL + 2 * LARGE as u32;
        (SMALL..end).for_each(|number| up.add(number));
        (SMALL..end).rev().for_each(|number| down.add(number));
        assert_eq!(up, down);
        assert_eq!(up.iter().count(), LARGE);
        assert_eq!((up.largest(), up.count(SMALL)), (Some(end - 1), None));
    }
}
