//! Comparing with the JSON lines of an earlier run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use benches::Measurement;

use super::table::neurons;

/// Measurements of an earlier run, each with whether it was met again.
pub(super) struct Earlier {
    path: PathBuf,
    lines: Vec<(Measurement, bool)>,
}

impl Earlier {
    /// Reads JSON lines.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let at = path.display();
        let text = fs::read_to_string(path).with_context(|| at.to_string())?;
        let lines = text.lines().enumerate();
        let lines = lines.map(|(index, line)| {
            serde_json::from_str(line).map_err(|e| {
                let (line, e) = (index + 1, e.to_string());
                // Where in the line would read like a place in the file.
                let problem = e.split(" at line ").next().unwrap_or_default();
                anyhow!("{at}:{line}: {problem}; expected a line of `cargo xtask bench --json`")
            })
        });
        let lines: Vec<Measurement> = lines.collect::<Result<_>>()?;
        if lines.is_empty() {
            bail!("{at}: empty, expected JSON lines of measurements");
        }
        Ok(Self {
            path: path.to_owned(),
            lines: lines.into_iter().map(|line| (line, false)).collect(),
        })
    }

    /// One line that compares a measurement with its counterpart, the last one if there are several.
    pub(super) fn compare(&mut self, now: &Measurement) -> String {
        let title = title(now);
        let mut found = None;
        for (then, met) in &mut self.lines {
            if same(then, now) {
                *met = true;
                found = Some(then);
            }
        }
        let Some(then) = found else {
            return format!("{title}: no such measurement in {}", self.path.display());
        };
        let memory = |m: &Measurement| match m.peak_memory_bytes {
            Some(bytes) => format!("{} MB", bytes / 1_000_000),
            None => "?".to_owned(),
        };
        format!(
            "{title}: step {:.2} ms → {:.2} ms, × {:.3}; peak memory {} → {}",
            then.step_seconds * 1e3,
            now.step_seconds * 1e3,
            now.step_seconds / then.step_seconds,
            memory(then),
            memory(now),
        )
    }

    /// One line for each earlier measurement that was not made again.
    pub(super) fn rest(&self) -> Vec<String> {
        let rest = self.lines.iter().filter(|(_, met)| !met);
        rest.map(|(then, _)| format!("{}: not measured now", title(then)))
            .collect()
    }
}

fn same(a: &Measurement, b: &Measurement) -> bool {
    let key = |m: &Measurement| {
        let sizes = (m.inputs, m.neurons.clone(), m.classes, m.steps, m.batch);
        let names = [&m.workload, &m.formulation, &m.engine, &m.device].map(String::clone);
        (sizes, names)
    };
    key(a) == key(b)
}

fn title(m: &Measurement) -> String {
    format!(
        "{} {} × {} steps, batch {}, {}, {}, {}",
        m.workload,
        neurons(m),
        m.steps,
        m.batch,
        m.formulation,
        m.engine,
        m.device,
    )
}
