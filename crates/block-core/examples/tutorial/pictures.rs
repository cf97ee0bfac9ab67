//! The pictures of the tutorial.

use std::path::Path;

use block_core::LayerInput;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::{INPUTS, Result, STEPS, floats, mean};

const INK: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const SPIKE: RGBColor = RGBColor(0xb0, 0x3a, 0x00);

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(crate) fn page<'a>(path: &'a Path, size: (u32, u32), title: &str) -> Result<Area<'a>> {
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    println!("{}", path.display());
    Ok(area.titled(title, ("sans-serif", 17))?)
}

pub(crate) fn raster(area: &Area<'_>, input: &LayerInput) -> Result {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..STEPS as f32, -0.7..INPUTS as f32 - 0.3)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh().y_desc("input unit").x_desc("time step");
    mesh.x_label_formatter(&whole)
        .y_label_formatter(&whole)
        .draw()?;
    let dense = floats(input.dense().ok_or("a dense input")?.clone());
    let fired = dense.iter().enumerate().filter(|&(_, &x)| x > 0.0);
    let at = |index: usize| ((index / INPUTS) as f32, (index % INPUTS) as f32);
    chart.draw_series(fired.map(|(index, _)| Circle::new(at(index), 2, INK.filled())))?;
    Ok(())
}

/// A potential, its threshold if there is one that counts, and a dot at the spike.
pub(crate) fn course(
    area: &Area<'_>,
    name: &str,
    membrane: &[f32],
    fired: Option<usize>,
) -> Result {
    let high = membrane.iter().copied().fold(1.0, f32::max) + 0.4;
    let low = membrane.iter().copied().fold(0.0, f32::min) - 0.2;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..STEPS as f32, low..high)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .y_desc(name)
        .x_desc("time step")
        .y_labels(5);
    mesh.x_label_formatter(&whole)
        .y_label_formatter(&|v| format!("{v:.1}"))
        .draw()?;
    let points = membrane.iter().enumerate().map(|(t, &v)| (t as f32, v));
    chart.draw_series(LineSeries::new(points, INK.stroke_width(2)))?;
    if let Some(step) = fired {
        let line = [(0.0, 1.0), (STEPS as f32, 1.0)];
        chart.draw_series(DashedLineSeries::new(line, 5, 4, SPIKE.into()))?;
        let style = ("sans-serif", 12).into_font().color(&SPIKE);
        let height = 0.13 * (high - low);
        chart.draw_series([Text::new("threshold", (1.0, 1.0 + height), style.clone())])?;
        let (x, y) = (step as f32, membrane[step]);
        chart.draw_series([Circle::new((x, y), 5, SPIKE.filled())])?;
        chart.draw_series([Text::new("spike", (x + 2.0, y + height), style)])?;
    }
    Ok(())
}

/// Bars, and the numbers beside them.
pub(crate) fn draw_bars(path: &Path, bars: &[(String, f64)]) -> Result {
    const HIGH: i32 = 34;
    let height = 60 + HIGH as u32 * bars.len() as u32;
    let title = "Forward and backward, 128 samples, milliseconds";
    let area = page(path, (760, height), title)?;
    let most = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
    for (row, (name, milliseconds)) in (0..).zip(bars) {
        let (left, top) = (230, 8 + row * HIGH);
        let long = 430.0 * milliseconds / most;
        let right = left + long as i32;
        let corners = [(left, top), (right, top + HIGH - 10)];
        area.draw(&Rectangle::new(corners, INK.mix(0.75).filled()))?;
        let style = ("sans-serif", 13).into_font();
        area.draw(&Text::new(name.clone(), (12, top + 6), style.clone()))?;
        let value = format!("{milliseconds:.2}");
        area.draw(&Text::new(value, (right + 8, top + 6), style))?;
    }
    area.present()?;
    Ok(())
}

/// The loss over the updates, means of twenty.
pub(crate) fn draw_losses(path: &Path, losses: &[(&str, Vec<f64>)]) -> Result {
    const MEAN: usize = 20;
    let area = page(path, (760, 340), "Loss of new words over the updates")?;
    let updates = losses.iter().map(|(_, all)| all.len()).max().unwrap_or(1);
    let high = losses.iter().flat_map(|(_, all)| all).copied();
    let high = high.fold(0.0, f64::max) as f32;
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .margin_right(20)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..updates as f32, 0.0..high)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh().x_desc("update").y_desc("cross entropy");
    mesh.x_label_formatter(&whole).draw()?;
    for ((name, all), ink) in losses.iter().zip([SPIKE, INK]) {
        let means = all.chunks(MEAN).enumerate();
        let points: Vec<(f32, f32)> = means
            .map(|(index, part)| (((index * MEAN) + part.len() / 2) as f32, mean(part) as f32))
            .collect();
        let (x, y) = *points.last().ok_or("a loss")?;
        chart.draw_series(LineSeries::new(points, ink.stroke_width(2)))?;
        let style = ("sans-serif", 13).into_font().color(&ink);
        let at = (0.78 * x, y + 0.11 * high);
        chart.draw_series([Text::new((*name).to_owned(), at, style)])?;
    }
    area.present()?;
    Ok(())
}

/// How many neurons have which β.
pub(crate) fn draw_histogram(path: &Path, beta: &[f32]) -> Result {
    const BINS: usize = 20;
    let low = beta.iter().copied().fold(0.9, f32::min);
    let width = (1.0 - low) / BINS as f32;
    let mut counts = [0_u32; BINS];
    for beta in beta {
        counts[(((beta - low) / width) as usize).min(BINS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    println!(
        "{} of {} neurons have a β over 0.95",
        beta.iter().filter(|b| **b > 0.95).count(),
        beta.len()
    );
    let area = page(path, (760, 300), "β of the hidden neurons after training")?;
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .margin_right(20)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(low..1.0, 0.0..1.1 * most as f32)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh().x_desc("β").y_desc("neurons");
    mesh.y_label_formatter(&whole)
        .x_label_formatter(&|x| format!("{x:.2}"))
        .draw()?;
    let bars = (0..).zip(counts).map(|(bin, count)| {
        let left = low + width * bin as f32;
        let corners = [(left, 0.0), (left + 0.92 * width, count as f32)];
        Rectangle::new(corners, INK.mix(0.75).filled())
    });
    chart.draw_series(bars)?;
    let start = [(0.9, 0.0), (0.9, 1.1 * most as f32)];
    chart.draw_series(DashedLineSeries::new(start, 5, 4, SPIKE.into()))?;
    let style = ("sans-serif", 12).into_font().color(&SPIKE);
    chart.draw_series([Text::new(
        "before training",
        (0.901, 1.08 * most as f32),
        style,
    )])?;
    area.present()?;
    Ok(())
}

fn whole(value: &f32) -> String {
    format!("{value:.0}")
}
