//! Interrupted runs go on as if nothing had happened.

use std::process::Command;

use crate::util::{Bench, said, wait_for_lines};

const EPOCHS: &str = "train.epochs=6";

fn reference(bench: &Bench) {
    bench.works(&["tiny.toml", "--out", "whole", "--set", EPOCHS]);
}

#[test]
fn a_killed_run_resumes_from_its_last_epoch() {
    let bench = Bench::new();
    reference(&bench);
    let arguments = ["tiny.toml", "--out", "run", "--set", EPOCHS];
    let mut child = bench.command(&arguments).spawn().unwrap();
    wait_for_lines(&bench.path("run/epochs.jsonl"), 2);
    child.kill().unwrap();
    said(child);
    // As if the system had written half of a line of the epoch that was lost.
    let mut log = bench.read("run/batches.jsonl");
    log.extend(b"{\"epoch\":4,\"bat");
    bench.write("run/batches.jsonl", log);
    bench.works(&["--resume", "run"]);
    bench.assert_same("whole", "run");
    assert_ne!(
        bench.json("run/environment.json")["resumed_after_epochs"],
        0
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_resumes_from_its_last_batch() {
    let bench = Bench::new();
    let set = ["--set", EPOCHS, "--set", "train.batch_size=100"];
    bench.works(&[&["tiny.toml", "--out", "whole"], &set[..]].concat());
    let arguments = [&["tiny.toml", "--out", "run"], &set[..]].concat();
    let child = bench.command(&arguments).spawn().unwrap();
    // Of an epoch's 200 batches.
    wait_for_lines(&bench.path("run/batches.jsonl"), 230);
    let pid = child.id().to_string();
    let kill = Command::new("sh")
        .args(["-c", &format!("kill -INT {pid}")])
        .status();
    assert!(kill.unwrap().success());
    let said = said(child);
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(
        said.err.contains("go on with: runner --resume run"),
        "{said:?}"
    );
    assert!(!said.err.contains("after 0 of"), "{said:?}");
    assert!(!bench.path("run/summary.json").exists());
    bench.works(&["--resume", "run"]);
    bench.assert_same("whole", "run");
}

#[test]
fn a_finished_run_is_lengthened() {
    let bench = Bench::new();
    reference(&bench);
    bench.works(&["tiny.toml", "--out", "run"]);
    assert_eq!(bench.json("run/summary.json")["epochs"], 2);
    bench.works(&["--resume", "run", "--set", EPOCHS]);
    bench.assert_same("whole", "run");
    assert!(bench.text("run/config.toml").contains("epochs = 6"));
    // Once more there is nothing left to do, and the same comes out.
    bench.works(&["--resume", "run"]);
    bench.assert_same("whole", "run");

    let parts = ["`train.epochs` is 3", "at least 6"];
    bench.refused(&["--resume", "run", "--set", "train.epochs=3"], &parts);
    let parts = ["--set seed=1", "train.epochs=N only"];
    bench.refused(&["--resume", "run", "--set", "seed=1"], &parts);
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    let whole = bench.read("run/resume.safetensors");
    bench.write("run/resume.safetensors", &whole[..whole.len() / 2]);
    let parts = ["run/resume.safetensors: not a checkpoint"];
    bench.refused(&["--resume", "run"], &parts);

    bench.write("run/resume.safetensors", whole);
    let config = bench
        .text("run/config.toml")
        .replace("hidden = [12]", "hidden = [13]");
    bench.write("run/config.toml", config);
    let parts = ["run/resume.safetensors: `hidden.0.", "expected"];
    bench.refused(&["--resume", "run"], &parts);
    bench.refused(
        &["eval", "run"],
        &["run/best.safetensors: `hidden.0.", "expected"],
    );

    bench.write("run/epochs.jsonl", "");
    let config = bench
        .text("run/config.toml")
        .replace("hidden = [13]", "hidden = [12]");
    bench.write("run/config.toml", config);
    bench.refused(&["--resume", "run"], &["run/epochs.jsonl: found 0 bytes"]);
}
