//! Measuring the speedup, cell by cell.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use benches::{INPUTS, Lap, Pace, Stack, commit, dense_spikes};
use block_core::LayerInput;
use block_core::device::NamedDevice;

use super::cell::Cell;
use super::grid::{Grid, Preset};
use super::limits;
use super::place::{CELLS, describe};
use super::record::{self, Journal, Record};
use super::summary::Summary;
use crate::files;
use crate::words::duration;

/// Weights are the same in every run, as the inputs are.
const WEIGHTS_SEED: u64 = 0;

/// What is measured and where it is kept.
pub struct Job {
    /// How much of the grid.
    pub preset: Preset,
    /// The device that is measured.
    pub device: NamedDevice,
    /// The folder of the measurements.
    pub folder: PathBuf,
    /// The memory that a cell may have, in GB; four fifths of what is free, unless told.
    pub memory: Option<f64>,
    /// Tries again what an earlier run left out, with the preset's time anew.
    pub retry: bool,
}

impl Job {
    fn records(&self) -> Result<Vec<Record>> {
        Ok(record::read(&self.folder.join(CELLS))?.0)
    }

    /// Whether nothing is measured yet.
    pub fn is_new(&self) -> Result<bool> {
        Ok(self.records()?.is_empty())
    }

    /// Whether there is nothing to measure.
    pub fn is_done(&self) -> Result<bool> {
        let cells = self.preset.grid().cells(self.preset);
        Ok(!self.retry && left(&cells, &self.records()?) == 0)
    }

    /// How much is left, in a line.
    pub fn status(&self) -> Result<String> {
        let records = self.records()?;
        let grid = self.preset.grid();
        let cells = grid.cells(self.preset);
        let (all, left) = (cells.len(), left(&cells, &records));
        let used: f64 = records.iter().map(|r| r.took_seconds).sum();
        let name = format!("speedup {} {}", self.device.name, self.preset.name());
        let line = match (left, grid.total_seconds.is_finite()) {
            (0, _) => "done".to_owned(),
            (_, true) => format!(
                "{left} of {all} cells, at most {} left",
                duration((grid.total_seconds - used).max(0.0))
            ),
            (_, false) => format!("{left} of {all} cells, of unknown length"),
        };
        Ok(format!("{name:<44} {line}\n"))
    }

    /// Measures what is left, and keeps each cell as soon as it is measured.
    ///
    /// # Errors
    ///
    /// Measurements of another machine, damaged ones, or a device that fails.
    pub fn measure(&self) -> Result<()> {
        let grid = self.preset.grid();
        let cells = grid.cells(self.preset);
        describe(&self.folder, &self.device, self.records()?.len())?;
        let mut journal = Journal::open(&self.folder.join(CELLS))?;
        let mut bench = Bench {
            job: self,
            grid: &grid,
            commit: commit(),
            used_seconds: match self.retry {
                true => 0.0,
                false => journal.records.iter().map(|r| r.took_seconds).sum(),
            },
        };
        for (index, cell) in cells.iter().enumerate() {
            bench.measure(cell, &mut journal)?;
            let (done, all, minutes) = (index + 1, cells.len(), bench.used_seconds / 60.0);
            tracing::info!("{done} of {all} cells, {minutes:.1} min");
        }
        Ok(())
    }

    /// Writes what is measured in a few numbers beside the measurements, and returns them as lines.
    pub fn summarise(&self) -> Result<String> {
        let summary = Summary::of(&self.records()?);
        files::write_json(&self.folder.join("summary.json"), &summary)?;
        Ok(summary.to_string())
    }
}

/// Cells of which a formulation is neither measured nor left out.
fn left(cells: &[Cell], records: &[Record]) -> usize {
    let known: HashSet<(Cell, Pace)> = records.iter().map(|r| (r.cell, r.formulation)).collect();
    let whole = |cell: &&Cell| {
        Pace::ALL
            .iter()
            .all(|&pace| known.contains(&(**cell, pace)))
    };
    cells.len() - cells.iter().filter(whole).count()
}

/// Laps that are not counted: the first also compiles, on a GPU a second one tunes.
fn warm_ups(device: &NamedDevice) -> usize {
    if device.name == "cpu" { 1 } else { 2 }
}

/// A formulation of the cell at work.
struct Runner {
    pace: Pace,
    /// Measured before.
    known: bool,
    laps: Vec<Lap>,
    seconds: f64,
}

struct Bench<'a> {
    job: &'a Job,
    grid: &'a Grid,
    commit: Option<String>,
    used_seconds: f64,
}

impl Bench<'_> {
    /// Measures a cell in all formulations again if it is to be measured in one. They take turns on every batch, so
    /// that what slows the machine for a while slows them all.
    fn measure(&mut self, cell: &Cell, journal: &mut Journal) -> Result<()> {
        let (mut runners, mut planned) = (Vec::new(), 0.0);
        for pace in Pace::ALL {
            let known = match journal.find(cell, pace) {
                Some(found) if found.left_out.is_none() => true,
                Some(_) if !self.job.retry => continue,
                _ => false,
            };
            match self.refusal(cell, pace, &mut planned, journal) {
                // What was measured before stays.
                Some(_) if known => (),
                Some(why) => journal.add(self.record(cell, pace, Some(why), 0.0))?,
                None => runners.push(Runner {
                    pace,
                    known,
                    laps: Vec::new(),
                    seconds: 0.0,
                }),
            }
        }
        if runners.iter().all(|runner| runner.known) {
            return Ok(());
        }
        let device = &self.job.device;
        device.device.seed(WEIGHTS_SEED);
        let stack = Stack::new(cell.layers, cell.neurons, cell.beta, device);
        let tracked = device.device.clone().autodiff();
        let warm_ups = warm_ups(device);
        for lap in 0..warm_ups + self.grid.samples {
            let start = Instant::now();
            let shape = [cell.batch, cell.steps, INPUTS];
            let input = LayerInput::from(dense_spikes(shape, lap as u64, &tracked));
            let share = start.elapsed().as_secs_f64() / runners.len() as f64;
            let mut going = Vec::new();
            for mut runner in runners {
                let found = stack.lap(&input, runner.pace)?;
                runner.seconds += share + found.step();
                // A warm-up is slower than what follows.
                let usual = if lap < warm_ups { 0.5 } else { 1.0 } * found.step();
                if lap <= warm_ups
                    && let Some(why) = self.too_long(usual, "takes")
                {
                    self.used_seconds += runner.seconds;
                    if !runner.known {
                        let record = self.record(cell, runner.pace, Some(why), runner.seconds);
                        journal.add(record)?;
                    }
                    continue;
                }
                if lap >= warm_ups {
                    runner.laps.push(found);
                }
                going.push(runner);
            }
            runners = going;
            if runners.is_empty() {
                return Ok(());
            }
            // Rotate the order, so that no formulation always goes first.
            runners.rotate_left(1);
        }
        let shape = [cell.batch, cell.steps, INPUTS];
        let input = LayerInput::from(dense_spikes(shape, 0, &tracked));
        let mut firing = stack.firing(&input)?;
        for runner in runners {
            self.used_seconds += runner.seconds;
            let mut record = self.record(cell, runner.pace, None, runner.seconds);
            record.firing = std::mem::take(&mut firing);
            journal.add(record.timed(&runner.laps))?;
        }
        Ok(())
    }

    /// Why a cell is not tried; the seconds that are `planned` before it grow by its own.
    fn refusal(
        &self,
        cell: &Cell,
        pace: Pace,
        planned: &mut f64,
        journal: &Journal,
    ) -> Option<String> {
        let needed = limits::bytes(cell, pace) * 1e-9;
        let free = || Some(0.8e-9 * runner::available_memory_bytes()? as f64);
        if let Some(limit) = self.job.memory.or_else(free)
            && needed > limit
        {
            return Some(format!(
                "memory: about {needed:.1} GB, more than the {limit:.1} GB that it may have"
            ));
        }
        let lap = limits::predicted(cell, pace, &journal.records).unwrap_or(0.0);
        let whole = lap * (self.grid.samples + 1) as f64;
        let used = self.used_seconds + *planned;
        if used + whole > self.grid.total_seconds {
            let left = (self.grid.total_seconds - used).max(0.0);
            return Some(format!(
                "time: about {whole:.0} s needed, {left:.0} s left of what the preset may take"
            ));
        }
        let refused = self.too_long(lap, "would take about");
        if refused.is_none() {
            *planned += whole;
        }
        refused
    }

    /// Why a formulation with laps of so many seconds is left out.
    fn too_long(&self, lap: f64, verb: &str) -> Option<String> {
        let laps = self.grid.samples + 1;
        let limit = self.grid.cell_seconds;
        (lap * laps as f64 > limit).then(|| {
            format!("time: a lap {verb} {lap:.1} s, {laps} of them more than {limit:.0} s")
        })
    }

    fn record(&self, cell: &Cell, pace: Pace, left_out: Option<String>, seconds: f64) -> Record {
        Record {
            cell: *cell,
            formulation: pace,
            device: self.job.device.name.clone(),
            threads: self.job.device.threads(),
            commit: self.commit.clone(),
            forward: None,
            backward: None,
            firing: Vec::new(),
            left_out,
            took_seconds: seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn what_is_left_is_counted_by_cells() {
        let out = tempfile::tempdir().unwrap();
        let preset = Preset::Quick;
        let job = Job {
            preset,
            device: block_core::device::select("cpu").unwrap(),
            folder: place::folder(out.path(), "cpu", preset),
            memory: None,
            retry: false,
        };
        assert!(job.status().unwrap().contains("at most 5 min left"));
        assert!(job.is_new().unwrap() && !job.is_done().unwrap());
        let cells = preset.grid().cells(preset);
        let bench = Bench {
            job: &job,
            grid: &preset.grid(),
            commit: None,
            used_seconds: 0.0,
        };
        let record = |pace| bench.record(&cells[0], pace, Some("time".to_owned()), 1.0);
        let mut records = vec![record(Pace::Scan)];
        assert_eq!(left(&cells, &records), cells.len());
        records.extend(Pace::ALL.map(record));
        assert_eq!(left(&cells, &records), cells.len() - 1);
    }
}
