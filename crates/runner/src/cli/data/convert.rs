//! `data convert`: recordings as flat arrays.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use block_data::{
    CONVERTED, DATA_SETS, DataSet, EventFile, Origin, counted, read_recordings, write_flat,
};

use super::arguments::ConvertArguments;
use super::output::{say, size};
use super::place::known;
use crate::error::{Result, RunnerError};

/// Whether a data set comes as recordings in files.
fn is_recorded(set: &DataSet) -> bool {
    set.timing.is_some() && matches!(set.origin, Origin::Files { .. })
}

/// Converts a data set, or one file, zip or folder.
pub(super) fn convert(arguments: &ConvertArguments) -> Result<()> {
    let (from, out) = (arguments.from.as_str(), arguments.out.as_deref());
    let Some(set) = known(from).filter(|set| is_recorded(set)) else {
        return one(from, out);
    };
    let locations = arguments.place.locations();
    let paths = set.located_to_convert(&locations);
    let [train, test] = &paths[..] else {
        set.open(&locations)?;
        return Err(RunnerError::DataSets(format!(
            "{from}: only converted files are here, expected those to convert"
        )));
    };
    let beside = || train.parent().map(PathBuf::from).unwrap_or_default();
    let folder = out.map_or_else(beside, PathBuf::from);
    for (from, name) in [train, test].into_iter().zip(CONVERTED) {
        let to = folder.join(name);
        // What an earlier conversion left under these names is replaced, and nothing else.
        if to.exists() && !to.is_file() {
            return Err(occupied(&to));
        }
        convert_file(from, &to)?;
    }
    Ok(())
}

/// Converts what is in one file, zip or folder.
fn one(from: &str, out: Option<&Path>) -> Result<()> {
    let path = Path::new(from);
    if !path.exists() {
        let recorded = DATA_SETS.iter().filter(|set| is_recorded(set));
        let names: Vec<_> = recorded.map(|set| set.name).collect();
        let names = names.join(", ");
        return Err(RunnerError::DataSets(format!(
            "{from}: expected {names}, or the path of a file, zip or folder of recordings"
        )));
    }
    let out = out.ok_or_else(|| {
        RunnerError::DataSets("expected --out FILE.h5 for what is in one file".to_string())
    })?;
    if out.symlink_metadata().is_ok() {
        return Err(occupied(out));
    }
    convert_file(path, out)
}

/// The error for a place that something else has.
fn occupied(out: &Path) -> RunnerError {
    RunnerError::DataSets(format!(
        "{} is there already, expected no such file; choose another place with --out, or remove it",
        out.display()
    ))
}

fn convert_file(from: &Path, to: &Path) -> Result<()> {
    let start = Instant::now();
    let written = |source| RunnerError::Write {
        path: to.to_path_buf(),
        source,
        remedy: "choose another place with --out",
    };
    let EventFile {
        recordings,
        class_names,
        doubts,
    } = read_recordings(from)?;
    for doubt in doubts {
        say(&format!("doubtful: {doubt}"))?;
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(written)?;
    }
    write_flat(to, &recordings, &class_names)?;
    let bytes = to.metadata().map_err(written)?;
    say(&format!(
        "{}: {}, {}, {} in {:.1} s",
        to.display(),
        counted(recordings.labels().len(), "recording"),
        counted(recordings.total_events(), "event"),
        size(bytes.len()),
        start.elapsed().as_secs_f64()
    ))?;
    Ok(())
}
