//! Damaged and hostile configs and checkpoints: read or refused, without a panic or much memory.

use std::path::Path;

use block_models::{Network, NetworkConfig, Shape};
use burn::tensor::Device;
use runner::{Config, read_checkpoint};
use safetensors::SafeTensors;
use safetensors::tensor::serialize;

use crate::mutate::check;
use crate::util::{Bench, TINY};

#[test]
fn configs() {
    let names = ["fmnist", "fsdd", "shd", "yinyang", "robustness/mnist"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let files = names.map(|name| std::fs::read(folder.join(format!("{name}.toml"))).unwrap());
    let layers =
        b"[[model.layers]]\nkind = \"linear\"\nneurons = 5\n[[model.layers]]\nkind = \"linear\"\nneurons = 3\n";
    let own = [TINY.as_bytes().to_vec(), layers.to_vec()];
    let seeds: Vec<_> = files.into_iter().chain(own).collect();
    check("config", &seeds, |bytes| {
        let Ok(text) = str::from_utf8(bytes) else {
            return false;
        };
        Config::parse(text, "a", &[]).is_ok()
    });
}

/// A network that a checkpoint of three epochs fits.
fn network() -> Network {
    let config = NetworkConfig::of([12]);
    let device = Device::flex().autodiff();
    config.init(Shape::Units(4), 3, &device).unwrap()
}

/// A checkpoint without its checksum, as version 2 had none: what is behind it is read whatever was changed.
fn without_checksum(bytes: &[u8]) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    metadata.remove("checksum").unwrap();
    metadata.insert("version".to_string(), "2".to_string());
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    serialize(tensors.iter(), Some(metadata)).unwrap()
}

#[test]
fn checkpoints() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run"]);
    let whole = bench.read("run/resume.safetensors");
    let first = bench.read("run/resume-previous.safetensors");
    let seeds = [without_checksum(&whole), without_checksum(&first), whole];
    let sound = network();
    check("checkpoint", &seeds, |bytes| {
        let mut network = sound.clone();
        read_checkpoint(bytes, &mut network, Path::new("a")).is_ok()
    });
}

#[test]
fn a_config_that_never_ends_is_refused() {
    let bench = Bench::new();
    bench.write("long.toml", vec![b'#'; (1 << 20) + 1]);
    let parts = ["cannot read long.toml", "expected a TOML config"];
    bench.refused(&["long.toml"], &parts);
    #[cfg(unix)]
    bench.refused(&["/dev/zero"], &["cannot read /dev/zero", "a TOML config"]);
    bench.write("deep.toml", format!("a = {}", "[".repeat(100_000)));
    bench.refused(&["deep.toml"], &["deep.toml: line 1", "not TOML"]);
    let dots = vec!["a"; 100_000].join(".");
    bench.write("dots.toml", format!("{dots} = 1"));
    bench.refused(&["dots.toml"], &["dots.toml: "]);
}

#[test]
fn a_hostile_checkpoint_changes_nothing() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    std::fs::remove_file(bench.path("run/resume-previous.safetensors")).unwrap();
    let whole = bench.read("run/resume.safetensors");
    let (_, header) = SafeTensors::read_metadata(&whole).unwrap();
    let metadata = header.metadata().clone().unwrap();
    let position = &metadata["position"];
    let changed = |from: &str, to: &str| {
        assert!(position.contains(from), "{from:?} is not in {position}");
        let mut metadata = metadata.clone();
        metadata.remove("checksum");
        metadata.insert("version".to_string(), "2".to_string());
        metadata.insert("position".to_string(), position.replace(from, to));
        let tensors = SafeTensors::deserialize(&whole).unwrap();
        serialize(tensors.iter(), Some(metadata)).unwrap()
    };
    let list = || {
        let entries = std::fs::read_dir(bench.path("run")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let names = list();
    let logs = ["epochs.jsonl", "batches.jsonl"].map(|name| format!("run/{name}"));
    let before = logs.each_ref().map(|name| bench.read(name));
    for (from, to, part) in [
        (
            "\"batches\":0",
            "\"batches\":18446744073709551615",
            "batches of an epoch",
        ),
        (
            "\"batches\":0",
            "\"batches\":3",
            "expected 3000 by the config",
        ),
        ("\"epoch\":1", "\"epoch\":7", "best epoch"),
        (
            "\"samples\":0",
            "\"samples\":5",
            "had 5 samples, expected 0",
        ),
        ("\"epochs\":1,", "\"epochs\":0,", "best epoch"),
    ] {
        bench.write("run/resume.safetensors", changed(from, to));
        bench.refused(&["--resume", "run"], &["run/resume.safetensors: ", part]);
        assert_eq!(list(), names);
        assert_eq!(logs.each_ref().map(|name| bench.read(name)), before);
    }
    // More than any checkpoint of this network, without taking up the disk.
    let file = std::fs::File::create(bench.path("run/resume.safetensors")).unwrap();
    file.set_len(1 << 40).unwrap();
    let parts = ["run/resume.safetensors: it has more than"];
    bench.refused(&["--resume", "run"], &parts);
}
