//! The learning curve of a run, from its `epochs.jsonl`.

use std::path::Path;

use anyhow::{Result, bail};
use runner::EpochRecord;

use crate::draw::charts::{self, Axis, Line};
use crate::draw::style;
use crate::files;

/// Draws the accuracy of a run over its epochs, and writes it as SVG. A title may be empty.
///
/// # Errors
///
/// A folder without a finished epoch, a damaged log, or a picture that cannot be written.
pub fn write(run: &Path, title: &str, out: &Path) -> Result<()> {
    let path = run.join("epochs.jsonl");
    let at = path.display();
    if !path.exists() {
        bail!("{at}: no such file, expected the log of a run; is it a run folder?");
    }
    let epochs = files::json_lines::<EpochRecord>(&path)?.values;
    if epochs.is_empty() {
        bail!("{at}: no finished epoch");
    }
    let svg = draw(title, &epochs)?;
    files::write_whole(out, style::on_white(&svg).as_bytes())
}

fn draw(title: &str, epochs: &[EpochRecord]) -> Result<String> {
    let line = |label: &str, color, of: fn(&EpochRecord) -> Option<f64>| {
        let points = epochs.iter();
        let points = points.filter_map(|e| Some((e.epoch as f64, 100.0 * of(e)?)));
        Line {
            label: label.to_string(),
            color,
            thin: false,
            points: points.collect(),
            cross: None,
        }
    };
    let mut lines = vec![
        line("training", 0, |e| e.train_accuracy),
        line("validation", 1, |e| e.validation_accuracy),
    ];
    lines.retain(|line| !line.points.is_empty());
    let heights = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point.1);
    let low = heights.clone().fold(100.0, f64::min).floor() - 1.0;
    let high = heights.fold(0.0, f64::max).ceil() + 1.0;
    let time = Axis {
        name: "epoch",
        range: 1.0..epochs.len().max(2) as f64,
    };
    let accuracy = Axis {
        name: "accuracy, %",
        range: low..high,
    };
    charts::lines(title, &time, &accuracy, &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_both_accuracies() {
        let epoch = |validation: &str| {
            let text = format!(
                "{{\"epoch\":1,\"learning_rate\":0.001,\"train_loss\":1.0,\"train_accuracy\":0.5,\"hidden_spikes\":1.0,\
                 \"hidden_spikes_by_layer\":[1.0],\"best\":true,\"train_seconds\":2.0,\"wait_seconds\":0.0{validation}}}"
            );
            serde_json::from_str::<EpochRecord>(&text).unwrap()
        };
        let svg = draw("", &[epoch("")]).unwrap();
        assert!(svg.contains("training") && !svg.contains("validation"));
        let svg = draw("a run", &[epoch(",\"validation_accuracy\":0.4")]).unwrap();
        assert!(svg.contains("validation") && svg.contains("a run"));
    }
}
