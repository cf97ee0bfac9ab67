//! Training from a silent start: figure 4 d, and the standard model beside it.

use anyhow::Result;

use crate::draw::charts::{self, Axis, Line};
use crate::experiment::{BLOCK, Experiment, Places};
use crate::numbers;
use crate::page::content::{Figure, Section, Table};
use crate::prose::paragraphs;
use crate::runs::activity::{self, Batch};
use crate::runs::results::{self, Finished, Model};
use crate::words::{data_title, model_title};

/// The part of the report.
pub(crate) fn section(places: &Places) -> Result<Section> {
    let models = results::models(places, Experiment::Robustness)?;
    // One run of each, as in the paper.
    let shown: Vec<(&Model, &Finished)> = models
        .iter()
        .filter_map(|model| Some((model, model.runs.first()?)))
        .collect();
    Ok(Section {
        name: Experiment::Robustness.name().to_string(),
        title: "Robustness: training from a silent start (figure 4 d)".to_string(),
        paragraphs: paragraphs(include_str!("../../prose/robustness.md")),
        figures: vec![loss(&shown)?, hidden_activity(&shown)?],
        tables: vec![
            table(&shown),
            results::made_with(&models),
            results::missing(&models),
        ],
    })
}

fn line(model: &Model, points: Vec<(f64, f64)>) -> Line {
    let data = Experiment::Robustness.data();
    let share = model.epochs_run() as f64 / model.epochs as f64;
    let part = match model.is_short() {
        true => format!(" ({} of {})", model.epochs_run(), model.epochs),
        false => String::new(),
    };
    Line {
        label: format!(
            "{}, {}{part}",
            short(data_title(model.data)),
            short(model_title(model.formulation))
        ),
        color: data
            .iter()
            .position(|name| *name == model.data)
            .unwrap_or(0),
        thin: model.formulation != BLOCK,
        // Over the whole training, also where not all of it was run.
        points: points
            .into_iter()
            .map(|(time, height)| (time * share, height))
            .collect(),
        cross: None,
    }
}

/// As a legend has room for.
fn short(title: &str) -> &str {
    match title {
        "block (scan)" => "block",
        "standard single-spike" => "standard",
        "spoken digits (FSDD)" => "FSDD",
        other => other,
    }
}

/// Values over index/length, divided by the largest; all 0 stays 0.
fn normalised(values: &[f64]) -> Vec<(f64, f64)> {
    let largest = values.iter().copied().fold(0.0, f64::max);
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let number = values.len() as f64;
    let values = values.iter().enumerate();
    values
        .map(|(index, value)| (index as f64 / number, value / scale))
        .collect()
}

/// Lines from 0 to 1 over 0 to 1.
fn curves(name: &str, lines: &[Line]) -> Result<String> {
    let time = Axis {
        name: "time / whole training",
        range: -0.02..1.0,
    };
    let height = Axis {
        name,
        range: 0.0..1.05,
    };
    charts::lines("", &time, &height, lines)
}

fn losses(run: &Finished) -> Vec<f64> {
    run.epochs
        .iter()
        .filter_map(|epoch| epoch.train_loss)
        .collect()
}

fn loss(shown: &[(&Model, &Finished)]) -> Result<Figure> {
    let mut alt = "Loss an epoch over the training, each divided by its maximum.".to_string();
    let mut lines = Vec::new();
    for &(model, run) in shown {
        let line = line(model, normalised(&losses(run)));
        let (first, last) = (line.points.first(), line.points.last());
        if let (Some(first), Some(last)) = (first, last) {
            alt += &format!(
                " {}: begins at {:.2}, ends at {:.2}.",
                line.label, first.1, last.1
            );
        }
        lines.push(line);
    }
    Ok(Figure {
        name: "loss",
        svg: curves("loss / its maximum", &lines)?,
        alt,
        caption:
            "Mean training loss of an epoch. Thin: the standard model; a run cut short (epochs of all) ends early."
                .to_string(),
    })
}

fn hidden_activity(shown: &[(&Model, &Finished)]) -> Result<Figure> {
    let mut alt = "Hidden activity of training batches, each divided by its maximum.".to_string();
    let mut lines = Vec::new();
    for &(model, run) in shown {
        let mut line = line(model, activity_points(&run.batches));
        if run.batches.first().is_some_and(|batch| batch.spikes == 0.0) {
            line.cross = Some((0.0, 0.0));
        }
        let first = match activity::first_spike(&run.batches) {
            Some(batch) => format!("first spike in batch {batch}"),
            None => "never a spike".to_string(),
        };
        let last = line.points.last().map_or(0.0, |point| point.1);
        alt += &format!(" {}: {first}, ends at {last:.2}.", line.label);
        lines.push(line);
    }
    let silent = lines.iter().any(|line| line.cross.is_some());
    if silent {
        alt += " A red cross marks the silent start.";
    }
    Ok(Figure {
        name: "activity",
        svg: curves("hidden activity / its maximum", &lines)?,
        alt,
        caption: format!(
            "Hidden spikes of a training batch{}. Thin: the standard model.",
            if silent {
                "; the red cross: no neuron spikes"
            } else {
                ""
            }
        ),
    })
}

/// Activity of thinned batches over index/length of all of them.
fn activity_points(batches: &[Batch]) -> Vec<(f64, f64)> {
    let number = batches.last().map_or(1, |batch| batch.number) as f64;
    let spikes: Vec<f64> = batches.iter().map(|batch| batch.spikes).collect();
    let heights = normalised(&spikes).into_iter().map(|(_, height)| height);
    let times = batches
        .iter()
        .map(|batch| (batch.number - 1) as f64 / number);
    times.zip(heights).collect()
}

fn table(shown: &[(&Model, &Finished)]) -> Table {
    let rows = shown.iter().map(|&(model, run)| {
        let first = run.batches.first();
        let last = run.epochs.last().and_then(|epoch| epoch.train_loss);
        let begin = first.map(|batch| batch.loss);
        let curve = normalised(&losses(run)).last().map(|point| point.1);
        let summary = &run.summary;
        let number = |value: Option<f64>, decimals: usize| {
            value.map_or("–".to_string(), |value| format!("{value:.decimals$}"))
        };
        let known = numbers::final_loss(model.data).filter(|_| model.formulation == BLOCK);
        vec![
            data_title(model.data).to_string(),
            model_title(model.formulation).to_string(),
            run.seed.to_string(),
            match model.epochs_run() < model.epochs {
                true => format!("{} of {}", model.epochs_run(), model.epochs),
                false => model.epochs.to_string(),
            },
            first.map_or("unknown".to_string(), |batch| format!("{}", batch.spikes)),
            activity::first_spike(&run.batches)
                .map_or("never".to_string(), |batch| batch.to_string()),
            number(last.zip(begin).map(|(last, begin)| 100.0 * last / begin), 1),
            number(summary.test_accuracy.map(|accuracy| 100.0 * accuracy), 2),
            number(begin, 4),
            number(last, 4),
            number(curve, 3),
            known.map_or("–".to_string(), |loss| format!("about {loss}")),
            number(summary.hidden_spikes_per_sample, 1),
        ]
    });
    Table {
        caption: "In numbers. The paper gives a picture only, read off by eye, and no deviation"
            .to_string(),
        header: [
            "data set",
            "model",
            "seed",
            "epochs",
            "spikes a sample, first batch",
            "first batch with a spike",
            "loss, last epoch / first batch, %",
            "test accuracy, %",
            "loss, first batch",
            "loss, last epoch",
            "last / largest epoch",
            "paper",
            "spikes a test sample",
        ]
        .map(String::from)
        .into(),
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_divided_by_their_maximum() {
        assert_eq!(
            normalised(&[2.0, 4.0, 1.0, 0.0]),
            [(0.0, 0.5), (0.25, 1.0), (0.5, 0.25), (0.75, 0.0)]
        );
        assert_eq!(normalised(&[0.0, 0.0]), [(0.0, 0.0), (0.5, 0.0)]);
    }

    #[test]
    fn thinned_batches_keep_their_time() {
        let batch = |number, spikes| Batch {
            number,
            loss: 1.0,
            spikes,
        };
        let points = activity_points(&[batch(1, 0.0), batch(6, 5.0), batch(10, 2.5)]);
        assert_eq!(points, [(0.0, 0.0), (0.5, 1.0), (0.9, 0.5)]);
    }
}
