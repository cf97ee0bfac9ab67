//! The commands that train: a new run, and one that goes on.

use std::path::Path;

use super::arguments::TrainArguments;
use super::hint;
use super::interrupts::catch_interrupts;
use super::load::{key_of, load, load_run};
use crate::checkpoint::Checkpoint;
use crate::environment::Environment;
use crate::error::{Result, RunnerError};
use crate::evaluate::Evaluation;
use crate::identity::{Accept, RunData, TEST_SPLIT, TRAINING_SPLIT, check_units};
use crate::memory::Work;
use crate::metrics::shown;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::run_folder::{self, CONFIG, ENVIRONMENT, RunFolder, SUMMARY};
use crate::signals::STOP;
use crate::splits::Split;
use crate::summary::Summary;
use crate::train::{Trainer, UNDO};
use block_core::device::{self, NamedDevice};
use block_data::counted;
use block_models::Network;

/// Trains a new run.
pub(super) fn train(path: &Path, arguments: &TrainArguments) -> Result<String> {
    let config = load(path, &arguments.set.values, arguments.place.data_dir())?;
    let device = device::select(arguments.place.device())?;
    config.data.provide(arguments.place.offline)?;
    let plan = Plan::prepare(config)?;
    let surveys = plan.survey(&Split::ALL)?;
    plan.check_memory(&device, &surveys, Work::Training)?;
    // Nothing is written for a network that cannot be built.
    let network = plan.init_network(&device.device.clone().autodiff())?;
    catch_interrupts();
    let folder = match &arguments.out {
        Some(folder) => RunFolder::create(folder)?,
        None => {
            let stem = path.file_stem().unwrap_or(path.as_os_str());
            RunFolder::create_named(&stem.to_string_lossy())?
        }
    };
    let doubts = plan.doubts(&surveys);
    let environment = Environment::current(&device).with_splits(&surveys, &doubts);
    let begun = begin(&plan, &device, &folder, &environment, network);
    let trainer = begun.map_err(|error| folder.abandon(error))?;
    work(&plan, &device, &folder, trainer)
}

/// Everything up to the first checkpoint.
fn begin<'a>(
    plan: &'a Plan,
    device: &'a NamedDevice,
    folder: &'a RunFolder,
    environment: &Environment,
    network: Network,
) -> Result<Trainer<'a>> {
    folder.write(CONFIG, plan.config.to_toml().as_bytes())?;
    folder.write_json(ENVIRONMENT, environment)?;
    announce(plan, device, folder, environment);
    Trainer::start(plan, device, folder, network)
}

/// Goes on with a run.
pub(super) fn resume(run: &Path, arguments: &TrainArguments) -> Result<String> {
    run_folder::check(run)?;
    let set = &arguments.set.values;
    let folder = RunFolder::open(run)?;
    let loaded = Checkpoint::load(&folder)?;
    let checkpoint = &loaded.checkpoint;
    let mut config = load_run(run, Some(checkpoint), set, arguments.place.data_dir())?;
    let changes = config.changes(checkpoint.position.epochs, loaded.problem.is_some());
    if !changes.is_empty() && !arguments.accept_changes {
        return Err(RunnerError::Changed {
            path: run.to_path_buf(),
            subject: "another config",
            differences: changes,
            remedy: UNDO.to_string(),
        });
    }
    let derived = config.complete(&checkpoint.last);
    let config = config.now;
    let device = device::select(arguments.place.device())?;
    config.data.provide(arguments.place.offline)?;
    let plan = Plan::prepare(config)?;
    if derived {
        let data = RunData::of(&plan)?;
        check_units(&plan, TRAINING_SPLIT, &data.train, false)?;
        check_units(&plan, TEST_SPLIT, &data.test, false)?;
    }
    let surveys = plan.survey(&Split::ALL)?;
    plan.check_memory(&device, &surveys, Work::Training)?;
    warn_of_another_device(Environment::of_run(&folder).as_ref(), &device);
    let accept = Accept {
        changes: arguments.accept_changes,
        test_split: set.iter().any(|one| key_of(one).starts_with("data.test")),
    };
    let finished = checkpoint.position.epochs;
    catch_interrupts();
    let trainer = Trainer::go_on(&plan, &device, &folder, loaded, accept)?;
    let environment = Environment::of_run(&folder).unwrap_or_else(|| Environment::current(&device));
    let environment = environment.with_splits(&surveys, &plan.doubts(&surveys));
    folder.write_json(ENVIRONMENT, &environment)?;
    announce(&plan, &device, &folder, &environment);
    if finished == plan.config.train.epochs {
        let command = hint::resume_command(run, arguments.place.device.as_deref());
        let epochs = counted(finished, "epoch");
        tracing::info!(
            "the run is finished, with all of its {epochs}: the best model is tested once more; to train on: {command} --set \
             train.epochs={}",
            2 * finished
        );
    }
    work(&plan, &device, &folder, trainer)
}

fn announce(plan: &Plan, device: &NamedDevice, folder: &RunFolder, environment: &Environment) {
    let [train, _, test] = plan.samples();
    let data = match plan.source.folder() {
        Some(path) => format!("{} in {}", plan.source.name(), path.display()),
        None => format!("{}, made here", plan.source.name()),
    };
    let (name, threads) = (&device.name, device.threads());
    tracing::info!("device {name}, threads {threads}");
    let train = counted(train, "training sample");
    tracing::info!("data {data}: {train}, {test} for the test");
    for (split, account) in &environment.splits {
        tracing::info!("{split} split: {account}");
    }
    for doubt in &environment.doubts {
        tracing::warn!("doubtful: {doubt}");
    }
    tracing::info!("run {}", folder.path().display());
}

/// Results are the same only on the same device.
fn warn_of_another_device(environment: Option<&Environment>, device: &NamedDevice) {
    let name = &device.name;
    let mut devices = environment.into_iter().flat_map(Environment::devices);
    if let Some(before) = devices.find(|before| before != name) {
        tracing::warn!("the run began on {before} and goes on with {name}: results will differ");
    }
}

fn work(
    plan: &Plan,
    device: &NamedDevice,
    folder: &RunFolder,
    trainer: Trainer<'_>,
) -> Result<String> {
    let trained = trainer.run(&STOP, &mut Progress::new())?;
    let loader = plan.test_loader(&device.device)?;
    let test = Evaluation::run_until(&trained.network, &loader, &STOP)?;
    let test = test.ok_or_else(|| RunnerError::Interrupted {
        at: "in the test after the last epoch".to_string(),
        path: folder.path().to_path_buf(),
    })?;
    let summary = Summary::new(plan, device, folder, &test, trained.best_epoch)?;
    folder.write_json(SUMMARY, &summary)?;
    Ok(format!(
        "test accuracy {} % (model of epoch {} of {}), {} hidden spikes a sample, \
         {} s an epoch\n{}\n",
        shown(summary.test_accuracy, 100.0, 2),
        summary.best_epoch,
        summary.epochs,
        shown(summary.hidden_spikes_per_sample, 1.0, 2),
        shown(summary.seconds_per_epoch, 1.0, 2),
        folder.file(SUMMARY).display(),
    ))
}
