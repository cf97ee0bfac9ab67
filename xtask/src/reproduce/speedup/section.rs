//! The part of the report on figure 3: a section for each device and preset that was measured.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use benches::Pace;
use clap::ValueEnum;
use runner::Environment;

use super::super::content::{Section, Table};
use super::super::results::{duration, machine};
use super::super::runs::Places;
use super::figures::{Figures, label};
use super::grid::Preset;
use super::record::{self, Record};
use super::summary::{ALL, ENGINEERING, MODEL, PAPERS, PASSES, Summary};
use super::{CELLS, ENVIRONMENT, FOLDER, beside};

const TITLE: &str = "Speedup: the block model against the standard one (figure 3)";

/// All that is there; one that says what is missing where there is nothing.
pub fn sections(places: &Places) -> Result<Vec<Section>, String> {
    let mut sections = Vec::new();
    for (preset, folder) in measured(&places.results.join(FOLDER))? {
        sections.push(section(preset, &folder)?);
    }
    if sections.is_empty() {
        sections.push(Section {
            name: FOLDER.to_string(),
            title: TITLE.to_string(),
            paragraphs: Vec::new(),
            figures: Vec::new(),
            tables: vec![missing()],
        });
    }
    Ok(sections)
}

/// Folders named by device and preset, as in `cpu-quick`.
fn measured(folder: &Path) -> Result<Vec<(Preset, PathBuf)>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let preset = name.rsplit_once('-').map(|(_, preset)| preset);
        let preset = preset.and_then(|preset| Preset::from_str(preset, false).ok());
        if let (Some(preset), true) = (preset, path.join(CELLS).exists()) {
            found.push((preset, path));
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(found)
}

fn section(preset: Preset, folder: &Path) -> Result<Section, String> {
    let (records, _) = record::read(&folder.join(CELLS))?;
    let path = folder.join(ENVIRONMENT);
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let environment: Environment =
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    let grid = preset.grid();
    let figures = Figures::new(&grid, &records);
    let summary = Summary::of(&records);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut tables = vec![ratios(&summary)];
    tables.extend(beside::tables(&figures));
    tables.extend([firing(&records), left_out(&records)]);
    tables.push(made_with(preset, &environment, &summary, &records));
    let mut paragraphs = vec![
        format!(
            "Layers of neurons on 1000 inputs that spike at half of all steps or less (Poisson, as the paper's), without a \
             readout; the forward pass, and the backward pass of the summed spikes, timed apart; a warm-up, then {} \
             samples on fresh inputs, the formulations in turn on each. β = 0.9, trained per neuron in the figures. \
             The bars and ± are standard deviations, ratios those of mean times. Device: {}.",
            grid.samples,
            machine(&environment),
        ),
        "Four formulations of the same neurons: the standard single-spike model step by step, as the paper's; the block \
         model as its two convolutions; the block model as this library's scan; and, which the paper does not have, the \
         standard single-spike model with everything that the scan has but the block model: a fused sequential kernel, \
         its gradient in closed form."
            .to_string(),
    ];
    paragraphs.extend(answer(&summary));
    paragraphs.push(match summary.scan_slower.as_slice() {
        [] => "At no cell does the scan take over 5 % longer than the convolution or the step-by-step standard model, \
               forward or backward (medians)."
            .to_string(),
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
    let times = |what| Some(format!("{:.2}", summary.total(what)?.geometric_mean));
    Some(format!(
        "How much of the speedup is the block model, and how much is engineering? In the geometric mean over all cells, forward \
         and backward, the scan is {} times as fast as the step-by-step standard model. The fused kernel of the standard \
         model, which has nothing of the block model, is {} times as fast: engineering. The scan is {} times as fast as \
         that kernel: what the block model adds. The block model alone, as the paper's convolutions in plain tensor \
         operations, is {} times as fast as the step-by-step model on this device.",
        times(ALL)?,
        times(ENGINEERING)?,
        times(MODEL)?,
        times(PAPERS)?
    ))
}

fn ratios(summary: &Summary) -> Table {
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
        caption: "Times faster: geometric mean of ratios of medians over all cells that have both, smallest to largest"
            .to_string(),
        header: ["what over what", "total", "forward", "backward", "cells"]
            .map(String::from)
            .into(),
        rows: rows.collect(),
    }
}

/// Which layers fire, where there are several.
fn firing(records: &[Record]) -> Table {
    let most = records.iter().map(|r| r.firing.len()).max().unwrap_or(0);
    let deep = records
        .iter()
        .filter(|r| r.firing.len() == most && most > 1);
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

fn missing() -> Table {
    let row = |preset: &str, command: &str| vec![preset.to_string(), command.to_string()];
    Table {
        caption: "Not run here, with the command that runs it".to_string(),
        header: ["preset", "command"].map(String::from).into(),
        rows: vec![row("cpu", "cargo xtask reproduce speedup --preset cpu")],
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::Cell;
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
        let environment = Environment::current(&runner::device::select("cpu").unwrap());
        let text = serde_json::to_string(&environment).unwrap();
        fs::write(folder.join(ENVIRONMENT), text).unwrap();

        let sections = sections(&places).unwrap();
        assert_eq!(sections.len(), 1);
        let section = &sections[0];
        section.check().unwrap();
        assert_eq!(section.name, "speedup/cpu-quick");
        assert_eq!(section.figures.len(), 6);
        let text = section.paragraphs.join(" ");
        for part in [
            "the scan is 4.00 times",
            "is 2.00 times as fast: engineering",
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
