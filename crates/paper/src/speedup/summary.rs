//! The grid in a few numbers.

use std::collections::BTreeMap;
use std::fmt;

use benches::Pace;
use serde::Serialize;

use super::cell::Cell;
use super::record::Record;

/// Ratios of median times, over the cells that have both.
#[derive(Serialize)]
pub(super) struct Summary {
    pub ratios: Vec<Ratio>,
    /// Cells and passes where the scan took over 5 % longer than the convolution or the step-by-step
    /// standard model.
    pub scan_slower: Vec<String>,
    /// Cells that have the scan and one of these.
    pub scan_compared: usize,
    pub measured: usize,
    pub left_out: usize,
    pub seconds: f64,
}

/// How many times faster one formulation is than another.
#[derive(Serialize)]
pub(super) struct Ratio {
    pub what: &'static str,
    pub pass: &'static str,
    pub cells: usize,
    pub geometric_mean: f64,
    pub smallest: f64,
    pub largest: f64,
}

/// What is compared: faster, slower, and what the quotient tells.
const PAIRS: [(Pace, Pace, &str); 4] = [
    (Pace::Scan, Pace::Standard, ALL),
    (Pace::FusedStandard, Pace::Standard, ENGINEERING),
    (Pace::Scan, Pace::FusedStandard, MODEL),
    (Pace::Convolution, Pace::Standard, PAPERS),
];
pub(super) const ALL: &str = "block scan over standard: all of the speedup";
pub(super) const ENGINEERING: &str = "fused standard over standard: engineering";
pub(super) const MODEL: &str = "block scan over fused standard: the block model";
pub(super) const PAPERS: &str = "block convolution over standard: the paper's formulation";
pub(super) const PASSES: [&str; 3] = ["total", "forward", "backward"];
/// A scan this much slower than another formulation is not called slower: timings scatter.
const TOLERANCE: f64 = 1.05;

impl Summary {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut cells: BTreeMap<Cell, BTreeMap<Pace, [f64; 3]>> = BTreeMap::new();
        for record in records {
            if let Some(medians) = medians(record) {
                let cell = cells.entry(record.cell).or_default();
                cell.insert(record.formulation, medians);
            }
        }
        let mut ratios = Vec::new();
        for (fast, slow, what) in PAIRS {
            for (index, pass) in PASSES.into_iter().enumerate() {
                let both = cells
                    .values()
                    .filter_map(|paces| Some(paces.get(&slow)?[index] / paces.get(&fast)?[index]));
                let found: Vec<f64> = both.collect();
                if found.is_empty() {
                    continue;
                }
                let logs: f64 = found.iter().map(|ratio| ratio.ln()).sum();
                ratios.push(Ratio {
                    what,
                    pass,
                    cells: found.len(),
                    geometric_mean: (logs / found.len() as f64).exp(),
                    smallest: found.iter().copied().fold(f64::INFINITY, f64::min),
                    largest: found.iter().copied().fold(0.0, f64::max),
                });
            }
        }
        let mut scan_slower = Vec::new();
        let mut scan_compared = 0;
        for (cell, paces) in &cells {
            let others = [Pace::Convolution, Pace::Standard];
            let any = others.iter().any(|other| paces.contains_key(other));
            scan_compared += usize::from(any && paces.contains_key(&Pace::Scan));
            for other in others {
                let (Some(scan), Some(times)) = (paces.get(&Pace::Scan), paces.get(&other)) else {
                    continue;
                };
                for (index, pass) in PASSES.into_iter().enumerate().skip(1) {
                    let ratio = scan[index] / times[index];
                    if ratio > TOLERANCE {
                        scan_slower.push(format!(
                            "{pass}: {ratio:.2} × {other:?}, batch {}, {} × {} neurons, {} steps, β {:?}",
                            cell.batch, cell.layers, cell.neurons, cell.steps, cell.beta
                        ));
                    }
                }
            }
        }
        Self {
            ratios,
            scan_slower,
            scan_compared,
            measured: records.iter().filter(|r| r.left_out.is_none()).count(),
            left_out: records.iter().filter(|r| r.left_out.is_some()).count(),
            seconds: records.iter().fold(0.0, |sum, r| sum + r.took_seconds),
        }
    }
}

impl Summary {
    /// How many times faster, forward and backward together.
    pub(super) fn total(&self, what: &str) -> Option<&Ratio> {
        let mut ratios = self.ratios.iter();
        ratios.find(|ratio| ratio.what == what && ratio.pass == PASSES[0])
    }
}

/// Total (of the samples' sums), forward, backward.
fn medians(record: &Record) -> Option<[f64; 3]> {
    let (forward, backward) = (record.forward.as_ref()?, record.backward.as_ref()?);
    let sums = forward.samples.iter().zip(&backward.samples);
    let total = benches::median(sums.map(|(f, b)| f + b));
    Some([total, forward.median, backward.median])
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ratio in &self.ratios {
            writeln!(
                f,
                "{:<58} {:<8} × {:>6.2} ({:.2} to {:.2}, {} cells)",
                ratio.what,
                ratio.pass,
                ratio.geometric_mean,
                ratio.smallest,
                ratio.largest,
                ratio.cells
            )?;
        }
        for line in &self.scan_slower {
            writeln!(f, "the scan is slower, {line}")?;
        }
        writeln!(
            f,
            "{} measured, {} left out, {:.1} min",
            self.measured,
            self.left_out,
            self.seconds / 60.0
        )
    }
}
