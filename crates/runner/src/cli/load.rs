//! The config that a command line means.

use std::fs;
use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::config::{Config, KeyDifference, absolute_folder};
use crate::error::{Difference, Result, RunnerError};
use crate::run_folder::{CONFIG, RESUME};
use crate::weights;

/// A config with the folder of data sets that the command line names.
pub(super) fn load(path: &Path, set: &[String], data_dir: Option<&Path>) -> Result<Config> {
    let mut set = set.to_vec();
    if let Some(folder) = data_dir {
        let folder = toml::Value::String(absolute(folder)?);
        set.push(format!("data.dir={folder}"));
    }
    Config::load(path, &set)
}

fn absolute(folder: &Path) -> Result<String> {
    absolute_folder(folder).map_err(|expected| {
        RunnerError::Usage(format!("--data-dir is {folder:?}, expected {expected}"))
    })
}

/// The config of a run that exists.
pub(super) struct RunConfig {
    /// As the run's checkpoint has it; earlier runners did not write it.
    pub kept: Option<Config>,
    /// As its folder has it.
    pub file: Config,
    /// As it is asked for now.
    pub now: Config,
}

/// The config of a run with what the command line says of it. Its data are followed: a folder that is named holds them now.
pub(super) fn load_run(
    run: &Path,
    checkpoint: Option<&Checkpoint>,
    set: &[String],
    data_dir: Option<&Path>,
) -> Result<RunConfig> {
    let path = run.join(CONFIG);
    let text = checkpoint.and_then(|checkpoint| checkpoint.config.as_deref());
    // Missing, or not yet written anew by a process that was ended just then.
    let is_outdated = || {
        let replaces = checkpoint.and_then(|checkpoint| checkpoint.replaces.as_deref());
        replaces.is_some() && fs::read_to_string(&path).ok().as_deref() == replaces
    };
    let read = |set: &[String]| match text {
        Some(text) if !path.exists() || is_outdated() => {
            Config::parse(text, &run.join(RESUME).display().to_string(), set)
        }
        _ => Config::load(&path, set),
    };
    if text.is_some() && !path.exists() {
        tracing::warn!(
            "{} is missing: the config is taken from {RESUME}",
            path.display()
        );
    }
    if text.is_some() && fs::metadata(&path).is_ok_and(|file| file.len() == 0) {
        let problem =
            format!("it is empty; delete it, and the run's config is taken from {RESUME}");
        return Err(RunnerError::Checkpoint { path, problem });
    }
    let file = read(&[]).map_err(|source| match text {
        Some(_) => RunnerError::RunConfig {
            source: Box::new(source),
        },
        None => source,
    })?;
    let mut now = read(set)?;
    let is_set = |key: &str| set.iter().any(|one| key_of(one) == key);
    if let Some(folder) = data_dir {
        now.data.dir = Some(absolute(folder)?);
        for (_, key, file) in now.data.own_files_mut() {
            let old = file.as_ref().map(PathBuf::from);
            if let Some(old) = old.filter(|old| old.is_absolute() && !is_set(key)) {
                *file = Some(absolute(&moved(&old, folder))?);
            }
        }
    }
    let kept = checkpoint
        .map(Checkpoint::run_config)
        .transpose()?
        .flatten();
    Ok(RunConfig { kept, file, now })
}

/// Where a file is if the folder is named that has it now: by its last two parts, or by its name.
fn moved(old: &Path, folder: &Path) -> PathBuf {
    let name = old.file_name().unwrap_or_default();
    let parent = old.parent().and_then(Path::file_name).unwrap_or_default();
    let below = folder.join(parent).join(name);
    match below.exists() {
        true => below,
        false => folder.join(name),
    }
}

/// The key of `--set key=value`.
pub(super) fn key_of(argument: &str) -> &str {
    argument.split('=').next().unwrap_or_default().trim()
}

impl RunConfig {
    /// The keys that make this another training than the run's first `epochs` epochs, and all that were edited in the file.
    /// `older`: the checkpoint is the one before the last, so what a run may take later on is no edit: the last one had it.
    pub(super) fn changes(&self, epochs: usize, older: bool) -> Vec<Difference> {
        let Some(kept) = &self.kept else {
            return Vec::new();
        };
        let edited = kept.differences(&self.file);
        let is_edited = |one: &KeyDifference| edited.iter().any(|other| other.key == one.key);
        let asked = kept.differences(&self.now).into_iter();
        let told = asked.map(|one| Difference {
            allowed: (older || !is_edited(&one)) && kept.may_become(&self.now, &one.key, epochs),
            what: format!("`{}`", one.key),
            run: one.before,
            now: one.now,
        });
        told.filter(|one| !one.allowed).collect()
    }

    /// Gives recordings of one's own the units and classes of the run's weights, if the config leaves them to files: runs made
    /// before configs said them. Whether it did.
    pub(super) fn complete(&mut self, weights: &[u8]) -> bool {
        let data = &mut self.now.data;
        let Some([units, classes]) = weights::ends(weights).filter(|_| data.files().is_some())
        else {
            return false;
        };
        let derived = data.units.is_none();
        data.units.get_or_insert(units);
        data.classes.get_or_insert(classes);
        derived
    }
}
