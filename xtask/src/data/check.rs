//! Verifies what is here.

use std::path::Path;

use block_data::fetch::{FileState, catalogue, verify};
use block_data::{DATA_SETS, DataSet, Input, Locations, Samples, located, open};

use super::{Place, known, size};

#[derive(clap::Args)]
pub struct Args {
    /// Data sets; all that are here by default.
    names: Vec<String>,
    #[command(flatten)]
    place: Place,
}

pub fn run(args: &Args) -> Result<(), String> {
    let locations = args.place.locations();
    let names: Vec<&str> = match args.names.is_empty() {
        true => DATA_SETS.iter().map(|set| set.name).collect(),
        false => args.names.iter().map(|name| known(name)).collect(),
    };
    let mut faults = 0;
    for name in names {
        faults += match DataSet::named(name) {
            Some(_) => check(name, &locations, !args.names.is_empty())?,
            None => own(name, &args.place)?,
        };
    }
    match faults {
        0 => Ok(()),
        1 => Err("1 fault".to_string()),
        _ => Err(format!("{faults} faults")),
    }
}

/// Prints what is found out about a data set, and returns how much is wrong.
fn check(name: &str, locations: &Locations, named: bool) -> Result<usize, String> {
    let Some(set) = DataSet::named(name) else {
        return open(name, locations).map(|_| 0).map_err(|e| e.to_string());
    };
    let get = format!("`cargo xtask data get {name}` fetches it");
    let paths = located(name, locations);
    let fetched = catalogue().iter().any(|entry| entry.name == name);
    let mut faults = 0;
    match paths.first().and_then(|path| path.parent()) {
        Some(folder) if fetched => faults += files(name, folder)?,
        None if fetched => {
            println!("{name}: not here; {get}");
            return Ok(usize::from(named));
        }
        _ => {}
    }
    match open(name, locations) {
        Ok(source) => {
            for (split, samples, expected) in [
                ("train", source.train(), set.samples[0]),
                ("test", source.test(), set.samples[1]),
            ] {
                let (text, sound) = samples_of(&samples, set.classes, expected)?;
                println!("{name}: {split}: {text}");
                faults += usize::from(!sound);
            }
        }
        Err(error) => {
            println!("{name}: WRONG: {error}");
            faults += 1;
        }
    }
    Ok(faults)
}

/// Whether a data set can be read, is whole, and nothing speaks against its files; says what is
/// wrong.
pub fn is_sound(name: &str, locations: &Locations) -> Result<bool, String> {
    Ok(check(name, locations, false)? == 0)
}

/// Recordings of one's own, by a config or a path: nothing is known of them beforehand.
fn own(name: &str, place: &Place) -> Result<usize, String> {
    let (source, _) = place.open(name)?;
    for (split, samples) in [("train", source.train()), ("test", source.test())] {
        let (text, _) = samples_of(&samples, source.classes(), samples.len())?;
        println!("{name}: {split}: {text}");
    }
    Ok(0)
}

/// The files of the catalogue, as far as they are what is read here.
fn files(name: &str, folder: &Path) -> Result<usize, String> {
    let mut faults = 0;
    for report in verify(name, folder).map_err(|e| e.to_string())? {
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
        println!("{name}: {}: {text}", report.name);
    }
    Ok(faults)
}

/// Counts of a split, read whole.
fn samples_of(
    samples: &Samples,
    classes: usize,
    expected: usize,
) -> Result<(String, bool), String> {
    let (mut by_class, mut inputs) = (vec![0_usize; classes], 0_usize);
    for index in 0..samples.len() {
        let sample = samples.get(index).map_err(|e| e.to_string())?;
        by_class[sample.label] += 1;
        inputs += match sample.input {
            Input::Values(values) => values.len(),
            Input::Events(recording) => recording.times.len(),
        };
    }
    let len = samples.len();
    let (least, most) = (by_class.iter().min(), by_class.iter().max());
    let (least, most) = (least.unwrap_or(&0), most.unwrap_or(&0));
    let mean = inputs as f64 / len.max(1) as f64;
    let text = format!("{len} samples, {least} to {most} a class, {mean:.0} inputs each");
    Ok(match len == expected {
        true => (text, true),
        false => (format!("{text}; WRONG: expected {expected} samples"), false),
    })
}
