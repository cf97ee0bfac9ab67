//! The files that show the results: `report.html`, figures, `docs/reproduction.md`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::content::Section;
use super::runs::Places;
use super::{datasets, html, markdown, paper, plot, robustness};

const TITLE: &str = "Reproduction of the paper";
/// The results that are committed, and the page of the docs on them.
const COMMITTED: &str = "results";
const PAGE: &str = "docs/reproduction.md";

/// All files, from what is published.
///
/// # Errors
///
/// A damaged file, or a part of the report that would be empty.
pub fn files(places: &Places) -> Result<Vec<(PathBuf, String)>, String> {
    let mut sections = vec![robustness::section(places)?, datasets::section(places)?];
    let mut files = Vec::new();
    for section in &mut sections {
        section.paragraphs.extend(notes(places, section.name)?);
        section.check()?;
        for figure in &section.figures {
            let path = places
                .results
                .join(section.name)
                .join(format!("{}.svg", figure.name));
            files.push((path, plot::on_white(&figure.svg)));
        }
    }
    let lead = lead();
    files.push((
        places.results.join("report.html"),
        html::page(TITLE, &lead, &sections),
    ));
    if places.results == Path::new(COMMITTED) {
        files.push((PathBuf::from(PAGE), docs(&lead, &sections)));
    }
    Ok(files)
}

fn lead() -> String {
    format!(
        "Ours beside the paper's ({}). Numbers are means with the population's standard deviation over runs; a \
         difference is that of both means, in units of the root of the sum of both squared deviations (of a single \
         run ours counts as 0).",
        paper::SOURCE
    )
}

fn docs(lead: &str, sections: &[Section]) -> String {
    markdown::page(TITLE, lead, "../results", sections)
}

/// What people found out about an experiment: paragraphs of `notes.md` beside its results.
fn notes(places: &Places, experiment: &str) -> Result<Vec<String>, String> {
    let path = places.results.join(experiment).join("notes.md");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let paragraphs = text
        .split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    Ok(paragraphs.filter(|part| !part.is_empty()).collect())
}

/// Writes what has changed, each file whole.
pub fn write(places: &Places) -> Result<(), String> {
    for (path, text) in files(places)? {
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        let part = path.with_extension("part");
        let written = (|| {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = File::create(&part)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &path)
        })();
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        tracing::info!("{}", path.display());
    }
    Ok(())
}

/// Compares instead of writing.
///
/// # Errors
///
/// The first file that is not what `docs` would write.
pub fn check(places: &Places) -> Result<(), String> {
    for (path, text) in files(places)? {
        let at = path.display();
        let found = fs::read_to_string(&path)
            .map_err(|error| format!("{at}: {error}; run `cargo xtask reproduce docs`"))?;
        let mut lines = found.lines().zip(text.lines()).enumerate();
        if found != text {
            let line = lines.find(|(_, (found, new))| found != new);
            let line = line.map_or(
                found.lines().count().min(text.lines().count()),
                |(index, _)| index,
            ) + 1;
            return Err(format!(
                "{at}, line {line}: not what the results say; run `cargo xtask reproduce docs` and commit"
            ));
        }
    }
    Ok(())
}
