//! The learning curve of a run.

use std::path::PathBuf;

use anyhow::Result;
use paper::curve;
use runner::cli::path;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run folder.
    #[arg(value_parser = path())]
    run: PathBuf,
    /// The picture; `curve.svg` within the run folder by default.
    #[arg(long, value_parser = path())]
    out: Option<PathBuf>,
    /// The heading.
    #[arg(long, default_value = "")]
    title: String,
}

/// Draws the curve.
pub(super) fn run(args: &Args) -> Result<()> {
    let default = || args.run.join("curve.svg");
    let out = args.out.clone().unwrap_or_else(default);
    curve::write(&args.run, &args.title, &out)?;
    tracing::info!("{}", out.display());
    Ok(())
}
