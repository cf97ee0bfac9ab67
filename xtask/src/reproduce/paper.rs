//! The paper's numbers: Taylor, King and Harper, arXiv 2205.15286, and the result notebook of its
//! reference implementation. Three runs each: mean and population's standard deviation; trained β,
//! summed readout, linear networks.

use super::runs::{BLOCK, MULTI, SINGLE};
use super::statistics::Spread;

/// Where the numbers come from, for readers.
pub const SOURCE: &str = "Taylor, King and Harper, arXiv 2205.15286, and the result notebook of its reference \
     implementation";

/// A model on a data set.
pub struct Model {
    /// Percent of the test split.
    pub accuracy: Spread,
    /// Hidden spikes a test sample.
    pub spikes: Spread,
    /// Seconds an epoch on its GPU, loader included, without the first.
    pub seconds: f64,
}

/// Figure 4 a to c.
pub struct Comparison {
    /// 100 · (1 − block / multi-spike) of the accuracy.
    pub accuracy: f64,
    /// Seconds an epoch, standard single-spike over block.
    pub speedup: f64,
    /// 100 · (1 − block / multi-spike) of the hidden spikes.
    pub spikes: f64,
}

/// Accuracy, spikes, each mean and deviation, and seconds.
type Row = (f64, f64, f64, f64, f64);

/// A data set by the name of its config, then block, multi-spike, single-spike.
const DATA_SETS: [(&str, [Row; 3]); 5] = [
    (
        "yinyang",
        [
            (98.02, 0.16, 78.11, 1.85, 1.41),
            (98.29, 0.14, 140.05, 19.20, 15.41),
            (97.91, 0.30, 79.18, 0.90, 19.78),
        ],
    ),
    (
        "mnist",
        [
            (97.91, 0.08, 116.62, 5.75, 14.06),
            (98.20, 0.21, 232.07, 69.58, 62.19),
            (97.87, 0.08, 211.76, 12.08, 65.05),
        ],
    ),
    (
        "fmnist",
        [
            (89.05, 0.23, 244.69, 3.64, 16.17),
            (90.88, 0.16, 517.83, 9.58, 65.90),
            (89.93, 0.25, 538.19, 12.48, 68.89),
        ],
    ),
    (
        "nmnist",
        [
            (96.34, 0.16, 109.81, 2.55, 41.93),
            (97.99, 0.06, 588.87, 36.78, 181.59),
            (97.48, 0.21, 150.95, 21.69, 191.91),
        ],
    ),
    (
        "shd",
        [
            (70.32, 0.25, 236.05, 0.28, 11.28),
            (70.82, 1.67, 847.55, 41.97, 45.81),
            (68.92, 0.21, 192.03, 1.41, 50.12),
        ],
    ),
];

/// Figure 4 a to c by data set: accuracy, speedup, spikes.
const FIGURE_4: [(&str, f64, f64, f64); 5] = [
    ("yinyang", 0.27, 13.98, 44.2),
    ("mnist", 0.30, 4.63, 49.7),
    ("fmnist", 2.01, 4.26, 52.7),
    ("nmnist", 1.68, 4.58, 81.4),
    ("shd", 0.71, 4.44, 72.1),
];

/// Figure 4 d, read off by eye: the last epoch's loss over the largest epoch's.
const FINAL_LOSS: [(&str, f64); 3] = [("yinyang", 0.07), ("mnist", 0.1), ("shd", 0.1)];

/// A model on a data set, where the paper has it.
pub fn model(data: &str, formulation: &str) -> Option<Model> {
    let (_, rows) = DATA_SETS.iter().find(|(name, _)| *name == data)?;
    let index = [BLOCK, MULTI, SINGLE]
        .iter()
        .position(|name| *name == formulation)?;
    let (accuracy, accuracy_deviation, spikes, spikes_deviation, seconds) = rows[index];
    let spread = |mean, deviation| Spread {
        mean,
        deviation,
        number: 3,
    };
    Some(Model {
        accuracy: spread(accuracy, accuracy_deviation),
        spikes: spread(spikes, spikes_deviation),
        seconds,
    })
}

/// The block model against the standard ones.
pub fn comparison(data: &str) -> Option<Comparison> {
    let found = FIGURE_4.iter().find(|(name, ..)| *name == data)?;
    let &(_, accuracy, speedup, spikes) = found;
    Some(Comparison {
        accuracy,
        speedup,
        spikes,
    })
}

/// From a silent start: the last epoch's loss over the largest epoch's.
pub fn final_loss(data: &str) -> Option<f64> {
    let (_, loss) = FINAL_LOSS.iter().find(|(name, _)| *name == data)?;
    Some(*loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figure's numbers follow from the table's.
    #[test]
    fn the_figure_agrees_with_the_table() {
        for (data, ..) in FIGURE_4 {
            let figure = comparison(data).unwrap();
            let [block, multi, single] =
                [BLOCK, MULTI, SINGLE].map(|name| model(data, name).unwrap());
            let percent = |one: Spread, other: Spread| 100.0 * (1.0 - one.mean / other.mean);
            let near =
                |a: f64, b: f64, within: f64| assert!((a - b).abs() < within, "{data}: {a} {b}");
            near(
                figure.accuracy,
                percent(block.accuracy, multi.accuracy),
                0.01,
            );
            near(figure.spikes, percent(block.spikes, multi.spikes), 0.06);
            near(figure.speedup, single.seconds / block.seconds, 0.06);
        }
    }
}
