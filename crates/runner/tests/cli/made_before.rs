//! A run made before networks were stacks of layers, which `made-before/README.md` describes.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;

use crate::util::Bench;

/// A copy of it.
fn bench() -> Bench {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/made-before");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        bench.write(&format!("run/{name}"), fs::read(&path).unwrap());
    }
    bench
}

const WARNING: &str = "made by an earlier version";
const UNKNOWN: &str = "which kept no fingerprints";

#[test]
fn is_evaluated() {
    let bench = bench();
    let said = bench.works(&["eval", "run"]);
    assert_eq!(said.err.matches(WARNING).count(), 1, "{said:?}");
    let report = bench.json("run/eval.json");
    // A spike at the threshold may flip with the last bits.
    let accuracy = report["test_accuracy"].as_f64().unwrap();
    assert!((accuracy - 0.2951).abs() < 5e-4, "{accuracy}");
    let loss = report["test_loss"].as_f64().unwrap();
    assert!((loss - 1.269_355_869_293_213).abs() < 1e-4, "{loss}");
    let spikes = report["hidden_spikes_per_sample"].as_f64().unwrap();
    assert!((spikes - 6.7579).abs() < 1e-3, "{spikes}");
}

#[test]
fn goes_on_with_its_weights_and_moments() {
    let bench = bench();
    let said = bench.works(&["--resume", "run", "--set", "train.epochs=2"]);
    assert_eq!(said.err.matches(WARNING).count(), 1, "{said:?}");
    assert_eq!(said.err.matches(UNKNOWN).count(), 1, "{said:?}");
    let epochs = bench.lines("run/epochs.jsonl");
    assert_eq!(epochs.len(), 2);
    // Adam from new would be elsewhere by 0.1.
    let loss = epochs[1]["train_loss"].as_f64().unwrap();
    assert!((loss - 1.002_104_559_540_748_5).abs() < 1e-3, "{loss}");
    let accuracy = bench.json("run/summary.json")["test_accuracy"]
        .as_f64()
        .unwrap();
    assert!((accuracy - 0.6846).abs() < 0.01, "{accuracy}");

    // From here on it is a run like any other.
    let bytes = bench.read("run/best.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(
        tensors.tensor("hidden.1.linear.weight").unwrap().shape(),
        [8, 8]
    );
    let said = bench.works(&["--resume", "run", "--set", "train.epochs=3"]);
    assert!(!said.err.contains(WARNING), "{said:?}");
    assert!(!said.err.contains(UNKNOWN), "{said:?}");
    assert_eq!(bench.lines("run/epochs.jsonl").len(), 3);
    assert!(!bench.works(&["eval", "run"]).err.contains(WARNING));
}

#[test]
fn a_refused_resume_leaves_the_run_as_it_was() {
    let bench = bench();
    let config = bench.text("run/config.toml");
    bench.write("run/config.toml", config.replace("[8, 8]", "[9, 9]"));
    let files =
        ["resume.safetensors", "batches.jsonl", "epochs.jsonl"].map(|name| format!("run/{name}"));
    let before = files.each_ref().map(|file| bench.read(file));
    let resume = ["--resume", "run", "--set", "train.epochs=2"];
    let said = bench.run(&resume);
    assert_eq!(said.code, Some(2), "{said:?}");
    let problem = "`hidden.0.linear.weight` has shape [4, 8], expected [4, 9] by the config";
    assert!(said.err.contains(problem), "{said:?}");
    assert_eq!(files.each_ref().map(|file| bench.read(file)), before);
}
