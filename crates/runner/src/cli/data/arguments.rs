//! What may be typed after `runner data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::paths::{name_or_path, path};

#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    pub command: Option<DataCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// A table of all data sets: whether they are here, samples, classes, size, licence
    List(DataPlace),
    /// Fetches and verifies a data set
    Get(GetArguments),
    /// Verifies data sets by size, checksum and content, and says what is wrong
    Check(CheckArguments),
    /// Draws a sample, as SVG: the image and its spikes, or the recording and its class
    Show(ShowArguments),
    /// Writes recordings as one HDF5 file of flat arrays a split, which loads fastest
    Convert(ConvertArguments),
}

/// Where data sets are.
#[derive(Debug, Args)]
pub(crate) struct DataPlace {
    /// The only folder in which data sets are looked for, and into which they are fetched
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    /// The data set
    #[arg(value_parser = name_or_path())]
    pub name: String,
    /// Uses no network: only unpacks and verifies what is there already
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub place: DataPlace,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Data sets, configs that name one, or recordings by their path [default: all that are here]
    #[arg(value_name = "NAME", value_parser = name_or_path())]
    pub names: Vec<String>,
    #[command(flatten)]
    pub place: DataPlace,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// A data set, a config that names one, or recordings by their path
    #[arg(value_parser = name_or_path())]
    pub name: String,
    /// Which sample, from 0
    #[arg(default_value_t = 0)]
    pub index: usize,
    /// Takes the sample from the test split instead of the training split
    #[arg(long)]
    pub test: bool,
    /// The picture [default: NAME-SPLIT-INDEX.svg in the working folder]
    #[arg(long, value_name = "FILE.svg", value_parser = path())]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub place: DataPlace,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArguments {
    /// A data set of recordings, or one file, zip or folder of them
    #[arg(value_parser = name_or_path())]
    pub from: String,
    /// The folder for train.h5 and test.h5 [default: that of the data set], or the file for what is in
    /// one file
    #[arg(long, value_name = "PATH", value_parser = path())]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub place: DataPlace,
}
