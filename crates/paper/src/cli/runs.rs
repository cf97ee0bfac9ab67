//! The runs of experiments: which are asked for, how far they are, and the work on them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use paper::experiment::{Experiment, Places, SINGLE};
use paper::runs::run::{self, Outcome, Run, State};
use paper::words::duration;
use paper::{files, report};
use runner::signals::{self, STOP};
use runner::{Config, cli::path};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Seeds, from 0 [default: 3; 1 for robustness and convolutions].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: Option<u64>,
    /// Only these data sets, or models on them: `mnist`, `fmnist/standard-single`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// A shorter look: at most so many epochs, labelled as such. Without it later, it goes on.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub epochs: Option<u64>,
    /// Says what is left and about how long it takes; runs nothing.
    #[arg(long)]
    pub status: bool,
    /// Where results are kept, and counted as done if they are there.
    #[arg(long, value_name = "DIR", default_value = "results", value_parser = path())]
    pub out: PathBuf,
    /// The device, as for the runner: cpu, cuda, wgpu.
    #[arg(long)]
    pub device: Option<String>,
}

/// What is in the way of runs is said before any work.
pub(super) fn ready(runs: &[Run], places: &Places) -> Result<()> {
    for run in runs {
        run.state(places)?;
    }
    report::contents(places)?;
    let probe = places
        .results
        .join(format!(".probe.{}", std::process::id()));
    files::write_whole(&probe, b"")?;
    std::fs::remove_file(&probe).with_context(|| probe.display().to_string())
}

/// Works on all runs that are asked for; the exit code.
pub(super) fn work(experiments: &[Experiment], args: &Args) -> Result<ExitCode> {
    let places = Places::new(&args.out);
    let runs = plan(experiments, args)?;
    if args.status {
        print!("{}", status(&runs, &places)?);
        return Ok(ExitCode::SUCCESS);
    }
    ready(&runs, &places)?;
    // The training itself saves and ends at these.
    signals::catch(run::pass_on).context("Ctrl-C")?;
    let mut failed: Vec<&Run> = Vec::new();
    for run in &runs {
        // What is wrong with a data set's first run is wrong with all.
        if failed.iter().any(|before| before.data == run.data) {
            continue;
        }
        let before = run.state(&places)?;
        // Ctrl-C may come between trainings.
        let outcome = match STOP.load(Ordering::Relaxed) {
            true => Outcome::Stopped,
            false => run.work(&places, args.device.as_deref())?,
        };
        match outcome {
            // The next run may take hours.
            Outcome::Done if before != State::Done => report::write(&places)?,
            Outcome::Done => (),
            Outcome::Failed => failed.push(run),
            Outcome::Stopped => {
                report::write(&places)?;
                tracing::info!("stopped; the same command goes on");
                return Ok(ExitCode::from(signals::exit_code()));
            }
        }
    }
    report::write(&places)?;
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let labels: Vec<String> = failed.iter().map(|run| run.label()).collect();
    bail!(
        "{} failed, for the reasons above; further runs of the same data were left out",
        labels.join(", ")
    )
}

/// All runs that are asked for.
pub(super) fn plan(experiments: &[Experiment], args: &Args) -> Result<Vec<Run>> {
    let epochs = args.epochs.map(|epochs| epochs as usize);
    let planned = |only: &[String]| -> Vec<Run> {
        let plan = |experiment: &Experiment| {
            let seeds = args.seeds.unwrap_or(experiment.seeds());
            Run::plan(*experiment, only, seeds, epochs)
        };
        experiments.iter().flat_map(plan).collect()
    };
    let mut all = planned(&[]);
    for name in &args.only {
        if !all.iter().any(|run| run.is_named(name)) {
            let mut names: Vec<&str> = all.iter().map(|run| run.data).collect();
            names.sort_unstable();
            names.dedup();
            bail!(
                "--only {name}: no such run, expected one of {}, or one of them with its model as in yinyang/{SINGLE}",
                names.join(", "),
            );
        }
    }
    if !args.only.is_empty() {
        return Ok(planned(&args.only));
    }
    // From silence the spoken digits stand in for SHD where that is not at hand.
    let shd = Experiment::Robustness.config(&Places::new(&args.out), "shd");
    let absent = match Config::load(&shd, &[])?.data.is_present() {
        true => "fsdd",
        false => "shd",
    };
    all.retain(|run| run.experiment != Experiment::Robustness || run.data != absent);
    Ok(all)
}

/// A line a run, and the sum.
fn status(runs: &[Run], places: &Places) -> Result<String> {
    let mut text = String::new();
    let (mut left, mut seconds, mut unknown) = (0, 0.0, 0);
    for run in runs {
        let state = run.state(places)?;
        let time = run.seconds_left(places)?;
        let about = || match time {
            Some(time) => format!("about {} left", duration(time)),
            None => "of unknown length".to_string(),
        };
        let wanted = run.wanted(places)?;
        let line = match state {
            State::Done => "done".to_string(),
            State::Begun { epochs } => format!("{epochs} of {wanted} epochs, {}", about()),
            State::New => format!("{wanted} epochs, {}", about()),
        };
        text += &format!("{:<44} {line}\n", run.label());
        if state != State::Done {
            left += 1;
            seconds += time.unwrap_or(0.0);
            unknown += usize::from(time.is_none());
        }
    }
    text += &format!("{left} of {} runs are left", runs.len());
    if left > unknown {
        text += &format!(", about {}", duration(seconds));
    }
    if unknown > 0 {
        text += &format!(", and {unknown} of unknown length");
    }
    Ok(text + "\n")
}
