//! What was measured, a JSON line each.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use benches::{Lap, Pace, median};
use serde::{Deserialize, Serialize};

use super::super::statistics::Spread;
use super::grid::Cell;

/// One formulation of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
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
pub struct Timing {
    pub mean: f64,
    /// Standard deviation of the samples, the population's.
    pub sd: f64,
    pub median: f64,
    pub samples: Vec<f64>,
}

impl Timing {
    pub fn of(samples: Vec<f64>) -> Self {
        let spread = Spread::of(samples.iter().copied()).expect("at least one sample");
        Self {
            mean: spread.mean,
            sd: spread.deviation,
            median: median(samples.iter().copied()),
            samples,
        }
    }

    /// Mean and deviation.
    pub fn spread(&self) -> Spread {
        Spread {
            mean: self.mean,
            deviation: self.sd,
            number: self.samples.len(),
        }
    }
}

impl Record {
    /// The timings of laps.
    pub fn timed(mut self, laps: &[Lap]) -> Self {
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
    pub fn step_seconds(&self) -> Option<f64> {
        Some(self.forward.as_ref()?.mean + self.backward.as_ref()?.mean)
    }
}

/// The records of a folder, kept as soon as they are there.
pub struct Journal {
    file: File,
    pub records: Vec<Record>,
}

impl Journal {
    /// Goes on with a file, or begins it. A last line that was cut off is measured again.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let (records, whole) = read(path)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        Ok(Self { file, records })
    }

    /// Adds a record; it is on disk afterwards.
    pub fn add(&mut self, record: Record) -> Result<(), String> {
        let line = serde_json::to_string(&record).map_err(|e| e.to_string())? + "\n";
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|e| format!("writing a measurement: {e}"))?;
        put(&mut self.records, record);
        Ok(())
    }

    /// What is known of a cell in a formulation.
    pub fn find(&self, cell: &Cell, pace: Pace) -> Option<&Record> {
        let same = |r: &&Record| r.cell == *cell && r.formulation == pace;
        self.records.iter().find(same)
    }
}

/// The records of a file and how many of its bytes they are: a last line that was cut off is none.
/// Nothing of a file that is not there.
pub fn read(path: &Path) -> Result<(Vec<Record>, usize), String> {
    let text = match fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.map_err(|e| format!("{}: {e}", path.display()))?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut records: Vec<Record> = Vec::new();
    for (index, line) in text[..whole].lines().enumerate() {
        let at = || format!("{}, line {}", path.display(), index + 1);
        let record: Record = serde_json::from_str(line).map_err(|e| format!("{}: {e}", at()))?;
        if let Some(why) = record.wrong() {
            let advice = "delete the line, it will be measured again";
            return Err(format!("{}: {why}; {advice}", at()));
        }
        put(&mut records, record);
    }
    Ok((records, whole))
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
        let folder = std::env::temp_dir().join(format!("block-speedup-{}", std::process::id()));
        let path = folder.join("cells.jsonl");
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
        fs::remove_dir_all(folder).unwrap();
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
            let error = told(forward, backward, left_out).unwrap_err();
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
