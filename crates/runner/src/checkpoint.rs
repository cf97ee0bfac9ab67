//! Everything that going on with a run needs, in one file, so that it is replaced at once.
//!
//! `resume.safetensors` holds the files `last` and `best` as bytes, Adam's moments as
//! `adam.first.PATH` and `adam.second.PATH`, and the [`Position`] as JSON in its metadata.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use crate::adam::Moments;
use crate::error::{Result, RunnerError};
use crate::metrics::{Totals, bits};
use crate::run_folder::{BEST, LAST, REPAIR, RESUME, RunFolder};

/// The layout that this version writes and reads.
const VERSION: u32 = 1;
const POSITION: &str = "position";

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    version: u32,
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
pub struct Best {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Its loss.
    #[serde(with = "bits")]
    pub loss: f64,
}

impl Position {
    /// Before the first batch.
    pub fn start(learning_rate: f64) -> Self {
        Self {
            version: VERSION,
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
pub struct Checkpoint {
    /// How far it is.
    pub position: Position,
    /// The weights, as a safetensors file.
    pub last: Vec<u8>,
    /// The kept model's.
    pub best: Option<Vec<u8>>,
    /// Adam's state by the parameters' paths.
    pub moments: BTreeMap<String, Moments>,
}

impl Checkpoint {
    /// Writes it, first the one file that counts, then the weights for others to read.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub fn save(&self, folder: &RunFolder) -> Result<()> {
        let bytes = self.to_bytes().map_err(|problem| RunnerError::Write {
            path: folder.file(RESUME),
            source: std::io::Error::other(problem),
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
    pub fn load(folder: &RunFolder) -> Result<Self> {
        let path = folder.file(RESUME);
        let problem = match fs::read(&path) {
            Ok(bytes) => match Self::from_bytes(&bytes) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(problem) => format!("not a checkpoint of this version: {problem}"),
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

    fn to_bytes(&self) -> std::result::Result<Vec<u8>, String> {
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
        let views: std::result::Result<Vec<_>, _> = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                let view = TensorView::new(*dtype, shape.clone(), bytes)?;
                Ok::<_, safetensors::SafeTensorError>((name.as_str(), view))
            })
            .collect();
        let json = serde_json::to_string(&position).map_err(|error| error.to_string())?;
        let metadata = HashMap::from([(POSITION.to_string(), json)]);
        views
            .and_then(|views| serialize(views, Some(metadata)))
            .map_err(|error| error.to_string())
    }

    fn from_bytes(bytes: &[u8]) -> std::result::Result<Self, String> {
        let text = |error: safetensors::SafeTensorError| error.to_string();
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(text)?;
        let json = metadata.metadata().as_ref();
        let json = json.and_then(|metadata| metadata.get(POSITION));
        let json = json.ok_or("it says no position")?;
        let position: Position = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if position.version != VERSION {
            return Err(format!(
                "found version {}, expected {VERSION}",
                position.version
            ));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(text)?;
        let blob = |name: &str| tensors.tensor(name).map(|view| view.data().to_vec());
        let mut moments = BTreeMap::new();
        for (path, &steps) in &position.adam_steps {
            let first = tensors
                .tensor(&format!("adam.first.{path}"))
                .map_err(text)?;
            let second = tensors
                .tensor(&format!("adam.second.{path}"))
                .map_err(text)?;
            let state = Moments {
                steps,
                shape: first.shape().to_vec(),
                first: floats(&first)?,
                second: floats(&second)?,
            };
            moments.insert(path.clone(), state);
        }
        let best = position.best.map(|_| blob("best")).transpose();
        Ok(Self {
            last: blob("last").map_err(text)?,
            best: best.map_err(text)?,
            moments,
            position,
        })
    }
}

fn floats(view: &TensorView<'_>) -> std::result::Result<Vec<f32>, String> {
    if view.dtype() != Dtype::F32 {
        return Err(format!("found {:?}, expected F32", view.dtype()));
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
        let checkpoint = Checkpoint {
            position,
            last: vec![1, 2, 3],
            best: Some(vec![4]),
            moments: BTreeMap::from([("a.b".to_string(), moments)]),
        };
        checkpoint.save(&folder).unwrap();
        assert_eq!(Checkpoint::load(&folder).unwrap(), checkpoint);
        assert_eq!(fs::read(folder.file(BEST)).unwrap(), [4]);

        let path = folder.file(RESUME);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let message = Checkpoint::load(&folder).unwrap_err().to_string();
        assert!(
            message.contains("resume.safetensors: not a checkpoint"),
            "{message}"
        );
    }
}
