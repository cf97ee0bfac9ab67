//! What a run was made with and on.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::error::{Difference, Result};
use crate::files::{REPAIR, write_error};
use crate::run_folder::{ENVIRONMENT, RunFolder, UNREADABLE};
use crate::splits::{Split, Surveys};
use block_core::device::NamedDevice;
use block_data::Account;

/// Written to `environment.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// When the run began, in UTC.
    pub started: String,
    /// The device's name.
    pub device: String,
    /// Threads that compute.
    pub threads: usize,
    /// The processor.
    pub cpu: Option<String>,
    /// Operating system and processor family.
    pub platform: String,
    /// The commit that the runner was built from, if that is known.
    pub commit: Option<String>,
    /// The compiler that built the runner.
    pub rustc: Option<String>,
    /// Versions of packages.
    pub versions: BTreeMap<String, String>,
    /// Optional parts of the runner.
    pub features: Vec<String>,
    /// What the splits hold that the run uses, and what of it reaches the network.
    #[serde(default)]
    pub splits: BTreeMap<Split, Account>,
    /// What is doubtful about them.
    #[serde(default)]
    pub doubts: Vec<String>,
    /// Each time that the run was resumed.
    #[serde(default)]
    pub resumed: Vec<Resumption>,
    /// What changed in the config or the data when the run was resumed.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// A change in the config or the data of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When, in UTC.
    pub time: String,
    /// Epochs that were finished.
    pub after_epochs: usize,
    /// Batches done of the epoch after those.
    pub after_batches: usize,
    /// The key of the config in backquotes, or the split of the data.
    pub what: String,
    /// What it was in the run.
    pub before: String,
    /// What it is from here on.
    pub now: String,
    /// Whether it needed `--accept-changes`: the epochs so far would have gone differently with it, or it is a test split
    /// that was not named.
    pub accepted: bool,
}

/// One resumption of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resumption {
    /// When, in UTC.
    pub started: String,
    /// The device's name.
    pub device: String,
    /// The commit that the runner was built from, if that is known.
    pub commit: Option<String>,
    /// Epochs that were finished.
    pub after_epochs: usize,
    /// What was wrong with the last checkpoint, if the run went on from the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_checkpoint: Option<String>,
    /// What the logs lack of the epochs before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_lines: Vec<String>,
}

impl Environment {
    /// The environment of this process.
    pub fn current(device: &NamedDevice) -> Self {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_string());
        let packages = option_env!("RUNNER_PACKAGES").unwrap_or_default();
        let features = [
            ("cuda", cfg!(feature = "cuda")),
            ("wgpu", cfg!(feature = "wgpu")),
        ];
        Self {
            started: Moment::now().iso(),
            device: device.name.clone(),
            threads: device.threads(),
            cpu: cpu_model(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            commit: option_env!("RUNNER_COMMIT").and_then(known),
            rustc: option_env!("RUNNER_RUSTC").and_then(known),
            versions: packages
                .split(',')
                .filter_map(|package| package.split_once(' '))
                .chain([("runner", env!("CARGO_PKG_VERSION"))])
                .map(|(name, version)| (name.to_string(), version.to_string()))
                .collect(),
            features: features
                .iter()
                .filter(|(_, on)| *on)
                .map(|(name, _)| name.to_string())
                .collect(),
            splits: BTreeMap::new(),
            doubts: Vec::new(),
            resumed: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// What a run was made on so far, if that can still be read.
    pub(crate) fn of_run(folder: &RunFolder) -> Option<Self> {
        let bytes = fs::read(folder.file(ENVIRONMENT)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The same before it is written anew: a file that cannot be read is kept under another name, which is told.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Write`].
    pub(crate) fn take_over(folder: &RunFolder) -> Result<Option<Self>> {
        let path = folder.file(ENVIRONMENT);
        let before = Self::of_run(folder);
        if before.is_none() && path.exists() {
            let kept = folder.file(UNREADABLE);
            fs::rename(&path, &kept).map_err(write_error(&path, REPAIR))?;
            tracing::warn!(
                "{}: not the record of a run's environment, kept as {}; a new one begins, without what the run recorded so far",
                path.display(),
                kept.display()
            );
        }
        Ok(before)
    }

    /// With what the splits hold.
    pub fn with_splits(mut self, surveys: &Surveys, doubts: &[String]) -> Self {
        self.splits = surveys.accounts();
        self.doubts = doubts.to_vec();
        self
    }

    /// The environment of a run that this process resumes: the device and versions that the run began with stay.
    pub fn resume(
        before: Option<Self>,
        device: &NamedDevice,
        after_epochs: usize,
        older_checkpoint: Option<String>,
        missing_lines: Vec<String>,
    ) -> Self {
        let now = Self::current(device);
        let resumption = Resumption {
            started: now.started.clone(),
            device: now.device.clone(),
            commit: now.commit.clone(),
            after_epochs,
            older_checkpoint,
            missing_lines,
        };
        let mut environment = before.unwrap_or(now);
        environment.resumed.push(resumption);
        environment
    }

    /// Records what changed after so many epochs and batches.
    pub(crate) fn change(
        &mut self,
        differences: &[Difference],
        [after_epochs, after_batches]: [usize; 2],
    ) {
        let time = Moment::now().iso();
        self.changes.extend(differences.iter().map(|one| Change {
            time: time.clone(),
            after_epochs,
            after_batches,
            what: one.what.clone(),
            before: one.run.clone(),
            now: one.now.clone(),
            accepted: !one.allowed,
        }));
    }

    /// The devices that have worked on the run, in the order of time.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        let resumed = self.resumed.iter().map(|one| one.device.as_str());
        std::iter::once(self.device.as_str()).chain(resumed)
    }
}

/// The processor's name, where Linux tells it; with its family and model, since a virtual machine often
/// keeps the name's end to itself.
fn cpu_model() -> Option<String> {
    let line = |name| proc_line("/proc/cpuinfo", name);
    let name = line("model name")?;
    Some(match (line("cpu family"), line("model\t")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    })
}

/// What stands behind `name` and a colon.
fn proc_line(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_string())
}
