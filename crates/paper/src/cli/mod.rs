//! The commands of the program.

mod curve;
mod report;
mod runs;
mod speedup;
mod spike_maps;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use paper::experiment::{Experiment, Places};

/// The paper's experiments, ours beside the paper's.
#[derive(Parser)]
#[command(name = "paper")]
pub(crate) struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Training from a silent start (figure 4 d): configs/robustness, block and standard model.
    Robustness(runs::Args),
    /// Accuracy, time and spikes over seeds (figure 4 a to c): block against standard models.
    Datasets(runs::Args),
    /// Convolutional networks: configs/conv, block model.
    Convolutions(runs::Args),
    /// Everything but convolutional networks, which take days: speedup, robustness, data sets, figures, and the report.
    All(All),
    /// Figures 1 and 2: what the standard and the block model make of the same kind of input, as SVG.
    Figures(report::Figures),
    /// Figure 3: the block model against the standard one, forward and backward, by formulation.
    Speedup(speedup::Args),
    /// Writes report.html, figures and docs/reproduction.md from the results that are there.
    Docs(report::Docs),
    /// Draws a run's accuracy over its epochs, as SVG.
    Curve(curve::Args),
    /// Draws the spikes of a run's best model on one test sample, layer by layer as maps over time, as SVG.
    SpikeMaps(spike_maps::Args),
}

#[derive(clap::Args)]
struct All {
    #[command(flatten)]
    runs: runs::Args,
    /// Memory that a cell of the speedup may have, in GB; a GPU's has to be told.
    #[arg(long, value_name = "GB", value_parser = speedup::gigabytes)]
    memory: Option<f64>,
}

/// Does what was typed; the exit code.
pub(crate) fn run(cli: &Cli) -> Result<ExitCode> {
    let at_home =
        matches!(cli.task, Task::Curve(_) | Task::SpikeMaps(_)) || Path::new("configs").is_dir();
    if !at_home {
        bail!(
            "configs: no such folder here, expected that of the workspace; run it in the folder of its Cargo.toml"
        );
    }
    match &cli.task {
        Task::Robustness(args) => return runs::work(&[Experiment::Robustness], args),
        Task::Datasets(args) => return runs::work(&[Experiment::DataSets], args),
        Task::Convolutions(args) => return runs::work(&[Experiment::Convolutions], args),
        Task::All(args) => return all(args),
        Task::Figures(args) => report::figures(args)?,
        Task::Speedup(args) => speedup::run(args)?,
        Task::Docs(args) => report::docs(args)?,
        Task::Curve(args) => curve::run(args)?,
        Task::SpikeMaps(args) => spike_maps::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The speedup first, which wants the machine for itself and can be cut off at any time; not where
/// only some data sets are asked for.
fn all(args: &All) -> Result<ExitCode> {
    let runs = &args.runs;
    let experiments = [Experiment::Robustness, Experiment::DataSets];
    let look = runs.epochs.is_some();
    let speedup = speedup::Args::of_all(runs.device.as_deref(), look, &runs.out, args.memory);
    if !runs.status {
        let places = Places::new(&runs.out);
        runs::ready(&runs::plan(&experiments, runs)?, &places)?;
    }
    match (runs.only.is_empty(), runs.status) {
        (false, _) => (),
        (true, true) => print!("{}", speedup.job()?.status()?),
        (true, false) => speedup::run(&speedup)?,
    }
    runs::work(&experiments, runs)
}

/// An error in a line: its causes too, unless a message has said them already.
pub(crate) fn line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        match line.is_empty() {
            true => line = cause,
            false if line.contains(&cause) => (),
            false => line += &format!(": {cause}"),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn an_error_says_each_cause_once() {
        let error = anyhow!("no such file").context("runs/x: no such file");
        assert_eq!(
            line(&error.context("reading")),
            "reading: runs/x: no such file"
        );
    }
}
