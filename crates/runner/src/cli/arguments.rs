//! What may be typed.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use super::data::arguments::DataArguments;
use super::paths::path;
use crate::error::{Result, RunnerError};

const EXAMPLES: &str = "\
Examples:
  runner configs/fmnist.toml
      trains on Fashion-MNIST; the run is kept in runs/fmnist-<time>
  runner configs/fmnist.toml --set train.epochs=1 --set data.augment=false --out runs/short
      the same with other values, in a folder of your choice
  runner --resume runs/short --set train.epochs=5
      goes on with that run where it stopped, for five epochs in all
  runner --resume runs/short --data-dir /new/place
      the same with data that have moved; what they hold is compared with what the run was made on
  runner eval runs/short
      accuracy of its best model by class, and the confusion matrix
  runner check configs/yinyang.toml
      what a config would do: layers, parameters, memory, data
  runner data list
      all data sets: whether they are here, sizes, samples, licences; also get, check, show, convert
  runner keys
      every key of a config: type, default, meaning
  runner configs/fmnist.toml --set model.surrogate.kind=arctan --set model.hidden.0=500
      keys of a table, and of an element of an array that the config has, counted from 0

A run's folder holds:
  config.toml         the config with every key; `runner FOLDER/config.toml` repeats the run
  environment.json    versions, device, threads, machine; when and on what it was resumed
  epochs.jsonl        loss, accuracy, hidden spikes and times, a line an epoch
  batches.jsonl       the same, a line a batch
  summary.json        what came out: test accuracy, spikes, times, memory
  best.safetensors    weights of the epoch with the lowest training loss, with a checksum; a trained β may lie
                      beyond [0, 1] in the file, and is taken as 0 or 1 then
  best-until-epoch-N.safetensors  those of before --accept-changes, after which the best epoch begins anew
  last.safetensors    weights of the last epoch
  resume.safetensors  what --resume needs, with a checksum
  resume-previous.safetensors  the checkpoint before, which is taken where the last one is damaged
  eval.json           what `runner eval` found
A log that lost lines, in a crash or a copy, stops no run: --resume says what is missing, and records it.

Data sets are looked for in --data-dir or data.dir and nowhere else if one of them is given,
otherwise in $BLOCK_DATA, then ./data, then /usr/share/datasets, each time in a folder by the data
set's name. What is in none of them is fetched, verified and kept in the first of these that is named
or set, else in ./data; proxies are taken from the environment. --offline fetches nothing.

A run belongs to its config and to what its data hold, not to where they lie. --resume takes by --set what
would have left the epochs so far as they are: train.epochs, train.milestones that are not reached yet,
train.gamma before the first of them, data.validation where no samples are held out, and data.dir,
data.train, data.test. A device and a number of threads may change too, as they are no part of the config.
All else makes another training: a learning rate, a seed or a batch size that changes midway is no run
that a config describes. With --accept-changes the run goes on with it all the same, its epoch under way
begun anew; environment.json lists what changed. eval takes data.dir and the files of one's own, such as
data.test: another test split is scored, and eval.json says that it is another.

Ctrl-C ends a training after the batch with everything saved; so do SIGTERM and, but under nohup, SIGHUP.
A second one ends it at once; --resume then goes on from the last epoch's end.
~ and ~/ at the beginning of a path are the home folder, in a config too; ~name is refused.
RUNNER_LOG (off, error, warn, info, debug, trace) sets how much is logged; the default is info.
RAYON_NUM_THREADS sets the number of threads; the default is one a processor.

NO_COLOR, set to anything, keeps colours from the terminal; a file or pipe never gets any.

Exit codes: 0 success, 1 the training failed, 2 what was asked for cannot be done; 130 interrupted by Ctrl-C,
143 by SIGTERM, 129 by SIGHUP, with everything saved or, the second time, at once.";

/// Trains and evaluates networks of single-spike neurons.
#[derive(Debug, Parser)]
#[command(
    name = "runner",
    version,
    override_usage = "runner [OPTIONS] CONFIG.toml\n       runner [OPTIONS] --resume RUN\n       runner eval [OPTIONS] RUN\n       runner check [OPTIONS] CONFIG.toml\n       runner data COMMAND [OPTIONS]\n       runner keys",
    after_help = EXAMPLES,
    subcommand_negates_reqs = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub train: TrainArguments,
}

#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    /// The config of a new run
    #[arg(value_name = "CONFIG.toml", conflicts_with = "resume", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Goes on with the run in this folder; --set train.epochs=N may lengthen it
    #[arg(long, value_name = "RUN", conflicts_with = "out", value_parser = path())]
    pub resume: Option<PathBuf>,
    /// Goes on with a run although its config or data have changed, and records the changes
    #[arg(long, requires = "resume", conflicts_with = "config")]
    pub accept_changes: bool,
    #[command(flatten)]
    pub set: SetArguments,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// The run's folder, which must not hold a run yet [default: runs/<config>-<time>]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// Overrides a value of the config; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub values: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    /// auto, cpu, cuda[:N] or wgpu[:N]; auto is the best that is compiled in and present
    /// [default: auto]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// The only folder in which data sets are looked for, and into which they are fetched
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data_dir: Option<PathBuf>,
    /// Never fetches a data set
    #[arg(long)]
    pub offline: bool,
}

impl PlaceArguments {
    /// The device that was asked for, or what stands for none.
    pub(super) fn device(&self) -> &str {
        self.device.as_deref().unwrap_or("auto")
    }

    /// The only folder of data sets, if there is one.
    pub(super) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Accuracy of a run's best model on the test split, by class, and the confusion matrix
    Eval(EvalArguments),
    /// What a config would do (layers, parameters, memory, data), without doing it
    Check(CheckArguments),
    /// Data sets: list, get, check, show, convert
    Data(DataArguments),
    /// Every key that a config can have, with type, default and meaning
    Keys,
}

#[derive(Debug, Args)]
pub(super) struct EvalArguments {
    /// The run's folder
    #[arg(value_name = "RUN", value_parser = path())]
    pub run: PathBuf,
    /// data.test=FILE or data.dir=DIR: where the test split is, or another one; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub place: PlaceArguments,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The config
    #[arg(value_name = "CONFIG.toml", value_parser = path())]
    pub config: PathBuf,
    #[command(flatten)]
    pub set: SetArguments,
    #[command(flatten)]
    pub place: PlaceArguments,
}

impl Arguments {
    /// Refuses what stands before a subcommand: it belongs to a training. Clap's own check would take the word after the
    /// subcommand for it.
    pub(super) fn check(&self) -> Result<()> {
        let usage = match &self.command {
            Some(Command::Eval(_)) => "runner eval [OPTIONS] RUN",
            Some(Command::Check(_)) => "runner check [OPTIONS] CONFIG.toml",
            Some(Command::Data(_)) => "runner data COMMAND [OPTIONS]",
            Some(Command::Keys) => "runner keys",
            None => return Ok(()),
        };
        let train = &self.train;
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let option = |name: &str, there: bool| there.then(|| name.to_string());
        let misplaced = [
            path(&train.config),
            option("--resume", train.resume.is_some()),
            option("--accept-changes", train.accept_changes),
            option("--set", !train.set.values.is_empty()),
            option("--device", train.place.device.is_some()),
            option("--data-dir", train.place.data_dir.is_some()),
            option("--offline", train.place.offline),
            option("--out", train.out.is_some()),
        ];
        match misplaced.into_iter().flatten().next() {
            Some(found) => Err(RunnerError::Usage(format!(
                "found {found} before the command, expected `{usage}`"
            ))),
            None => Ok(()),
        }
    }
}

/// The error for a word after the config or run that is no option.
pub(super) fn superfluous(found: &str) -> RunnerError {
    RunnerError::Usage(format!(
        "unexpected argument '{found}', expected one config or one run and its options"
    ))
}

/// The error when neither a config nor a run is named.
pub(super) fn missing() -> RunnerError {
    RunnerError::Usage(
        "expected a config, such as `runner configs/fmnist.toml`, or --resume RUN".to_string(),
    )
}
