//! The paper's speed benchmark: a layer by its neurons and time steps, as the paper computes it and as we do.

use std::time::{Duration, Instant};

use benches::{BATCH, BetaKind, INPUTS, Lap, Pace, Stack, dense_spikes, median};
use block_core::LayerInput;
use block_core::device::NamedDevice;
use serde::Serialize;

use crate::stage::Found;

/// The first laps compile and tune.
const WARM_UPS: usize = 2;
const FEWEST: usize = 3;
const MOST: usize = 10;
const PATIENCE: Duration = Duration::from_secs(1);

/// A layer, and how it is computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    steps: usize,
    neurons: usize,
    pace: Pace,
}

/// Medians of a cell.
#[derive(Debug, Serialize)]
struct Medians {
    batch: usize,
    inputs: usize,
    neurons: usize,
    steps: usize,
    formulation: Pace,
    forward_seconds: f64,
    backward_seconds: f64,
    repetitions: usize,
}

/// All cells, those of few steps first, as one input serves all layers of so many steps.
pub(crate) fn cells(quick: bool) -> Vec<(String, Cell)> {
    let powers = if quick { 3..=3 } else { 3..=11 };
    let most = if quick { 100 } else { 1000 };
    let mut cells = Vec::new();
    for steps in powers.map(|power| 1 << power) {
        for neurons in (100..=most).step_by(100) {
            for pace in Pace::ALL {
                let cell = Cell {
                    steps,
                    neurons,
                    pace,
                };
                cells.push((format!("{neurons} × {steps} {pace:?}"), cell));
            }
        }
    }
    cells
}

/// Measures cells; keeps the input of the last.
pub(crate) struct Bench {
    device: NamedDevice,
    input: Option<(usize, LayerInput)>,
}

impl Bench {
    pub(crate) fn new(device: &NamedDevice) -> Self {
        Self {
            device: device.clone(),
            input: None,
        }
    }

    pub(crate) fn measure(&mut self, cell: Cell) -> Result<Found, String> {
        let Cell {
            steps,
            neurons,
            pace,
        } = cell;
        if self.input.as_ref().is_none_or(|(of, _)| *of != steps) {
            // Not both at once.
            self.input = None;
            let tracked = self.device.device.clone().autodiff();
            let spikes = dense_spikes([BATCH, steps, INPUTS], 1, &tracked);
            self.input = Some((steps, spikes.into()));
        }
        let (_, input) = self.input.as_ref().expect("made above");
        let stack = Stack::new(1, neurons, BetaKind::TrainedPerNeuron, &self.device);
        let lap = || stack.lap(input, pace).map_err(|e| e.to_string());
        for _ in 0..WARM_UPS {
            lap()?;
        }
        let start = Instant::now();
        let mut laps: Vec<Lap> = Vec::new();
        while laps.len() < MOST && (laps.len() < FEWEST || start.elapsed() < PATIENCE) {
            laps.push(lap()?);
        }
        let forward = median(laps.iter().map(|lap| lap.forward));
        let backward = median(laps.iter().map(|lap| lap.backward));
        let line = format!(
            "{neurons:>4} × {steps:>4} {:<14} forward {:>9.3} ms, backward {:>9.3} ms",
            format!("{pace:?}"),
            forward * 1e3,
            backward * 1e3,
        );
        let medians = Medians {
            batch: BATCH,
            inputs: INPUTS,
            neurons,
            steps,
            formulation: pace,
            forward_seconds: forward,
            backward_seconds: backward,
            repetitions: laps.len(),
        };
        Found::measured(line, medians)
    }
}
