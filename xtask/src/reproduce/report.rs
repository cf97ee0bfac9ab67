//! The files that show the results: `report.html`, figures, `docs/reproduction.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::content::Section;
use super::runs::Places;
use super::{datasets, figures, html, markdown, paper, plot, png, robustness, speedup};
use crate::write_whole;

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
    let mut sections = vec![
        figures::section()?,
        robustness::section(places)?,
        datasets::section(places)?,
    ];
    sections.extend(speedup::sections(places)?);
    let mut files = Vec::new();
    for section in &mut sections {
        section.paragraphs.extend(notes(places, &section.name)?);
        section.check()?;
        files.extend(pictures(places, section));
    }
    let lead = lead();
    files.push((
        places.results.join("report.html"),
        html::page(TITLE, &lead, &sections),
    ));
    let whole = |path: &Path| fs::canonicalize(path).ok();
    if whole(&places.results).is_some_and(|path| Some(path) == whole(Path::new(COMMITTED))) {
        files.push((PathBuf::from(PAGE), docs(&lead, &sections)));
    }
    Ok(files)
}

/// The figures of a section as files.
fn pictures(places: &Places, section: &Section) -> Vec<(PathBuf, String)> {
    let folder = places.results.join(&section.name);
    let figures = section.figures.iter();
    figures
        .map(|figure| {
            let path = folder.join(format!("{}.svg", figure.name));
            (path, plot::on_white(&figure.svg))
        })
        .collect()
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

/// Writes what has changed, each file whole, and of every figure a PNG.
pub fn write(places: &Places) -> Result<(), String> {
    put(files(places)?)
}

/// The same of the figures of one section.
pub fn write_figures(places: &Places, section: &Section) -> Result<(), String> {
    put(pictures(places, section))
}

fn put(files: Vec<(PathBuf, String)>) -> Result<(), String> {
    for (path, text) in files {
        let same = fs::read_to_string(&path).is_ok_and(|old| old == text);
        if !same {
            write_whole(&path, text.as_bytes())?;
            tracing::info!("{}", path.display());
        }
        // Not committed, so what is there may be of another day's figure.
        let png = path.with_extension("png");
        let drawn = modified(&png) >= modified(&path);
        if path.extension().is_some_and(|end| end == "svg") && !drawn {
            write_whole(&png, &png::of(&text)?)?;
        }
    }
    Ok(())
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
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
