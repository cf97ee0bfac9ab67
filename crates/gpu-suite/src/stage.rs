//! Stages: cells measured one by one within a time, and their file.

use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use crate::machine::Machine;

/// What came of a cell.
pub(crate) struct Found {
    /// For people.
    pub line: String,
    /// For the file.
    pub value: Value,
    /// Whether it is as it should be.
    pub sound: bool,
}

impl Found {
    /// A measurement, which is always sound.
    pub(crate) fn measured(line: String, value: impl Serialize) -> Result<Self, String> {
        let value = serde_json::to_value(value).map_err(|e| e.to_string())?;
        Ok(Self {
            line,
            value,
            sound: true,
        })
    }
}

/// A cell that could not be measured.
#[derive(Debug, Serialize)]
struct Failure {
    cell: String,
    problem: String,
}

/// The file of a stage.
#[derive(Serialize)]
struct Report<'a> {
    stage: &'a str,
    #[serde(flatten)]
    machine: &'a Machine,
    /// Seconds that the stage took.
    seconds: f64,
    /// Whether every cell had its turn.
    complete: bool,
    results: Vec<Value>,
    failures: Vec<Failure>,
    /// Cells for which there was no time.
    left_out: Vec<String>,
}

/// Where the suite stands.
pub(crate) struct Run {
    pub machine: Machine,
    /// The folder of the stages' files.
    pub folder: PathBuf,
    /// When it began.
    pub start: Instant,
    /// Seconds that it may take.
    pub seconds: f64,
    /// Whether everything so far is as it should be.
    pub sound: bool,
}

impl Run {
    /// Measures the cells of a stage until its share of the whole time, counted from the suite's beginning, is over.
    /// A cell that fails is named, and the next has its turn. The file is whole after every cell.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn stage<C>(
        &mut self,
        stage: &str,
        share: f64,
        cells: Vec<(String, C)>,
        mut measure: impl FnMut(C) -> Result<Option<Found>, String>,
    ) -> Result<(), String> {
        println!("{stage}: {} cells", cells.len());
        let began = Instant::now();
        let mut report = Report {
            stage,
            machine: &self.machine,
            seconds: 0.0,
            complete: false,
            results: Vec::new(),
            failures: Vec::new(),
            left_out: Vec::new(),
        };
        let path = self.folder.join(format!("{stage}.json"));
        write(&path, &report)?;
        for (name, cell) in cells {
            if self.start.elapsed().as_secs_f64() > share * self.seconds {
                report.left_out.push(name);
                continue;
            }
            // A kernel that does not compile panics.
            let found = catch_unwind(AssertUnwindSafe(|| measure(cell)));
            match found.unwrap_or_else(|panic| Err(message(panic.as_ref()))) {
                Ok(None) => {}
                Ok(Some(found)) => {
                    println!("  {}", found.line);
                    self.sound &= found.sound;
                    report.results.push(found.value);
                }
                Err(problem) => {
                    println!("  {name}: FAILED: {problem}");
                    self.sound = false;
                    report.failures.push(Failure {
                        cell: name,
                        problem,
                    });
                }
            }
            report.seconds = began.elapsed().as_secs_f64();
            write(&path, &report)?;
        }
        if let Some(first) = report.left_out.first() {
            let (number, seconds) = (report.left_out.len(), share * self.seconds);
            println!("  LEFT OUT: {number} cells from {first} on: {seconds:.0} s are over");
        }
        report.complete = report.left_out.is_empty();
        write(&path, &report)
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Whole or not at all.
fn write(path: &Path, report: &Report<'_>) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let temporary = path.with_extension("json.tmp");
    let mut file = File::create(&temporary).map_err(|e| failed(&e))?;
    serde_json::to_writer_pretty(&mut file, report).map_err(|e| failed(&e))?;
    std::fs::rename(&temporary, path).map_err(|e| failed(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, seconds: f64) -> Run {
        Run {
            machine: Machine::default(),
            folder: folder.to_owned(),
            start: Instant::now(),
            seconds,
            sound: true,
        }
    }

    fn cells(names: &[&'static str]) -> Vec<(String, &'static str)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), *name))
            .collect()
    }

    fn file(folder: &Path) -> Value {
        let text = std::fs::read_to_string(folder.join("grid.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_cell_that_fails_or_panics_does_not_take_the_others_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = run(folder.path(), 60.0);
        let names = cells(&["fails", "panics", "nothing", "sound"]);
        run.stage("grid", 1.0, names, |name| match name {
            "fails" => Err("the device is gone".to_owned()),
            "panics" => panic!("no such register"),
            "nothing" => Ok(None),
            name => Found::measured(name.to_owned(), name).map(Some),
        })
        .unwrap();
        assert!(!run.sound);
        let file = file(folder.path());
        assert_eq!(file["results"], serde_json::json!(["sound"]));
        assert_eq!(file["failures"][0]["problem"], "the device is gone");
        assert_eq!(file["failures"][1]["cell"], "panics");
        assert_eq!(file["failures"][1]["problem"], "no such register");
        assert_eq!(file["complete"], true);
    }

    #[test]
    fn what_there_is_no_time_for_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = run(folder.path(), 0.5);
        run.stage("grid", 0.5, cells(&["first", "second"]), |name| {
            std::thread::sleep(std::time::Duration::from_millis(260));
            Found::measured(name.to_owned(), name).map(Some)
        })
        .unwrap();
        assert!(run.sound);
        let file = file(folder.path());
        assert_eq!(file["results"], serde_json::json!(["first"]));
        assert_eq!(file["left_out"], serde_json::json!(["second"]));
        assert_eq!(file["complete"], false);
    }
}
