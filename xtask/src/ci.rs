//! The checks, cheapest first.

use std::collections::BTreeSet;
use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{command, gpu};

/// What one epoch of Fashion-MNIST reaches with augmentation, over seeds, at least.
const FIRST_EPOCH: f64 = 0.77;

pub fn run() -> Result<(), String> {
    let cargo = |args: &[&str]| command("cargo", args, &[]);
    cargo(&["fmt", "--all", "--check"])?;
    one_build()?;
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
    package()?;
    gpu::check()?;
    first_epoch()
}

/// `cargo run`, `cargo xtask` and `cargo test` share one build of Burn only where they ask its dependencies
/// for the same features.
fn one_build() -> Result<(), String> {
    let all = features(&["--workspace"])?;
    for package in ["runner", "xtask"] {
        let alone = features(&["-p", package, "--edges", "normal,build"])?;
        if let Some(other) = alone.difference(&all).next() {
            return Err(format!(
                "{package}: built alone, it has `{other}`, built with the workspace it has other features of that \
                 package, so both are built; add the missing ones to the features that crates/runner/Cargo.toml asks for"
            ));
        }
    }
    Ok(())
}

/// A line for each package with its features.
fn features(packages: &[&str]) -> Result<BTreeSet<String>, String> {
    let tree = ["tree", "--prefix", "none", "--format", "{p} {f}"];
    let output = Command::new("cargo").args(tree).args(packages).output();
    let output = output.map_err(|e| format!("cargo tree: {e}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo tree: {}: {text}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // A package met again is marked.
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    Ok(lines.map(|line| line.trim_end().to_owned()).collect())
}

/// What a registry would be given of `block-core` stands on its own. Checked only: cargo's own verification
/// builds all of Burn once more.
fn package() -> Result<(), String> {
    let options = ["-p", "block-core", "--allow-dirty", "--no-verify"];
    command("cargo", &[&["package"], &options[..]].concat(), &[])?;
    let name = concat!("block-core-", env!("CARGO_PKG_VERSION"));
    // Inside the workspace it would be taken for a member.
    let folder = env::temp_dir().join("block-package");
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let remove = || match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(failed(e)),
        _ => Ok(()),
    };
    let text = |path: PathBuf| path.display().to_string();
    remove()?;
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let archive = format!("target/package/{name}.crate");
    let into = text(folder.clone());
    command("tar", &["-xzf", &archive, "-C", &into], &[])?;
    let manifest = text(folder.join(name).join("Cargo.toml"));
    let check = [
        "check",
        "--manifest-path",
        &manifest,
        "--target-dir",
        "target",
    ];
    command("cargo", &check, &[]).and(remove())
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
