//! What a run is: the TOML config, read strictly.

mod parse;
mod read;

use std::fs;
use std::path::{Path, absolute};

use block_models::{Formulation, ReadoutReduction};
use serde::Serialize;

use crate::error::{Result, RunnerError};
use parse::Entries;

/// A validated config. It serializes to the TOML that makes it again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// Fixes data order, augmentation, held-out samples and initial weights.
    pub seed: u64,
    /// The data set.
    pub data: DataConfig,
    /// How samples become spikes.
    pub encode: EncodeConfig,
    /// The network.
    pub model: ModelConfig,
    /// The training.
    pub train: TrainConfig,
}

/// `[data]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataConfig {
    /// The data set's name.
    pub name: String,
    /// Whether training samples are changed at random.
    pub augment: bool,
    /// What is evaluated after every epoch.
    pub validation: Validation,
    /// The only folder in which the data set is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Files of one's own.
    #[serde(flatten)]
    pub files: Option<FileKeys>,
}

/// The keys of `[data]` that belong to the data set `events`: recordings in files of one's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileKeys {
    /// The file of the training split, from the working folder or a folder of data sets.
    pub train: String,
    /// The file of the test split.
    pub test: String,
    /// Input units, onto which those of the files are folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<usize>,
    /// Classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
}

/// What is evaluated after every epoch. It never selects the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(into = "ValidationKey")]
pub enum Validation {
    /// The test split.
    Test,
    /// Nothing.
    None,
    /// This fraction of the training split, which is then not trained on.
    Fraction(f64),
}

#[derive(Serialize)]
#[serde(untagged)]
enum ValidationKey {
    Name(&'static str),
    Fraction(f64),
}

impl From<Validation> for ValidationKey {
    fn from(value: Validation) -> Self {
        match value {
            Validation::Test => Self::Name("test"),
            Validation::None => Self::Name("none"),
            Validation::Fraction(fraction) => Self::Fraction(fraction),
        }
    }
}

/// `[encode]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EncodeConfig {
    /// Time steps of a spike train.
    pub steps: usize,
    /// The length of a time step in milliseconds; only recordings have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dt: Option<f64>,
}

/// `[model]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelConfig {
    /// The kind of network.
    pub kind: ModelKind,
    /// Neurons of each hidden layer.
    pub hidden: Vec<usize>,
    /// How hidden neurons are computed.
    pub formulation: Formulation,
    /// What is taken of the readout's membrane over time.
    pub readout: ReadoutReduction,
    /// Whether a hidden layer's output is added to its input.
    pub skip: bool,
    /// Multiplies the bound of the first hidden layer's initial weights.
    pub init_scale: f64,
    /// Membrane decay.
    pub beta: BetaKeys,
}

/// Kinds of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Linear layers of spiking neurons.
    Linear,
}

/// `[model.beta]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BetaKeys {
    /// Initial β of hidden neurons.
    pub hidden: f64,
    /// Initial β of readout neurons.
    pub readout: f64,
    /// One β a neuron rather than one a layer.
    pub per_neuron: bool,
    /// Whether β is trained.
    pub trained: bool,
}

/// `[train]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainConfig {
    /// Passes over the training samples.
    pub epochs: usize,
    /// Samples of a batch.
    pub batch_size: usize,
    /// Adam's learning rate at first.
    pub learning_rate: f64,
    /// Numbers of finished epochs at which the learning rate falls, the best model is loaded and
    /// Adam starts afresh.
    pub milestones: Vec<usize>,
    /// What the learning rate is multiplied by at a milestone.
    pub gamma: f64,
}

impl Config {
    /// Reads a config file; `overrides` are `key=value`, as given to `--set`.
    ///
    /// # Errors
    ///
    /// [`RunnerError`] with the file (or option) and the key at fault.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        let failed = |source| RunnerError::Read {
            path: path.to_path_buf(),
            source,
            expected: "a TOML config, such as configs/fmnist.toml",
        };
        let bytes = fs::read(path).map_err(failed)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| failed(std::io::Error::other(error.utf8_error())))?;
        Self::parse(&text, &path.display().to_string(), overrides)
    }

    /// The same from text; `place` stands for it in messages.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn parse(text: &str, place: &str, overrides: &[String]) -> Result<Self> {
        let mut entries = Entries::parse(text, place)?;
        for argument in overrides {
            entries.set(argument)?;
        }
        read::config(&entries)
    }

    /// The TOML that makes this config again, every key spelled out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_else(|error| unreachable!("a config is TOML: {error}"))
    }
}

/// A folder from the working folder on, as a config can hold it, so that the run can be repeated
/// from anywhere; or what was expected.
pub(crate) fn absolute_folder(folder: &Path) -> std::result::Result<String, &'static str> {
    // Fails for the empty path, and for a relative one where the working folder was deleted.
    let folder = absolute(folder).map_err(|_| "a folder, absolute or in the working folder")?;
    let text = folder.into_os_string().into_string();
    text.map_err(|_| "a folder whose absolute path is valid UTF-8, which config.toml can hold")
}

#[cfg(test)]
mod tests;
