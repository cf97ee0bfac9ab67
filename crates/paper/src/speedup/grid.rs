//! What is measured: the paper's grids, and what of them a preset takes.

use benches::{BetaKind, Pace};
use clap::ValueEnum;

use super::cell::Cell;

/// How much of figure 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// A look, within five minutes on two cores: few cells, three samples.
    Quick,
    /// Within two hours on two cores: every figure, a coarser grid, ten samples.
    Cpu,
    /// The paper's grid, for a GPU: all batches, β trained and fixed, ten samples.
    Full,
}

/// The sizes of a preset's figures.
pub(crate) struct Grid {
    /// Batches, the largest last: that of figures a and c.
    pub batches: &'static [usize],
    pub betas: &'static [BetaKind],
    pub neurons: &'static [usize],
    pub steps: &'static [usize],
    /// Figure c.
    pub layers: &'static [usize],
    pub layer_neurons: &'static [usize],
    /// Figure d.
    pub wide: &'static [usize],
    /// Samples after a warm-up.
    pub samples: usize,
    /// Longest that one formulation of one cell may take.
    pub cell_seconds: f64,
    /// Longest that all of it may take.
    pub total_seconds: f64,
}

/// The neurons of figure b.
pub(super) const FEW: usize = 100;
/// The neurons of figures e and f.
pub(super) const MANY: usize = 1000;
/// The time steps of figures c and d.
pub(super) const USUAL: usize = 128;

impl Preset {
    pub(crate) fn grid(self) -> Grid {
        match self {
            Self::Quick => Grid {
                batches: &[32, 128],
                betas: &[BetaKind::TrainedPerNeuron],
                neurons: &[100, 400, 1000],
                steps: &[8, 32, 128, 512],
                layers: &[1, 2, 3],
                layer_neurons: &[200],
                wide: &[2000],
                samples: 3,
                cell_seconds: 15.0,
                total_seconds: 270.0,
            },
            Self::Cpu => Grid {
                batches: &[32, 64, 128],
                betas: &[BetaKind::TrainedPerNeuron],
                neurons: &[100, 200, 400, 700, 1000],
                steps: &[8, 16, 32, 64, 128, 256, 512, 1024, 2048],
                layers: &[1, 2, 3, 4, 5],
                layer_neurons: &[200, 400, 800],
                wide: &[4000, 8000, 12000, 16000, 20000],
                samples: 10,
                cell_seconds: 90.0,
                total_seconds: 6900.0,
            },
            Self::Full => Grid {
                batches: &[16, 32, 64, 128],
                betas: &[
                    BetaKind::TrainedPerNeuron,
                    BetaKind::FixedPerNeuron,
                    BetaKind::FixedShared,
                ],
                neurons: &[100, 200, 300, 400, 500, 600, 700, 800, 900, 1000],
                steps: &[8, 16, 32, 64, 128, 256, 512, 1024, 2048],
                layers: &[1, 2, 3, 4, 5],
                layer_neurons: &[100, 200, 300, 400, 500, 600, 700, 800, 900, 1000],
                wide: &[
                    2000, 4000, 6000, 8000, 10000, 12000, 14000, 16000, 18000, 20000,
                ],
                samples: 10,
                cell_seconds: 600.0,
                total_seconds: f64::INFINITY,
            },
        }
    }

    /// The preset's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Cpu => "cpu",
            Self::Full => "full",
        }
    }
}

impl Grid {
    /// The largest batch.
    pub(crate) fn batch(&self) -> usize {
        self.batches.iter().copied().max().unwrap_or(1)
    }

    /// All cells, each once, the cheap ones first: they tell what the others would cost. On a coarse grid
    /// the smaller batches are measured only where a figure shows them.
    pub(crate) fn cells(&self, preset: Preset) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &beta in self.betas {
            for &batch in self.batches {
                let all = preset == Preset::Full || batch == self.batch();
                let mut add = |layers, neurons, steps| {
                    cells.push(Cell {
                        batch,
                        layers,
                        neurons,
                        steps,
                        beta,
                    });
                };
                for &steps in self.steps {
                    for &neurons in self.neurons {
                        if all || neurons == FEW || neurons == MANY {
                            add(1, neurons, steps);
                        }
                    }
                }
                for &neurons in self.layer_neurons.iter().filter(|_| all) {
                    self.layers.iter().for_each(|&n| add(n, neurons, USUAL));
                }
                self.wide.iter().for_each(|&n| add(1, n, USUAL));
            }
        }
        cells.sort_by(|a, b| {
            let work = |cell: &Cell| cell.work(Pace::Scan);
            work(a).total_cmp(&work(b)).then(a.cmp(b))
        });
        cells.dedup();
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_preset_is_the_papers_grid() {
        let cells = Preset::Full.grid().cells(Preset::Full);
        // 90 cells of a, 50 of c (10 of them in a), 10 of d.
        assert_eq!(cells.len(), 4 * 3 * (90 + 40 + 10));
        let unique: std::collections::HashSet<_> = cells.iter().collect();
        assert_eq!(unique.len(), cells.len());
    }

    #[test]
    fn every_preset_has_the_cells_of_its_figures() {
        for preset in [Preset::Quick, Preset::Cpu, Preset::Full] {
            let grid = preset.grid();
            assert!(grid.neurons.contains(&FEW) && grid.neurons.contains(&MANY));
            assert!(grid.steps.contains(&USUAL) && grid.layers.contains(&1));
            let cells = grid.cells(preset);
            for &batch in grid.batches {
                for &steps in grid.steps {
                    let there = |n| {
                        cells.iter().any(|c| {
                            (c.batch, c.layers, c.neurons, c.steps) == (batch, 1, n, steps)
                        })
                    };
                    assert!(there(FEW) && there(MANY));
                }
            }
        }
    }
}
