//! `data list`: the table of all data sets.

use std::path::Path;

use block_data::{DATA_SETS, DataSet, Locations};

use super::arguments::DataPlace;
use super::output::{say, size};
use crate::cli::hint;
use crate::error::Result;

/// Prints a row for each data set.
pub(super) fn list(place: &DataPlace) -> Result<()> {
    let locations = place.locations();
    let rows = DATA_SETS.iter().map(|set| row(set, &locations));
    let header = [
        "name", "here", "size", "train", "test", "classes", "licence",
    ];
    let rows: Vec<[String; 7]> = [header.map(str::to_string)]
        .into_iter()
        .chain(rows)
        .collect();
    for row in &rows {
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column).unwrap_or(0);
            match (2..6).contains(&column) {
                true => format!("{cell:>width$}"),
                false => format!("{cell:width$}"),
            }
        });
        say(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    let get = hint::data_command(&["get", "NAME"], locations.named());
    say(&format!(
        "\n`{get}` fetches one, and so does the first run that needs it."
    ))?;
    Ok(())
}

fn row(set: &DataSet, locations: &Locations) -> [String; 7] {
    let (entry, paths) = (set.entry(), set.located(locations));
    let folder = paths.first().and_then(|path| path.parent());
    let (here, bytes) = match (folder, entry) {
        (Some(folder), _) => (
            folder.display().to_string(),
            size(paths.iter().map(|path| length(path)).sum()),
        ),
        (None, None) => ("made on the spot".to_string(), String::new()),
        (None, Some(entry)) => {
            let tried = if entry.tried() { "" } else { ", links untried" };
            let bytes = match entry.download_size() {
                (0, _) => String::new(),
                (bytes, true) => size(bytes),
                (bytes, false) => format!("over {}", size(bytes)),
            };
            (format!("no{tried}"), bytes)
        }
    };
    let [train, test] = set.samples.map(|samples| samples.to_string());
    let classes = set.classes.to_string();
    let name = set.name.to_string();
    [
        name,
        here,
        bytes,
        train,
        test,
        classes,
        set.licence.to_string(),
    ]
}

/// Bytes of a file, or of all files below a folder.
fn length(path: &Path) -> u64 {
    let Ok(entries) = path.read_dir() else {
        return path.metadata().map_or(0, |metadata| metadata.len());
    };
    entries.flatten().map(|entry| length(&entry.path())).sum()
}
