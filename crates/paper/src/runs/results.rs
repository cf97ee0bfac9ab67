//! What is published of runs: read back, for tables and figures.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail};
use runner::{Config, Environment, EpochRecord, Summary};

use super::activity::{self, Batch};
use super::read;
use crate::experiment::{Experiment, Places};
use crate::files;
use crate::page::content::Table;
use crate::statistics::Spread;
use crate::words::{data_title, duration, machine, model_title};

/// What to do about damaged results.
const RENEW: &str = "move the folder away and run `cargo xtask reproduce` on it again";

/// A finished run.
pub(crate) struct Finished {
    pub seed: u64,
    pub summary: Summary,
    pub environment: Environment,
    pub epochs: Vec<EpochRecord>,
    /// Batches, thinned; of runs from a silent start.
    pub batches: Vec<Batch>,
}

/// All published runs of a model on a data set.
pub(crate) struct Model {
    pub experiment: Experiment,
    pub data: &'static str,
    pub formulation: &'static str,
    /// Epochs of the config.
    pub epochs: usize,
    /// By seed; those of the most epochs.
    pub runs: Vec<Finished>,
    /// Shorter ones, which are not compared.
    left_out: usize,
}

/// The models of an experiment, run or not.
pub(crate) fn models(places: &Places, experiment: Experiment) -> Result<Vec<Model>> {
    let mut models = Vec::new();
    for &data in experiment.data() {
        for &formulation in experiment.formulations() {
            models.push(Model::load(places, experiment, data, formulation)?);
        }
    }
    Ok(models)
}

impl Model {
    fn load(
        places: &Places,
        experiment: Experiment,
        data: &'static str,
        formulation: &'static str,
    ) -> Result<Self> {
        let path = experiment.config(places, data);
        let setting = format!("model.formulation={formulation}");
        let config = Config::load(&path, &[setting])?;
        let epochs = config.train.epochs;
        let mut found = Vec::new();
        for (seed, folder) in read::seeds(&experiment.published(places, data, formulation))? {
            let at = folder.display();
            let summary = read::summary(&folder)
                .map_err(|error| anyhow!("{error:#}; {RENEW}"))?
                .with_context(|| {
                    format!("{at}: no summary.json, expected a finished run; {RENEW}")
                })?;
            let records = read::epochs(&folder)?;
            let batches = match experiment {
                Experiment::Robustness => activity::read_csv(&folder.join(activity::FILE))?,
                Experiment::DataSets | Experiment::Convolutions => Vec::new(),
            };
            let last = batches.last().map_or(0, |batch| batch.number);
            if !records.is_empty() && last % records.len() != 0 {
                bail!(
                    "{at}/{}: found {last} batches, expected as many in each of {} epochs; {RENEW}",
                    activity::FILE,
                    records.len()
                );
            }
            for (file, what, found, expected) in [
                ("summary.json", "seed", summary.seed, seed),
                (
                    "epochs.jsonl",
                    "epochs",
                    records.len() as u64,
                    summary.epochs as u64,
                ),
            ] {
                if found != expected {
                    bail!("{at}/{file}: found {what} {found}, expected {expected}; {RENEW}");
                }
            }
            let mut expected = config.clone();
            expected.seed = seed;
            let of_run = Config::load(&folder.join("config.toml"), &[])?;
            if let Some((found, expected)) = read::difference(&of_run, &expected) {
                bail!("{at}/config.toml: found `{found}`, expected `{expected}`; {RENEW}");
            }
            let environment = files::json(&folder.join("environment.json"))?;
            found.push(Finished {
                seed,
                summary,
                environment,
                epochs: records,
                batches,
            });
        }
        let all = found.len();
        let most = found.iter().map(|run| run.summary.epochs).max();
        found.retain(|run| Some(run.summary.epochs) == most);
        Ok(Self {
            experiment,
            data,
            formulation,
            epochs,
            left_out: all - found.len(),
            runs: found,
        })
    }

    /// Epochs of each run; 0 where there is none.
    pub(crate) fn epochs_run(&self) -> usize {
        self.runs.first().map_or(0, |run| run.summary.epochs)
    }

    /// A number over the runs in which it was measured.
    pub(crate) fn spread(&self, of: impl Fn(&Finished) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(of))
    }

    /// The machine, where all runs had the same: only then are times comparable.
    pub(crate) fn machine(&self) -> Option<String> {
        let mut machines = self.runs.iter().map(|run| machine(&run.environment));
        let first = machines.next()?;
        machines.all(|other| other == first).then_some(first)
    }

    /// `3 runs`; `1 run, 5 of 200 epochs`.
    pub(crate) fn extent(&self) -> String {
        let mut text = match self.runs.len() {
            1 => "1 run".to_string(),
            number => format!("{number} runs"),
        };
        if self.is_short() {
            text += &format!(", {} of {} epochs", self.epochs_run(), self.epochs);
        }
        if self.left_out > 0 {
            text += &format!(" ({} shorter left out)", self.left_out);
        }
        text
    }

    /// Whether its runs were cut short.
    pub(crate) fn is_short(&self) -> bool {
        self.epochs_run() < self.epochs
    }

    /// What of the seeds and epochs that are asked for by default is missing.
    fn left(&self) -> Option<String> {
        if self.runs.is_empty() {
            return Some("all".to_string());
        }
        if self.is_short() {
            return Some(format!("all but {}", self.extent()));
        }
        let missing: Vec<String> = (0..self.experiment.seeds())
            .filter(|seed| self.runs.iter().all(|run| run.seed != *seed))
            .map(|seed| seed.to_string())
            .collect();
        (!missing.is_empty()).then(|| format!("seed {}", missing.join(", ")))
    }

    /// What makes its runs.
    pub(crate) fn command(&self) -> String {
        let experiment = self.experiment.name();
        format!(
            "cargo xtask reproduce {experiment} --only {}/{}",
            self.data, self.formulation
        )
    }
}

/// Seeds, machine, commit and duration of what was run.
pub(crate) fn made_with(models: &[Model]) -> Table {
    let rows = models
        .iter()
        .filter(|model| !model.runs.is_empty())
        .map(|model| {
            let seconds = model.spread(|run| {
                let epochs = run.epochs.iter();
                epochs
                    .map(|epoch| epoch.train_seconds + epoch.validation_seconds.unwrap_or(0.0))
                    .reduce(|sum, seconds| sum + seconds)
            });
            let together = |of: &dyn Fn(&Finished) -> String| {
                let all: BTreeSet<String> = model.runs.iter().map(of).collect();
                all.into_iter().collect::<Vec<_>>().join(", ")
            };
            vec![
                data_title(model.data).to_string(),
                model_title(model.formulation).to_string(),
                together(&|run| run.seed.to_string()),
                together(&|run| run.summary.epochs.to_string()),
                together(&|run| match run.environment.resumed.is_empty() {
                    true => machine(&run.environment),
                    false => machine(&run.environment) + ", resumed",
                }),
                together(&|run| {
                    let commit = run.environment.commit.as_deref().unwrap_or("unknown");
                    commit.chars().take(7).collect()
                }),
                together(&|run| run.environment.started.chars().take(10).collect()),
                seconds.map_or(String::new(), |spread| duration(spread.mean)),
            ]
        });
    Table {
        caption: "How it was made. Duration: training and validation of a run, the mean"
            .to_string(),
        header: [
            "data set", "model", "seeds", "epochs", "device", "commit", "day", "duration",
        ]
        .map(String::from)
        .into(),
        rows: rows.collect(),
    }
}

/// What is left to run, with its command.
pub(crate) fn missing(models: &[Model]) -> Table {
    let rows = models.iter().filter_map(|model| {
        Some(vec![
            data_title(model.data).to_string(),
            model_title(model.formulation).to_string(),
            model.left()?,
            model.command(),
        ])
    });
    Table {
        caption: "Not run here, with the command that runs it".to_string(),
        header: ["data set", "model", "what", "command"]
            .map(String::from)
            .into(),
        rows: rows.collect(),
    }
}
