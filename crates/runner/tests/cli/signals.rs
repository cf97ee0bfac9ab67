//! Whatever asks a run to end gets it saved, by the exit code of its signal.
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use block_core::device;
use runner::{Config, EpochRecord, Observer, Plan, RunFolder, RunnerError, Totals, Trainer};

use crate::util::{Bench, said, wait_for_lines};

const SET: [&str; 4] = ["--set", "train.epochs=6", "--set", "train.batch_size=100"];

fn send(signal: &str, process: &str) {
    // Not every shell's own `kill` takes `--`.
    let line = format!("kill -{signal} {process}");
    let status = Command::new("sh").args(["-c", &line]).status().unwrap();
    assert!(status.success(), "{line}");
}

fn wait_for(text: &str, file: &std::path::Path) {
    let begin = Instant::now();
    while !fs::read_to_string(file).unwrap_or_default().contains(text) {
        assert!(begin.elapsed() < Duration::from_secs(120), "no {text:?}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_signal_saves() {
    let bench = Bench::new();
    bench.works(&[&["tiny.toml", "--out", "whole"], &SET[..]].concat());
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        // What `nohup` started, this test or a machine's, cannot undo that.
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.map(|mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        if signal == "HUP" && ignored.is_none_or(|mask| mask & 1 == 1) {
            continue;
        }
        let run = format!("run-{signal}");
        let arguments = [&["tiny.toml", "--out", &run], &SET[..]].concat();
        let mut command = bench.command(&arguments);
        // A terminal's Ctrl-C, and a batch system, reach the whole group; here the process again by itself, too.
        let child = command.process_group(0).spawn().unwrap();
        wait_for_lines(&bench.path(&format!("{run}/batches.jsonl")), 230);
        send(signal, &format!("-{0} {0}", child.id()));
        let said = said(child);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains("everything is saved in"), "{said:?}");
        assert!(said.err.contains("go on with: "), "{said:?}");
        bench.works(&["--resume", &run]);
        bench.assert_same("whole", &run);
    }
}

/// A run whose one batch takes seconds, and what it says.
fn slow(bench: &Bench) -> (Child, std::path::PathBuf) {
    let err = bench.path("err");
    let set = [
        "train.batch_size=20000",
        "model.hidden=[6000]",
        "encode.steps=500",
        "data.validation=none",
    ];
    let set = set.iter().flat_map(|value| ["--set", value]);
    let arguments: Vec<_> = ["tiny.toml", "--out", "slow"]
        .into_iter()
        .chain(set)
        .collect();
    let mut command = bench.command(&arguments);
    let child = command.stderr(File::create(&err).unwrap()).spawn().unwrap();
    wait_for("run slow", &err);
    // Its first checkpoint is written.
    let begin = Instant::now();
    while !bench.path("slow/last.safetensors").exists() {
        assert!(begin.elapsed() < Duration::from_secs(120));
        sleep(Duration::from_millis(5));
    }
    (child, err)
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let bench = Bench::new();
    let (mut child, err) = slow(&bench);
    let process = child.id().to_string();
    send("TERM", &process);
    wait_for("once more to stop at once", &err);
    sleep(Duration::from_millis(400));
    assert!(
        child.try_wait().unwrap().is_none(),
        "the batch is too short"
    );
    let begin = Instant::now();
    send("TERM", &process);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(!fs::read_to_string(&err).unwrap().contains("saved"));
}

#[test]
fn a_hangup_under_nohup_is_ignored() {
    let bench = Bench::new();
    let program = env!("CARGO_BIN_EXE_runner");
    let line = format!(
        "trap '' HUP; exec {program} tiny.toml --out run {}",
        SET.join(" ")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(bench.path("."));
    command.stderr(File::create(bench.path("err")).unwrap());
    command.stdout(File::create(bench.path("out")).unwrap());
    let mut child = command.spawn().unwrap();
    wait_for_lines(&bench.path("run/batches.jsonl"), 230);
    send("HUP", &child.id().to_string());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(bench.path("run/summary.json").exists());
}

#[test]
fn before_the_run_begins_nothing_is_left() {
    let bench = Bench::new();
    // The first weights, 64 million, take a second to draw.
    let set = ["--set", "model.hidden=[8000, 8000]"];
    let mut command = bench.command(&[&["tiny.toml", "--out", "run"], &set[..]].concat());
    let mut child = command.spawn().unwrap();
    sleep(Duration::from_millis(150));
    send("TERM", &child.id().to_string());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(!bench.path("run").exists());
}

/// Stops when the evaluation of an epoch begins.
struct StopInEvaluation<'a>(&'a AtomicBool);

impl Observer for StopInEvaluation<'_> {
    fn epoch_begins(&mut self, _: usize, _: usize, _: usize, _: &Totals) {}
    fn batch_ends(&mut self, _: &Totals) {}
    fn evaluation_begins(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
    fn epoch_ends(&mut self, _: &EpochRecord, _: usize) {}
}

#[test]
fn a_signal_during_the_validation_saves_all_batches() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "whole"]);
    let config = Config::load(&bench.path("tiny.toml"), &[]).unwrap();
    let device = device::select("cpu").unwrap();
    let plan = Plan::prepare(config).unwrap();
    let folder = RunFolder::create(&bench.path("run")).unwrap();
    let toml = plan.config.to_toml();
    folder.write("config.toml", toml.as_bytes()).unwrap();
    let stop = AtomicBool::new(false);
    let network = plan.init_network(&device.device.clone().autodiff());
    let trainer = Trainer::start(&plan, &device, &folder, network.unwrap()).unwrap();
    let error = trainer
        .run(&stop, &mut StopInEvaluation(&stop))
        .err()
        .unwrap();
    assert!(matches!(error, RunnerError::Interrupted { .. }));
    let text = error.to_string();
    assert!(
        text.contains("in epoch 1 after 20 of its batches"),
        "{text}"
    );
    drop(folder);
    bench.works(&["--resume", "run"]);
    bench.assert_same("whole", "run");
}
