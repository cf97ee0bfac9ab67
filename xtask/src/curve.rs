//! `cargo xtask curve RUN`: the learning curve of a run, from its `epochs.jsonl`.

use std::fs;
use std::path::{Path, PathBuf};

use plotters::prelude::*;
use runner::EpochRecord;

use crate::write_whole;

#[derive(clap::Args)]
pub struct Args {
    /// A run folder.
    run: PathBuf,
    /// The picture; `curve.svg` within the run folder by default.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The heading.
    #[arg(long, default_value = "")]
    title: String,
}

const SIZE: (u32, u32) = (720, 400);
const TRAIN: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const VALIDATION: RGBColor = RGBColor(0xd6, 0x5f, 0x00);

pub fn run(args: &Args) -> Result<(), String> {
    let epochs = read(&args.run.join("epochs.jsonl"))?;
    let mut svg = String::new();
    draw(&epochs, &args.title, &mut svg).map_err(|e| format!("drawing: {e}"))?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| args.run.join("curve.svg"));
    write_whole(&out, svg.as_bytes())?;
    tracing::info!("{}", out.display());
    Ok(())
}

fn read(path: &Path) -> Result<Vec<EpochRecord>, String> {
    let at = path.display();
    let text = fs::read_to_string(path).map_err(|e| format!("{at}: {e}; is it a run folder?"))?;
    let epochs: Result<Vec<EpochRecord>, _> = text.lines().map(serde_json::from_str).collect();
    let epochs = epochs.map_err(|e| format!("{at}: {e}"))?;
    if epochs.is_empty() {
        return Err(format!("{at}: no finished epoch"));
    }
    Ok(epochs)
}

fn draw(
    epochs: &[EpochRecord],
    title: &str,
    svg: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let train: Vec<_> = epochs
        .iter()
        .map(|e| (e.epoch, 100.0 * e.train_accuracy))
        .collect();
    let validation: Vec<_> = epochs
        .iter()
        .filter_map(|e| Some((e.epoch, 100.0 * e.validation_accuracy?)))
        .collect();
    let all = train
        .iter()
        .chain(&validation)
        .map(|&(_, accuracy)| accuracy);
    let low = all.clone().fold(100.0_f64, f64::min).floor() - 1.0;
    let high = all.fold(0.0_f64, f64::max).ceil() + 1.0;
    let last = epochs.len().max(2);

    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(52)
        .build_cartesian_2d(1..last, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("epoch")
        .y_desc("accuracy, %")
        .x_labels(last.min(10))
        .draw()?;
    for (name, color, points) in [
        ("training, while the weights change", TRAIN, train),
        ("validation, after the epoch", VALIDATION, validation),
    ] {
        if points.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    area.present()?;
    Ok(())
}
