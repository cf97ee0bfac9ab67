//! `data show`: a picture of a sample: the image and its spike raster, or the raster of a recording.

use std::fs;
use std::path::{Path, PathBuf};

use block_data::encode::{EventBinning, SingleSpike};
use block_data::{DataError, DataSource, Input, Sample, counted};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::arguments::ShowArguments;
use super::output::say;
use super::place::Steps;
use crate::error::{Result, RunnerError};
use crate::files::write_whole;

/// Steps of the single-spike code of values, unless a config says otherwise.
const STEPS: usize = 100;
const SIZE: (u32, u32) = (900, 420);
const INK: RGBColor = RGBColor(0x1f, 0x77, 0xb4);

type Drawn<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a sample.
pub(super) fn show(arguments: &ShowArguments) -> Result<()> {
    let out = arguments.out.as_deref();
    if let Some(out) = out.filter(|out| out.extension().is_none_or(|end| end != "svg")) {
        let out = out.display();
        let problem = format!("--out is {out}, expected a file NAME.svg");
        return Err(RunnerError::DataSets(problem));
    }
    let (source, steps) = arguments.place.open(&arguments.name)?;
    let (split, name) = match arguments.test {
        true => (source.test(), "test"),
        false => (source.train(), "train"),
    };
    let (index, len) = (arguments.index, split.len());
    if index >= len {
        return Err(RunnerError::DataSets(format!(
            "{}: sample {index} of the {name} split was asked for, expected 0 to {}",
            source.name(),
            len.saturating_sub(1)
        )));
    }
    let sample = split.get(index).map_err(DataError::from)?;
    let raster = raster(&source, &sample, steps)?;
    let class = &source.class_names()[sample.label];
    // A config of recordings of one's own says more than their common name.
    let called = Path::new(&arguments.name).file_stem().unwrap_or_default();
    let called = called.to_string_lossy();
    let title = format!(
        "{called}, {name} sample {index}: class {} ({class}), {}",
        sample.label,
        counted(raster.spikes.len(), "spike")
    );
    let mut svg = String::new();
    draw(&source, &sample, &raster, &title, &mut svg)
        .map_err(|error| RunnerError::DataSets(format!("cannot draw: {error}")))?;
    let default = || PathBuf::from(format!("{called}-{name}-{index}.svg"));
    let out = arguments.out.clone().unwrap_or_else(default);
    let folder = out.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| write_whole(&out, svg.as_bytes()));
    written.map_err(|source| RunnerError::Write {
        path: out.clone(),
        source,
        remedy: "choose another place with --out",
    })?;
    say(&format!("{title}: {}", out.display()))?;
    Ok(())
}

/// A sample's spikes as (time, unit).
struct Raster {
    spikes: Vec<(f32, u32)>,
    end: f32,
    axis: &'static str,
}

fn raster(source: &DataSource, sample: &Sample, steps: Steps) -> Result<Raster> {
    match (&sample.input, steps.steps.zip(steps.dt)) {
        (Input::Values(values), _) => {
            let (count, mut first) = (steps.steps.unwrap_or(STEPS), Vec::new());
            SingleSpike::new(count)?.encode(values, &mut first)?;
            let spikes = first
                .iter()
                .zip(0..)
                .map(|(&step, unit)| (step as f32, unit));
            Ok(Raster {
                spikes: spikes.collect(),
                end: count as f32,
                axis: "time step",
            })
        }
        (Input::Events(recording), Some((steps, dt))) => {
            let mut events = Vec::new();
            let binning = EventBinning::new(source.units(), steps, dt)?;
            binning.encode(&recording.units, &recording.times, &mut events)?;
            let spikes = events.iter().map(|&(step, unit)| (step as f32 * dt, unit));
            Ok(Raster {
                spikes: spikes.collect(),
                end: steps as f32 * dt,
                axis: "time, ms",
            })
        }
        (Input::Events(recording), None) => {
            let times = recording.times.iter().map(|time| 1000.0 * time);
            let units = recording.units.iter();
            Ok(Raster {
                end: times.clone().fold(1.0, f32::max),
                spikes: times.zip(units.copied()).collect(),
                axis: "time, ms",
            })
        }
    }
}

fn draw(
    source: &DataSource,
    sample: &Sample,
    raster: &Raster,
    title: &str,
    svg: &mut String,
) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let area = area.titled(title, ("sans-serif", 18))?;
    let right = match (source.input_shape(), &sample.input) {
        (&[channels, rows, columns], Input::Values(values)) => {
            let (left, right) = area.split_horizontally(SIZE.1 as i32 - 40);
            let pixel = |channel: usize, at: usize| {
                let value = values[(channel % channels) * rows * columns + at];
                (255.0 * value).round() as u8
            };
            let color = |at| RGBColor(pixel(0, at), pixel(1, at), pixel(2, at));
            picture(&left, [rows, columns], color)?;
            right
        }
        (&[rows, columns], Input::Events(_)) => {
            let (left, right) = area.split_horizontally(SIZE.1 as i32 - 40);
            // What the sensor saw, all of the time together.
            let mut counts = vec![0_u32; rows * columns];
            for &(_, unit) in &raster.spikes {
                counts[unit as usize % (rows * columns)] += 1;
            }
            let most = counts.iter().copied().max().unwrap_or(0).max(1);
            let color = |at: usize| {
                let grey = (255 * counts[at] / most) as u8;
                RGBColor(grey, grey, grey)
            };
            picture(&left, [rows, columns], color)?;
            right
        }
        _ => area,
    };
    spikes(&right, raster, source.units())?;
    right.present()?;
    Ok(())
}

/// An image, each pixel a square.
fn picture(area: &Area<'_>, shape: [usize; 2], color: impl Fn(usize) -> RGBColor) -> Drawn {
    let [rows, columns] = shape;
    let (width, height) = area.dim_in_pixel();
    let side = ((width - 24) / columns as u32).min((height - 24) / rows as u32) as i32;
    for at in 0..rows * columns {
        let corner = |x: usize, y: usize| (12 + side * x as i32, 12 + side * y as i32);
        let (x, y) = (at % columns, at / columns);
        let square = [corner(x, y), corner(x + 1, y + 1)];
        area.draw(&Rectangle::new(square, color(at).filled()))?;
    }
    Ok(())
}

fn spikes(area: &Area<'_>, raster: &Raster, units: usize) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .margin_right(24)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..raster.end, -0.5..units as f32 - 0.5)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc(raster.axis)
        .x_label_formatter(&whole)
        .y_label_formatter(&whole)
        .y_desc("unit")
        .draw()?;
    let points = raster.spikes.iter().map(|&(time, unit)| {
        let size = if units > 20 { 1 } else { 4 };
        Circle::new((time, unit as f32), size, INK.filled())
    });
    chart.draw_series(points)?;
    Ok(())
}

/// A label, or none for what lies between whole numbers.
fn whole(value: &f32) -> String {
    match value.fract() == 0.0 {
        true => format!("{value:.0}"),
        false => String::new(),
    }
}
