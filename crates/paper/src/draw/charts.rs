//! Lines and bars, above a legend.

use std::ops::Range;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{self, Area, Drawn, TITLE_HEIGHT, ink};

const WIDTH: u32 = 480;
const HEIGHT: u32 = 330;
const LEGEND_ROW: u32 = 20;
const FONT: (&str, u32) = style::font(14);
/// A line of a chart.
pub(crate) struct Line {
    pub label: String,
    pub color: usize,
    /// Thin and pale, for what is beside the point.
    pub thin: bool,
    pub points: Vec<(f64, f64)>,
    /// Where a red cross stands.
    pub cross: Option<(f64, f64)>,
}

/// A name and the values that are shown.
pub(crate) struct Axis<'a> {
    pub name: &'a str,
    pub range: Range<f64>,
}

impl Axis<'_> {
    /// Whether whole numbers are enough for its labels.
    fn is_wide(&self) -> bool {
        self.range.end - self.range.start > 10.0
    }
}

/// Lines by their points. A chart without a title has no room for one.
pub(crate) fn lines(title: &str, x: &Axis<'_>, y: &Axis<'_>, lines: &[Line]) -> Result<String> {
    draw(title, lines.len(), |chart, legend| {
        let mut chart = ChartBuilder::on(chart)
            .margin(8)
            .x_label_area_size(38)
            .y_label_area_size(54)
            .build_cartesian_2d(x.range.clone(), y.range.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh()
            .label_style(FONT)
            .axis_desc_style(FONT)
            .x_desc(x.name)
            .y_desc(y.name)
            .x_labels(6)
            .y_labels(6);
        let whole = |value: &f64| format!("{value:.0}");
        if x.is_wide() {
            mesh.x_label_formatter(&whole);
        }
        if y.is_wide() {
            mesh.y_label_formatter(&whole);
        }
        mesh.draw()?;
        for (index, line) in lines.iter().enumerate() {
            let style = match line.thin {
                true => ink(line.color).mix(0.6).stroke_width(1),
                false => ink(line.color).stroke_width(2),
            };
            chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
            let (left, top) = place(index);
            legend.draw(&PathElement::new([(left, top), (left + 24, top)], style))?;
            label(legend, &line.label, (left + 30, top), HPos::Left)?;
        }
        let crosses = lines.iter().filter_map(|line| line.cross);
        chart.draw_series(crosses.map(|at| Cross::new(at, 6, RED.stroke_width(3))))?;
        Ok(())
    })
}

/// A group of bars.
pub(crate) struct Group {
    pub label: String,
    /// Height and deviation, or none; as many as there are kinds.
    pub bars: Vec<Option<(f64, f64)>>,
}

/// Groups of bars with deviations; `line` is where "no difference" lies.
pub(crate) fn bars(y: &str, kinds: &[&str], groups: &[Group], line: f64) -> Result<String> {
    let ends = groups.iter().flat_map(|group| group.bars.iter().flatten());
    let ends: Vec<f64> = ends
        .flat_map(|(height, deviation)| [height - deviation, height + deviation])
        .collect();
    let high = ends.iter().fold(line, |a, &b| a.max(b));
    let low = ends.iter().fold(line.min(0.0), |a, &b| a.min(b));
    let room = 0.06 * (high - low).max(1e-9);
    let low = if low < 0.0 { low - room } else { low };
    draw("", kinds.len(), |area, legend| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(26)
            .y_label_area_size(54)
            .build_cartesian_2d(0.0..groups.len().max(1) as f64, low..high + room)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .label_style(FONT)
            .axis_desc_style(FONT)
            .y_desc(y)
            .x_labels(0)
            .y_labels(6)
            .draw()?;
        let width = 0.7 / kinds.len() as f64;
        for (position, group) in groups.iter().enumerate() {
            for (kind, bar) in group.bars.iter().enumerate() {
                let Some((height, deviation)) = *bar else {
                    continue;
                };
                let left = position as f64 + 0.15 + width * kind as f64;
                let middle = left + width / 2.0;
                let whole = [(left, 0.0), (left + width, height)];
                let deviations = [(middle, height - deviation), (middle, height + deviation)];
                chart.draw_series([Rectangle::new(whole, ink(kind).filled())])?;
                if deviation > 0.0 {
                    chart.draw_series([PathElement::new(deviations, BLACK.stroke_width(2))])?;
                }
            }
            let (left, bottom) = chart
                .plotting_area()
                .map_coordinate(&(position as f64 + 0.5, low));
            label(area, &group.label, (left, bottom + 12), HPos::Center)?;
        }
        let across = [(0.0, line), (groups.len() as f64, line)];
        chart.draw_series(DashedLineSeries::new(across, 4, 4, BLACK.stroke_width(1)))?;
        for (index, kind) in kinds.iter().enumerate() {
            let (left, top) = place(index);
            legend.draw(&Rectangle::new(
                [(left, top - 5), (left + 24, top + 5)],
                ink(index).filled(),
            ))?;
            label(legend, kind, (left + 30, top), HPos::Left)?;
        }
        Ok(())
    })
}

/// Where an entry of the legend begins: two a row.
fn place(index: usize) -> (i32, i32) {
    let (row, column) = ((index / 2) as i32, (index % 2) as i32);
    (60 + 208 * column, LEGEND_ROW as i32 * row + 9)
}

fn label(area: &Area<'_>, text: &str, at: (i32, i32), side: HPos) -> Drawn {
    let style = TextStyle::from(FONT.into_font()).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_string(), at, style))?;
    Ok(())
}

/// A chart above a legend of so many entries.
fn draw(
    title: &str,
    entries: usize,
    content: impl FnOnce(&Area<'_>, &Area<'_>) -> Drawn,
) -> Result<String> {
    let legend = LEGEND_ROW * entries.div_ceil(2) as u32 + 6;
    let heading = if title.is_empty() { 0 } else { TITLE_HEIGHT };
    style::picture((WIDTH, heading + HEIGHT + legend), |area| {
        let below = match title.is_empty() {
            true => area.clone(),
            false => style::titled(area, title)?,
        };
        let (chart, legend) = below.split_vertically(HEIGHT);
        content(&chart, &legend)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str) -> Axis<'_> {
        Axis {
            name,
            range: 0.0..1.0,
        }
    }

    #[test]
    fn charts_have_all_that_they_are_given() {
        let line = |label: &str, thin, cross| Line {
            label: label.to_string(),
            color: 0,
            thin,
            points: vec![(0.0, 1.0), (1.0, 0.1)],
            cross,
        };
        let svg = lines(
            "heading",
            &axis("time"),
            &axis("loss"),
            &[
                line("one", false, None),
                line("two", true, Some((0.0, 0.0))),
            ],
        )
        .unwrap();
        for part in ["heading", "one", "two", "time", "loss", "#FF0000"] {
            assert!(svg.contains(part), "no {part} in {svg}");
        }
        let group = Group {
            label: "here".to_string(),
            bars: vec![Some((2.0, 0.5)), None],
        };
        let svg = bars("%", &["ours", "paper's"], &[group], 0.0).unwrap();
        for part in ["here", "ours", "paper", "#0072B2"] {
            assert!(svg.contains(part), "no {part} in {svg}");
        }
        assert!(style::on_white(&svg).contains("fill=\"#FFFFFF\""));
    }

    #[test]
    fn nothing_to_draw_is_no_fault() {
        lines("", &axis("x"), &axis("y"), &[]).unwrap();
        bars("y", &["ours"], &[], 0.0).unwrap();
    }
}
