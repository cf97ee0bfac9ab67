//! `cargo xtask reproduce …`: the paper's figures.

mod figures;
mod speedup;
mod traces;

use std::fs;
use std::path::Path;

#[derive(clap::Subcommand)]
pub enum Task {
    /// Figures 1 and 2: what the standard and the block model make of the same kind of input, as SVG.
    Figures(figures::Args),
    /// Figure 3: the block model against the standard one, forward and backward, by formulation.
    Speedup(speedup::Args),
}

pub fn run(task: &Task) -> Result<(), String> {
    match task {
        Task::Figures(args) => figures::run(args),
        Task::Speedup(args) => speedup::run(args),
    }
}

/// Writes a file whole: temporary name, rename.
fn write_whole(path: &Path, text: &str) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let part = path.with_added_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, path))
        .map_err(failed)
}
