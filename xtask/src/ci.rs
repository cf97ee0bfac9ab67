//! The checks, cheapest first.

use std::env;
use std::path::Path;

use crate::{command, gpu};

/// What one epoch of Fashion-MNIST reaches with augmentation, over seeds, at least.
const FIRST_EPOCH: f64 = 0.77;

pub fn run() -> Result<(), String> {
    let cargo = |args: &[&str]| command("cargo", args, &[]);
    cargo(&["fmt", "--all", "--check"])?;
    // The tests and the epoch at the end find real data, fetched as a user's would be.
    for name in ["fashion-mnist", "mnist"] {
        cargo(&["xtask", "data", "get", name])?;
    }
    cargo(&["test", "--workspace"])?;
    // Once more for the lines that count what was compared.
    let golden = ["--workspace", "--test", "conformance", "--", "--nocapture"];
    cargo(&[&["test"], &golden[..]].concat())?;
    cargo(&["xtask", "reproduce", "docs", "--check"])?;
    cargo(&["xtask", "instructions"])?;
    let lints = ["--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(&[&["clippy"], &lints[..]].concat())?;
    let strict = ("RUSTDOCFLAGS", "-D warnings");
    command("cargo", &["doc", "--workspace", "--no-deps"], &[strict])?;
    cargo(&["package", "-p", "block-core", "--allow-dirty"])?;
    gpu::check()?;
    first_epoch()
}

/// The main job, one epoch of it, on the real data.
fn first_epoch() -> Result<(), String> {
    let out = env::temp_dir().join(format!("block-ci-{}", std::process::id()));
    let out_text = out.display().to_string();
    let config = ["run", "-p", "runner", "--", "configs/fmnist.toml"];
    let options = ["--set", "train.epochs=1", "--out", &out_text];
    command("cargo", &[&config[..], &options].concat(), &[])?;
    let accuracy = test_accuracy(&out.join("summary.json"))?;
    std::fs::remove_dir_all(&out).map_err(|e| format!("{out_text}: {e}"))?;
    tracing::info!("one epoch of Fashion-MNIST: test accuracy {accuracy:.4}");
    if accuracy < FIRST_EPOCH {
        return Err(format!(
            "one epoch of Fashion-MNIST reached {accuracy:.4} on the test split, expected {FIRST_EPOCH}"
        ));
    }
    Ok(())
}

fn test_accuracy(summary: &Path) -> Result<f64, String> {
    let at = summary.display();
    let text = std::fs::read_to_string(summary).map_err(|e| format!("{at}: {e}"))?;
    let summary: runner::Summary = serde_json::from_str(&text).map_err(|e| format!("{at}: {e}"))?;
    Ok(summary.test_accuracy)
}
