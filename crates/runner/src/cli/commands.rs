//! The commands that work: train, resume, eval.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{EvalArguments, PlaceArguments, TrainArguments};
use super::{STOP, catch_interrupts};
use crate::config::Config;
use crate::device::{self, NamedDevice};
use crate::environment::Environment;
use crate::error::{Result, RunnerError};
use crate::evaluate::Evaluation;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::run_folder::{self, BEST, CONFIG, ENVIRONMENT, EVALUATION, RunFolder, SUMMARY};
use crate::summary::Summary;
use crate::train::{Trainer, restore};

/// A config with the folder of data sets that the command line names.
pub(super) fn load(path: &Path, set: &[String], place: &PlaceArguments) -> Result<Config> {
    let mut config = Config::load(path, set)?;
    if let Some(folder) = &place.data_dir {
        // Absolute, so that the run can be repeated from anywhere.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        config.data.dir = Some(folder.display().to_string());
    }
    Ok(config)
}

/// Trains a new run.
pub(super) fn train(path: &Path, arguments: &TrainArguments) -> Result<String> {
    let config = load(path, &arguments.set.values, &arguments.place)?;
    let device = device::select(&arguments.place.device)?;
    let plan = Plan::prepare(config)?;
    let folder = match &arguments.out {
        Some(folder) => RunFolder::create(folder)?,
        None => {
            let stem = path.file_stem().unwrap_or(path.as_os_str());
            RunFolder::create_named(&stem.to_string_lossy())?
        }
    };
    folder.write(CONFIG, plan.config.to_toml().as_bytes())?;
    folder.write_json(ENVIRONMENT, &Environment::current(&device, 0))?;
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
    let before = load(&run.join(CONFIG), &[], &arguments.place)?;
    let config = load(&run.join(CONFIG), set, &arguments.place)?;
    let device = device::select(&arguments.place.device)?;
    let plan = Plan::prepare(config)?;
    let folder = RunFolder::open(run)?;
    let trainer = Trainer::resume(&plan, &device, &folder)?;
    let finished = trainer.finished_epochs();
    if plan.config.train.epochs < finished {
        return Err(RunnerError::Value {
            place: "--set".to_string(),
            key: "train.epochs".to_string(),
            found: plan.config.train.epochs.to_string(),
            expected: format!("at least {finished}, the epochs that the run has finished"),
        });
    }
    if plan.config != before {
        folder.write(CONFIG, plan.config.to_toml().as_bytes())?;
    }
    warn_of_another_device(&folder, &device);
    folder.write_json(ENVIRONMENT, &Environment::current(&device, finished))?;
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
    tracing::info!("run {}", folder.path().display());
}

/// Results are the same only on the same device.
fn warn_of_another_device(folder: &RunFolder, device: &NamedDevice) {
    let text = fs::read_to_string(folder.file(ENVIRONMENT)).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    if let Some(before) = value["device"].as_str()
        && before != device.name
    {
        let name = &device.name;
        tracing::warn!("the run began on {before} and goes on on {name}: results will differ");
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

/// Tests a run's best model.
pub(super) fn eval(arguments: &EvalArguments) -> Result<String> {
    let run: &PathBuf = &arguments.run;
    run_folder::check(run)?;
    let config = load(&run.join(CONFIG), &[], &arguments.place)?;
    let device = device::select(&arguments.place.device)?;
    let path = run.join(BEST);
    let bytes = fs::read(&path).map_err(|source| RunnerError::Read {
        path,
        source,
        expected: "the weights of the run's best epoch, written when its first epoch ends",
    })?;
    let plan = Plan::prepare(config)?;
    let folder = RunFolder::open(run)?;
    let network = restore(&plan, &device.device, bytes, &folder, BEST)?;
    let test = Evaluation::run(&network, &plan.test_loader(&device.device)?)?;
    let report = test.report(plan.source.name(), plan.source.class_names());
    folder.write_json(EVALUATION, &report)?;
    Ok(format!("{report}\n"))
}
