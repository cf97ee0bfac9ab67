//! The runs of an experiment: which there are, how far each is, and the work on one.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use runner::{Config, EpochRecord};

use super::activity;
use super::read::{difference, epochs, seeds, summary};
use crate::experiment::{BLOCK, Experiment, MULTI, Places, SINGLE};
use crate::files;

/// What of a run folder is published.
const PUBLISHED: [&str; 4] = [
    "config.toml",
    "environment.json",
    "summary.json",
    "epochs.jsonl",
];

/// A run that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The experiment that the run belongs to.
    pub experiment: Experiment,
    /// The name of the config.
    pub data: &'static str,
    /// The model, as `model.formulation` names it.
    pub formulation: &'static str,
    /// The seed.
    pub seed: u64,
    /// Fewer epochs than the config's.
    pub epochs: Option<usize>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is nothing of the run.
    New,
    /// Some epochs are finished.
    Begun {
        /// How many.
        epochs: usize,
    },
    /// All wanted epochs are finished, and tested.
    Done,
}

/// How the work on a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The run is done and published.
    Done,
    /// Ctrl-C stopped it.
    Stopped,
    /// The runner has said why, or was killed.
    Failed,
}

impl Run {
    /// The runs of an experiment; `only` names data sets, or data set and formulation
    /// (`mnist/scan`), and nothing names all.
    pub fn plan(
        experiment: Experiment,
        only: &[String],
        seeds: u64,
        epochs: Option<usize>,
    ) -> Vec<Self> {
        let mut runs = Vec::new();
        for &data in experiment.data() {
            for &formulation in experiment.formulations() {
                for seed in 0..seeds {
                    runs.push(Self {
                        experiment,
                        data,
                        formulation,
                        seed,
                        epochs,
                    });
                }
            }
        }
        runs.retain(|run| only.is_empty() || only.iter().any(|name| run.is_named(name)));
        runs
    }

    /// Whether a name means this run among others.
    pub fn is_named(&self, name: &str) -> bool {
        name == self.data || name == self.model()
    }

    /// `mnist/scan`.
    pub fn model(&self) -> String {
        format!("{}/{}", self.data, self.formulation)
    }

    /// `datasets mnist/scan seed 0`.
    pub fn label(&self) -> String {
        let (experiment, model) = (self.experiment.name(), self.model());
        format!("{experiment} {model} seed {}", self.seed)
    }

    /// The run's folder.
    pub fn folder(&self, places: &Places) -> PathBuf {
        let name = format!("{}-{}-seed-{}", self.data, self.formulation, self.seed);
        places.runs.join(self.experiment.name()).join(name)
    }

    /// The folder where the run's small files are published.
    pub fn published(&self, places: &Places) -> PathBuf {
        let model = self
            .experiment
            .published(places, self.data, self.formulation);
        model.join(format!("seed-{}", self.seed))
    }

    pub(crate) fn overrides(&self) -> Vec<String> {
        vec![
            format!("seed={}", self.seed),
            format!("model.formulation={}", self.formulation),
        ]
    }

    /// The run's config, with all of its epochs.
    pub fn config(&self, places: &Places) -> Result<Config> {
        let path = self.experiment.config(places, self.data);
        Ok(Config::load(&path, &self.overrides())?)
    }

    /// How many epochs are wanted.
    pub fn wanted(&self, places: &Places) -> Result<usize> {
        let all = self.config(places)?.train.epochs;
        Ok(self.epochs.map_or(all, |epochs| epochs.min(all)))
    }

    /// How far the run is, in its folder or among the results.
    ///
    /// # Errors
    ///
    /// A folder with a run of another config.
    pub fn state(&self, places: &Places) -> Result<State> {
        let working = self.state_of(places, &self.folder(places))?;
        if working != State::Done && self.state_of(places, &self.published(places))? == State::Done
        {
            return Ok(State::Done);
        }
        Ok(working)
    }

    fn state_of(&self, places: &Places, folder: &Path) -> Result<State> {
        let path = folder.join("config.toml");
        if !path.is_file() {
            return Ok(State::New);
        }
        let found = Config::load(&path, &[])?;
        if let Some((found, expected)) = difference(&found, &self.config(places)?) {
            bail!(
                "{}: found `{found}`, expected `{expected}` as in {}; move the folder away",
                path.display(),
                self.experiment.config(places, self.data).display()
            );
        }
        let epochs = epochs(folder)?.len();
        match summary(folder)? {
            Some(summary) if summary.epochs == epochs && epochs >= self.wanted(places)? => {
                Ok(State::Done)
            }
            _ => Ok(State::Begun { epochs }),
        }
    }

    /// About how many seconds the rest takes, by the run's own epochs or by those of other runs on the data. `None`
    /// where nothing is known.
    pub fn seconds_left(&self, places: &Places) -> Result<Option<f64>> {
        let wanted = self.wanted(places)?;
        let done = match self.state(places)? {
            State::Done => return Ok(Some(0.0)),
            State::Begun { epochs } => epochs,
            State::New => 0,
        };
        let left = wanted.saturating_sub(done) as f64;
        // Its own epochs, else those of the nearest run: first of the same model.
        let mut known = epochs(&self.folder(places))?;
        let alike: &[Experiment] = match self.experiment {
            Experiment::Convolutions => &[Experiment::Convolutions],
            own => &[own, Experiment::DataSets, Experiment::Robustness],
        };
        for formulation in [self.formulation, BLOCK, SINGLE, MULTI] {
            for &experiment in alike {
                let published = experiment.published(places, self.data, formulation);
                let published = seeds(&published)?.into_iter().map(|(_, folder)| folder);
                let other = Self {
                    experiment,
                    formulation,
                    ..self.clone()
                };
                for folder in published.chain([other.folder(places)]) {
                    if known.is_empty() {
                        known = epochs(&folder)?;
                    }
                }
            }
        }
        if known.is_empty() {
            return Ok(None);
        }
        let one =
            |epoch: &EpochRecord| epoch.train_seconds + epoch.validation_seconds.unwrap_or(0.0);
        Ok(Some(
            left * known.iter().map(one).sum::<f64>() / known.len() as f64,
        ))
    }

    /// What is typed after `cargo` to begin the run or to go on with it.
    pub fn arguments(
        &self,
        places: &Places,
        state: State,
        device: Option<&str>,
    ) -> Result<Vec<String>> {
        let text = |path: PathBuf| path.display().to_string();
        let mut arguments: Vec<String> = ["run", "-p", "runner"].map(String::from).into();
        let kind = device.and_then(|device| device.split(':').next());
        if let Some(kind @ ("cuda" | "wgpu")) = kind {
            arguments.extend(["--features".to_string(), kind.to_string()]);
        }
        arguments.push("--".to_string());
        if let Some(device) = device {
            arguments.extend(["--device".to_string(), device.to_string()]);
        }
        let mut set = Vec::new();
        match state {
            State::Begun { epochs } => {
                arguments.extend(["--resume".to_string(), text(self.folder(places))]);
                set.push(format!("train.epochs={}", self.wanted(places)?.max(epochs)));
            }
            _ => {
                arguments.extend(["--out".to_string(), text(self.folder(places))]);
                set = self.overrides();
                set.extend(
                    self.epochs
                        .map(|_| self.wanted(places))
                        .transpose()?
                        .map(|n| format!("train.epochs={n}")),
                );
            }
        }
        for value in set {
            arguments.extend(["--set".to_string(), value]);
        }
        if !matches!(state, State::Begun { .. }) {
            arguments.push(text(self.experiment.config(places, self.data)));
        }
        Ok(arguments)
    }

    /// Trains to the end in a process of its own, as its memory is measured, and publishes. A run that is done
    /// is published if it is not yet.
    ///
    /// # Errors
    ///
    /// A folder with a run of another config, or files that cannot be read or written.
    pub fn work(&self, places: &Places, device: Option<&str>) -> Result<Outcome> {
        let state = self.state(places)?;
        if state != State::Done {
            let arguments = self.arguments(places, state, device)?;
            tracing::info!("cargo {}", arguments.join(" "));
            let training = Command::new("cargo")
                .args(&arguments)
                .stdin(Stdio::null())
                .spawn();
            let mut training = training.context("cargo")?;
            TRAINING.store(training.id(), Ordering::Relaxed);
            let status = training.wait();
            TRAINING.store(0, Ordering::Relaxed);
            let status = status.context("cargo")?;
            match status.code() {
                Some(0) => (),
                Some(129 | 130 | 143) => return Ok(Outcome::Stopped),
                None if by_request(status) => return Ok(Outcome::Stopped),
                _ => {
                    tracing::error!("{}: {status}", self.label());
                    return Ok(Outcome::Failed);
                }
            }
        }
        if self.state_of(places, &self.folder(places))? == State::Done {
            self.publish(places)?;
        }
        Ok(Outcome::Done)
    }

    /// Copies the small files to the results, all or nothing.
    fn publish(&self, places: &Places) -> Result<()> {
        let (from, to) = (self.folder(places), self.published(places));
        // A shorter look does not take the place of more.
        let length = |folder: &Path| Some(summary(folder).ok()??.epochs);
        if length(&to) > length(&from) {
            tracing::info!("{}: has more epochs, and stays", to.display());
            return Ok(());
        }
        let mut published = Vec::new();
        for name in PUBLISHED {
            published.push((name, files::text(&from.join(name))?.into_bytes()));
        }
        if self.experiment == Experiment::Robustness {
            let batches = activity::read_log(&from.join("batches.jsonl"))?;
            published.push((
                activity::FILE,
                activity::to_csv(&activity::thin(&batches)).into_bytes(),
            ));
        }
        if published
            .iter()
            .all(|(name, bytes)| fs::read(to.join(name)).is_ok_and(|old| old == *bytes))
        {
            return Ok(());
        }
        let temporary = to.with_file_name(format!(".seed-{}.tmp", self.seed));
        let written = (|| {
            remove(&temporary)?;
            fs::create_dir_all(&temporary)?;
            for (name, bytes) in &published {
                fs::write(temporary.join(name), bytes)?;
                File::open(temporary.join(name))?.sync_all()?;
            }
            remove(&to)?;
            fs::rename(&temporary, &to)
        })();
        written.with_context(|| to.display().to_string())?;
        tracing::info!("{}", to.display());
        Ok(())
    }
}

/// The process of the training, 0 without one.
static TRAINING: AtomicU32 = AtomicU32::new(0);

/// Passes SIGTERM on to the training, so that it saves: whoever sends it often knows this process alone. A terminal's
/// signals reach both.
pub fn pass_on(signal: i32) {
    const SIGTERM: i32 = 15;
    let process = TRAINING.load(Ordering::Relaxed);
    if signal == SIGTERM && process != 0 {
        // Without a `kill` the training goes on, and so does this process until it ends.
        let _ = Command::new("kill").arg(process.to_string()).status();
    }
}

/// Whether SIGHUP, SIGINT or SIGTERM ended a process, cargo for one.
#[cfg(unix)]
fn by_request(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    matches!(status.signal(), Some(1 | 2 | 15))
}

#[cfg(not(unix))]
fn by_request(_: ExitStatus) -> bool {
    false
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
