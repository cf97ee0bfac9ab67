//! What a run was made with and on.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

use crate::clock::Moment;
use crate::device::NamedDevice;

/// Written to `environment.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Environment {
    /// When the process began to work on the run, in UTC.
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
    pub commit: Option<&'static str>,
    /// The compiler that built the runner.
    pub rustc: Option<&'static str>,
    /// Versions of packages.
    pub versions: BTreeMap<&'static str, &'static str>,
    /// Optional parts of the runner.
    pub features: Vec<&'static str>,
    /// Epochs that were finished when a resumed run began, else 0.
    pub resumed_after_epochs: usize,
}

impl Environment {
    /// That of this process.
    pub fn current(device: &NamedDevice, resumed_after_epochs: usize) -> Self {
        let known = |text: &'static str| (!text.is_empty()).then_some(text);
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
                .collect(),
            features: features
                .iter()
                .filter_map(|&(name, on)| on.then_some(name))
                .collect(),
            resumed_after_epochs,
        }
    }
}

/// The processor's name, where Linux tells it.
fn cpu_model() -> Option<String> {
    proc_line("/proc/cpuinfo", "model name")
}

/// The most memory that this process has had at once, in bytes, where Linux tells it.
pub fn peak_memory_bytes() -> Option<u64> {
    let text = proc_line("/proc/self/status", "VmHWM")?;
    let kibibytes: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What stands behind `name` and a colon.
fn proc_line(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_string())
}
