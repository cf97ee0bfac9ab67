//! `data check`: verifies what is here.

use std::path::Path;

use block_data::fetch::{Entry, FileState, verify};
use block_data::{DATA_SETS, DataError, DataSet, DataSource, Input, Locations, Samples, counted};

use super::arguments::{CheckArguments, DataPlace};
use super::output::{say, size};
use super::place::known;
use crate::cli::hint;
use crate::error::{Result, RunnerError};

/// Verifies data sets, and fails if anything is wrong.
pub(super) fn check(arguments: &CheckArguments) -> Result<()> {
    let locations = arguments.place.locations();
    let mut faults = 0;
    if arguments.names.is_empty() {
        for set in DATA_SETS {
            faults += faults_of(set, &locations)?.unwrap_or(0);
        }
    }
    for name in &arguments.names {
        faults += match known(name) {
            // What was asked for by its name should be here.
            Some(set) => faults_of(set, &locations)?.unwrap_or(1),
            None => own(name, &arguments.place)?,
        };
    }
    match faults {
        0 => Ok(()),
        1 => Err(RunnerError::DataSets("1 fault".to_string())),
        _ => Err(RunnerError::DataSets(format!("{faults} faults"))),
    }
}

/// Whether a data set can be read, is whole, and nothing speaks against its files; says what is
/// wrong.
pub(super) fn is_sound(set: &DataSet, locations: &Locations) -> Result<bool> {
    Ok(faults_of(set, locations)?.unwrap_or(0) == 0)
}

/// Prints what is found out about a data set, and returns how much is wrong; none if it is not here.
fn faults_of(set: &DataSet, locations: &Locations) -> Result<Option<usize>> {
    let (name, mut faults) = (set.name, 0);
    if let Some(entry) = set.entry() {
        let paths = set.located(locations);
        let Some(folder) = paths.first().and_then(|path| path.parent()) else {
            let get = hint::data_command(&["get", name], locations.named());
            say(&format!("{name}: not here; `{get}` fetches it"))?;
            return Ok(None);
        };
        faults += files(&entry, folder)?;
    }
    match set.open(locations) {
        Ok(source) => {
            for (split, samples, expected) in [
                ("train", source.train(), set.samples[0]),
                ("test", source.test(), set.samples[1]),
            ] {
                let (text, sound) = samples_of(&samples, set.classes, expected)?;
                say(&format!("{name}: {split}: {text}"))?;
                faults += usize::from(!sound);
            }
            doubts_of(name, &source)?;
        }
        Err(error) => {
            say(&format!("{name}: WRONG: {error}"))?;
            faults += 1;
        }
    }
    Ok(Some(faults))
}

/// Prints what is not wrong with a data set, but probably not meant.
fn doubts_of(name: &str, source: &DataSource) -> Result<()> {
    for doubt in source.doubts() {
        say(&format!("{name}: doubtful: {doubt}"))?;
    }
    Ok(())
}

/// Recordings of one's own, by a config or a path: nothing is known of them beforehand.
fn own(name: &str, place: &DataPlace) -> Result<usize> {
    let (source, _) = place.open(name)?;
    for (split, samples) in [("train", source.train()), ("test", source.test())] {
        let (text, _) = samples_of(&samples, source.classes(), samples.len())?;
        say(&format!("{name}: {split}: {text}"))?;
    }
    doubts_of(name, &source)?;
    Ok(0)
}

/// The files that can be fetched, as far as they are what is read here.
fn files(entry: &Entry, folder: &Path) -> Result<usize> {
    let mut faults = 0;
    for report in verify(entry, folder) {
        let size = report.size.map(size).unwrap_or_default();
        let at = report.path.as_deref().unwrap_or(folder).display();
        let text = match &report.state {
            FileState::Missing => continue,
            FileState::Sound => format!("sound, {size}: {at}"),
            FileState::Unknown => format!("no checksum known, {size}: {at}"),
            FileState::Wrong(why) => {
                faults += 1;
                format!("WRONG: {at}: {why}")
            }
        };
        say(&format!("{}: {}: {text}", entry.name, report.name))?;
    }
    Ok(faults)
}

/// Counts of a split, read whole.
fn samples_of(samples: &Samples, classes: usize, expected: usize) -> Result<(String, bool)> {
    let (mut by_class, mut inputs) = (vec![0_usize; classes], 0_usize);
    for index in 0..samples.len() {
        let sample = samples.get(index).map_err(DataError::from)?;
        by_class[sample.label] += 1;
        inputs += match sample.input {
            Input::Values(values) => values.len(),
            Input::Events(recording) => recording.times.len(),
        };
    }
    let len = samples.len();
    let samples = counted(len, "sample");
    let text = match (by_class.iter().min(), by_class.iter().max()) {
        (Some(least), Some(most)) if len > 0 => {
            let mean = inputs as f64 / len as f64;
            format!("{samples}, {least} to {most} a class, {mean:.0} inputs each")
        }
        _ => "no samples".to_string(),
    };
    Ok(match len == expected {
        true => (text, true),
        false => {
            let expected = counted(expected, "sample");
            (format!("{text}; WRONG: expected {expected}"), false)
        }
    })
}
