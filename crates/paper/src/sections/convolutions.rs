//! The table of convolutional networks.

use anyhow::Result;

use crate::experiment::{Experiment, Places};
use crate::numbers;
use crate::page::content::{Section, Table};
use crate::prose::paragraphs;
use crate::runs::results::{self, Model};
use crate::words::data_title;

const ABSENT: &str = "–";

/// The part of the report.
pub(crate) fn section(places: &Places) -> Result<Section> {
    let models = results::models(places, Experiment::Convolutions)?;
    Ok(Section {
        name: Experiment::Convolutions.name().to_string(),
        title: "Convolutional networks of the block model".to_string(),
        paragraphs: paragraphs(include_str!("../../prose/convolutions.md")),
        figures: Vec::new(),
        tables: vec![
            accuracy(&models),
            results::made_with(&models),
            results::missing(&models),
        ],
    })
}

fn accuracy(models: &[Model]) -> Table {
    let rows = models.iter().map(|model| {
        let here = model.spread(|run| Some(100.0 * run.summary.test_accuracy?));
        let spikes = model.spread(|run| run.summary.hidden_spikes_per_sample);
        let seconds = model.spread(|run| run.summary.seconds_per_epoch);
        let paper = numbers::convolutional(model.data);
        let text = |number: Option<String>| number.unwrap_or(ABSENT.to_string());
        vec![
            data_title(model.data).to_string(),
            here.map_or("not run here".to_string(), |here| here.text(2)),
            text(paper.as_ref().map(|paper| paper.accuracy.text(2))),
            here.map_or(ABSENT.to_string(), |_| model.extent()),
            text(spikes.map(|spikes| spikes.text(0))),
            text(seconds.map(|seconds| seconds.text(0))),
            text(paper.and_then(|paper| Some(format!("{:.2}", paper.seconds?)))),
        ]
    });
    Table {
        caption: "Accuracy on the test split, %; hidden spikes a test sample; seconds an epoch, the paper's on its GPU".to_string(),
        header: [
            "network",
            "here",
            "paper",
            "runs here",
            "spikes here",
            "seconds here",
            "paper's seconds",
        ]
        .map(String::from)
        .into(),
        rows: rows.collect(),
    }
}
