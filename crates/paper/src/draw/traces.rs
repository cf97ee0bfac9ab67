//! Time courses of one neuron above each other, on one time axis.

use anyhow::Result;
use plotters::prelude::*;

use super::style::{self, Area, BLUE, Drawn, ORANGE, TITLE_HEIGHT, font};

/// One panel.
pub(crate) struct Panel {
    pub name: &'static str,
    pub kind: Kind,
}

/// What a panel shows.
pub(crate) enum Kind {
    /// Values by step, and a dashed line where there is a threshold.
    Line {
        values: Vec<f32>,
        threshold: Option<f32>,
    },
    /// Spikes of a neuron, by step.
    Stems(Vec<f32>),
    /// Spikes of units, as (step, unit).
    Raster {
        spikes: Vec<(usize, usize)>,
        units: usize,
    },
}

const WIDTH: u32 = 760;
const HEIGHT: u32 = 96;
/// What the lowest panel's time axis needs besides.
const AXIS: u32 = 40;

/// The picture of one neuron as SVG.
pub(crate) fn draw(title: &str, steps: usize, panels: &[Panel]) -> Result<String> {
    let height = TITLE_HEIGHT + HEIGHT * panels.len() as u32 + AXIS;
    style::picture((WIDTH, height), |area| {
        let mut rest = style::titled(area, title)?;
        for (index, panel) in panels.iter().enumerate() {
            let last = index + 1 == panels.len();
            let (top, below) = rest.split_vertically(HEIGHT + if last { AXIS } else { 0 });
            draw_panel(&top, panel, steps, last)?;
            rest = below;
        }
        Ok(())
    })
}

fn draw_panel(area: &Area<'_>, panel: &Panel, steps: usize, last: bool) -> Drawn {
    let (low, high) = range(&panel.kind);
    let mut chart = ChartBuilder::on(area)
        .margin_left(8)
        .margin_right(24)
        .margin_top(6)
        .margin_bottom(6)
        .x_label_area_size(if last { AXIS } else { 0 })
        .y_label_area_size(72)
        .build_cartesian_2d(-0.5..steps as f32 - 0.5, low..high)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .y_desc(panel.name)
        .y_labels(if matches!(panel.kind, Kind::Stems(_)) {
            2
        } else {
            3
        })
        .y_label_formatter(&number)
        .axis_desc_style(font(14))
        .label_style(font(12));
    if last {
        mesh.x_desc("time step")
            .x_labels(11)
            .x_label_formatter(&|x| format!("{x:.0}"));
    }
    mesh.draw()?;
    match &panel.kind {
        Kind::Line { values, threshold } => {
            if let Some(at) = *threshold {
                let line = [(0.0, at), (steps as f32 - 1.0, at)];
                chart.draw_series(DashedLineSeries::new(line, 5, 4, ORANGE.stroke_width(1)))?;
                let style = font(12).into_font().color(&ORANGE);
                let above = at + 0.18 * (high - low);
                chart.draw_series([Text::new("threshold", (0.5, above), style)])?;
            }
            let points = values.iter().enumerate().map(|(t, &v)| (t as f32, v));
            chart.draw_series(LineSeries::new(points, BLUE.stroke_width(2)))?;
        }
        Kind::Stems(values) => {
            let fired = values.iter().enumerate().filter(|&(_, &s)| s > 0.0);
            chart.draw_series(fired.map(|(t, &s)| {
                let t = t as f32;
                PathElement::new([(t, 0.0), (t, s)], BLUE.stroke_width(3))
            }))?;
        }
        Kind::Raster { spikes, .. } => {
            chart.draw_series(
                spikes
                    .iter()
                    .map(|&(t, unit)| Circle::new((t as f32, unit as f32), 3, BLUE.filled())),
            )?;
        }
    }
    Ok(())
}

/// The values that a panel's axis covers.
fn range(kind: &Kind) -> (f32, f32) {
    match kind {
        Kind::Line { values, .. } => {
            let high = values.iter().copied().fold(1.0, f32::max);
            let low = values.iter().copied().fold(0.0, f32::min);
            (low, high + 0.25 * (high - low))
        }
        Kind::Stems(_) => (0.0, 1.2),
        Kind::Raster { units, .. } => (-0.7, *units as f32 - 0.3),
    }
}

/// As short as it can be.
fn number(value: &f32) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{}", rounded + 0.0)
}
