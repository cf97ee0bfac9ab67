//! `cargo xtask reproduce speedup`: figure 3, and how much of the speedup is the block model.

mod beside;
mod figures;
mod grid;
mod limits;
mod lines;
mod maps;
mod record;
mod section;
mod summary;

pub use section::sections;

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use benches::{INPUTS, Lap, Pace, Stack, commit, dense_spikes};
use block_core::LayerInput;
use block_core::device::NamedDevice;
use runner::Environment;

use super::report;
use super::results::{duration, machine};
use super::runs::Places;
use crate::write_whole;
use grid::{Cell, Grid};
use record::{Journal, Record};
use summary::Summary;

pub use grid::Preset;

/// Weights are the same in every run, as the inputs are.
const WEIGHTS_SEED: u64 = 0;
/// Among the results.
const FOLDER: &str = "speedup";
/// The measurements.
const CELLS: &str = "cells.jsonl";
/// What they were made with.
const ENVIRONMENT: &str = "environment.json";

#[derive(clap::Args)]
pub struct Args {
    /// How much of the grid.
    #[arg(long, value_enum)]
    preset: Preset,
    /// `auto`, `cpu`, `cuda`, `cuda:N`, `wgpu` or `wgpu:N`, of those compiled in.
    #[arg(long, default_value = "auto")]
    device: String,
    /// The folder of results.
    #[arg(long, default_value = "results")]
    out: PathBuf,
    /// Memory that a cell may have, in GB; on the CPU four fifths of what is free, unless told.
    #[arg(long, value_name = "GB", value_parser = gigabytes)]
    memory: Option<f64>,
    /// Tries again what an earlier run left out, with the preset's time anew.
    #[arg(long)]
    retry: bool,
    /// Draws what is there, and measures nothing.
    #[arg(long)]
    draw: bool,
}

impl Args {
    /// Of `reproduce all`: the device's preset, or the look where one is asked for.
    pub fn of_all(device: Option<&str>, look: bool, out: &Path, memory: Option<f64>) -> Self {
        let device = device.unwrap_or("auto");
        let gpu = ["cuda", "wgpu"].iter().any(|kind| device.starts_with(kind));
        Self {
            preset: match (look, gpu) {
                (true, _) => Preset::Quick,
                (false, true) => Preset::Full,
                (false, false) => Preset::Cpu,
            },
            device: device.to_owned(),
            out: out.to_path_buf(),
            memory,
            retry: false,
            draw: false,
        }
    }

    fn folder(&self, device: &NamedDevice) -> PathBuf {
        let name = format!("{}-{}", device.name.replace(':', "-"), self.preset.name());
        self.out.join(FOLDER).join(name)
    }
}

/// Of the command line.
pub fn gigabytes(text: &str) -> Result<f64, String> {
    let found = text.parse().ok();
    found
        .filter(|found: &f64| found.is_finite() && *found > 0.0)
        .ok_or_else(|| "expected a number over 0, as in 16 or 0.5".to_owned())
}

/// How much is left, in a line.
pub fn status(args: &Args) -> Result<String, String> {
    let device = block_core::device::select(&args.device).map_err(|e| e.to_string())?;
    let (records, _) = record::read(&args.folder(&device).join(CELLS))?;
    let grid = args.preset.grid();
    let cells = grid.cells(args.preset);
    let (all, left) = (cells.len(), left(&cells, &records));
    let used: f64 = records.iter().map(|r| r.took_seconds).sum();
    let name = format!("speedup {} {}", device.name, args.preset.name());
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

pub fn run(args: &Args) -> Result<(), String> {
    let device = block_core::device::select(&args.device).map_err(|e| e.to_string())?;
    if device.name != "cpu" && args.memory.is_none() && !args.draw {
        let name = &device.name;
        return Err(format!(
            "how much memory {name} has is not known: --memory GB says it"
        ));
    }
    let folder = args.folder(&device);
    let path = folder.join(CELLS);
    let grid = args.preset.grid();
    let cells = grid.cells(args.preset);
    let (mut records, _) = record::read(&path)?;
    if args.draw && records.is_empty() {
        return Err(format!(
            "{}: nothing measured there, expected a line at least; without --draw it is measured",
            path.display()
        ));
    }
    if !args.draw && (args.retry || left(&cells, &records) > 0) {
        let places = Places::new(&args.out);
        report::files(&places)?;
        describe(&folder, &device, records.len())?;
        let mut journal = Journal::open(&path)?;
        let mut bench = Bench {
            args,
            grid: &grid,
            device: &device,
            commit: commit(),
            used_seconds: match args.retry {
                true => 0.0,
                false => journal.records.iter().map(|r| r.took_seconds).sum(),
            },
        };
        for (index, cell) in cells.iter().enumerate() {
            bench.measure(cell, &mut journal)?;
            let (done, all, minutes) = (index + 1, cells.len(), bench.used_seconds / 60.0);
            tracing::info!("{done} of {all} cells, {minutes:.1} min");
        }
        records = journal.records;
    }
    let summary = Summary::of(&records);
    let text = serde_json::to_string_pretty(&summary).map_err(|e| e.to_string())? + "\n";
    write_whole(&folder.join("summary.json"), text.as_bytes())?;
    report::write(&Places::new(&args.out))?;
    print!("{summary}");
    Ok(())
}

/// Keeps what it is measured with beside the measurements.
///
/// # Errors
///
/// Measurements of another machine: ratios of both would mean nothing.
fn describe(folder: &Path, device: &NamedDevice, records: usize) -> Result<(), String> {
    let path = folder.join(ENVIRONMENT);
    let environment = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Environment::current(device),
        _ if records == 0 => Environment::current(device),
        text => {
            let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
            let text = text.map_err(|e| failed(&e))?;
            let before: Environment = serde_json::from_str(&text).map_err(|e| failed(&e))?;
            let [found, here] = [&before, &Environment::current(device)].map(machine);
            if found != here {
                return Err(format!(
                    "{}: found measurements of {found}, expected {here}; move the folder away, or measure into another with --out",
                    path.display()
                ));
            }
            Environment::resume(Some(before), device, records)
        }
    };
    let text = serde_json::to_string_pretty(&environment).map_err(|e| e.to_string())? + "\n";
    write_whole(&path, text.as_bytes())
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
    args: &'a Args,
    grid: &'a Grid,
    device: &'a NamedDevice,
    commit: Option<String>,
    used_seconds: f64,
}

impl Bench<'_> {
    /// Measures a cell in all formulations again if it is to be measured in one. They take turns on every batch, so
    /// that what slows the machine for a while slows them all.
    fn measure(&mut self, cell: &Cell, journal: &mut Journal) -> Result<(), String> {
        let (mut runners, mut planned) = (Vec::new(), 0.0);
        for pace in Pace::ALL {
            let known = match journal.find(cell, pace) {
                Some(found) if found.left_out.is_none() => true,
                Some(_) if !self.args.retry => continue,
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
        self.device.device.seed(WEIGHTS_SEED);
        let stack = Stack::new(cell.layers, cell.neurons, cell.beta, self.device);
        let tracked = self.device.device.clone().autodiff();
        let warm_ups = warm_ups(self.device);
        for lap in 0..warm_ups + self.grid.samples {
            let start = Instant::now();
            let shape = [cell.batch, cell.steps, INPUTS];
            let input = LayerInput::from(dense_spikes(shape, lap as u64, &tracked));
            let share = start.elapsed().as_secs_f64() / runners.len() as f64;
            let mut going = Vec::new();
            for mut runner in runners {
                let found = stack.lap(&input, runner.pace).map_err(|e| e.to_string())?;
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
            // None is always the first.
            runners.rotate_left(1);
        }
        let shape = [cell.batch, cell.steps, INPUTS];
        let input = LayerInput::from(dense_spikes(shape, 0, &tracked));
        let mut firing = stack.firing(&input).map_err(|e| e.to_string())?;
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
        if let Some(limit) = self.args.memory.or_else(free)
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
            device: self.device.name.clone(),
            threads: self.device.threads(),
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
    use super::*;

    #[test]
    fn what_is_left_is_counted_by_cells() {
        let out = tempfile::tempdir().unwrap();
        let args = Args::of_all(Some("cpu"), true, out.path(), None);
        assert_eq!(args.preset, Preset::Quick);
        assert!(status(&args).unwrap().contains("at most 5 min left"));
        let cells = args.preset.grid().cells(args.preset);
        let device = block_core::device::select("cpu").unwrap();
        let bench = Bench {
            args: &args,
            grid: &args.preset.grid(),
            device: &device,
            commit: None,
            used_seconds: 0.0,
        };
        let record = |pace| bench.record(&cells[0], pace, Some("time".to_owned()), 1.0);
        let mut records = vec![record(Pace::Scan)];
        assert_eq!(left(&cells, &records), cells.len());
        records.extend(Pace::ALL.map(record));
        assert_eq!(left(&cells, &records), cells.len() - 1);
    }

    #[test]
    fn measurements_of_another_machine_are_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let device = block_core::device::select("cpu").unwrap();
        describe(folder.path(), &device, 0).unwrap();
        describe(folder.path(), &device, 1).unwrap();
        let path = folder.path().join(ENVIRONMENT);
        let text = fs::read_to_string(&path).unwrap();
        let mut other: Environment = serde_json::from_str(&text).unwrap();
        assert_eq!(other.resumed.len(), 1);
        other.threads += 62;
        fs::write(&path, serde_json::to_string(&other).unwrap()).unwrap();
        let error = describe(folder.path(), &device, 1).unwrap_err();
        assert!(error.contains("move the folder away"), "{error}");
        // Nothing measured yet, nothing in the way, and nothing left of the other.
        describe(folder.path(), &device, 0).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let own: Environment = serde_json::from_str(&text).unwrap();
        assert_eq!(own.threads + 62, other.threads);
    }

    #[test]
    fn memory_is_a_number_over_0() {
        assert_eq!(gigabytes("0.5"), Ok(0.5));
        for wrong in ["-1", "0", "nan", "inf", "x", ""] {
            assert!(gigabytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_gpu_has_the_papers_grid() {
        let preset = |device| Args::of_all(device, false, Path::new("x"), None).preset;
        assert_eq!(preset(Some("cuda:1")), Preset::Full);
        assert_eq!(preset(None), Preset::Cpu);
    }
}
