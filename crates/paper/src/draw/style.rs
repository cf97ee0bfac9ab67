//! The one style of all figures: SVG on a transparent ground, black lines and letters, so that a page can give them its
//! colours. Inks, sizes of letters, and the helpers by which every kind of figure draws.

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// What is drawn on.
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What drawing returns.
pub(crate) type Drawn<T = ()> = Result<T>;

/// The inks of what differs in colour: Okabe's and Ito's, which those who see colours less well tell apart too, on light and
/// on dark grounds, and a grey.
const INKS: [RGBColor; 5] = [
    BLUE,
    ORANGE,
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x55, 0x55, 0x55),
];
/// The ink of what there is one of, and of what is faster.
pub(crate) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// The ink of a limit, and of what is slower.
pub(crate) const ORANGE: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// Black on a coloured ground, which stays dark whatever colour a page gives to black.
pub(crate) const DARK: RGBColor = RGBColor(0x11, 0x11, 0x11);

/// The height of a figure's title.
pub(crate) const TITLE_HEIGHT: u32 = 34;

/// The ink of the line or bar of a number, from 0.
pub(crate) const fn ink(index: usize) -> RGBColor {
    INKS[index % INKS.len()]
}

/// Letters of a size: 17 for titles, 14 and 13 for names, 12 and 11 for numbers and notes.
pub(crate) const fn font(size: u32) -> (&'static str, u32) {
    ("sans-serif", size)
}

/// A picture of so many units, drawn by `content`.
pub(crate) fn picture(
    size: (u32, u32),
    content: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<String> {
    let mut svg = String::new();
    let drawn = (|| {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        content(&area)?;
        area.present()?;
        Drawn::Ok(())
    })();
    drawn.context("drawing")?;
    Ok(svg)
}

/// Draws a figure's title; returns the area below it.
pub(crate) fn titled<'a>(area: &Area<'a>, title: &str) -> Drawn<Area<'a>> {
    Ok(area.titled(title, font(17))?)
}

/// Draws letters of a size, anchored at a point.
pub(crate) fn letters(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: u32,
    (h, v): (HPos, VPos),
    ink: &impl Color,
) -> Drawn {
    let style = font(size).into_font().color(ink).pos(Pos::new(h, v));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}

/// The picture as a file of its own: on white.
pub(crate) fn on_white(svg: &str) -> String {
    let Some(end) = svg
        .find("<svg")
        .and_then(|begin| Some(begin + svg[begin..].find('>')? + 1))
    else {
        return svg.to_string();
    };
    let (head, rest) = svg.split_at(end);
    format!("{head}\n<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>{rest}")
}
