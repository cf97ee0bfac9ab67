//! Mean and standard deviation over runs.

/// Numbers of several runs, together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub mean: f64,
    /// The population's standard deviation (ddof 0), as the paper's.
    pub deviation: f64,
    /// Runs.
    pub number: usize,
}

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        let number = values.len();
        if number == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / number as f64;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        Some(Self {
            mean,
            deviation: (squares.sum::<f64>() / number as f64).sqrt(),
            number,
        })
    }

    /// How far this is from another, in standard deviations: the root of the sum of both squares.
    /// `None` where neither has any.
    pub(crate) fn distance(&self, other: &Self) -> Option<f64> {
        let deviation = self.deviation.hypot(other.deviation);
        (deviation > 0.0).then(|| (self.mean - other.mean) / deviation)
    }

    /// A quotient, its deviation from both, as of independent numbers.
    pub(crate) fn over(&self, other: &Self) -> Self {
        let mean = self.mean / other.mean;
        let relative = (self.deviation / self.mean).hypot(other.deviation / other.mean);
        Self {
            mean,
            deviation: mean * relative,
            number: self.number.min(other.number),
        }
    }

    /// `98.07 ± 0.18`; of one run its number alone.
    pub(crate) fn text(&self, decimals: usize) -> String {
        match self.number {
            1 => format!("{:.decimals$}", self.mean),
            _ => format!("{:.decimals$} ± {:.decimals$}", self.mean, self.deviation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_populations_deviation() {
        assert_eq!(Spread::of([]), None);
        let spread = Spread::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!(
            (spread.mean, spread.deviation, spread.number),
            (5.0, 2.0, 8)
        );
        assert_eq!(spread.text(1), "5.0 ± 2.0");
        assert_eq!(Spread::of([3.0]).unwrap().text(2), "3.00");
    }

    #[test]
    fn quotients() {
        let one = Spread::of([9.0, 11.0]).unwrap();
        let other = Spread::of([3.0, 5.0, 4.0, 4.0]).unwrap();
        let quotient = one.over(&other);
        assert_eq!((quotient.mean, quotient.number), (2.5, 2));
        // A tenth of the one, √½/4 of the other.
        let expected = 2.5 * (0.01_f64 + 0.5 / 16.0).sqrt();
        assert!((quotient.deviation - expected).abs() < 1e-12);
        let certain = Spread::of([5.0]).unwrap();
        assert_eq!(one.over(&certain).text(1), "2.0");
    }

    #[test]
    fn distances() {
        let spread = |mean, deviation| Spread {
            mean,
            deviation,
            number: 3,
        };
        assert_eq!(spread(7.0, 3.0).distance(&spread(17.0, 4.0)), Some(-2.0));
        assert_eq!(spread(7.0, 0.0).distance(&spread(6.0, 0.5)), Some(2.0));
        assert_eq!(spread(7.0, 0.0).distance(&spread(6.0, 0.0)), None);
    }
}
