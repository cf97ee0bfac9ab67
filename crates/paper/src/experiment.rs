//! The experiments: which data sets and models each compares, and where its files are.

use std::path::{Path, PathBuf};

/// The formulations that are compared, as `model.formulation` names them.
pub const BLOCK: &str = "scan";
/// The standard single-spike model.
pub const SINGLE: &str = "standard-single";
/// The standard multi-spike model.
pub const MULTI: &str = "standard-multi";

/// Where configs, run folders and results are.
pub struct Places {
    /// The folder of the configs.
    pub configs: PathBuf,
    /// The folder of the run folders.
    pub runs: PathBuf,
    /// The folder of the results.
    pub results: PathBuf,
}

impl Places {
    /// The workspace's folders, with the results' folder of the command line.
    pub fn new(results: &Path) -> Self {
        Self {
            configs: PathBuf::from("configs"),
            runs: PathBuf::from("runs/reproduce"),
            results: results.to_path_buf(),
        }
    }
}

/// A kind of experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Experiment {
    /// Accuracy, time and spikes over data sets.
    DataSets,
    /// Training from a silent start.
    Robustness,
    /// Convolutional networks.
    Convolutions,
}

impl Experiment {
    /// The name of the experiment's command and folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::DataSets => "datasets",
            Self::Robustness => "robustness",
            Self::Convolutions => "convolutions",
        }
    }

    /// How many runs of a model there are by default.
    pub fn seeds(self) -> u64 {
        match self {
            Self::DataSets => 3,
            Self::Robustness | Self::Convolutions => 1,
        }
    }

    /// The models that the experiment compares.
    pub fn formulations(self) -> &'static [&'static str] {
        match self {
            Self::DataSets => &[BLOCK, SINGLE, MULTI],
            Self::Robustness => &[BLOCK, SINGLE],
            Self::Convolutions => &[BLOCK],
        }
    }

    /// The configs that the experiment runs, by name.
    pub fn data(self) -> &'static [&'static str] {
        match self {
            Self::DataSets => &["yinyang", "mnist", "fmnist", "nmnist", "shd", "fsdd"],
            Self::Robustness => &["yinyang", "mnist", "shd", "fsdd"],
            Self::Convolutions => &["mnist", "fmnist", "cifar10-vgg"],
        }
    }

    /// The file of a config.
    pub fn config(self, places: &Places, data: &str) -> PathBuf {
        let folder = match self {
            Self::DataSets => places.configs.clone(),
            Self::Robustness => places.configs.join("robustness"),
            Self::Convolutions => places.configs.join("conv"),
        };
        folder.join(format!("{data}.toml"))
    }

    /// The folder where the runs of a model are published.
    pub fn published(self, places: &Places, data: &str, formulation: &str) -> PathBuf {
        let folder = places.results.join(self.name());
        folder.join(data).join(formulation)
    }
}
