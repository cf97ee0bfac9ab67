//! A run on a GPU learns what a run on the CPU learns.
#![cfg(any(feature = "cuda", feature = "wgpu"))]

use std::path::Path;
use std::process::Command;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/yinyang.toml");

/// Mean loss over the training samples of the first epoch.
fn training_loss(device: &str, out: &Path) -> f64 {
    let output = Command::new(env!("CARGO_BIN_EXE_runner"))
        .args([CONFIG, "--device", device, "--set", "train.epochs=1"])
        // A step takes a software driver a second.
        .args(["--set", "train.batch_size=200"])
        .args(["--set", "model.hidden=[30]", "--out"])
        .arg(out)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let epochs = std::fs::read_to_string(out.join("epochs.jsonl")).unwrap();
    let epoch: serde_json::Value = serde_json::from_str(&epochs).unwrap();
    epoch["train_loss"].as_f64().unwrap()
}

/// The weights start out the same, and 25 steps later rounding has not yet set the two apart.
fn trains_as_the_cpu_does(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let [cpu, gpu] = ["cpu", device].map(|device| {
        let loss = training_loss(device, &folder.path().join(device));
        println!("training: {device}: mean loss {loss:.6} over Yin-Yang's first epoch");
        loss
    });
    assert!((cpu - gpu).abs() < 1e-3 * cpu, "cpu {cpu}, {device} {gpu}");
}

#[cfg(feature = "wgpu")]
#[test]
fn wgpu() {
    trains_as_the_cpu_does("wgpu");
}

#[cfg(feature = "cuda")]
#[test]
fn cuda() {
    trains_as_the_cpu_does("cuda");
}
