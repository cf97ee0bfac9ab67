//! A value in a figure or a table, or the reason why there is none.

/// What a line or a map has at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Point {
    /// A value and its standard deviation.
    Value(f64, f64),
    /// A value that was left out, with a letter for the reason.
    LeftOut(&'static str),
    /// A place that is not part of the grid, or not measured yet.
    Nothing,
}

impl Point {
    /// The value, if there is one.
    pub(crate) fn value(&self) -> Option<f64> {
        match *self {
            Self::Value(value, _) => Some(value),
            _ => None,
        }
    }

    /// The point as a cell of a table.
    pub(crate) fn text(&self) -> String {
        match *self {
            Self::Value(value, sd) if value < 0.1 => format!("{value:.4} ± {sd:.4}"),
            Self::Value(value, sd) => format!("{value:.2} ± {sd:.2}"),
            Self::LeftOut("m") => "left out: memory".to_owned(),
            Self::LeftOut(_) => "left out: time".to_owned(),
            Self::Nothing => "–".to_owned(),
        }
    }
}

/// A number with two digits that count.
pub(crate) fn digits(value: f64) -> String {
    let places = (1 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.places$}")
}
