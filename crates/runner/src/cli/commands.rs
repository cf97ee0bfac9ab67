//! The commands that work: train, resume, eval.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{EvalArguments, TrainArguments};
use super::interrupts::{STOP, catch_interrupts};
use super::load::load;
use crate::environment::Environment;
use crate::error::{Result, RunnerError};
use crate::evaluate::Evaluation;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::run_folder::{self, BEST, CONFIG, ENVIRONMENT, EVALUATION, RunFolder, SUMMARY};
use crate::summary::Summary;
use crate::train::{Trainer, restore};
use block_core::device::{self, NamedDevice};

/// Trains a new run.
pub(super) fn train(path: &Path, arguments: &TrainArguments) -> Result<String> {
    let config = load(path, &arguments.set.values, arguments.place.data_dir())?;
    let device = device::select(arguments.place.device())?;
    config.data.provide(arguments.place.offline)?;
    let plan = Plan::prepare(config)?;
    plan.check_memory(&device)?;
    let folder = match &arguments.out {
        Some(folder) => RunFolder::create(folder)?,
        None => {
            let stem = path.file_stem().unwrap_or(path.as_os_str());
            RunFolder::create_named(&stem.to_string_lossy())?
        }
    };
    folder.write(CONFIG, plan.config.to_toml().as_bytes())?;
    folder.write_json(ENVIRONMENT, &Environment::current(&device))?;
    announce(&plan, &device, &folder);
    let trainer = Trainer::start(&plan, &device, &folder)?;
    work(&plan, &device, &folder, trainer)
}

/// Goes on with a run.
pub(super) fn resume(run: &Path, arguments: &TrainArguments) -> Result<String> {
    run_folder::check(run)?;
    let set = &arguments.set.values;
    for argument in set {
        if argument.split('=').next().map(str::trim) != Some("train.epochs") {
            return Err(RunnerError::Usage(format!(
                "--set {argument}: a run that is resumed keeps its config, expected train.epochs=N only"
            )));
        }
    }
    let before = load(&run.join(CONFIG), &[], arguments.place.data_dir())?;
    let config = load(&run.join(CONFIG), set, arguments.place.data_dir())?;
    let device = device::select(arguments.place.device())?;
    config.data.provide(arguments.place.offline)?;
    let plan = Plan::prepare(config)?;
    plan.check_memory(&device)?;
    let folder = RunFolder::open(run)?;
    let trainer = Trainer::resume(&plan, &device, &folder)?;
    let finished = trainer.finished_epochs();
    if plan.config != before {
        folder.write(CONFIG, plan.config.to_toml().as_bytes())?;
    }
    let before = read_environment(&folder);
    warn_of_another_device(before.as_ref(), &device);
    let environment = Environment::resume(before, &device, finished);
    folder.write_json(ENVIRONMENT, &environment)?;
    announce(&plan, &device, &folder);
    work(&plan, &device, &folder, trainer)
}

fn announce(plan: &Plan, device: &NamedDevice, folder: &RunFolder) {
    let [train, _, test] = plan.samples();
    let data = match plan.source.folder() {
        Some(path) => format!("{} in {}", plan.source.name(), path.display()),
        None => format!("{}, made here", plan.source.name()),
    };
    let (name, threads) = (&device.name, device.threads());
    tracing::info!("device {name}, threads {threads}");
    tracing::info!("data {data}: {train} training samples, {test} for the test");
    for doubt in plan.doubts() {
        tracing::warn!("{doubt}");
    }
    tracing::info!("run {}", folder.path().display());
}

/// What a run was made on so far, if that can still be read.
fn read_environment(folder: &RunFolder) -> Option<Environment> {
    let bytes = fs::read(folder.file(ENVIRONMENT)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Results are the same only on the same device.
fn warn_of_another_device(environment: Option<&Environment>, device: &NamedDevice) {
    let name = &device.name;
    let mut devices = environment.into_iter().flat_map(Environment::devices);
    if let Some(before) = devices.find(|before| before != name) {
        tracing::warn!("the run was on {before} and goes on on {name}: results will differ");
    }
}

fn work(
    plan: &Plan,
    device: &NamedDevice,
    folder: &RunFolder,
    trainer: Trainer<'_>,
) -> Result<String> {
    catch_interrupts();
    let trained = trainer.run(&STOP, &mut Progress::new())?;
    let test = Evaluation::run(&trained.network, &plan.test_loader(&device.device)?)?;
    let summary = Summary::new(plan, device, folder, &test, trained.best_epoch)?;
    folder.write_json(SUMMARY, &summary)?;
    Ok(format!(
        "test accuracy {:.2} % (model of epoch {} of {}), {:.2} hidden spikes a sample, \
         {:.2} s an epoch\n{}\n",
        100.0 * summary.test_accuracy,
        summary.best_epoch,
        summary.epochs,
        summary.hidden_spikes_per_sample,
        summary.seconds_per_epoch,
        folder.file(SUMMARY).display(),
    ))
}

/// Tests a run's best model. Reading is enough for that: of a folder that cannot be written to, or
/// that a training works on, only the report is printed.
pub(super) fn eval(arguments: &EvalArguments) -> Result<String> {
    let run: &PathBuf = &arguments.run;
    run_folder::check(run)?;
    let config = load(&run.join(CONFIG), &[], arguments.place.data_dir())?;
    let device = device::select(arguments.place.device())?;
    let path = run.join(BEST);
    let bytes = fs::read(&path).map_err(|source| RunnerError::Read {
        path: path.clone(),
        source,
        expected: "the weights of the run's best epoch, written when its first epoch ends",
    })?;
    config.data.provide(arguments.place.offline)?;
    let plan = Plan::prepare(config)?;
    let folder = match RunFolder::open(run) {
        Ok(folder) => Some(folder),
        Err(RunnerError::InUse { path }) => {
            tracing::warn!(
                "{} is in use, by a training in progress for example: this is its best model so \
                 far, and {EVALUATION} is not written",
                path.display()
            );
            None
        }
        Err(error @ RunnerError::Write { .. }) => {
            tracing::warn!("{EVALUATION} is not written: {}", without_remedy(&error));
            None
        }
        Err(error) => return Err(error),
    };
    let network = restore(&plan, &device.device, bytes, &path)?;
    let (name, threads) = (&device.name, device.threads());
    tracing::info!("device {name}, threads {threads}");
    let test = Evaluation::run(&network, &plan.test_loader(&device.device)?)?;
    let report = test.report(plan.source.name(), plan.source.class_names(), name);
    if let Some(folder) = folder
        && let Err(error) = folder.write_json(EVALUATION, &report)
    {
        tracing::warn!("{}", without_remedy(&error));
    }
    Ok(format!("{report}\n"))
}

/// A write error as `eval` says it, which needs no remedy.
fn without_remedy(error: &RunnerError) -> String {
    match error {
        RunnerError::Write { path, source, .. } => {
            format!("cannot write {}: {source}", path.display())
        }
        other => other.to_string(),
    }
}
