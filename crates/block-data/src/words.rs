//! Numbers in messages.

use std::fmt::Display;

/// A number with what it counts, in the plural unless it is one: `1 sample`, `2 samples`, `0 batches`.
///
/// ```
/// use block_data::counted;
///
/// assert_eq!(counted(1_usize, "sample"), "1 sample");
/// assert_eq!(counted(20_u64, "training batch"), "20 training batches");
/// ```
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, one: &str) -> String {
    let ending = match one {
        _ if number == N::from(1) => "",
        one if ["s", "x", "sh", "tch"].iter().any(|end| one.ends_with(end)) => "es",
        _ => "s",
    };
    format!("{number} {one}{ending}")
}

/// Ascending numbers, more than two neighbours as a range: `1, 2, 5-9`.
///
/// ```
/// assert_eq!(block_data::ranges(&[0, 1, 3, 5, 6, 7, 9]), "0, 1, 3, 5-7, 9");
/// ```
pub fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<[usize; 2]> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some([_, last]) if *last + 1 == number => *last = number,
            _ => ranges.push([number; 2]),
        }
    }
    let ranges = ranges.iter().map(|[first, last]| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    });
    ranges.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_listed_in_ranges() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[4]), "4");
        assert_eq!(ranges(&[0, 1, 3, 5, 6, 7, 9]), "0, 1, 3, 5-7, 9");
    }

    #[test]
    fn one_is_no_plural() {
        let all = [0_u64, 1, 2].map(|number| counted(number, "class"));
        assert_eq!(all, ["0 classes", "1 class", "2 classes"]);
        assert_eq!(counted(3_usize, "batch"), "3 batches");
        assert_eq!(counted(3_usize, "epoch"), "3 epochs");
    }
}
