//! The paper's numbers: Taylor, King and Harper, arXiv 2205.15286, and the result notebook of its
//! reference implementation. Three runs each: mean and population's standard deviation; trained β,
//! summed readout, linear networks.

use crate::experiment::{BLOCK, MULTI, SINGLE};
use crate::statistics::Spread;

/// Where the numbers come from, for readers.
pub(crate) const SOURCE: &str = "Taylor, King and Harper, arXiv 2205.15286, and the result notebook of its reference \
     implementation";

/// A model on a data set.
pub(crate) struct Model {
    /// Percent of the test split.
    pub accuracy: Spread,
    /// Hidden spikes a test sample.
    pub spikes: Spread,
    /// Seconds an epoch on its GPU, loader included, without the first.
    pub seconds: f64,
}

/// Figure 4 a to c.
pub(crate) struct Comparison {
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

/// A convolutional network of the block model.
pub(crate) struct Convolutional {
    /// Percent of the test split.
    pub accuracy: Spread,
    /// Seconds an epoch on its GPU.
    pub seconds: Option<f64>,
}

/// A network by the name of its config: runs, accuracy with its deviation, seconds.
const CONVOLUTIONAL: [(&str, usize, f64, f64, Option<f64>); 3] = [
    ("mnist", 3, 99.22, 0.06, Some(23.35)),
    ("fmnist", 3, 90.59, 0.23, Some(24.11)),
    ("cifar10-vgg", 1, 82.14, 0.0, None),
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

/// Figure 3, read off by eye, give or take 0.1: times steps, neurons and layers that stand beside each number.
pub(crate) mod speedup {
    /// Time steps of e and f.
    pub(crate) const STEPS: [usize; 9] = [8, 16, 32, 64, 128, 256, 512, 1024, 2048];
    /// Neurons of d.
    pub(crate) const NEURONS: [usize; 10] = [
        2000, 4000, 6000, 8000, 10000, 12000, 14000, 16000, 18000, 20000,
    ];
    /// Hidden layers of c.
    pub(crate) const LAYERS: [usize; 5] = [1, 2, 3, 4, 5];

    /// a: the largest total speedup, and that of the forward pass at 1000 neurons and 2048 steps.
    pub(crate) const A: [f64; 2] = [17.26, 0.43];
    /// b: steps, then log10 of the seconds of the standard and the block model; 100 neurons, batch 128.
    pub(crate) const B: [(usize, f64, f64); 3] =
        [(8, -2.0, -2.67), (128, -1.1, -2.37), (2048, 0.35, -0.3)];
    /// c: neurons a layer, then the total speedup over layers.
    pub(crate) const C: [(usize, [f64; 5]); 3] = [
        (200, [8.0, 8.9, 11.1, 9.3, 9.1]),
        (400, [4.9, 4.6, 4.5, 5.5, 5.5]),
        (800, [3.9, 3.0, 3.7, 4.9, 5.0]),
    ];
    /// d: batch, then the total speedup over neurons.
    pub(crate) const D: [(usize, [f64; 10]); 3] = [
        (32, [4.5, 2.7, 2.4, 2.2, 2.7, 3.0, 3.4, 3.3, 3.3, 3.2]),
        (64, [2.8, 2.3, 3.0, 3.4, 3.35, 3.3, 3.2, 3.2, 3.2, 3.2]),
        (128, [2.35, 3.5, 3.3, 3.25, 3.2, 3.2, 3.2, 3.2, 3.2, 2.9]),
    ];
    /// e: batch, then the speedup of the forward pass over steps.
    pub(crate) const E: [(usize, [f64; 9]); 3] = [
        (32, [1.4, 2.7, 4.0, 6.3, 11.1, 5.1, 4.9, 3.1, 1.6]),
        (64, [1.3, 1.5, 2.6, 3.7, 6.0, 2.7, 2.9, 1.6, 0.75]),
        (128, [1.1, 1.3, 2.0, 2.0, 2.2, 2.1, 1.35, 0.65, 0.43]),
    ];
    /// f: batch, then the block model's backward over its forward time, over steps.
    #[expect(clippy::approx_constant, reason = "3.14 is a time over a time")]
    pub(crate) const F: [(usize, [f64; 9]); 3] = [
        (32, [1.37, 1.58, 1.34, 1.74, 2.47, 3.0, 3.14, 3.42, 3.65]),
        (64, [1.0, 1.0, 1.2, 1.79, 2.48, 2.92, 3.2, 3.61, 3.4]),
        (128, [0.66, 0.76, 1.14, 1.72, 2.52, 2.92, 3.33, 2.93, 3.62]),
    ];
}

/// A model on a data set, where the paper has it.
pub(crate) fn model(data: &str, formulation: &str) -> Option<Model> {
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

/// A convolutional network.
pub(crate) fn convolutional(data: &str) -> Option<Convolutional> {
    let found = CONVOLUTIONAL.iter().find(|(name, ..)| *name == data)?;
    let &(_, number, mean, deviation, seconds) = found;
    Some(Convolutional {
        accuracy: Spread {
            mean,
            deviation,
            number,
        },
        seconds,
    })
}

/// The block model against the standard ones.
pub(crate) fn comparison(data: &str) -> Option<Comparison> {
    let found = FIGURE_4.iter().find(|(name, ..)| *name == data)?;
    let &(_, accuracy, speedup, spikes) = found;
    Some(Comparison {
        accuracy,
        speedup,
        spikes,
    })
}

/// From a silent start: the last epoch's loss over the largest epoch's.
pub(crate) fn final_loss(data: &str) -> Option<f64> {
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
