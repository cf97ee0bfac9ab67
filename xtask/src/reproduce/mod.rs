//! `cargo xtask reproduce …`: the paper's experiments, and the page that sets ours beside the paper's.

mod activity;
mod content;
mod datasets;
mod figures;
mod html;
mod markdown;
mod paper;
mod plot;
mod png;
mod report;
mod results;
mod robustness;
mod runs;
mod speedup;
mod statistics;
mod traces;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use block_data::{Locations, is_present};

use runs::{Experiment, Outcome, Places, Run, State};

#[derive(clap::Subcommand)]
pub enum Task {
    /// Training from a silent start (figure 4 d): configs/robustness, block and standard model.
    Robustness(Args),
    /// Accuracy, time and spikes over seeds (figure 4 a to c): block against standard models.
    Datasets(Args),
    /// Everything: speedup, robustness, data sets, figures, and the report.
    All(All),
    /// Figures 1 and 2: what the standard and the block model make of the same kind of input, as SVG.
    Figures(figures::Args),
    /// Figure 3: the block model against the standard one, forward and backward, by formulation.
    Speedup(speedup::Args),
    /// Writes report.html, figures and docs/reproduction.md from the results that are there.
    Docs(Docs),
}

#[derive(clap::Args)]
pub struct Args {
    /// Seeds, from 0 [default: 3; 1 for robustness].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// Only these data sets, or models on them: `mnist`, `fmnist/standard-single`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// A shorter look: at most so many epochs, labelled as such. Without it later, it goes on.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Says what is left and about how long it takes; runs nothing.
    #[arg(long)]
    status: bool,
    /// Where results are kept, and counted as done if they are there.
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// The device, as for the runner: cpu, cuda, wgpu.
    #[arg(long)]
    device: Option<String>,
}

#[derive(clap::Args)]
pub struct All {
    #[command(flatten)]
    runs: Args,
    /// Memory that a cell of the speedup may have, in GB; a GPU's has to be told.
    #[arg(long, value_name = "GB", value_parser = speedup::gigabytes)]
    memory: Option<f64>,
}

#[derive(clap::Args)]
pub struct Docs {
    /// Compares with the files that are there instead of writing them.
    #[arg(long)]
    check: bool,
    /// Where results are kept.
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
}

pub fn run(task: &Task) -> Result<(), String> {
    if !Path::new("configs").is_dir() {
        return Err(
            "configs: no such folder here, expected that of the workspace; run it in the folder of its Cargo.toml"
                .to_string(),
        );
    }
    match task {
        Task::Robustness(args) => work(&[Experiment::Robustness], args),
        Task::Datasets(args) => work(&[Experiment::DataSets], args),
        Task::All(args) => all(args),
        Task::Figures(args) => figures::run(args),
        Task::Speedup(args) => speedup::run(args),
        Task::Docs(Docs { check: true, out }) => report::check(&Places::new(out)),
        Task::Docs(Docs { check: false, out }) => report::write(&Places::new(out)),
    }
}

/// The speedup first, which wants the machine for itself and can be cut off at any time; not where
/// only some data sets are asked for.
fn all(args: &All) -> Result<(), String> {
    let (runs, memory) = (&args.runs, args.memory);
    let speedup = speedup::Args::of_all(
        runs.device.as_deref(),
        runs.epochs.is_some(),
        &runs.out,
        memory,
    );
    let experiments = [Experiment::Robustness, Experiment::DataSets];
    if !runs.status {
        ready(&plan(&experiments, runs)?, &Places::new(&runs.out))?;
    }
    match (runs.only.is_empty(), runs.status) {
        (false, _) => (),
        (true, true) => print!("{}", speedup::status(&speedup)?),
        (true, false) => speedup::run(&speedup)?,
    }
    work(&experiments, runs)
}

/// What is in the way of runs is said before any work.
fn ready(runs: &[Run], places: &Places) -> Result<(), String> {
    for run in runs {
        run.state(places)?;
    }
    report::files(places)?;
    let probe = places
        .results
        .join(format!(".probe.{}", std::process::id()));
    crate::write_whole(&probe, b"").and_then(|()| {
        std::fs::remove_file(&probe).map_err(|error| format!("{}: {error}", probe.display()))
    })
}

fn work(experiments: &[Experiment], args: &Args) -> Result<(), String> {
    let places = Places::new(&args.out);
    let runs = plan(experiments, args)?;
    if args.status {
        print!("{}", status(&runs, &places)?);
        return Ok(());
    }
    ready(&runs, &places)?;
    // The training itself saves and ends at Ctrl-C.
    static STOP: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed))
        .map_err(|error| format!("Ctrl-C: {error}"))?;
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
                std::process::exit(130);
            }
        }
    }
    report::write(&places)?;
    if failed.is_empty() {
        return Ok(());
    }
    let labels: Vec<String> = failed.iter().map(|run| run.label()).collect();
    Err(format!(
        "{} failed, for the reasons above; further runs of the same data were left out",
        labels.join(", ")
    ))
}

/// All runs that are asked for.
fn plan(experiments: &[Experiment], args: &Args) -> Result<Vec<Run>, String> {
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
            return Err(format!(
                "--only {name}: no such run, expected one of {}, or one of them with its model as in yinyang/{}",
                names.join(", "),
                runs::SINGLE
            ));
        }
    }
    if !args.only.is_empty() {
        return Ok(planned(&args.only));
    }
    // From silence the spoken digits stand in for SHD where that is not at hand.
    let absent = match is_present("shd", &Locations::new(None)) {
        true => "fsdd",
        false => "shd",
    };
    all.retain(|run| run.experiment != Experiment::Robustness || run.data != absent);
    Ok(all)
}

/// A line a run, and the sum.
fn status(runs: &[Run], places: &Places) -> Result<String, String> {
    let mut text = String::new();
    let (mut left, mut seconds, mut unknown) = (0, 0.0, 0);
    for run in runs {
        let state = run.state(places)?;
        let time = run.seconds_left(places)?;
        let about = || match time {
            Some(time) => format!("about {} left", results::duration(time)),
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
        text += &format!(", about {}", results::duration(seconds));
    }
    if unknown > 0 {
        text += &format!(", and {unknown} of unknown length");
    }
    Ok(text + "\n")
}
