//! One place of the grid.

use benches::{BetaKind, INPUTS, Pace};
use serde::{Deserialize, Serialize};

/// One place of the grid; it is measured in every formulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub batch: usize,
    pub layers: usize,
    pub neurons: usize,
    pub steps: usize,
    pub beta: BetaKind,
}

impl Cell {
    /// Operations of a lap, to compare cells of one formulation: three matrix products a layer, two of the
    /// first, and of the convolutions two each forward and backward.
    pub(crate) fn work(&self, pace: Pace) -> f64 {
        let [b, l, n, t] = [self.batch, self.layers, self.neurons, self.steps].map(|x| x as f64);
        let products = b * t * n * (2.0 * INPUTS as f64 + 3.0 * (l - 1.0) * n);
        match pace {
            Pace::Convolution => products + l * n * t * t * (4.0 * b + 6.0),
            _ => products + l * b * t * n * 20.0,
        }
    }
}
