//! The part of the report on figure 3: a section for each device and preset that was measured.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use benches::{BetaKind, Pace};
use clap::ValueEnum;
use runner::Environment;

use super::beside;
use super::figures::{Figures, label};
use super::grid::Preset;
use super::place::{self, CELLS, FOLDER};
use super::record::{self, Record};
use super::summary::{ALL, ENGINEERING, MODEL, PAPERS, PASSES, Summary};
use crate::experiment::Places;
use crate::page::content::{Section, Table};
use crate::prose::paragraphs;
use crate::words::{duration, machine};

const TITLE: &str = "Speedup: the block model against the standard one (figure 3)";

/// All that is there; one that says what is missing where there is nothing.
pub(crate) fn sections(places: &Places) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    let measured = measured(&places.results.join(FOLDER))?;
    for (preset, folder) in &measured {
        sections.push(section(*preset, folder)?);
    }
    if sections.is_empty() {
        sections.push(Section {
            name: FOLDER.to_string(),
            title: TITLE.to_string(),
            paragraphs: Vec::new(),
            figures: Vec::new(),
            tables: Vec::new(),
        });
    }
    let mut missing = vec![Preset::Cpu, Preset::Full];
    missing.retain(|preset| measured.iter().all(|(there, _)| there != preset));
    if let (Some(last), false) = (sections.last_mut(), missing.is_empty()) {
        last.tables.push(not_run(&missing));
    }
    Ok(sections)
}

/// Folders named by device and preset, as in `cpu-quick`.
fn measured(folder: &Path) -> Result<Vec<(Preset, PathBuf)>> {
    let at = || folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(at)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(at)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let preset = name.rsplit_once('-').map(|(_, preset)| preset);
        let preset = preset.and_then(|preset| Preset::from_str(preset, false).ok());
        if let Some(preset) = preset
            && !record::read(&path.join(CELLS))?.0.is_empty()
        {
            found.push((preset, path));
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(found)
}

fn section(preset: Preset, folder: &Path) -> Result<Section> {
    let (records, _) = record::read(&folder.join(CELLS))?;
    let environment = place::environment(folder)?;
    let grid = preset.grid();
    let figures = Figures::new(&grid, &records);
    let summary = Summary::of(&records);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut tables = vec![ratios(&summary, "")];
    if grid.betas.len() > 1 {
        tables.extend(grid.betas.iter().map(|&beta| {
            let of: Vec<Record> = records
                .iter()
                .filter(|r| r.cell.beta == beta)
                .cloned()
                .collect();
            ratios(&Summary::of(&of), &format!(", β {}", beta_name(beta)))
        }));
    }
    tables.extend(beside::tables(&figures));
    tables.extend([firing(&records), left_out(&records)]);
    tables.push(made_with(preset, &environment, &summary, &records));
    let prose = format!(
        include_str!("../../prose/speedup.md"),
        samples = grid.samples,
        device = machine(&environment),
    );
    let mut paragraphs = paragraphs(&prose);
    paragraphs.extend(answer(&summary));
    paragraphs.push(match summary.scan_slower.as_slice() {
        [] if summary.scan_compared == 0 => "No cell has the scan and another formulation.".to_string(),
        [] => format!(
            "At none of the {} cells that have the scan and the convolution or the step-by-step standard model does the \
             scan take over 5 % longer than these, forward or backward (medians).",
            summary.scan_compared
        ),
        slower => format!(
            "The scan takes over 5 % longer (medians) at these cells: {}.",
            slower.join("; ")
        ),
    });
    Ok(Section {
        name: format!("{FOLDER}/{name}"),
        title: match preset {
            Preset::Quick => format!("{TITLE}, {name}: a look at few cells, three samples each"),
            _ => format!("{TITLE}, {name}"),
        },
        paragraphs,
        figures: figures.all()?,
        tables,
    })
}

/// How much is the block model and how much engineering.
fn answer(summary: &Summary) -> Option<String> {
    let times = |what| {
        let ratio = summary.total(what)?;
        Some(format!(
            "{:.2} times as fast ({} cells)",
            ratio.geometric_mean, ratio.cells
        ))
    };
    let text = format!(
        include_str!("../../prose/speedup-answer.md"),
        all = times(ALL)?,
        engineering = times(ENGINEERING)?,
        model = times(MODEL)?,
        papers = times(PAPERS)?,
    );
    Some(paragraphs(&text).join("\n\n"))
}

fn beta_name(beta: BetaKind) -> &'static str {
    match beta {
        BetaKind::TrainedPerNeuron => "trained per neuron",
        BetaKind::FixedPerNeuron => "fixed per neuron",
        BetaKind::FixedShared => "fixed, one for all",
    }
}

/// Of all records, or those that are `which`.
fn ratios(summary: &Summary, which: &str) -> Table {
    let rows = [ALL, ENGINEERING, MODEL, PAPERS]
        .into_iter()
        .filter_map(|what| {
            let mut row = vec![what.to_string()];
            for pass in PASSES {
                let mut found = summary.ratios.iter();
                let ratio = found.find(|r| r.what == what && r.pass == pass)?;
                row.push(format!(
                    "{:.2} ({:.2} to {:.2})",
                    ratio.geometric_mean, ratio.smallest, ratio.largest
                ));
            }
            row.push(summary.total(what)?.cells.to_string());
            Some(row)
        });
    Table {
        caption: format!(
            "Times faster: geometric mean of ratios of medians over all cells that have both, smallest to largest{which}"
        ),
        header: ["what over what", "total", "forward", "backward", "cells"]
            .map(String::from)
            .into(),
        rows: rows.collect(),
    }
}

/// Which layers fire, where there are several.
fn firing(records: &[Record]) -> Table {
    let most = records.iter().map(|r| r.firing.len()).max().unwrap_or(0);
    let largest = records.iter().map(|r| r.cell.batch).max();
    let deep = records.iter().filter(|r| {
        r.firing.len() == most
            && most > 1
            && Some(r.cell.batch) == largest
            && r.cell.beta == BetaKind::TrainedPerNeuron
    });
    let rows = deep.map(|record| {
        let mut row = vec![record.cell.neurons.to_string()];
        row.extend(
            record
                .firing
                .iter()
                .map(|share| format!("{:.2}", 100.0 * share)),
        );
        row
    });
    let mut header = vec!["neurons a layer".to_string()];
    header.extend((1..=most).map(|layer| format!("layer {layer}")));
    Table {
        caption: "Neurons that fire, by layer of the deepest stacks, %: with weights drawn as the paper's, hardly any \
                  from the second layer on. Event-driven kernels gain by that; dense ones do not"
            .to_string(),
        header,
        rows: rows.collect(),
    }
}

fn left_out(records: &[Record]) -> Table {
    let rows = Pace::ALL.map(|pace| {
        let of = || records.iter().filter(|r| r.formulation == pace);
        let because = |why: &str| {
            let mut reasons = of().filter_map(|r| r.left_out.as_deref());
            reasons
                .by_ref()
                .filter(|text| text.starts_with(why))
                .count()
        };
        vec![
            label(pace),
            of().filter(|r| r.left_out.is_none()).count().to_string(),
            because("time").to_string(),
            because("memory").to_string(),
        ]
    });
    Table {
        caption: "Cells measured and left out; the reason of each stands in cells.jsonl"
            .to_string(),
        header: [
            "formulation",
            "measured",
            "left out for time",
            "left out for memory",
        ]
        .map(String::from)
        .into(),
        rows: rows.into(),
    }
}

fn made_with(
    preset: Preset,
    environment: &Environment,
    summary: &Summary,
    records: &[Record],
) -> Table {
    let mut commits: Vec<&str> = records
        .iter()
        .map(|r| r.commit.as_deref().unwrap_or("unknown"))
        .collect();
    commits.sort_unstable();
    commits.dedup();
    let commits = commits
        .iter()
        .map(|commit| commit.chars().take(7).collect());
    let commits: Vec<String> = commits.collect();
    Table {
        caption: "How it was made".to_string(),
        header: ["preset", "device", "commit", "day", "duration"]
            .map(String::from)
            .into(),
        rows: vec![vec![
            preset.name().to_string(),
            machine(environment),
            commits.join(", "),
            environment.started.chars().take(10).collect(),
            duration(summary.seconds),
        ]],
    }
}

fn not_run(presets: &[Preset]) -> Table {
    let rows = presets.iter().map(|preset| {
        let command = match preset {
            Preset::Full => "cargo run -p paper --features cuda -- speedup --preset full --device cuda --memory GB",
            _ => "cargo xtask reproduce speedup --preset cpu",
        };
        let what = match preset {
            Preset::Full => "full: the paper's grid, on a GPU",
            _ => "cpu: a coarser grid",
        };
        vec![what.to_string(), command.to_string()]
    });
    Table {
        caption: "Not run here, with the command that runs it".to_string(),
        header: ["preset", "command"].map(String::from).into(),
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Cell;
    use super::super::record::{Journal, Timing};
    use super::*;
    use benches::BetaKind;

    fn record(pace: Pace, neurons: usize, forward: Option<f64>) -> Record {
        let timing = |seconds: f64| Timing::of(vec![seconds, seconds]);
        Record {
            cell: Cell {
                batch: 128,
                layers: 1,
                neurons,
                steps: 128,
                beta: BetaKind::TrainedPerNeuron,
            },
            formulation: pace,
            device: "cpu".to_string(),
            threads: 2,
            commit: Some("0123456789".to_string()),
            forward: forward.map(timing),
            backward: forward.map(timing),
            firing: Vec::new(),
            left_out: forward.is_none().then(|| "time: too long".to_string()),
            took_seconds: 30.0,
        }
    }

    #[test]
    fn a_folder_of_measurements_makes_a_section() {
        let root = tempfile::tempdir().unwrap();
        let places = Places::new(root.path());
        let nothing = sections(&places).unwrap();
        assert_eq!((nothing.len(), nothing[0].name.as_str()), (1, FOLDER));
        assert!(nothing[0].tables[0].rows[0][1].contains("--preset cpu"));
        // Neither does an empty journal make a section.
        fs::create_dir_all(root.path().join(FOLDER).join("cpu-full")).unwrap();
        fs::write(root.path().join(FOLDER).join("cpu-full").join(CELLS), "").unwrap();
        assert_eq!(sections(&places).unwrap()[0].name, FOLDER);

        let folder = root.path().join(FOLDER).join("cpu-quick");
        let mut journal = Journal::open(&folder.join(CELLS)).unwrap();
        for (pace, seconds) in [
            (Pace::Standard, 0.8),
            (Pace::FusedStandard, 0.4),
            (Pace::Scan, 0.2),
            (Pace::Convolution, 0.1),
        ] {
            journal.add(record(pace, 100, Some(seconds))).unwrap();
        }
        journal.add(record(Pace::Standard, 1000, None)).unwrap();
        let device = block_core::device::select("cpu").unwrap();
        place::describe(&folder, &device, 0).unwrap();

        let sections = sections(&places).unwrap();
        assert_eq!(sections.len(), 1);
        let section = &sections[0];
        section.check().unwrap();
        assert_eq!(section.name, "speedup/cpu-quick");
        assert_eq!(section.figures.len(), 6);
        let text = section.paragraphs.join(" ");
        for part in [
            "the scan is 4.00 times as fast (1 cells)",
            "is 2.00 times as fast (1 cells): engineering",
            "8.00 times",
        ] {
            assert!(text.contains(part), "no {part} in {text}");
        }
        // Twice as long as the convolution.
        assert!(text.contains("forward: 2.00 × Convolution"), "{text}");
        let rows: Vec<&Vec<String>> = section.tables.iter().flat_map(|t| &t.rows).collect();
        let standard = rows
            .iter()
            .find(|row| row[0] == label(Pace::Standard))
            .unwrap();
        assert_eq!(standard[1..], ["1", "1", "0"]);
    }
}
