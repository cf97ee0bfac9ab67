//! Panels of lines beside each other, with one legend and a note.

use anyhow::Result;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::point::{Point, digits};
use super::style::{self, Area, Drawn, TITLE_HEIGHT, font, ink};

/// A picture.
pub(crate) struct Picture<'a> {
    pub title: &'a str,
    pub x: &'a str,
    /// Labels of the places on the horizontal axis.
    pub places: Vec<String>,
    pub y: &'a str,
    /// The names of the lines, the same in all panels.
    pub names: Vec<String>,
    pub panels: Vec<Panel>,
    /// Whether there is a line at 1.
    pub one: bool,
    pub note: String,
}

pub(crate) struct Panel {
    pub title: String,
    /// By line, then by place.
    pub lines: Vec<Vec<Point>>,
}

const PANEL: (u32, u32) = (330, 300);
const LEGEND: u32 = 26;
const NOTE: u32 = 24;
impl Picture<'_> {
    /// The picture as SVG.
    pub(crate) fn draw(&self) -> Result<String> {
        let panels = PANEL.0 * self.panels.len().max(2) as u32;
        let width = panels.max(16 + self.names.iter().map(|name| entry(name)).sum::<i32>() as u32);
        let height = TITLE_HEIGHT + LEGEND + PANEL.1 + NOTE;
        style::picture((width, height), |area| self.drawn(area))
    }

    /// The picture in words: where each line begins and ends.
    pub(crate) fn alt(&self) -> String {
        let mut text = format!("{}.", self.title);
        for panel in &self.panels {
            text += &format!(" {}:", panel.title);
            for (name, line) in self.names.iter().zip(&panel.lines) {
                let values: Vec<f64> = line.iter().filter_map(Point::value).collect();
                text += &match (values.first(), values.last()) {
                    (Some(first), Some(last)) => {
                        format!(" {name} from {} to {};", digits(*first), digits(*last))
                    }
                    _ => format!(" {name} not measured;"),
                };
            }
        }
        text
    }

    fn drawn(&self, area: &Area<'_>) -> Drawn {
        let area = style::titled(area, self.title)?;
        let (legend, rest) = area.split_vertically(LEGEND);
        self.legend(&legend)?;
        let (body, note) = rest.split_vertically(PANEL.1);
        let scale = self.scale();
        let columns = body.split_evenly((1, self.panels.len()));
        for (area, panel) in columns.iter().zip(&self.panels) {
            self.panel(area, panel, &scale)?;
        }
        let style = font(12).into_font().color(&BLACK.mix(0.7));
        note.draw(&Text::new(self.note.clone(), (12, 4), style))?;
        Ok(())
    }

    fn legend(&self, area: &Area<'_>) -> Drawn {
        let mut x = 16;
        for (index, name) in self.names.iter().enumerate() {
            let ink = ink(index);
            area.draw(&PathElement::new(
                [(x, 12), (x + 26, 12)],
                ink.stroke_width(2),
            ))?;
            mark(index, (x + 13, 12), &mut |shape| {
                area.draw(&shape).map_err(Into::into)
            })?;
            let style = font(13).into_font();
            area.draw(&Text::new(name.clone(), (x + 33, 5), style))?;
            x += entry(name);
        }
        Ok(())
    }

    /// One vertical axis for all panels.
    fn scale(&self) -> Scale {
        let mut scale = Scale {
            low: f64::INFINITY,
            high: 0.0,
        };
        for point in self.panels.iter().flat_map(|p| p.lines.iter().flatten()) {
            if let Point::Value(value, sd) = *point {
                scale.low = scale.low.min((value - sd).max(value / 2.0));
                scale.high = scale.high.max(value + sd);
            }
        }
        if self.one || scale.high == 0.0 {
            scale.low = scale.low.min(0.9);
            scale.high = scale.high.max(1.1);
        }
        // Room below for the marks of what was left out.
        let room = (scale.high / scale.low).powf(0.25).max(1.2);
        Scale {
            low: scale.low / room,
            high: scale.high * 1.25,
        }
    }

    fn panel(&self, area: &Area<'_>, panel: &Panel, scale: &Scale) -> Drawn {
        let last = self.places.len() as f64 - 1.0;
        let mut chart = ChartBuilder::on(area)
            .caption(&panel.title, font(14))
            .margin(8)
            .x_label_area_size(40)
            .y_label_area_size(54)
            .build_cartesian_2d(-0.3..last + 0.3, scale.clone())?;
        let place = |x: &f64| match x.fract().abs() < 1e-6 {
            true => self.places.get(*x as usize).cloned().unwrap_or_default(),
            false => String::new(),
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.1))
            .x_labels(self.places.len() + 1)
            .x_label_formatter(&place)
            .x_desc(self.x)
            .y_desc(self.y)
            .label_style(font(12))
            .axis_desc_style(font(13))
            .draw()?;
        if self.one {
            let line = [(-0.3, 1.0), (last + 0.3, 1.0)];
            chart.draw_series(DashedLineSeries::new(line, 5, 4, BLACK.mix(0.6).into()))?;
        }
        for (index, line) in panel.lines.iter().enumerate() {
            let ink = ink(index);
            let points: Vec<Option<(f64, f64, f64)>> = line
                .iter()
                .enumerate()
                .map(|(place, point)| match *point {
                    Point::Value(value, sd) => Some((place as f64, value, sd)),
                    _ => None,
                })
                .collect();
            for part in points.split(Option::is_none) {
                let part = part.iter().flatten().map(|&(x, y, _)| (x, y));
                let part: Vec<(f64, f64)> = part.collect();
                let style = ink.stroke_width(2);
                match (part.len() < 2, index == 3) {
                    (true, _) => {}
                    // Broken, so that a line below shows.
                    (_, true) => {
                        chart.draw_series(DashedLineSeries::new(part, 6, 6, style))?;
                    }
                    _ => {
                        chart.draw_series(LineSeries::new(part, style))?;
                    }
                }
            }
            for &(x, y, sd) in points.iter().flatten() {
                let ends = [(x, (y - sd).max(scale.low)), (x, (y + sd).min(scale.high))];
                chart.draw_series([PathElement::new(ends, ink)])?;
                let at = chart.backend_coord(&(x, y));
                let area = chart.plotting_area().strip_coord_spec();
                let base = area.get_pixel_range();
                let at = (at.0 - base.0.start, at.1 - base.1.start);
                mark(index, at, &mut |shape| {
                    area.draw(&shape).map_err(Into::into)
                })?;
            }
            let area = chart.plotting_area().strip_coord_spec();
            let (_, height) = area.dim_in_pixel();
            for (place, point) in line.iter().enumerate() {
                if let Point::LeftOut(letter) = *point {
                    let (x, _) = chart.backend_coord(&(place as f64, scale.low));
                    let middle = panel.lines.len() as i32 - 1;
                    let x = x - area.get_pixel_range().0.start + 5 * (2 * index as i32 - middle);
                    let y = height as i32 - 26;
                    mark(index, (x, y), &mut |shape| {
                        area.draw(&shape).map_err(Into::into)
                    })?;
                    let style = font(12).into_font().color(&ink);
                    area.draw(&Text::new(letter, (x - 3, y + 7), style))?;
                }
            }
        }
        Ok(())
    }
}

/// The width of a name in the legend.
fn entry(name: &str) -> i32 {
    60 + 7 * name.chars().count() as i32
}

/// The mark of a line, in pixels: lines differ in shape as well as in colour.
fn mark<'a>(
    index: usize,
    (x, y): (i32, i32),
    draw: &mut dyn FnMut(DynElement<'a, SVGBackend<'a>, (i32, i32)>) -> Drawn,
) -> Drawn {
    let ink = ink(index);
    let square = [(x - 4, y - 4), (x + 4, y + 4)];
    draw(match index % 5 {
        0 => Circle::new((x, y), 4, ink.filled()).into_dyn(),
        1 => Rectangle::new(square, ink.filled()).into_dyn(),
        2 => TriangleMarker::new((x, y), 6, ink.filled()).into_dyn(),
        3 => Cross::new((x, y), 5, ink.stroke_width(2)).into_dyn(),
        _ => Circle::new((x, y), 4, ink.stroke_width(2)).into_dyn(),
    })
}

/// A logarithmic axis with marks at round numbers, the fewer the more it covers.
#[derive(Clone)]
struct Scale {
    low: f64,
    high: f64,
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (value / self.low).ln() / (self.high / self.low).ln();
        start + (share * f64::from(end - start)).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, _: H) -> Vec<f64> {
        let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let steps: &[f64] = match self.high / self.low {
            ..10.0 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
            ..300.0 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let all = powers.flat_map(|power| steps.iter().map(move |m| m * 10_f64.powi(power)));
        all.filter(|v| (self.low..=self.high).contains(v)).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format(value: &f64) -> String {
        short(value)
    }
}

/// 0.001, 0.5, 20.
fn short(value: &f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}
