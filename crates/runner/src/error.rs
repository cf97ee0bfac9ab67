//! The one error type of this crate.

use std::fmt;
use std::io;
use std::path::PathBuf;

use block_core::SpikeError;
use block_core::device::DeviceError;
use block_data::{DataError, counted};
use thiserror::Error;

/// Everything that can end a command early.
///
/// Every message is one line: the file, key or tensor, what was found, what was expected, and what
/// to do where that is not obvious.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// The arguments make no command.
    #[error("{0}; see `runner --help`")]
    Usage(String),
    /// A file cannot be read.
    #[error("cannot read {}: {source}; expected {expected}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
        /// What should have been there.
        expected: &'static str,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}; {remedy}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// Work that takes more memory than there is.
    #[error(transparent)]
    Memory(Box<Shortage>),
    /// A config that is not TOML.
    #[error("{place}: line {line}, column {column}: not TOML: {problem}")]
    Syntax {
        /// The file or option.
        place: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// A key that does not exist.
    #[error("{place}: unknown key `{key}`; the nearest known key is `{nearest}`")]
    UnknownKey {
        /// The file or option.
        place: String,
        /// The key as it was found.
        key: String,
        /// The known key most like it.
        nearest: String,
    },
    /// A key with a value that it cannot have.
    #[error("{place}: `{key}` is {found}, expected {expected}")]
    Value {
        /// The file or option.
        place: String,
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// A `--set` that is not `key=value`.
    #[error("--set {argument}: expected key=value, such as train.epochs=10")]
    Override {
        /// The argument.
        argument: String,
    },
    /// A device that cannot be used, or that failed during the work.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A data set that cannot be found, read or loaded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A command on data sets that cannot be done, or that found faults.
    #[error("{0}")]
    DataSets(String),
    /// A network that refuses its input.
    #[error(transparent)]
    Spikes(#[from] SpikeError),
    /// A folder that is no run.
    #[error(
        "{} is not the folder of a run: {missing}; expected a folder that `runner CONFIG.toml` has made",
        path.display()
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        missing: String,
    },
    /// A folder for a new run that already holds one.
    #[error(
        "{} already holds a run ({found}); {remedy}, or choose another folder with --out",
        path.display()
    )]
    HoldsRun {
        /// The folder.
        path: PathBuf,
        /// The file that shows it.
        found: &'static str,
        /// What to do with it.
        remedy: &'static str,
    },
    /// A run that another process works on.
    #[error("{} is in use by another runner; wait for it to end or stop it", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A run that belongs to another config or to other data.
    #[error(
        "{} belongs to {subject}: {}; {remedy}",
        path.display(),
        listed(differences)
    )]
    Changed {
        /// The run's folder.
        path: PathBuf,
        /// What it belongs to: another config or other data.
        subject: &'static str,
        /// What differs.
        differences: Vec<Difference>,
        /// What to do.
        remedy: String,
    },
    /// A run whose weights fit another network than the config's.
    #[error(
        "{}: its weights fit only a network of their shape, and {}; undo that, or start a new run",
        path.display(),
        listed(differences)
    )]
    Reshaped {
        /// The run's folder.
        path: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// Events of units for which a run's network has no inputs.
    #[error(
        "{place}: {split} has events of units up to {largest}, but the run's network has inputs for {}, 0 to \
         {}; expected recordings of these units, or start a new run",
        counted(*units, "unit"),
        units - 1
    )]
    Units {
        /// Which split.
        split: String,
        /// The file.
        place: String,
        /// The largest unit.
        largest: usize,
        /// Units of the network.
        units: usize,
    },
    /// A run's config that cannot be read, of which the checkpoint has a copy.
    #[error(
        "{source}; or delete that file, and --resume takes the config from the run's checkpoint"
    )]
    RunConfig {
        /// What is wrong with the file.
        source: Box<RunnerError>,
    },
    /// A file of a run that is damaged or does not fit the run.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The loss is no longer a number.
    #[error(
        "epoch {epoch}, batch {batch}: the loss is {loss} at a learning rate of {rate:?}, expected a finite number; it \
         comes from layer `{layer}`; lower train.learning_rate: in a new run, or by --resume with --accept-changes from \
         the last checkpoint, which is kept"
    )]
    Diverged {
        /// The first layer with a parameter that is not finite, else the readout.
        layer: String,
        /// The learning rate.
        rate: f64,
        /// Epoch, from 1.
        epoch: usize,
        /// Batch, from 1.
        batch: usize,
        /// The loss.
        loss: f32,
    },
    /// A parameter is no longer a number. The loss may still be one: a neuron whose potential is none never fires.
    #[error(
        "epoch {epoch}, {}: `{parameter}` came to hold a number that is not finite, at a learning rate of {rate:?}; lower \
         train.learning_rate or model.surrogate.scale: in a new run, or by --resume with --accept-changes from the \
         last checkpoint, which is kept",
        between(*batches)
    )]
    NotFinite {
        /// The learning rate.
        rate: f64,
        /// Epoch, from 1.
        epoch: usize,
        /// The first and the last of the batches, from 1, in one of which that came about.
        batches: [usize; 2],
        /// The parameter's path; for one of its moments, with `adam.` in front.
        parameter: String,
    },
    /// Stopped by Ctrl-C, everything saved.
    #[error("interrupted {at}; everything is saved in {}", path.display())]
    Interrupted {
        /// How far the run was.
        at: String,
        /// The run's folder.
        path: PathBuf,
    },
}

/// What work takes of memory, and how much there is.
#[derive(Debug, thiserror::Error)]
#[error(
    "{place}: with {}, {}, `{key}` = {hidden:?}, `encode.steps` = {steps} and \
     `train.batch_size` = {batch_size} this takes about {} of memory ({} for {largest}), but {} are available \
     of the {} of {limit}; {}{remedy}",
    counted(*units, "input unit"),
    counted(*classes, "class"),
    gibibytes(*estimate),
    gibibytes(*largest_bytes),
    gibibytes(*available),
    gibibytes(*total),
    match estimate <= total {
        true => "the rest is taken at this moment, maybe by other programs: wait until it is free, or ",
        false => "",
    }
)]
pub struct Shortage {
    /// The file or option that the key comes from.
    pub place: String,
    /// Input units.
    pub units: usize,
    /// Classes.
    pub classes: usize,
    /// The key that says so, `model.hidden` or `model.layers`.
    pub key: &'static str,
    /// Neurons of each hidden layer.
    pub hidden: Vec<usize>,
    /// Time steps.
    pub steps: usize,
    /// Samples of a batch.
    pub batch_size: usize,
    /// Bytes that the work takes.
    pub estimate: u64,
    /// What takes most of it.
    pub largest: String,
    /// Bytes of that.
    pub largest_bytes: u64,
    /// Bytes that are left at this moment.
    pub available: u64,
    /// Bytes that there are in all.
    pub total: u64,
    /// What sets that limit.
    pub limit: &'static str,
    /// What to do.
    pub remedy: String,
}

/// Something whose value in a run differs from the value now.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// A key, or a split.
    pub what: String,
    /// What it is in the run.
    pub run: String,
    /// What it is now.
    pub now: String,
    /// Whether a run takes it without `--accept-changes`: the epochs so far would have been the same with it, or it is a
    /// test split that was named.
    pub allowed: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is {} in the run, {} now",
            self.what, self.run, self.now
        )
    }
}

fn listed(differences: &[Difference]) -> String {
    let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
    differences.join("; ")
}

fn between([first, last]: [usize; 2]) -> String {
    match first == last {
        true => format!("batch {first}"),
        false => format!("between batches {first} and {last}"),
    }
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// This crate's results.
pub type Result<T> = std::result::Result<T, RunnerError>;

impl RunnerError {
    /// The exit code of a process that ends with this: 130 when interrupted (the program tells the signal, as
    /// [`signals::exit_code`](crate::signals::exit_code) does), 1 when the work
    /// itself failed, and 2 when what was asked for cannot be done.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted { .. } => 130,
            Self::Diverged { .. }
            | Self::NotFinite { .. }
            | Self::Device(DeviceError::Failed { .. })
            | Self::Spikes(_) => 1,
            _ => 2,
        }
    }
}
