//! What a cell would need, before it is tried.

use benches::{BetaKind, INPUTS, Pace};

use super::cell::Cell;
use super::record::Record;

/// Bytes that a lap holds at most, roughly, counted in arrays of float32: the input and a copy of it; of
/// the neurons what the graph keeps and its gradients; weights and their gradients.
pub(super) fn bytes(cell: &Cell, pace: Pace) -> f64 {
    let [b, l, n, t] = [cell.batch, cell.layers, cell.neurons, cell.steps].map(|x| x as f64);
    let arrays = match pace {
        // About twenty small arrays a time step stay for the backward pass.
        Pace::Standard => 24.0,
        Pace::Convolution => 14.0,
        Pace::Scan | Pace::FusedStandard => 8.0,
    };
    let matrices = match (pace, cell.beta) {
        (Pace::Convolution, BetaKind::FixedShared) => 8.0 * t * t,
        (Pace::Convolution, _) => 6.0 * n * t * t,
        _ => 0.0,
    };
    let weights = INPUTS as f64 * n + (l - 1.0) * n * n;
    4.0 * (2.0 * b * t * INPUTS as f64 + l * (arrays * b * t * n + matrices) + 3.0 * weights)
}

/// Seconds of a lap, from the finished cells of the same formulation: the rate of the one with the most
/// work. Nothing without any.
pub(super) fn predicted(cell: &Cell, pace: Pace, records: &[Record]) -> Option<f64> {
    let measured = records.iter().filter(|r| r.formulation == pace);
    let laps = measured.filter_map(|r| Some((r.cell.work(pace), r.step_seconds()?)));
    let (amount, seconds) = laps.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(seconds * cell.work(pace) / amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_convolution_is_quadratic_in_time_and_the_scan_linear() {
        let cell = |steps| Cell {
            batch: 128,
            layers: 1,
            neurons: 1000,
            steps,
            beta: BetaKind::TrainedPerNeuron,
        };
        let growth =
            |pace, of: fn(&Cell, Pace) -> f64| of(&cell(2048), pace) / of(&cell(1024), pace);
        assert_eq!(growth(Pace::Scan, Cell::work), 2.0);
        assert!(growth(Pace::Convolution, Cell::work) > 3.0);
        assert!(growth(Pace::Convolution, bytes) > 3.0);
        assert!(growth(Pace::Standard, bytes) < 2.0);
    }
}
