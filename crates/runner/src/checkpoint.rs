//! Everything that going on with a run needs, in one file, so that it is replaced at once.
//!
//! `resume.safetensors` holds the files `last` and `best` as bytes, and Adam's moments as `adam.first.PATH` and
//! `adam.second.PATH`. Its metadata has the layout's `version`, the [`Position`] as JSON, and, where they are
//! known, the resolved `config` as TOML and the content of the `data` as JSON. `replaces` is the text of a config file that is
//! about to be written anew.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use block_models::Moments;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use crate::config::{Config, TrainConfig};
use crate::error::RunnerError;
use crate::files::REPAIR;
use crate::identity::RunData;
use crate::legacy;
use crate::metrics::{Totals, bits};
use crate::run_folder::{BEST, LAST, RESUME, RunFolder};

/// The layout that is written. Version 1 had its number in the position, and older names of parameters.
const VERSION: u32 = 2;
const VERSION_KEY: &str = "version";
const POSITION: &str = "position";
const CONFIG: &str = "config";
const DATA: &str = "data";
const REPLACES: &str = "replaces";

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Finished epochs.
    pub epochs: usize,
    /// Batches done of the epoch after those.
    pub batches: usize,
    /// Sums over these batches.
    pub totals: Totals,
    /// Seconds that these batches took, loader included.
    pub seconds: f64,
    /// What of that was spent waiting for the loader.
    pub wait_seconds: f64,
    /// The learning rate.
    #[serde(with = "bits")]
    pub learning_rate: f64,
    /// The epoch with the lowest loss, from 1.
    pub best: Option<Best>,
    /// Bytes of `epochs.jsonl`.
    pub epochs_length: u64,
    /// Bytes of `batches.jsonl`.
    pub batches_length: u64,
    adam_steps: BTreeMap<String, usize>,
}

/// The epoch whose model is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Its loss.
    #[serde(with = "bits")]
    pub loss: f64,
}

impl Position {
    /// Begins the epoch under way anew, as what comes is another training: the learning rate is the one that `train` has
    /// at this epoch, and losses of before tell nothing of the best epoch to come.
    pub(crate) fn accept_changes(&mut self, train: &TrainConfig) {
        self.batches = 0;
        self.totals = Totals::default();
        (self.seconds, self.wait_seconds) = (0.0, 0.0);
        let milestones = train.milestones.iter().filter(|&&at| at <= self.epochs);
        self.learning_rate = milestones.fold(train.learning_rate, |rate, _| rate * train.gamma);
        if self.epochs < train.epochs {
            self.best = None;
        }
    }

    /// Before the first batch.
    pub(crate) fn start(learning_rate: f64) -> Self {
        Self {
            epochs: 0,
            batches: 0,
            totals: Totals::default(),
            seconds: 0.0,
            wait_seconds: 0.0,
            learning_rate,
            best: None,
            epochs_length: 0,
            batches_length: 0,
            adam_steps: BTreeMap::new(),
        }
    }
}

/// A run at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint {
    /// How far it is.
    pub position: Position,
    /// The weights, as a safetensors file.
    pub last: Vec<u8>,
    /// The kept model's.
    pub best: Option<Vec<u8>>,
    /// Adam's state by the parameters' paths.
    pub moments: BTreeMap<String, Moments>,
    /// The resolved config as TOML, if it was written.
    pub config: Option<String>,
    /// The text of a file `config.toml` that is not yet this config's.
    pub replaces: Option<String>,
    /// The content of the data, if it was written.
    pub data: Option<RunData>,
}

impl Checkpoint {
    /// Writes it, first the one file that counts, then the weights for others to read.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub(crate) fn save(&self, folder: &RunFolder) -> crate::error::Result<()> {
        let bytes = self.to_bytes().map_err(|error| RunnerError::Write {
            path: folder.file(RESUME),
            source: std::io::Error::other(format!("{error:#}")),
            remedy: REPAIR,
        })?;
        folder.write(RESUME, &bytes)?;
        folder.write(LAST, &self.last)?;
        match &self.best {
            Some(best) if fs::read(folder.file(BEST)).ok().as_ref() != Some(best) => {
                folder.write(BEST, best)
            }
            _ => Ok(()),
        }
    }

    /// Reads that of a run.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Checkpoint`] if there is none or it is damaged.
    pub(crate) fn load(folder: &RunFolder) -> crate::error::Result<Self> {
        let path = folder.file(RESUME);
        let problem = match fs::read(&path) {
            Ok(bytes) => match Self::from_bytes(&bytes) {
                Ok((checkpoint, version)) => {
                    if version < VERSION {
                        tracing::warn!("{}: {}", path.display(), legacy::WARNING);
                    }
                    return Ok(checkpoint);
                }
                Err(error) => format!("not a checkpoint of this version: {error:#}"),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                "missing: the run ended before its first checkpoint; start it anew".to_string()
            }
            Err(source) => {
                let expected = "the checkpoint of a run";
                return Err(RunnerError::Read {
                    path,
                    source,
                    expected,
                });
            }
        };
        Err(RunnerError::Checkpoint { path, problem })
    }

    /// That of a run's folder which is only looked at, if it can be read.
    pub(crate) fn look_at(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(RESUME)).ok()?;
        Some(Self::from_bytes(&bytes).ok()?.0)
    }

    /// The resolved config that the run has, if it was written.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn run_config(&self) -> crate::error::Result<Option<Config>> {
        let parse = |text: &String| Config::parse(text, &format!("config of {RESUME}"), &[]);
        self.config.as_ref().map(parse).transpose()
    }

    fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let mut position = self.position.clone();
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let blobs = [("last", Some(&self.last)), ("best", self.best.as_ref())];
        for (name, bytes) in blobs {
            if let Some(bytes) = bytes {
                let shape = vec![bytes.len()];
                tensors.push((name.to_string(), Dtype::U8, shape, bytes.clone()));
            }
        }
        position.adam_steps.clear();
        for (path, moments) in &self.moments {
            position.adam_steps.insert(path.clone(), moments.steps);
            for (name, values) in [("first", &moments.first), ("second", &moments.second)] {
                let bytes = values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                let name = format!("adam.{name}.{path}");
                tensors.push((name, Dtype::F32, moments.shape.clone(), bytes));
            }
        }
        let views: Result<Vec<_>, SafeTensorError> = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                let view = TensorView::new(*dtype, shape.clone(), bytes)?;
                Ok::<_, SafeTensorError>((name.as_str(), view))
            })
            .collect();
        let mut metadata = HashMap::from([
            (VERSION_KEY, VERSION.to_string()),
            (POSITION, serde_json::to_string(&position)?),
        ]);
        metadata.extend(self.config.clone().map(|config| (CONFIG, config)));
        metadata.extend(self.replaces.clone().map(|text| (REPLACES, text)));
        if let Some(data) = &self.data {
            metadata.insert(DATA, serde_json::to_string(data)?);
        }
        let metadata = metadata.into_iter();
        let metadata = metadata.map(|(key, value)| (key.to_string(), value));
        Ok(serialize(views?, Some(metadata.collect()))?)
    }

    /// With the version of the layout that was found.
    fn from_bytes(bytes: &[u8]) -> anyhow::Result<(Self, u32)> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let metadata = metadata.metadata().clone().unwrap_or_default();
        let position = metadata.get(POSITION).context("it says no position")?;
        let version = match metadata.get(VERSION_KEY) {
            Some(version) => version
                .parse::<u32>()
                .with_context(|| format!("version {version:?}"))?,
            None => 1,
        };
        if version > VERSION {
            bail!("found version {version}, expected {VERSION} or less: it is a later runner's");
        }
        let position: Position = serde_json::from_str(position).context("its position")?;
        let data = metadata.get(DATA);
        let data = data.map(|json| serde_json::from_str(json));
        let tensors = SafeTensors::deserialize(bytes)?;
        let mut moments = BTreeMap::new();
        for (path, &steps) in &position.adam_steps {
            let tensor = |name: &str| tensors.tensor(&format!("adam.{name}.{path}"));
            let (first, second) = (tensor("first")?, tensor("second")?);
            let state = Moments {
                steps,
                shape: first.shape().to_vec(),
                first: floats(&first)?,
                second: floats(&second)?,
            };
            moments.insert(legacy::path(path).into_owned(), state);
        }
        let weights = |name: &str| -> anyhow::Result<Vec<u8>> {
            let bytes = tensors.tensor(name)?.data();
            let renamed = match version {
                1 => legacy::weights(bytes).context("its weights")?,
                _ => None,
            };
            Ok(renamed.unwrap_or_else(|| bytes.to_vec()))
        };
        let checkpoint = Self {
            last: weights("last")?,
            best: position.best.map(|_| weights("best")).transpose()?,
            moments,
            config: metadata.get(CONFIG).cloned(),
            replaces: metadata.get(REPLACES).cloned(),
            data: data.transpose().context("its data")?,
            position,
        };
        Ok((checkpoint, version))
    }
}

fn floats(view: &TensorView<'_>) -> anyhow::Result<Vec<f32>> {
    if view.dtype() != Dtype::F32 {
        bail!("found {:?}, expected F32", view.dtype());
    }
    let (values, _) = view.data().as_chunks::<4>();
    Ok(values
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SplitContent;

    #[test]
    fn a_checkpoint_comes_back_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path()).unwrap();
        assert!(Checkpoint::load(&folder).is_err());
        let mut position = Position::start(0.1 + 0.2);
        position.best = Some(Best {
            epoch: 3,
            loss: 1.0 / 3.0,
        });
        position.adam_steps.insert("a.b".to_string(), 5);
        let moments = Moments {
            steps: 5,
            shape: vec![2, 1],
            first: vec![0.1, f32::MIN_POSITIVE],
            second: vec![-1.5, 3.0],
        };
        let split = |fingerprint: &str| SplitContent {
            samples: 3,
            largest_unit: Some(7),
            largest_label: None,
            fingerprint: fingerprint.to_string(),
        };
        let checkpoint = Checkpoint {
            position,
            last: vec![1, 2, 3],
            best: Some(vec![4]),
            moments: BTreeMap::from([("a.b".to_string(), moments)]),
            config: Some("seed = 1\n".to_string()),
            replaces: Some("seed = 0\n".to_string()),
            data: Some(RunData {
                train: split("0"),
                test: split("1"),
                class_names: vec!["a".to_string(), "b".to_string()],
            }),
        };
        checkpoint.save(&folder).unwrap();
        assert_eq!(Checkpoint::load(&folder).unwrap(), checkpoint);
        assert_eq!(fs::read(folder.file(BEST)).unwrap(), [4]);

        let path = folder.file(RESUME);
        let bytes = fs::read(&path).unwrap();
        let version = b"\"version\":\"2\"";
        let mut windows = bytes.windows(version.len());
        let at = windows.position(|window| window == version).unwrap();
        let mut later = bytes.clone();
        later[at + version.len() - 2] = b'3';
        fs::write(&path, later).unwrap();
        let message = Checkpoint::load(&folder).unwrap_err().to_string();
        assert!(message.contains("found version 3, expected 2"), "{message}");

        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let message = Checkpoint::load(&folder).unwrap_err().to_string();
        assert!(
            message.contains("resume.safetensors: not a checkpoint"),
            "{message}"
        );
    }
}
