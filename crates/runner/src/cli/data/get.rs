//! `data get`: fetches what is missing or wrong.

use std::path::Path;

use block_data::DataSet;

use super::arguments::GetArguments;
use super::check::is_sound;
use super::output::say;
use super::place::known;
use crate::cli::hint;
use crate::data::fetch_data;
use crate::error::{Result, RunnerError};

/// Fetches a data set, unless it is here and right.
pub(super) fn get(arguments: &GetArguments) -> Result<()> {
    let name = arguments.name.as_str();
    let set = known(name).map_or_else(|| DataSet::known(name), Ok)?;
    let (name, locations) = (set.name, arguments.place.locations());
    if set.entry().is_none() {
        say(&format!("{name} needs no files: it is made on the spot"))?;
        return Ok(());
    }
    if set.located(&locations).is_empty() || !is_sound(set, &locations)? {
        fetch_data(set, &locations, arguments.offline)?;
        if !is_sound(set, &locations)? {
            let check = hint::data_command(&["check", name], locations.named());
            return Err(RunnerError::DataSets(format!(
                "{name} was fetched, but other files hide it: `{check}` tells which; delete them"
            )));
        }
    }
    let paths = set.located(&locations);
    let folder = paths.first().and_then(|path| path.parent());
    say(&format!(
        "{name} is in {}: {}; licence: {}; {}",
        folder.unwrap_or(Path::new("")).display(),
        set.about,
        set.licence,
        set.homepage
    ))?;
    Ok(())
}
