//! `eval`: the test of a run's best model.

use super::arguments::EvalArguments;
use super::load::{key_of, load_run};
use crate::best_model::best_weights;
use crate::config::is_place;
use crate::error::{Result, RunnerError};
use crate::evaluate::{Compared, Evaluation, ScoredSplit};
use crate::identity::{SplitContent, TEST_SPLIT, check_units};
use crate::memory::Work;
use crate::plan::Plan;
use crate::run_folder::{self, BEST, CONFIG, EVALUATION, RunFolder};
use crate::splits::Split;
use crate::train::restore;
use crate::weights;
use block_core::device;
use block_data::{Content, DataError};

/// Tests a run's best model. Reading is enough for that: of a folder that cannot be written to, or
/// that a training works on, only the report is printed.
pub(super) fn eval(arguments: &EvalArguments) -> Result<String> {
    let run = arguments.run.as_path();
    run_folder::check(run)?;
    let set = &arguments.set;
    if let Some(other) = set.iter().find(|one| !is_place(key_of(one))) {
        return Err(RunnerError::Usage(format!(
            "--set {other}: the rest of the config belongs to the model, expected data.test=FILE or data.dir=DIR"
        )));
    }
    let (bytes, checkpoint) = best_weights(run)?;
    let path = run.join(BEST);
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
