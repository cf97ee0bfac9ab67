//! `cargo xtask reproduce speedup`: figure 3, and how much of the speedup is the block model.

mod figures;
mod grid;
mod limits;
mod lines;
mod maps;
mod record;
mod summary;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use benches::{INPUTS, Lap, Pace, Stack, commit, dense_spikes};
use block_core::SpikeTrain;
use runner::Environment;
use runner::device::NamedDevice;

use crate::write_whole;
use grid::{Cell, Grid, Preset};
use record::{Journal, Record};

/// What it was measured with.
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
    #[arg(long, value_name = "GB")]
    memory: Option<f64>,
    /// Tries again what an earlier run left out, with the preset's time anew.
    #[arg(long)]
    retry: bool,
    /// Draws what is there, and measures nothing.
    #[arg(long)]
    draw: bool,
}

pub fn run(args: &Args) -> Result<(), String> {
    let device = runner::device::select(&args.device).map_err(|e| e.to_string())?;
    if device.name != "cpu" && args.memory.is_none() && !args.draw {
        let name = &device.name;
        return Err(format!(
            "how much memory {name} has is not known: --memory GB says it"
        ));
    }
    let name = format!("{}-{}", device.name.replace(':', "-"), args.preset.name());
    let folder = args.out.join("speedup").join(name);
    let mut journal = Journal::open(&folder.join("cells.jsonl"))?;
    let grid = args.preset.grid();
    let cells = grid.cells(args.preset);
    if !args.draw {
        describe(&folder, &device, &journal)?;
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
    }
    finish(&folder, &grid, &journal.records)
}

/// Keeps what it is measured with beside the measurements.
fn describe(folder: &Path, device: &NamedDevice, journal: &Journal) -> Result<(), String> {
    let path = folder.join(ENVIRONMENT);
    let environment = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Environment::current(device),
        text => {
            let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
            let text = text.map_err(|e| failed(&e))?;
            let before = serde_json::from_str(&text).map_err(|e| failed(&e))?;
            Environment::resume(Some(before), device, journal.records.len())
        }
    };
    let text = serde_json::to_string_pretty(&environment).map_err(|e| e.to_string())? + "\n";
    write_whole(&path, text.as_bytes())
}

/// Pictures and summary.
fn finish(folder: &Path, grid: &Grid, records: &[Record]) -> Result<(), String> {
    for (name, svg) in figures::all(grid, records)? {
        write_whole(&folder.join(name), svg.as_bytes())?;
    }
    let summary = summary::Summary::of(records);
    let text = serde_json::to_string_pretty(&summary).map_err(|e| e.to_string())? + "\n";
    write_whole(&folder.join("summary.json"), text.as_bytes())?;
    print!("{summary}");
    println!("{}", folder.display());
    Ok(())
}

/// Laps that are not counted: the first also compiles, on a GPU a second one tunes.
fn warm_ups(device: &NamedDevice) -> usize {
    if device.name == "cpu" { 1 } else { 2 }
}

/// A formulation of the cell at work.
struct Runner {
    pace: Pace,
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
    /// Measures a cell in all formulations that it is not known in. They take turns on every batch, so
    /// that what slows the machine for a while slows them all.
    fn measure(&mut self, cell: &Cell, journal: &mut Journal) -> Result<(), String> {
        let mut runners = Vec::new();
        for pace in Pace::ALL {
            match journal.find(cell, pace) {
                Some(found) if found.left_out.is_none() || !self.args.retry => continue,
                _ => {}
            }
            match self.refusal(cell, pace, journal) {
                Some(why) => journal.add(self.record(cell, pace, Some(why), 0.0))?,
                None => runners.push(Runner {
                    pace,
                    laps: Vec::new(),
                    seconds: 0.0,
                }),
            }
        }
        if runners.is_empty() {
            return Ok(());
        }
        let stack = Stack::new(cell.layers, cell.neurons, cell.beta, self.device);
        let tracked = self.device.device.clone().autodiff();
        let warm_ups = warm_ups(self.device);
        for lap in 0..warm_ups + self.grid.samples {
            let start = Instant::now();
            let shape = [cell.batch, cell.steps, INPUTS];
            let input = SpikeTrain::from(dense_spikes(shape, lap as u64, &tracked));
            let share = start.elapsed().as_secs_f64() / runners.len() as f64;
            let mut going = Vec::new();
            for mut runner in runners {
                let found = stack.lap(&input, runner.pace).map_err(|e| e.to_string())?;
                runner.seconds += share + found.step();
                if lap >= warm_ups {
                    runner.laps.push(found);
                } else if let Some(why) = self.too_long(found.step(), "took") {
                    self.used_seconds += runner.seconds;
                    let record = self.record(cell, runner.pace, Some(why), runner.seconds);
                    journal.add(record)?;
                    continue;
                }
                going.push(runner);
            }
            runners = going;
            if runners.is_empty() {
                return Ok(());
            }
        }
        let shape = [cell.batch, cell.steps, INPUTS];
        let input = SpikeTrain::from(dense_spikes(shape, 0, &tracked));
        let mut firing = stack.firing(&input).map_err(|e| e.to_string())?;
        for runner in runners {
            self.used_seconds += runner.seconds;
            let mut record = self.record(cell, runner.pace, None, runner.seconds);
            record.firing = std::mem::take(&mut firing);
            journal.add(record.timed(&runner.laps))?;
        }
        Ok(())
    }

    /// Why a cell is not tried.
    fn refusal(&self, cell: &Cell, pace: Pace, journal: &Journal) -> Option<String> {
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
        if self.used_seconds + whole > self.grid.total_seconds {
            let left = (self.grid.total_seconds - self.used_seconds).max(0.0);
            return Some(format!(
                "time: about {whole:.0} s needed, {left:.0} s left of what the preset may take"
            ));
        }
        self.too_long(lap, "would take about")
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
