//! Everything that going on with a run needs, in one file, so that it is replaced at once.
//!
//! `resume.safetensors` holds the files `last` and `best` as bytes, and Adam's moments as `adam.first.PATH` and
//! `adam.second.PATH`. Its metadata has the layout's `version`, the [`Position`] as JSON, and, where they are
//! known, the resolved `config` as TOML and the content of the `data` as JSON. `replaces` is the text of a config file that is
//! about to be written anew. Its `checksum` covers all of the file.
//!
//! The checkpoint before it stays as `resume-previous.safetensors`, and takes its place where the last one is damaged.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use block_data::counted;
use block_models::{Adam, Moments, Network};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::config::Config;
use crate::error::RunnerError;
use crate::files::{REPAIR, read_at_most};
use crate::identity::RunData;
use crate::position::Position;
use crate::room::memory_bytes;
use crate::run_folder::{BEST, EPOCHS, LAST, PREVIOUS, RESUME, RunFolder};
use crate::{integrity, legacy, weights};

/// The layout that is written. Version 1 had its number in the position, and older names of parameters; version 2
/// had no checksum.
const VERSION: u32 = 3;
const VERSION_KEY: &str = "version";
const POSITION: &str = "position";
const CONFIG: &str = "config";
const DATA: &str = "data";
const REPLACES: &str = "replaces";

/// A run at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint {
    /// How far the run is.
    pub position: Position,
    /// The weights, as a safetensors file.
    pub last: Vec<u8>,
    /// The kept model's weights, as a safetensors file.
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

/// A checkpoint of a later layout.
#[derive(Debug, thiserror::Error)]
#[error("found version {0}, expected {VERSION} or less: a later runner wrote it")]
struct Later(u32);

/// The checkpoint that a run goes on from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The last one, or the one before.
    pub checkpoint: Checkpoint,
    /// The file that it was read from.
    pub file: &'static str,
    /// What is wrong with the last one, if this is the one before.
    pub problem: Option<String>,
}

impl Loaded {
    /// What a person is told if this is not the last one.
    pub(crate) fn told(&self, folder: &RunFolder) -> Option<String> {
        let problem = self.problem.as_ref()?;
        let Position {
            epochs, batches, ..
        } = self.checkpoint.position;
        Some(format!(
            "{}: {problem}; the run goes on from {}, {} and {} after its start: what came after that is trained again",
            folder.file(RESUME).display(),
            self.file,
            counted(epochs, "epoch"),
            counted(batches, "batch")
        ))
    }
}

impl Checkpoint {
    /// Writes it in the place of the last one, which is kept as the one before.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub(crate) fn save(&self, folder: &RunFolder) -> crate::error::Result<()> {
        folder.write_keeping(RESUME, PREVIOUS, &self.bytes_for(folder)?)?;
        self.write_weights(folder)
    }

    /// Writes it in the place of the last one; the one before stays.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub(crate) fn replace(&self, folder: &RunFolder) -> crate::error::Result<()> {
        folder.write(RESUME, &self.bytes_for(folder)?)?;
        if self.best.is_some()
            && fs::read(folder.file(BEST)).is_ok_and(|found| !self.has_best(&found))
        {
            tracing::warn!(
                "{} is not what the checkpoint says of the best epoch, and is written anew",
                folder.file(BEST).display()
            );
        }
        self.write_weights(folder)
    }

    fn bytes_for(&self, folder: &RunFolder) -> crate::error::Result<Vec<u8>> {
        self.to_bytes().map_err(|error| RunnerError::Write {
            path: folder.file(RESUME),
            source: std::io::Error::other(format!("{error:#}")),
            remedy: REPAIR,
        })
    }

    /// Puts the weights into a network of the same layers. Adam with its state; `file` stands for it in messages.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Checkpoint`] if it is another network's.
    pub(crate) fn restore(&self, network: &mut Network, file: &Path) -> crate::error::Result<Adam> {
        weights::load(network, self.last.clone(), file)?;
        Adam::from_moments(self.moments.clone(), network).map_err(|error| RunnerError::Checkpoint {
            path: file.to_path_buf(),
            problem: error.to_string(),
        })
    }

    /// The weights for others to read, after the one file that counts.
    fn write_weights(&self, folder: &RunFolder) -> crate::error::Result<()> {
        folder.write(LAST, &self.last)?;
        match &self.best {
            Some(best) if fs::read(folder.file(BEST)).ok().as_ref() != Some(best) => {
                folder.write(BEST, best)
            }
            _ => Ok(()),
        }
    }

    /// Reads the last one of a run, or the one before if the last one is damaged or missing.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Checkpoint`] if there is none or both are damaged, [`RunnerError::Read`].
    pub(crate) fn load(folder: &RunFolder) -> crate::error::Result<Loaded> {
        Self::load_within(folder, largest())
    }

    /// The same where a file of more than `limit` bytes counts as damaged.
    fn load_within(folder: &RunFolder, limit: u64) -> crate::error::Result<Loaded> {
        let path = folder.file(RESUME);
        let problem = match Self::read(&path, limit)? {
            Ok(checkpoint) => {
                return Ok(Loaded {
                    checkpoint,
                    file: RESUME,
                    problem: None,
                });
            }
            Err(problem) => problem,
        };
        match Self::read(&folder.file(PREVIOUS), limit)? {
            Ok(checkpoint) => Ok(Loaded {
                checkpoint,
                file: PREVIOUS,
                problem: Some(problem.unwrap_or_else(|| "missing".to_string())),
            }),
            Err(previous) => {
                let problem = match (problem, previous) {
                    (None, None) => {
                        let begun = fs::metadata(folder.file(EPOCHS));
                        match begun.is_ok_and(|log| log.len() > 0) {
                            true => format!(
                                "missing, as {PREVIOUS} is, though {EPOCHS} has epochs: put one of them back from a copy, or \
                                 start the run anew"
                            ),
                            false => {
                                "missing: the run ended before its first checkpoint; start it anew"
                                    .to_string()
                            }
                        }
                    }
                    (Some(last), None) => {
                        format!("{last}; there is no checkpoint before it, start the run anew")
                    }
                    (last, Some(previous)) => {
                        let last = last.unwrap_or_else(|| "missing".to_string());
                        format!("{last}; so is {PREVIOUS} ({previous}): start the run anew")
                    }
                };
                Err(RunnerError::Checkpoint { path, problem })
            }
        }
    }

    /// Reads a file: a checkpoint, or what is wrong with it, `None` if there is no such file.
    fn read(path: &Path, limit: u64) -> crate::error::Result<Result<Self, Option<String>>> {
        let bytes = match read_at_most(path, limit) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err(None)),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                let problem =
                    format!("it has more than {limit} bytes, half of this machine's memory");
                return Ok(Err(Some(problem)));
            }
            Err(source) => {
                return Err(RunnerError::Read {
                    path: path.to_path_buf(),
                    source,
                    expected: "the checkpoint of a run; where it was moved away, --resume goes on from the one before",
                });
            }
        };
        Ok(match Self::from_bytes(&bytes) {
            Ok((checkpoint, version)) => {
                if version == 1 {
                    tracing::warn!("{}: {}", path.display(), legacy::WARNING);
                }
                Ok(checkpoint)
            }
            // Sound for its runner: the one before does not take its place.
            Err(error) if error.is::<Later>() => {
                return Err(RunnerError::Checkpoint {
                    path: path.to_path_buf(),
                    problem: error.to_string(),
                });
            }
            Err(error) => Err(Some(format!("not a whole checkpoint: {error:#}"))),
        })
    }

    /// That of a file which is only looked at, if it can be read.
    pub(crate) fn look_at(file: &Path) -> Option<Self> {
        let bytes = read_at_most(file, largest()).ok()?;
        Some(Self::from_bytes(&bytes).ok()?.0)
    }

    /// Whether a file of weights holds those of the best epoch.
    pub(crate) fn has_best(&self, file: &[u8]) -> bool {
        let best = self.best.as_ref();
        best.is_some_and(|best| weights::is_same(file, best))
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
            (integrity::KEY, integrity::BLANK.to_string()),
        ]);
        metadata.extend(self.config.clone().map(|config| (CONFIG, config)));
        metadata.extend(self.replaces.clone().map(|text| (REPLACES, text)));
        if let Some(data) = &self.data {
            metadata.insert(DATA, serde_json::to_string(data)?);
        }
        let metadata = metadata.into_iter();
        let metadata = metadata.map(|(key, value)| (key.to_string(), value));
        let mut bytes = serialize(views?, Some(metadata.collect()))?;
        integrity::stamp(&mut bytes)?;
        Ok(bytes)
    }

    /// With the version of the layout that was found.
    fn from_bytes(bytes: &[u8]) -> anyhow::Result<(Self, u32)> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let metadata = metadata.metadata().clone().unwrap_or_default();
        let position = metadata.get(POSITION).context("it has no position")?;
        let version = match metadata.get(VERSION_KEY) {
            Some(version) => version
                .parse::<u32>()
                .with_context(|| format!("version {version:?}"))?,
            None => 1,
        };
        if version > VERSION {
            return Err(Later(version).into());
        }
        match metadata.get(integrity::KEY) {
            Some(found) => integrity::verify(bytes, found)?,
            None if version > 2 => bail!("its header has no checksum"),
            None => (),
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
        let stored = |name: &str| -> anyhow::Result<Vec<u8>> {
            let bytes = tensors.tensor(name)?.data();
            let renamed = match version {
                1 => legacy::weights(bytes).context("its weights")?,
                _ => None,
            };
            Ok(renamed.unwrap_or_else(|| bytes.to_vec()))
        };
        let checkpoint = Self {
            last: stored("last")?,
            best: position.best.map(|_| stored("best")).transpose()?,
            moments,
            config: metadata.get(CONFIG).cloned(),
            replaces: metadata.get(REPLACES).cloned(),
            data: data.transpose().context("its data")?,
            position,
        };
        Ok((checkpoint, version))
    }
}

/// The most bytes that are read of a file: half of the memory that this process can have.
fn largest() -> u64 {
    memory_bytes().map_or(u64::MAX / 2, |bytes| bytes / 2)
}

/// Reads the bytes of a checkpoint, as going on with a run does, into a network; what is tried with damaged ones.
///
/// # Errors
///
/// [`RunnerError::Checkpoint`] under the name of `file` if they are damaged or another network's.
pub fn read_checkpoint(
    bytes: &[u8],
    network: &mut Network,
    file: &Path,
) -> crate::error::Result<()> {
    let read = Checkpoint::from_bytes(bytes);
    let (checkpoint, _) = read.map_err(|error| RunnerError::Checkpoint {
        path: file.to_path_buf(),
        problem: format!("not a whole checkpoint: {error:#}"),
    })?;
    checkpoint.restore(network, file).map(drop)
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
    use crate::position::Best;

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
        let loaded = Checkpoint::load(&folder).unwrap();
        assert_eq!((&loaded.checkpoint, loaded.file), (&checkpoint, RESUME));
        assert_eq!(fs::read(folder.file(BEST)).unwrap(), [4]);

        let path = folder.file(RESUME);
        let bytes = fs::read(&path).unwrap();
        let message = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            Checkpoint::load(&folder).unwrap_err().to_string()
        };
        let version = b"\"version\":\"3\"";
        let mut windows = bytes.windows(version.len());
        let at = windows.position(|window| window == version).unwrap();
        let mut later = bytes.clone();
        later[at + version.len() - 2] = b'4';
        let said = message(&later);
        assert!(said.contains("found version 4, expected 3"), "{said}");
        for cut in [0, 7, 100, bytes.len() - 1] {
            let said = message(&bytes[..cut]);
            assert!(said.contains("resume.safetensors: not a whole"), "{said}");
            assert!(said.contains("no checkpoint before it"), "{said}");
        }
        // Every bit counts.
        for at in 8..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(Checkpoint::from_bytes(&changed).is_err(), "byte {at}");
        }
        fs::write(&path, &bytes).unwrap();
        let said = Checkpoint::load_within(&folder, bytes.len() as u64 - 1);
        let said = said.unwrap_err().to_string();
        assert!(said.contains("more than"), "{said}");
    }

    #[test]
    fn the_one_before_takes_the_place_of_a_damaged_one() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path()).unwrap();
        let at = |epochs| Checkpoint {
            position: Position {
                epochs,
                ..Position::start(0.1)
            },
            last: vec![1],
            best: None,
            moments: BTreeMap::new(),
            config: None,
            replaces: None,
            data: None,
        };
        at(1).save(&folder).unwrap();
        at(2).save(&folder).unwrap();
        let load = || {
            let loaded = Checkpoint::load(&folder).unwrap();
            (loaded.checkpoint.position.epochs, loaded.problem)
        };
        assert_eq!(load(), (2, None));
        let path = folder.file(RESUME);
        fs::write(&path, b"").unwrap();
        let (epochs, problem) = load();
        assert_eq!(epochs, 1);
        assert!(problem.unwrap().contains("not a whole checkpoint"));
        // As a crash between two renames leaves it.
        fs::remove_file(&path).unwrap();
        assert_eq!(load(), (1, Some("missing".to_string())));
        // The one before stays when the damaged one is replaced.
        at(1).replace(&folder).unwrap();
        assert_eq!(load(), (1, None));
        fs::write(&path, b"").unwrap();
        assert_eq!(load().0, 1);
        fs::write(folder.file(PREVIOUS), b"x").unwrap();
        let said = Checkpoint::load(&folder).unwrap_err().to_string();
        assert!(said.contains("so is resume-previous.safetensors"), "{said}");
    }
}
