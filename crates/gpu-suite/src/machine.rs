//! What is measured: the device, and the program that measures it.

use std::process::Command;

use serde::Serialize;

/// Stands in every file.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Machine {
    /// Its name for `--device`.
    pub device: String,
    /// The GPU's name, driver and memory, where `nvidia-smi` tells.
    pub gpu: Option<String>,
    /// The toolkit whose compiler and headers are used.
    pub toolkit: Option<String>,
    /// What the program was built from.
    pub commit: String,
}

impl Machine {
    pub(crate) fn new(device: &str) -> Self {
        let variable = |name| std::env::var(name).ok();
        let cuda = device.starts_with("cuda");
        Self {
            device: device.to_owned(),
            gpu: cuda.then(nvidia).flatten(),
            toolkit: cuda.then(|| variable("CUDA_PATH")).flatten(),
            commit: option_env!("BLOCK_COMMIT").unwrap_or("unknown").to_owned(),
        }
    }
}

fn nvidia() -> Option<String> {
    let query = "--query-gpu=name,driver_version,memory.total";
    let output = Command::new("nvidia-smi")
        .args([query, "--format=csv,noheader"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
