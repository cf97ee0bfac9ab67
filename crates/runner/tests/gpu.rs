//! A run on a GPU learns what a run on the CPU learns.
#![cfg(feature = "wgpu")]

use std::path::Path;
use std::process::Command;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/yinyang.toml");

fn test_accuracy(device: &str, out: &Path) -> f64 {
    let output = Command::new(env!("CARGO_BIN_EXE_runner"))
        .args([CONFIG, "--device", device, "--set", "train.epochs=2"])
        .args(["--set", "model.hidden=[30]", "--out"])
        .arg(out)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
    let summary: runner::Summary = serde_json::from_str(&summary).unwrap();
    summary.test_accuracy
}

#[test]
fn wgpu_trains_as_the_cpu_does() {
    let folder = tempfile::tempdir().unwrap();
    let [cpu, gpu] = ["cpu", "wgpu"].map(|device| {
        let accuracy = test_accuracy(device, &folder.path().join(device));
        println!("training: {device}: {accuracy:.4} on Yin-Yang's test split after two epochs");
        accuracy
    });
    assert!(cpu > 0.5, "{cpu}");
    assert!((cpu - gpu).abs() < 0.05, "cpu {cpu}, wgpu {gpu}");
}
