//! Maps of speedups over neurons and time steps, with their numbers.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::point::Point;
use super::style::{self, Area, BLUE, DARK, Drawn, ORANGE, TITLE_HEIGHT, letters};

/// Rows of maps, on one scale of colours.
pub(crate) struct Maps<'a> {
    pub title: &'a str,
    pub maps: Vec<Vec<Map>>,
    /// From the bottom up.
    pub neurons: &'a [usize],
    pub steps: &'a [usize],
    pub notes: Vec<String>,
}

pub(crate) struct Map {
    pub title: String,
    /// By neurons, then by steps.
    pub values: Vec<Vec<Point>>,
}

const TILE: (i32, i32) = (40, 24);
/// Room left of, above and below the tiles of a map.
const LEFT: i32 = 64;
const ABOVE: i32 = 26;
const BELOW: i32 = 44;
const NOTE: i32 = 18;
impl Maps<'_> {
    /// The picture as SVG.
    pub(crate) fn draw(&self) -> Result<String> {
        let (wide, high) = self.size();
        let columns = self.maps.iter().map(Vec::len).max().unwrap_or(1) as i32;
        let rows = self.maps.len() as i32;
        let notes = NOTE * self.notes.len() as i32 + 8;
        let height = TITLE_HEIGHT as i32 + rows * high + notes;
        style::picture(((columns * wide) as u32, height as u32), |area| {
            self.drawn(area)
        })
    }

    /// The picture in words.
    pub(crate) fn alt(&self) -> String {
        let mut text = format!("{}.", self.title);
        for map in self.maps.iter().flatten() {
            let values = map.values.iter().flatten().filter_map(Point::value);
            let (low, high) = values.fold((f64::INFINITY, 0.0), |(low, high), value| {
                (value.min(low), value.max(high))
            });
            text += &match low <= high {
                true => format!(" {}: {low:.2} to {high:.2}.", map.title),
                false => format!(" {}: nothing measured.", map.title),
            };
        }
        text
    }

    fn size(&self) -> (i32, i32) {
        let wide = (TILE.0 * self.steps.len() as i32).max(190);
        (
            LEFT + wide + 12,
            ABOVE + TILE.1 * self.neurons.len() as i32 + BELOW,
        )
    }

    fn drawn(&self, area: &Area<'_>) -> Drawn {
        let (wide, high) = self.size();
        let rows = self.maps.len() as i32;
        let area = style::titled(area, self.title)?;
        let strongest = self.strongest();
        for (row, maps) in (0..).zip(&self.maps) {
            for (column, map) in (0..).zip(maps) {
                self.map(&area, map, (column * wide, row * high), strongest)?;
            }
        }
        for (index, note) in (0..).zip(&self.notes) {
            let at = (12, rows * high + NOTE * index);
            letters(
                &area,
                note,
                at,
                12,
                (HPos::Left, VPos::Top),
                &BLACK.mix(0.75),
            )?;
        }
        Ok(())
    }

    /// The largest |ln| of all values.
    fn strongest(&self) -> f64 {
        let points = self
            .maps
            .iter()
            .flatten()
            .flat_map(|m| m.values.iter().flatten());
        let logs = points.map(|point| match *point {
            Point::Value(value, _) => value.ln().abs(),
            _ => 0.0,
        });
        logs.fold(1e-9, f64::max)
    }

    fn map(&self, area: &Area<'_>, map: &Map, (x, y): (i32, i32), strongest: f64) -> Drawn {
        let (left, top) = (x + LEFT, y + ABOVE);
        let right = left + TILE.0 * self.steps.len() as i32;
        let bottom = top + TILE.1 * self.neurons.len() as i32;
        let middle = ((left + right) / 2, (top + bottom) / 2);
        let center = (HPos::Center, VPos::Center);
        letters(
            area,
            &map.title,
            (left, y + 4),
            13,
            (HPos::Left, VPos::Top),
            &BLACK,
        )?;
        letters(
            area,
            "time steps",
            (middle.0, bottom + 28),
            12,
            center,
            &BLACK,
        )?;
        letters(
            area,
            "neurons",
            (left - 6, top - 8),
            12,
            (HPos::Right, VPos::Center),
            &BLACK,
        )?;
        for (column, steps) in (0..).zip(self.steps) {
            let at = (left + TILE.0 * column + TILE.0 / 2, bottom + 10);
            letters(area, &steps.to_string(), at, 11, center, &BLACK)?;
        }
        for (row, (neurons, values)) in (1..).zip(self.neurons.iter().zip(&map.values)) {
            let y = bottom - TILE.1 * row;
            let at = (left - 6, y + TILE.1 / 2);
            letters(
                area,
                &neurons.to_string(),
                at,
                11,
                (HPos::Right, VPos::Center),
                &BLACK,
            )?;
            for (column, point) in (0..).zip(values) {
                tile(area, *point, (left + TILE.0 * column, y), strongest)?;
            }
        }
        Ok(())
    }
}

fn tile(area: &Area<'_>, point: Point, (x, y): (i32, i32), strongest: f64) -> Drawn {
    let corners = [(x, y), (x + TILE.0, y + TILE.1)];
    let middle = (x + TILE.0 / 2, y + TILE.1 / 2);
    let center = (HPos::Center, VPos::Center);
    match point {
        Point::Value(value, _) => {
            let share = value.ln() / strongest;
            area.draw(&Rectangle::new(corners, color(share).filled()))?;
            let ink = if share.abs() > 0.6 { WHITE } else { DARK };
            letters(area, &speedup(value), middle, 11, center, &ink)?;
        }
        Point::LeftOut(letter) => {
            for from in (7..TILE.0 + TILE.1).step_by(7) {
                // A diagonal within the tile.
                let start = (x + from.min(TILE.0), y + (from - TILE.0).max(0));
                let end = (x + (from - TILE.1).max(0), y + from.min(TILE.1));
                area.draw(&PathElement::new([start, end], BLACK.mix(0.35)))?;
            }
            let patch = [(middle.0 - 6, middle.1 - 8), (middle.0 + 6, middle.1 + 8)];
            area.draw(&Rectangle::new(patch, WHITE.filled()))?;
            letters(area, letter, middle, 12, center, &DARK)?;
        }
        Point::Nothing => {}
    }
    area.draw(&Rectangle::new(corners, BLACK.mix(0.25)))?;
    Ok(())
}

/// From slow over white to fast.
fn color(share: f64) -> RGBColor {
    let RGBColor(r, g, b) = if share < 0.0 { ORANGE } else { BLUE };
    let mix = |full: u8| (255.0 + (f64::from(full) - 255.0) * share.abs().min(1.0)).round() as u8;
    RGBColor(mix(r), mix(g), mix(b))
}

/// Three digits at most.
fn speedup(value: f64) -> String {
    match value {
        ..9.95 => format!("{value:.2}"),
        ..99.5 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
