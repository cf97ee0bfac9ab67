//! What lies in a run folder, or of it among the results.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use runner::{Config, EpochRecord, Summary};

/// The first line in which two configs differ, in the one and in the other; where the data lie and the number of epochs may.
pub fn difference(found: &Config, expected: &Config) -> Option<(String, String)> {
    let mut found = found.clone();
    found.data.dir = expected.data.dir.clone();
    found.train.epochs = expected.train.epochs;
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
pub fn epochs(folder: &Path) -> Result<Vec<EpochRecord>, String> {
    let path = folder.join("epochs.jsonl");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|error| format!("{}: {error}", path.display()))?,
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |(index, line): (usize, &str)| {
        let failed = |error| format!("{}, line {}: {error}", path.display(), index + 1);
        serde_json::from_str(line).map_err(failed)
    };
    whole.lines().enumerate().map(parse).collect()
}

/// What came out, if it has ended.
pub fn summary(folder: &Path) -> Result<Option<Summary>, String> {
    let path = folder.join("summary.json");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| format!("{}: {error}", path.display()))?,
    };
    let parsed = serde_json::from_str(&text);
    parsed
        .map(Some)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The published seeds of a model, in order.
pub fn seeds(folder: &Path) -> Result<Vec<(u64, PathBuf)>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let seed = name.and_then(|name| name.strip_prefix("seed-")?.parse().ok());
        found.extend(seed.map(|seed| (seed, path)));
    }
    found.sort();
    Ok(found)
}
