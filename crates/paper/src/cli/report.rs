//! The files that show the results.

use std::path::PathBuf;

use anyhow::Result;
use paper::experiment::Places;
use paper::report;
use runner::cli::path;

#[derive(clap::Args)]
pub(super) struct Docs {
    /// Compares with the files that are there instead of writing them.
    #[arg(long)]
    check: bool,
    /// Where results are kept.
    #[arg(long, value_name = "DIR", default_value = "results", value_parser = path())]
    out: PathBuf,
}

/// Writes or compares all files.
pub(super) fn docs(args: &Docs) -> Result<()> {
    let places = Places::new(&args.out);
    match args.check {
        true => report::check(&places),
        false => report::write(&places),
    }
}

#[derive(clap::Args)]
pub(super) struct Figures {
    /// The folder of results.
    #[arg(long, default_value = "results", value_parser = path())]
    out: PathBuf,
}

/// Writes figures 1 and 2, and prints where.
pub(super) fn figures(args: &Figures) -> Result<()> {
    for path in report::write_neurons(&Places::new(&args.out))? {
        println!("{}", path.display());
    }
    Ok(())
}
