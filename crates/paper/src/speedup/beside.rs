//! Figure 3 in numbers, ours beside the paper's.

use benches::Pace;

use super::figures::{Figures, Pass, cell, ratio};
use super::grid::{FEW, MANY, USUAL};
use crate::draw::point::{Point, digits};
use crate::numbers::speedup as paper;
use crate::page::content::Table;

/// A table for each of the figures a to f.
pub(super) fn tables(figures: &Figures<'_>) -> Vec<Table> {
    let batch = figures.grid.batch();
    let timing = |at, pass| figures.timing(at, Pace::Scan, pass);
    vec![
        a(figures),
        b(figures),
        over(
            &format!("c: total speedup over hidden layers, {USUAL} steps, batch {batch}"),
            "neurons a layer",
            &paper::C,
            paper::LAYERS,
            |n, layers| figures.speedup(cell(batch, layers, n, USUAL), Pace::Scan, Pass::Total),
        ),
        over(
            &format!("d: total speedup over neurons, {USUAL} steps; – is not in this preset"),
            "batch",
            &paper::D,
            paper::NEURONS,
            |batch, n| figures.speedup(cell(batch, 1, n, USUAL), Pace::Scan, Pass::Total),
        ),
        over(
            &format!("e: speedup of the forward pass over time steps, {MANY} neurons"),
            "batch",
            &paper::E,
            paper::STEPS,
            |batch, steps| figures.speedup(cell(batch, 1, MANY, steps), Pace::Scan, Pass::Forward),
        ),
        over(
            &format!(
                "f: backward over forward time of the block model over time steps, {MANY} neurons"
            ),
            "batch",
            &paper::F,
            paper::STEPS,
            |batch, steps| {
                let at = cell(batch, 1, MANY, steps);
                ratio(timing(at, Pass::Backward), timing(at, Pass::Forward))
            },
        ),
    ]
}

fn a(figures: &Figures<'_>) -> Table {
    let batch = figures.grid.batch();
    let speedup = |n, steps, pass| figures.speedup(cell(batch, 1, n, steps), Pace::Scan, pass);
    let grid = figures.grid;
    let all = grid.neurons.iter().flat_map(|&n| {
        let steps = grid.steps.iter();
        steps.map(move |&steps| speedup(n, steps, Pass::Total))
    });
    let larger = |a: Point, b: Point| if a.value() < b.value() { b } else { a };
    let largest = all.fold(Point::Nothing, larger);
    let last = *paper::STEPS.last().expect("there are steps");
    let rows = [
        ("largest total speedup".to_string(), largest),
        (
            format!("speedup of the forward pass, {MANY} neurons, {last} steps"),
            speedup(MANY, last, Pass::Forward),
        ),
    ];
    let rows = rows.into_iter().zip(paper::A);
    Table {
        caption: format!(
            "a to f in numbers: the block scan over the step-by-step standard model, left out where either is. a: batch \
             {batch}, {} of the paper's 90 cells",
            grid.neurons.len() * grid.steps.len()
        ),
        header: ["", "here", "paper"].map(String::from).into(),
        rows: rows
            .map(|((what, here), paper)| vec![what, here.text(), paper.to_string()])
            .collect(),
    }
}

fn b(figures: &Figures<'_>) -> Table {
    let batch = figures.grid.batch();
    let rows = paper::B.map(|(steps, standard, block)| {
        let seconds = |pace| figures.seconds(cell(batch, 1, FEW, steps), pace).text();
        vec![
            steps.to_string(),
            seconds(Pace::Standard),
            digits(10_f64.powf(standard)),
            seconds(Pace::Scan),
            digits(10_f64.powf(block)),
        ]
    });
    Table {
        caption: format!("b: seconds forward and backward, {FEW} neurons, batch {batch}"),
        header: [
            "time steps",
            "standard, step by step",
            "paper",
            "block",
            "paper",
        ]
        .map(String::from)
        .into(),
        rows: rows.into(),
    }
}

/// Two rows a line of the figure: here, and the paper's.
fn over<const PLACES: usize>(
    caption: &str,
    lines: &str,
    paper: &[(usize, [f64; PLACES])],
    places: [usize; PLACES],
    here: impl Fn(usize, usize) -> Point,
) -> Table {
    let mut header = vec![lines.to_string(), String::new()];
    header.extend(places.map(|place| place.to_string()));
    let mut rows = Vec::new();
    for &(line, values) in paper {
        let row = |whose: &str| vec![line.to_string(), whose.to_string()];
        let mut ours = row("here");
        ours.extend(places.map(|place| here(line, place).text()));
        let mut theirs = row("paper");
        theirs.extend(values.map(|value| value.to_string()));
        rows.extend([ours, theirs]);
    }
    Table {
        caption: caption.to_string(),
        header,
        rows,
    }
}
