//! The spikes of a run's best model on one sample.

use std::path::PathBuf;

use anyhow::Result;
use paper::spike_maps;
use runner::cli::path;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run folder.
    #[arg(value_parser = path())]
    run: PathBuf,
    /// The number of the sample in the test split, from 0.
    #[arg(long, default_value_t = 0)]
    sample: usize,
    /// The picture; `spikes.svg` within the run folder by default.
    #[arg(long, value_parser = path())]
    out: Option<PathBuf>,
}

/// Draws the maps.
pub(super) fn run(args: &Args) -> Result<()> {
    let default = || args.run.join("spikes.svg");
    let out = args.out.clone().unwrap_or_else(default);
    spike_maps::write(&args.run, args.sample, &out)?;
    tracing::info!("{}", out.display());
    Ok(())
}
