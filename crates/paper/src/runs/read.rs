//! What lies in a run folder, or of it among the results.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use runner::{Config, EpochRecord, Summary};

use crate::files;

/// The first line in which two configs differ, in the one and in the other. The folder of the data and the number of
/// epochs may differ, and a run's config says how many units and classes there are also where the expected one leaves
/// that to the files.
pub(crate) fn difference(found: &Config, expected: &Config) -> Option<(String, String)> {
    let mut found = found.clone();
    found.data.dir = expected.data.dir.clone();
    found.train.epochs = expected.train.epochs;
    found.data.units = expected.data.units.and(found.data.units);
    found.data.classes = expected.data.classes.and(found.data.classes);
    let (found, expected) = (found.to_toml(), expected.to_toml());
    let (mut found, mut expected) = (found.lines(), expected.lines());
    loop {
        match (found.next(), expected.next()) {
            (None, None) => return None,
            (a, b) if a == b => (),
            (a, b) => return Some((a.unwrap_or("").into(), b.unwrap_or("").into())),
        }
    }
}

/// The finished epochs of a run; none where there is no log. A last line that was cut off is left
/// out, as the runner will.
pub(crate) fn epochs(folder: &Path) -> Result<Vec<EpochRecord>> {
    Ok(files::json_lines(&folder.join("epochs.jsonl"))?.values)
}

/// What came out, if the run has ended.
pub(crate) fn summary(folder: &Path) -> Result<Option<Summary>> {
    files::json_if_there(&folder.join("summary.json"))
}

/// The published seeds of a model, in order.
pub(crate) fn seeds(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let at = || folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(at)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(at)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let seed = name.and_then(|name| name.strip_prefix("seed-")?.parse().ok());
        found.extend(seed.map(|seed| (seed, path)));
    }
    found.sort();
    Ok(found)
}
