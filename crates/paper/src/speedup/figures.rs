//! Figure 3, a to f, from the records.

use std::collections::HashMap;

use anyhow::Result;
use benches::{BetaKind, Pace};

use super::cell::Cell;
use super::grid::{FEW, Grid, MANY, USUAL};
use super::record::{Record, Timing};
use crate::draw::maps::{Map, Maps};
use crate::draw::panels::{Panel, Picture};
use crate::draw::point::Point;
use crate::page::content::Figure;

/// Forward, backward or both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pass {
    Total,
    Forward,
    Backward,
}

/// What is compared with the step-by-step standard model.
const FASTER: [Pace; 3] = [Pace::Scan, Pace::Convolution, Pace::FusedStandard];

/// What is drawn: the records on their grid.
pub(super) struct Figures<'a> {
    pub grid: &'a Grid,
    known: HashMap<(Cell, Pace), &'a Record>,
}

impl<'a> Figures<'a> {
    pub(super) fn new(grid: &'a Grid, records: &'a [Record]) -> Self {
        let known = records.iter().map(|r| ((r.cell, r.formulation), r));
        Self {
            grid,
            known: known.collect(),
        }
    }

    /// The pictures, a to f.
    pub(super) fn all(&self) -> Result<Vec<Figure>> {
        Ok(vec![
            self.a()?,
            self.b()?,
            self.c()?,
            self.d()?,
            self.e()?,
            self.f()?,
        ])
    }

    fn a(&self) -> Result<Figure> {
        let batch = self.grid.batch();
        let passes = [
            (Pass::Total, "total"),
            (Pass::Forward, "forward"),
            (Pass::Backward, "backward"),
        ];
        let map = |pace, (pass, name)| Map {
            title: format!("{}: {name}", label(pace)),
            values: self.over(self.grid.neurons, |n| {
                self.over(self.grid.steps, |t| {
                    self.speedup(cell(batch, 1, n, t), pace, pass)
                })
            }),
        };
        let row = |pace| passes.map(|pass| map(pace, pass)).into();
        let maps: Vec<Vec<Map>> = FASTER.into_iter().map(row).collect();
        let all = maps
            .iter()
            .flatten()
            .flat_map(|map| map.values.iter().flatten());
        let notes = vec![
            "The number is how many times faster than the step-by-step standard model; blue is faster, \
             orange slower, white as fast."
                .to_owned(),
            self.note(all, "hatched"),
        ];
        let title = format!("a: Speedup over the standard model, batch {batch}");
        let maps = Maps {
            title: &title,
            maps,
            neurons: self.grid.neurons,
            steps: self.grid.steps,
            notes,
        };
        Ok(Figure {
            name: "a",
            svg: maps.draw()?,
            alt: maps.alt(),
            caption: format!("Figure 3 {title}."),
        })
    }

    fn b(&self) -> Result<Figure> {
        let panel = |&batch: &usize| Panel {
            title: format!("batch {batch}"),
            lines: self.over(&Pace::ALL, |pace| {
                self.over(self.grid.steps, |t| {
                    self.seconds(cell(batch, 1, FEW, t), pace)
                })
            }),
        };
        let panels = self.grid.batches.iter().map(panel).collect();
        self.picture(
            ("b", "Forward and backward, 100 neurons"),
            ("time steps", self.grid.steps),
            "seconds",
            Pace::ALL.map(label).to_vec(),
            panels,
        )
    }

    fn c(&self) -> Result<Figure> {
        let (batch, neurons) = (self.grid.batch(), self.lines_of_c());
        let panels = self.by_pace(&neurons, self.grid.layers, |pace, n, layers| {
            self.speedup(cell(batch, layers, n, USUAL), pace, Pass::Total)
        });
        self.picture(
            (
                "c",
                &format!("Speedup over the standard model, batch {batch}, {USUAL} time steps"),
            ),
            ("hidden layers", self.grid.layers),
            "speedup, times",
            self.over(&neurons, |n| format!("{n} neurons a layer")),
            panels,
        )
    }

    fn d(&self) -> Result<Figure> {
        let panels = self.by_pace(self.grid.batches, self.grid.wide, |pace, batch, n| {
            self.speedup(cell(batch, 1, n, USUAL), pace, Pass::Total)
        });
        self.picture(
            (
                "d",
                &format!("Speedup over the standard model, many neurons, {USUAL} time steps"),
            ),
            ("neurons", self.grid.wide),
            "speedup, times",
            self.batches(),
            panels,
        )
    }

    fn e(&self) -> Result<Figure> {
        let panels = self.by_pace(self.grid.batches, self.grid.steps, |pace, batch, t| {
            self.speedup(cell(batch, 1, MANY, t), pace, Pass::Forward)
        });
        self.picture(
            (
                "e",
                &format!("Speedup of the forward pass over the standard model, {MANY} neurons"),
            ),
            ("time steps", self.grid.steps),
            "speedup, times",
            self.batches(),
            panels,
        )
    }

    fn f(&self) -> Result<Figure> {
        let panel = |pace| Panel {
            title: label(pace),
            lines: self.over(self.grid.batches, |batch| {
                self.over(self.grid.steps, |t| {
                    let at = cell(batch, 1, MANY, t);
                    let of = |pass| self.timing(at, pace, pass);
                    ratio(of(Pass::Backward), of(Pass::Forward))
                })
            }),
        };
        self.picture(
            (
                "f",
                &format!("Time of the backward pass over that of the forward pass, {MANY} neurons"),
            ),
            ("time steps", self.grid.steps),
            "backward / forward, times",
            self.batches(),
            self.over(&Pace::ALL, panel),
        )
    }

    fn picture(
        &self,
        (name, title): (&'static str, &str),
        (x, places): (&str, &[usize]),
        y: &str,
        names: Vec<String>,
        panels: Vec<Panel>,
    ) -> Result<Figure> {
        let points = panels.iter().flat_map(|p| p.lines.iter().flatten());
        let note = self.note(points, "marks at the foot") + "; bars: s.d.";
        let picture = Picture {
            title: &format!("{name}: {title}"),
            x,
            places: self.over(places, |place| place.to_string()),
            y,
            names,
            one: y != "seconds",
            panels,
            note,
        };
        Ok(Figure {
            name,
            svg: picture.draw()?,
            alt: picture.alt(),
            caption: format!("Figure 3 {}.", picture.title),
        })
    }

    /// A panel a formulation, a line for each of `lines`.
    fn by_pace(
        &self,
        lines: &[usize],
        places: &[usize],
        value: impl Fn(Pace, usize, usize) -> Point,
    ) -> Vec<Panel> {
        let panel = |pace| Panel {
            title: label(pace),
            lines: self.over(lines, |line| {
                self.over(places, |place| value(pace, line, place))
            }),
        };
        FASTER.into_iter().map(panel).collect()
    }

    fn over<T: Copy, U>(&self, all: &[T], one: impl Fn(T) -> U) -> Vec<U> {
        all.iter().map(|&value| one(value)).collect()
    }

    fn batches(&self) -> Vec<String> {
        self.over(self.grid.batches, |batch| format!("batch {batch}"))
    }

    /// The paper's 200, 400 and 800 neurons, as far as they are measured.
    fn lines_of_c(&self) -> Vec<usize> {
        let shown = self.grid.layer_neurons.iter().copied();
        shown.filter(|n| [200, 400, 800].contains(n)).collect()
    }

    pub(super) fn speedup(&self, cell: Cell, pace: Pace, pass: Pass) -> Point {
        ratio(
            self.timing(cell, Pace::Standard, pass),
            self.timing(cell, pace, pass),
        )
    }

    pub(super) fn seconds(&self, cell: Cell, pace: Pace) -> Point {
        match self.timing(cell, pace, Pass::Total) {
            Ok(timing) => Point::Value(timing.mean, timing.sd),
            Err(nothing) => nothing,
        }
    }

    pub(super) fn timing(&self, cell: Cell, pace: Pace, pass: Pass) -> Result<Timing, Point> {
        let record = self.known.get(&(cell, pace)).ok_or(Point::Nothing)?;
        let (Some(forward), Some(backward)) = (&record.forward, &record.backward) else {
            let why = record.left_out.as_deref().unwrap_or_default();
            return Err(Point::LeftOut(if why.starts_with("memory") {
                "m"
            } else {
                "t"
            }));
        };
        let pairs = forward.samples.iter().zip(&backward.samples);
        Ok(match pass {
            Pass::Total => Timing::of(pairs.map(|(f, b)| f + b).collect()),
            Pass::Forward => forward.clone(),
            Pass::Backward => backward.clone(),
        })
    }

    /// What the samples are, and how much was left out, which is shown how.
    fn note<'b>(&self, points: impl Iterator<Item = &'b Point>, shown: &str) -> String {
        let (mut memory, mut time, mut all) = (0, 0, 0);
        for point in points {
            match point {
                Point::LeftOut("m") => memory += 1,
                Point::LeftOut(_) => time += 1,
                Point::Nothing => continue,
                Point::Value(..) => {}
            }
            all += 1;
        }
        let samples = self.grid.samples;
        let devices = self.devices();
        let mut note = format!("{devices}; β trained per neuron; means of {samples} samples");
        if memory + time > 0 {
            note += &format!(
                "; left out of {all} ({shown}): {memory} for memory (m), {time} for time (t)"
            );
        }
        note
    }

    fn devices(&self) -> String {
        let record = self.known.values().next();
        record.map_or_else(
            || "nothing measured yet".to_owned(),
            |record| match record.device.as_str() {
                "cpu" => format!("CPU, {} threads", record.threads),
                other => other.to_owned(),
            },
        )
    }
}

/// That of the mean times; what was left out above comes first.
pub(super) fn ratio(above: Result<Timing, Point>, below: Result<Timing, Point>) -> Point {
    match (above, below) {
        (Ok(above), Ok(below)) => {
            let ratio = above.spread().over(&below.spread());
            Point::Value(ratio.mean, ratio.deviation)
        }
        (Err(nothing), _) | (_, Err(nothing)) => nothing,
    }
}

/// The paper's figures show β trained per neuron.
pub(super) fn cell(batch: usize, layers: usize, neurons: usize, steps: usize) -> Cell {
    Cell {
        batch,
        layers,
        neurons,
        steps,
        beta: BetaKind::TrainedPerNeuron,
    }
}

pub(super) fn label(pace: Pace) -> String {
    match pace {
        Pace::Standard => "standard, step by step",
        Pace::Convolution => "block, convolution",
        Pace::Scan => "block, scan",
        Pace::FusedStandard => "standard, fused kernel",
    }
    .to_owned()
}
