//! Spikes of layers on pictures as maps over time: a row a layer, a column a time step.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::style::{self, Area, BLUE, Drawn, TITLE_HEIGHT, letters};

/// A picture.
pub(crate) struct SpikeMaps<'a> {
    pub title: &'a str,
    pub steps: usize,
    pub rows: Vec<Row>,
}

/// What a layer does.
pub(crate) struct Row {
    pub name: String,
    pub spikes: Spikes,
}

/// Spikes by time step.
pub(crate) enum Spikes {
    /// How many channels fire at each place: by step, then row by row.
    Map {
        height: usize,
        width: usize,
        channels: usize,
        counts: Vec<Vec<u32>>,
    },
    /// Of units that have no place: how many fire, by step.
    Units { units: usize, counts: Vec<u32> },
}

const MAP: i32 = 112;
const GAP: i32 = 8;
const LEFT: i32 = 12;
const NAME: i32 = 24;
const STEP: i32 = 20;
const NUMBER: i32 = 26;
/// Shades that differ in the file.
const SHADES: u32 = 8;

impl SpikeMaps<'_> {
    /// The picture as SVG.
    pub(crate) fn draw(&self) -> Result<String> {
        let width = 2 * LEFT + (MAP + GAP) * self.steps as i32 - GAP;
        let rows: i32 = self.rows.iter().map(Row::height).sum();
        let height = TITLE_HEIGHT as i32 + STEP + rows + GAP;
        style::picture((width as u32, height as u32), |area| self.drawn(area))
    }

    fn drawn(&self, area: &Area<'_>) -> Drawn {
        let area = style::titled(area, self.title)?;
        let left = |step: usize| LEFT + (MAP + GAP) * step as i32;
        let centre = (HPos::Center, VPos::Top);
        for step in 0..self.steps {
            let at = (left(step) + MAP / 2, 0);
            letters(&area, &format!("step {step}"), at, 12, centre, &BLACK)?;
        }
        let mut top = STEP;
        for row in &self.rows {
            let name = format!("{}: {}", row.name, row.scale());
            letters(
                &area,
                &name,
                (LEFT, top + 4),
                13,
                (HPos::Left, VPos::Top),
                &BLACK,
            )?;
            for step in 0..self.steps {
                row.step(&area, step, (left(step), top + NAME))?;
            }
            top += row.height();
        }
        Ok(())
    }
}

impl Row {
    fn height(&self) -> i32 {
        NAME + GAP
            + match self.spikes {
                Spikes::Map { .. } => MAP,
                Spikes::Units { .. } => NUMBER,
            }
    }

    /// The most channels that fire at a place.
    fn most(&self) -> u32 {
        let Spikes::Map { counts, .. } = &self.spikes else {
            return 0;
        };
        counts.iter().flatten().copied().max().unwrap_or(0)
    }

    fn scale(&self) -> String {
        match &self.spikes {
            Spikes::Units { units, .. } => format!("{units} neurons, how many fire"),
            Spikes::Map { channels: 1, .. } => "which units fire".to_string(),
            Spikes::Map { channels, .. } => format!(
                "how many of {channels} channels fire at a place; darkest: {}",
                self.most()
            ),
        }
    }

    fn step(&self, area: &Area<'_>, step: usize, (x, y): (i32, i32)) -> Drawn {
        match &self.spikes {
            Spikes::Units { counts, .. } => {
                let corners = [(x, y), (x + MAP, y + NUMBER)];
                area.draw(&Rectangle::new(corners, BLACK.mix(0.25)))?;
                let at = (x + MAP / 2, y + NUMBER / 2);
                let centre = (HPos::Center, VPos::Center);
                letters(area, &counts[step].to_string(), at, 13, centre, &BLACK)
            }
            Spikes::Map {
                height,
                width,
                counts,
                ..
            } => {
                for (line, places) in counts[step].chunks_exact(*width).enumerate() {
                    let edge = |index: usize, of: usize| (MAP as usize * index / of) as i32;
                    let rows = [y + edge(line, *height), y + edge(line + 1, *height)];
                    for (start, end, shade) in runs(places, self.most()) {
                        let columns = [x + edge(start, *width), x + edge(end, *width)];
                        let corners = [(columns[0], rows[0]), (columns[1], rows[1])];
                        area.draw(&Rectangle::new(corners, ink(shade).filled()))?;
                    }
                }
                let corners = [(x, y), (x + MAP, y + MAP)];
                area.draw(&Rectangle::new(corners, BLACK.mix(0.25)))?;
                Ok(())
            }
        }
    }
}

/// Neighbours of one shade as (start, end, shade), from 1 to [`SHADES`]; those at which nothing fires are left out.
fn runs(places: &[u32], most: u32) -> Vec<(usize, usize, u32)> {
    let mut runs: Vec<(usize, usize, u32)> = Vec::new();
    for (index, &count) in places.iter().enumerate() {
        let shade = (count * SHADES).div_ceil(most.max(1));
        match runs.last_mut() {
            _ if shade == 0 => (),
            Some((_, end, before)) if *end == index && *before == shade => *end += 1,
            _ => runs.push((index, index + 1, shade)),
        }
    }
    runs
}

/// The more, the darker.
fn ink(shade: u32) -> RGBColor {
    let share = 0.2 + 0.8 * f64::from(shade) / f64::from(SHADES);
    let mix = |full: u8| (255.0 + (f64::from(full) - 255.0) * share).round() as u8;
    let RGBColor(r, g, b) = BLUE;
    RGBColor(mix(r), mix(g), mix(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_a_shade_are_one_rectangle() {
        assert_eq!(
            runs(&[0, 4, 4, 1, 0, 4], 4),
            [(1, 3, 8), (3, 4, 2), (5, 6, 8)]
        );
        assert!(runs(&[0, 0], 0).is_empty());
    }
}
