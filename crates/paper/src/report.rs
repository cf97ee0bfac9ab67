//! The files that show the results: `report.html`, figures, `docs/reproduction.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::draw::style;
use crate::experiment::Places;
use crate::files;
use crate::numbers;
use crate::page::content::Section;
use crate::page::{html, markdown, png};
use crate::prose::paragraphs;
use crate::sections::{convolutions, datasets, neurons, robustness};
use crate::speedup;

const TITLE: &str = "Reproduction of the paper";
/// The results that are committed, and the page of the docs on them.
const COMMITTED: &str = "results";
const PAGE: &str = "docs/reproduction.md";

/// All files of the report with their contents, from what is published.
///
/// # Errors
///
/// A damaged file, or a part of the report that would be empty.
pub fn contents(places: &Places) -> Result<Vec<(PathBuf, String)>> {
    let mut sections = vec![
        neurons::section()?,
        robustness::section(places)?,
        datasets::section(places)?,
        convolutions::section(places)?,
    ];
    sections.extend(speedup::sections(places)?);
    let mut contents = Vec::new();
    for section in &mut sections {
        section.paragraphs.extend(notes(places, &section.name)?);
        section.check()?;
        contents.extend(pictures(places, section));
    }
    let lead = lead();
    contents.push((
        places.results.join("report.html"),
        html::page(TITLE, &lead, &sections),
    ));
    let whole = |path: &Path| fs::canonicalize(path).ok();
    if whole(&places.results).is_some_and(|path| Some(path) == whole(Path::new(COMMITTED))) {
        contents.push((PathBuf::from(PAGE), docs(&lead, &sections)));
    }
    Ok(contents)
}

/// The figures of a section as files.
fn pictures(places: &Places, section: &Section) -> Vec<(PathBuf, String)> {
    let folder = places.results.join(&section.name);
    let figures = section.figures.iter();
    figures
        .map(|figure| {
            let path = folder.join(format!("{}.svg", figure.name));
            (path, style::on_white(&figure.svg))
        })
        .collect()
}

fn lead() -> String {
    let text = format!(include_str!("../prose/lead.md"), source = numbers::SOURCE);
    paragraphs(&text).join("\n\n")
}

fn docs(lead: &str, sections: &[Section]) -> String {
    markdown::page(TITLE, lead, "../results", sections)
}

/// What people found out about an experiment: paragraphs of `notes.md` beside its results.
fn notes(places: &Places, experiment: &str) -> Result<Vec<String>> {
    let path = places.results.join(experiment).join("notes.md");
    let text = files::text_if_there(&path)?;
    Ok(paragraphs(&text.unwrap_or_default()))
}

/// Writes what has changed, each file whole, and of every figure a PNG.
pub fn write(places: &Places) -> Result<()> {
    put(contents(places)?)
}

/// Writes the figures of single neurons; returns the paths of the SVG files.
pub fn write_neurons(places: &Places) -> Result<Vec<PathBuf>> {
    let pictures = pictures(places, &neurons::section()?);
    let paths = pictures.iter().map(|(path, _)| path.clone()).collect();
    put(pictures)?;
    Ok(paths)
}

fn put(contents: Vec<(PathBuf, String)>) -> Result<()> {
    for (path, text) in contents {
        let same = fs::read_to_string(&path).is_ok_and(|old| old == text);
        if !same {
            files::write_whole(&path, text.as_bytes())?;
            tracing::info!("{}", path.display());
        }
        // Not committed, so what is there may be of another day's figure.
        let png = path.with_extension("png");
        let drawn = modified(&png) >= modified(&path);
        if path.extension().is_some_and(|end| end == "svg") && !drawn {
            files::write_whole(&png, &png::of(&text)?)?;
        }
    }
    Ok(())
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Compares the files that are there with what [`write()`] would write.
///
/// # Errors
///
/// The first file that is not what `docs` would write.
pub fn check(places: &Places) -> Result<()> {
    for (path, text) in contents(places)? {
        let at = path.display();
        let found = fs::read_to_string(&path)
            .with_context(|| format!("{at}: not there; run `cargo xtask reproduce docs`"))?;
        let mut lines = found.lines().zip(text.lines()).enumerate();
        if found != text {
            let line = lines.find(|(_, (found, new))| found != new);
            let line = line.map_or(
                found.lines().count().min(text.lines().count()),
                |(index, _)| index,
            ) + 1;
            bail!(
                "{at}, line {line}: not what the results say; run `cargo xtask reproduce docs` and commit"
            );
        }
    }
    Ok(())
}
