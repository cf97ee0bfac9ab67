//! A run on a GPU learns what a run on the CPU learns.
#![cfg(any(feature = "cuda", feature = "wgpu"))]

use std::path::Path;
use std::process::Command;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/yinyang.toml");

/// Layers, a readout and penalties that the configs of the project do not combine.
const PICTURES: &str = r#"
seed = 1

[data]
name = "idx"
train_images = "images"
train_labels = "labels"
test_images = "images"
test_labels = "labels"
validation = "none"

[encode]
steps = 6

[model]
formulation = "standard-single"
readout = "time-to-first-spike"
init_scale = 3.0
readout_init_scale = 3.0

[[model.layers]]
kind = "conv"
channels = 3
kernel = 3
formulation = "standard-multi"

[[model.layers]]
kind = "pool"
window = 2
reduction = "average"

[[model.layers]]
kind = "pool"
window = 2
stride = 1

[[model.layers]]
kind = "flatten"

[[model.layers]]
kind = "recurrent"
neurons = 9
init_scale = 3.0

[train]
epochs = 1
batch_size = 20
spike_penalty = 0.01
silence_penalty = 0.1
"#;

/// Mean loss over the training samples of the first epoch.
fn training_loss(arguments: &[&str], device: &str, out: &Path) -> f64 {
    let output = Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(arguments)
        .args(["--device", device, "--out"])
        .arg(out)
        .current_dir(out.parent().unwrap())
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
    // A step takes a software driver a second.
    let yin_yang = [
        CONFIG,
        "--set=train.epochs=1",
        "--set=train.batch_size=200",
        "--set=model.hidden=[30]",
    ];
    let folder = tempfile::tempdir().unwrap();
    write_pictures(folder.path());
    for (name, arguments) in [
        ("Yin-Yang", &yin_yang[..]),
        ("pictures", &["pictures.toml"]),
    ] {
        let [cpu, gpu] = ["cpu", device].map(|device| {
            let out = folder.path().join(format!("{name}-{device}"));
            let loss = training_loss(arguments, device, &out);
            println!("training: {device}: mean loss {loss:.6} over the first epoch of {name}");
            loss
        });
        assert!(
            (cpu - gpu).abs() < 1e-3 * cpu,
            "{name}: cpu {cpu}, {device} {gpu}"
        );
    }
}

/// Forty pictures of 10 by 10, each with a bright square at one of three places, which is the class.
fn write_pictures(folder: &Path) {
    let (count, side) = (40_u32, 10_u32);
    let mut images = [2051, count, side, side].map(u32::to_be_bytes).concat();
    let mut labels = [2049, count].map(u32::to_be_bytes).concat();
    for image in 0..count {
        let class = image % 3;
        labels.push(class as u8);
        for at in 0..side * side {
            let (row, column) = (at / side, at % side);
            let inside = (3 * class..3 * class + 4).contains(&row) && (2..8).contains(&column);
            let value = if inside { 180 } else { 10 };
            images.push((value + (image * 7 + at * 13) % 60) as u8);
        }
    }
    std::fs::write(folder.join("images"), images).unwrap();
    std::fs::write(folder.join("labels"), labels).unwrap();
    std::fs::write(folder.join("pictures.toml"), PICTURES).unwrap();
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
