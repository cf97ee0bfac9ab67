//! Which circumstances change a bit of a run's results, and which do not: README.md has the table.

use std::fs;
use std::io::{Write, stderr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use block_core::device;
use block_core::simd::{self, InstructionSet};
use runner::{Config, EpochRecord, Observer, Plan, RunFolder, Totals, Trainer};

use crate::util::{Bench, TINY};

/// Networks that reach every kernel: events into one layer, spikes between layers, the paper's convolutions, neurons that
/// fire often, and the readouts.
const NETWORKS: [&[&str]; 5] = [
    &["model.hidden=[24]"],
    &["model.hidden=[24, 24]", "model.skip=true"],
    &["model.formulation=convolution"],
    &["model.formulation=standard-multi", "model.readout=max"],
    &["model.formulation=standard-single", "model.readout=last"],
];

/// A network with a short training, whose last batch is not whole.
fn settings<'a>(network: &[&'a str]) -> Vec<&'a str> {
    let short = [
        "train.batch_size=900",
        "train.epochs=1",
        "data.validation=none",
    ];
    network.iter().copied().chain(short).collect()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let bench = Bench::new();
    for (index, network) in NETWORKS.iter().enumerate() {
        let run = |threads: usize| format!("{index}-{threads}");
        for threads in [1, 2, 4] {
            let run = run(threads);
            let set = settings(network).into_iter().flat_map(|one| ["--set", one]);
            let arguments: Vec<_> = ["tiny.toml", "--out", &run]
                .into_iter()
                .chain(set)
                .collect();
            let status = bench
                .command(&arguments)
                .env("RAYON_NUM_THREADS", threads.to_string())
                .status();
            assert!(status.unwrap().success());
            let environment = bench.json(&format!("{run}/environment.json"));
            assert_eq!(environment["threads"], threads);
            // The one number that says it.
            let summary = bench.text(&format!("{run}/summary.json"));
            let threads = format!("\"threads\": {threads}");
            bench.write(
                &format!("{run}/summary.json"),
                summary.replace(&threads, "\"threads\": 0"),
            );
        }
        bench.assert_same(&run(1), &run(2));
        bench.assert_same(&run(1), &run(4));
    }
}

/// By hand, as another profile takes minutes to build: `cargo build --release -p runner`, then
/// `BLOCK_RUNNER=$PWD/target/release/runner cargo test --workspace --test cli another_build -- --nocapture`.
#[test]
fn another_build_changes_no_bit() {
    let Ok(other) = std::env::var("BLOCK_RUNNER") else {
        let _ = writeln!(
            stderr(),
            "another build: BLOCK_RUNNER names none, so none was compared"
        );
        return;
    };
    let bench = Bench::new();
    for (index, network) in NETWORKS.iter().enumerate() {
        let set = settings(network).into_iter().flat_map(|one| ["--set", one]);
        let set: Vec<_> = set.collect();
        let [this, that] = ["this", "that"].map(|build| format!("{index}-{build}"));
        bench.works(&[&["tiny.toml", "--out", &this], &set[..]].concat());
        let mut command = Command::new(&other);
        let status = command
            .args(["tiny.toml", "--out", &that])
            .args(&set)
            .current_dir(bench.path(""))
            .status();
        assert!(status.unwrap().success());
        bench.assert_same(&this, &that);
        let _ = writeln!(stderr(), "another build: {network:?}: the same bytes");
    }
}

#[test]
fn a_run_goes_on_with_another_number_of_threads() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "whole"]);
    for (arguments, threads) in [
        (
            &["tiny.toml", "--out", "run", "--set", "train.epochs=1"][..],
            "1",
        ),
        (&["--resume", "run", "--set", "train.epochs=2"], "3"),
    ] {
        let status = bench
            .command(arguments)
            .env("RAYON_NUM_THREADS", threads)
            .status();
        assert!(status.unwrap().success());
    }
    for file in ["best.safetensors", "last.safetensors"] {
        let [whole, run] = ["whole", "run"].map(|run| bench.read(&format!("{run}/{file}")));
        assert!(whole == run, "{file}");
    }
}

struct Silent;

impl Observer for Silent {
    fn epoch_begins(&mut self, _: usize, _: usize, _: usize, _: &Totals) {}
    fn batch_ends(&mut self, _: &Totals) {}
    fn evaluation_begins(&mut self) {}
    fn epoch_ends(&mut self, _: &EpochRecord, _: usize) {}
}

#[test]
fn the_instruction_set_of_the_kernels_changes_no_bit() {
    let root = tempfile::tempdir().unwrap();
    let device = device::select("cpu").unwrap();
    for (index, network) in NETWORKS.iter().enumerate() {
        let set = settings(network).into_iter().map(str::to_string);
        let set: Vec<_> = set.collect();
        let plan = Plan::prepare(Config::parse(TINY, "tiny.toml", &set).unwrap()).unwrap();
        let train = |folder: &Path| {
            let folder = RunFolder::create(folder).unwrap();
            let network = plan
                .init_network(&device.device.clone().autodiff())
                .unwrap();
            let trainer = Trainer::start(&plan, &device, &folder, network).unwrap();
            trainer.run(&AtomicBool::new(false), &mut Silent).unwrap();
            ["best.safetensors", "last.safetensors"]
                .map(|file| fs::read(folder.file(file)).unwrap())
        };
        let mut expected = None;
        for set in InstructionSet::available() {
            let folder = root.path().join(format!("{index}-{set}"));
            let found = simd::with(set, || train(&folder));
            let expected = expected.get_or_insert_with(|| found.clone());
            assert!(*expected == found, "{network:?} on {set}");
        }
    }
}
