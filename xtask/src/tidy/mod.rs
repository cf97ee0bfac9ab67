//! `cargo xtask tidy`: what stands where and who imports whom. A rule is a file, and says what breaks it.

mod data_sets;
mod dependencies;
mod imports;
mod named_paths;
mod printing;
mod problems;
mod source;
mod workspace;

use std::path::Path;

use anyhow::{Result, bail};

use source::Crate;
use workspace::Workspace;

pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::read(Path::new("."))?;
    let targets = workspace.packages.iter().flat_map(|p| &p.targets);
    let crates = targets.map(|target| Crate::read(&workspace.root, target));
    let crates: Vec<Crate> = crates.collect::<Result<_>>()?;
    let problems = [
        dependencies::check(&workspace),
        imports::check(&crates),
        named_paths::check(&workspace)?,
        printing::check(&crates),
        data_sets::check(&workspace, &crates)?,
    ]
    .concat();
    for problem in &problems {
        eprintln!("tidy: {problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 problem"),
        number => bail!("tidy: {number} problems"),
    }
}
