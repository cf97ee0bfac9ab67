//! What was measured, a JSON line each.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use benches::{Lap, Pace, median};
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use crate::files;
use crate::statistics::Spread;

/// One formulation of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    pub cell: Cell,
    pub formulation: Pace,
    /// Where, with how many threads, by which commit.
    pub device: String,
    pub threads: usize,
    pub commit: Option<String>,
    /// Nothing where it was left out.
    pub forward: Option<Timing>,
    pub backward: Option<Timing>,
    /// The share of neurons that fire, by layer; counted once a cell.
    #[serde(default)]
    pub firing: Vec<f64>,
    /// Why it was left out.
    pub left_out: Option<String>,
    /// All of its time, its share of making the input included.
    pub took_seconds: f64,
}

/// Seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Timing {
    pub mean: f64,
    /// Standard deviation of the samples, the population's.
    pub sd: f64,
    pub median: f64,
    pub samples: Vec<f64>,
}

impl Timing {
    pub(super) fn of(samples: Vec<f64>) -> Self {
        let spread = Spread::of(samples.iter().copied()).expect("at least one sample");
        Self {
            mean: spread.mean,
            sd: spread.deviation,
            median: median(samples.iter().copied()),
            samples,
        }
    }

    /// Mean and deviation.
    pub(super) fn spread(&self) -> Spread {
        Spread {
            mean: self.mean,
            deviation: self.sd,
            number: self.samples.len(),
        }
    }
}

impl Record {
    /// The timings of laps.
    pub(super) fn timed(mut self, laps: &[Lap]) -> Self {
        self.forward = Some(Timing::of(laps.iter().map(|lap| lap.forward).collect()));
        self.backward = Some(Timing::of(laps.iter().map(|lap| lap.backward).collect()));
        self
    }

    /// Why this cannot have been measured.
    fn wrong(&self) -> Option<String> {
        let (forward, backward) = match (&self.forward, &self.backward, &self.left_out) {
            (Some(forward), Some(backward), None) => (forward, backward),
            (None, None, Some(_)) => return None,
            _ => {
                return Some(
                    "expected either forward and backward or why it was left out".to_owned(),
                );
            }
        };
        let (f, b) = (forward.samples.len(), backward.samples.len());
        if f != b || f == 0 {
            return Some(format!(
                "found {f} samples forward and {b} backward, expected as many, one at least"
            ));
        }
        let mut all = forward.samples.iter().chain(&backward.samples);
        let wrong = all.find(|seconds| !(seconds.is_finite() && **seconds > 0.0))?;
        Some(format!("found a sample of {wrong} s, expected more than 0"))
    }

    /// Mean of forward and backward together.
    pub(super) fn step_seconds(&self) -> Option<f64> {
        Some(self.forward.as_ref()?.mean + self.backward.as_ref()?.mean)
    }
}

/// The records of a folder, kept as soon as they are there.
pub(super) struct Journal {
    file: File,
    pub records: Vec<Record>,
}

impl Journal {
    /// Goes on with a file, or begins it. A last line that was cut off is measured again.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let at = || path.display().to_string();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(at)?;
        }
        let (records, whole) = read(path)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(at)?;
        file.set_len(whole as u64).with_context(at)?;
        Ok(Self { file, records })
    }

    /// Adds a record; it is on disk afterwards.
    pub(super) fn add(&mut self, record: Record) -> Result<()> {
        let line = serde_json::to_string(&record)? + "\n";
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data())
            .context("writing a measurement")?;
        put(&mut self.records, record);
        Ok(())
    }

    /// What is known of a cell in a formulation.
    pub(super) fn find(&self, cell: &Cell, pace: Pace) -> Option<&Record> {
        let same = |r: &&Record| r.cell == *cell && r.formulation == pace;
        self.records.iter().find(same)
    }
}

/// The records of a file and how many of its bytes they are: a last line that was cut off is none.
/// Nothing of a file that is not there.
pub(super) fn read(path: &Path) -> Result<(Vec<Record>, usize)> {
    let lines = files::json_lines::<Record>(path)?;
    let mut records: Vec<Record> = Vec::new();
    for (number, record) in (1..).zip(lines.values) {
        if let Some(why) = record.wrong() {
            bail!(
                "{}, line {number}: {why}; delete the line, it will be measured again",
                path.display()
            );
        }
        put(&mut records, record);
    }
    Ok((records, lines.length))
}

/// A later record takes the place of an earlier one.
fn put(records: &mut Vec<Record>, record: Record) {
    records.retain(|r| (r.cell, r.formulation) != (record.cell, record.formulation));
    records.push(record);
}

#[cfg(test)]
mod tests {
    use super::*;
    use benches::BetaKind;

    #[test]
    fn a_journal_goes_on_where_it_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/cells.jsonl");
        let record = |neurons| Record {
            cell: Cell {
                batch: 1,
                layers: 1,
                neurons,
                steps: 8,
                beta: BetaKind::FixedShared,
            },
            formulation: Pace::Scan,
            device: "cpu".to_owned(),
            threads: 2,
            commit: None,
            forward: None,
            backward: None,
            firing: vec![0.5],
            left_out: Some("as a test".to_owned()),
            took_seconds: 0.5,
        };
        let mut journal = Journal::open(&path).unwrap();
        for neurons in [1, 2, 2] {
            journal.add(record(neurons)).unwrap();
        }
        drop(journal);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{{\"batch\": 1, ")).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.records, [record(1), record(2)]);
        journal.add(record(3)).unwrap();
        assert_eq!(Journal::open(&path).unwrap().records.len(), 3);
    }

    #[test]
    fn damaged_measurements_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.jsonl");
        let told = |forward: &str, backward: &str, left_out: &str| {
            let timing =
                |samples| format!(r#"{{"mean":1,"sd":0,"median":1,"samples":[{samples}]}}"#);
            let line = format!(
                r#"{{"batch":1,"layers":1,"neurons":2,"steps":8,"beta":"fixed-shared","formulation":"scan","device":"cpu",
                "threads":2,"commit":null,"forward":{},"backward":{},"left_out":{left_out},"took_seconds":1}}"#,
                timing(forward),
                timing(backward)
            );
            fs::write(&path, line.replace('\n', "") + "\n").unwrap();
            read(&path).map(|(records, _)| records.len())
        };
        assert_eq!(told("1,2", "2,1", "null").unwrap(), 1);
        for (forward, backward, left_out, part) in [
            ("", "", "null", "found 0 samples forward"),
            ("1", "1,2", "null", "found 1 samples forward and 2 backward"),
            ("1,-1", "1,2", "null", "found a sample of -1 s"),
            ("1", "1", "\"time\"", "expected either"),
        ] {
            let error = told(forward, backward, left_out).unwrap_err().to_string();
            assert!(
                error.contains("cells.jsonl, line 1: ") && error.contains(part),
                "{error}"
            );
        }
    }

    #[test]
    fn timings() {
        let timing = Timing::of(vec![1.0, 2.0, 6.0]);
        assert_eq!((timing.mean, timing.median), (3.0, 2.0));
        assert!((timing.sd - (14.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
