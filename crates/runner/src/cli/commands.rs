//! The commands that work: train, resume, eval.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{EvalArguments, TrainArguments};
use super::interrupts::catch_interrupts;
use super::load::{key_of, load, load_run};
use crate::checkpoint::Checkpoint;
use crate::config::is_place;
use crate::environment::Environment;
use crate::error::{Result, RunnerError};
use crate::evaluate::{Compared, Evaluation, ScoredSplit};
use crate::identity::{Accept, RunData, SplitContent, TEST_SPLIT, TRAINING_SPLIT, check_units};
use crate::memory::Work;
use crate::metrics::shown;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::run_folder::{self, BEST, CONFIG, ENVIRONMENT, EVALUATION, RunFolder, SUMMARY};
use crate::signals::STOP;
use crate::splits::Split;
use crate::summary::Summary;
use crate::train::{Trainer, UNDO, restore};
use crate::weights;
use block_core::device::{self, NamedDevice};
use block_data::{Content, DataError};
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
    let accept = match arguments.accept_changes {
        true => Accept::Everything,
        false if set.iter().any(|one| key_of(one).starts_with("data.test")) => Accept::TestSplit,
        false => Accept::Nothing,
    };
    catch_interrupts();
    let trainer = Trainer::go_on(&plan, &device, &folder, loaded, accept)?;
    let environment = Environment::of_run(&folder).unwrap_or_else(|| Environment::current(&device));
    let environment = environment.with_splits(&surveys, &plan.doubts(&surveys));
    folder.write_json(ENVIRONMENT, &environment)?;
    announce(&plan, &device, &folder, &environment);
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
    tracing::info!("data {data}: {train} training samples, {test} for the test");
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
        tracing::warn!("the run was on {before} and goes on on {name}: results will differ");
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

/// Tests a run's best model. Reading is enough for that: of a folder that cannot be written to, or
/// that a training works on, only the report is printed.
pub(super) fn eval(arguments: &EvalArguments) -> Result<String> {
    let run: &PathBuf = &arguments.run;
    run_folder::check(run)?;
    let set = &arguments.set;
    if let Some(other) = set.iter().find(|one| !is_place(key_of(one))) {
        return Err(RunnerError::Usage(format!(
            "--set {other}: the rest of the config belongs to the model, expected data.test=FILE or data.dir=DIR"
        )));
    }
    let checkpoint = Checkpoint::look_at(run);
    let mut config = load_run(run, checkpoint.as_ref(), set, arguments.place.data_dir())?;
    // Of another training nothing follows for the model that there is.
    let mut changes = config.changes(0, false);
    changes.retain(|one| {
        ["`data.", "`encode.", "`model."]
            .iter()
            .any(|table| one.what.starts_with(table))
    });
    changes.retain(|one| one.what != "`data.validation`" && one.what != "`data.augment`");
    if !changes.is_empty() {
        return Err(RunnerError::Changed {
            path: run.to_path_buf(),
            subject: "another config",
            differences: changes,
            remedy: format!("undo that in {}", run.join(CONFIG).display()),
        });
    }
    let device = device::select(arguments.place.device())?;
    let path = run.join(BEST);
    let bytes = fs::read(&path).map_err(|source| RunnerError::Read {
        path: path.clone(),
        source,
        expected: "the weights of the run's best epoch, written when its first epoch ends",
    })?;
    let before = checkpoint.and_then(|checkpoint| checkpoint.data);
    let derived = config.complete(&bytes);
    let config = config.now;
    if set.iter().any(|one| key_of(one).starts_with("data.train")) {
        tracing::info!("eval scores the test split: data.train is not opened");
    }
    let plan = match Plan::prepare_test(config.clone()) {
        Err(RunnerError::Data(DataError::Missing { .. })) => {
            config.data.provide(arguments.place.offline)?;
            Plan::prepare_test(config)?
        }
        plan => plan?,
    };
    let content = SplitContent::from(Content::of(&plan.source.test())?);
    let folds = before
        .as_ref()
        .map_or(!derived, |before| before.folds(plan.source.units()));
    check_units(&plan, TEST_SPLIT, &content, folds)?;
    let named = set.iter().any(|one| key_of(one).starts_with("data.test"));
    let split = ScoredSplit::new(
        plan.file_of(true),
        content,
        before.as_ref().map(|before| &before.test),
        named,
    );
    match split.compared {
        Compared::Same => (),
        Compared::Named => tracing::info!("{split}"),
        Compared::Changed | Compared::Unknown => tracing::warn!("{split}"),
    }
    let surveys = plan.survey(&[Split::Test])?;
    plan.check_memory(&device, &surveys, Work::Evaluation)?;
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
    let beyond = weights::beta_beyond(&bytes);
    if let Some(parameter) = weights::not_finite(&bytes).first() {
        let problem = format!("`{parameter}` holds a number that is not finite");
        return Err(RunnerError::Checkpoint { path, problem });
    }
    let network = restore(&plan, &device.device, bytes, &path)?;
    if let Some(beyond) = beyond {
        tracing::warn!("{}: {beyond}", path.display());
    }
    let (name, threads) = (&device.name, device.threads());
    tracing::info!("device {name}, threads {threads}");
    for (split, survey) in surveys.iter() {
        tracing::info!("{split} split: {}", survey.account);
    }
    for doubt in plan.doubts(&surveys) {
        tracing::warn!("doubtful: {doubt}");
    }
    let test = Evaluation::run(&network, &plan.test_loader(&device.device)?)?;
    let names = before.map(|before| before.class_names);
    let names = names.filter(|names| names.len() == plan.source.classes());
    let names = names.unwrap_or_else(|| plan.source.class_names().to_vec());
    let report = test.report(plan.source.name(), &names, name, split);
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
