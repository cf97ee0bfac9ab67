//! Hidden activity and loss batch by batch, thinned so that it can be committed.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::files;

/// The file among the results.
pub(crate) const FILE: &str = "activity.csv";
const HEADER: &str = "batch,loss,hidden_spikes";
/// Lines that are kept, besides a few that always are.
const LINES: usize = 1990;

/// A training batch before its update.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// From 1, over all epochs.
    pub number: usize,
    /// The mean loss.
    pub loss: f64,
    /// Hidden spikes a sample.
    pub spikes: f64,
}

#[derive(Deserialize)]
struct Line {
    loss: f64,
    hidden_spikes: f64,
}

/// All batches of a run, from its `batches.jsonl`.
pub(crate) fn read_log(path: &Path) -> Result<Vec<Batch>> {
    let lines = files::json_lines::<Line>(path)?.values.into_iter();
    let batches = (1..).zip(lines).map(|(number, line)| Batch {
        number,
        loss: line.loss,
        spikes: line.hidden_spikes,
    });
    Ok(batches.collect())
}

/// Every n-th batch from the first on; always the first with a spike, the most active, the last.
pub(crate) fn thin(batches: &[Batch]) -> Vec<Batch> {
    let stride = batches.len().div_ceil(LINES).max(1);
    let first = first_spike(batches);
    let most = most(batches);
    let keep = |index: usize, batch: &Batch| {
        index.is_multiple_of(stride)
            || index + 1 == batches.len()
            || Some(batch.number) == first
            || Some(batch.number) == most.map(|batch| batch.number)
    };
    let kept = batches.iter().enumerate();
    kept.filter(|(index, batch)| keep(*index, batch))
        .map(|(_, batch)| batch.clone())
        .collect()
}

/// The number of the first batch with a spike.
pub(crate) fn first_spike(batches: &[Batch]) -> Option<usize> {
    batches
        .iter()
        .find(|batch| batch.spikes > 0.0)
        .map(|batch| batch.number)
}

/// The first of the most active batches.
pub(crate) fn most(batches: &[Batch]) -> Option<&Batch> {
    batches.iter().reduce(|most, batch| {
        if batch.spikes > most.spikes {
            batch
        } else {
            most
        }
    })
}

/// The batches as lines of comma-separated values.
pub(crate) fn to_csv(batches: &[Batch]) -> String {
    let mut text = format!("{HEADER}\n");
    for batch in batches {
        text += &format!("{},{},{}\n", batch.number, batch.loss, batch.spikes);
    }
    text
}

/// The batches in a file that [`to_csv`] made.
pub(crate) fn read_csv(path: &Path) -> Result<Vec<Batch>> {
    let at = path.display();
    let text = files::text(path)?;
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line);
    if header != HEADER {
        bail!("{at}, line 1: found `{header}`, expected `{HEADER}`");
    }
    if !text.ends_with('\n') {
        bail!("{at}: cut off, expected a whole last line");
    }
    let mut batches: Vec<Batch> = Vec::new();
    for (index, line) in lines {
        // The first is kept by all, and what is left out is between others.
        let last = batches.last().map(|batch| batch.number);
        let next = parse(line).filter(|batch| match last {
            Some(last) => batch.number > last,
            None => batch.number == 1,
        });
        let wrong = || {
            format!(
                "{at}, line {}: found `{line}`, expected `{HEADER}` as numbers, the batches from 1 on in order",
                index + 1
            )
        };
        batches.push(next.with_context(wrong)?);
    }
    if batches.is_empty() {
        bail!("{at}: found no batch, expected the first at least");
    }
    Ok(batches)
}

fn parse(line: &str) -> Option<Batch> {
    let (number, rest) = line.split_once(',')?;
    let (loss, spikes) = rest.split_once(',')?;
    Some(Batch {
        number: number.parse().ok()?,
        loss: loss.parse().ok()?,
        spikes: spikes.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(number: usize, spikes: impl Fn(usize) -> f64) -> Vec<Batch> {
        let batch = |number| Batch {
            number,
            loss: 0.1 * number as f64,
            spikes: spikes(number),
        };
        (1..=number).map(batch).collect()
    }

    #[test]
    fn what_matters_survives_thinning() {
        let all = batches(94_000, |number| match number {
            0..=78 => 0.0,
            5_003 => 900.5,
            _ => 40.0,
        });
        let thinned = thin(&all);
        assert!(thinned.len() <= 2000, "{}", thinned.len());
        assert_eq!(first_spike(&thinned), Some(79));
        assert_eq!(most(&thinned).unwrap().spikes, 900.5);
        assert_eq!(
            (thinned[0].number, thinned.last().unwrap().number),
            (1, 94_000)
        );
    }

    #[test]
    fn csv_is_read_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let few = thin(&batches(3, |_| 0.0));
        assert_eq!((few.len(), first_spike(&few)), (3, None));
        std::fs::write(&path, to_csv(&few)).unwrap();
        assert_eq!(read_csv(&path).unwrap(), few);
        std::fs::write(&path, format!("{HEADER}\n1,2,3\n1,x,3\n")).unwrap();
        let error = read_csv(&path).unwrap_err().to_string();
        assert!(error.contains("line 3: found `1,x,3`"), "{error}");
    }
}
