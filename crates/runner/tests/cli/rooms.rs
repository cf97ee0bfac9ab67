//! Disks without room, and folders that go away.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};

use crate::util::{Bench, Said, said, wait_for_lines};

/// Runs the binary where no file may have more than so many blocks of 512 bytes.
fn within(bench: &Bench, blocks: usize, arguments: &str) -> Said {
    let program = env!("CARGO_BIN_EXE_runner");
    let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec {program} {arguments}");
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(bench.path("."));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    said(command.spawn().unwrap())
}

#[test]
fn a_new_run_without_room_leaves_nothing_and_is_not_told_of_resume() {
    let bench = Bench::new();
    // Too little for the config, then for the first checkpoint.
    for blocks in [1, 4] {
        let arguments = "tiny.toml --out a/run --set model.hidden=[400]";
        let said = within(&bench, blocks, arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("cannot write a/run/"), "{said:?}");
        assert!(said.err.contains("with --out, and start anew"), "{said:?}");
        assert!(!said.err.contains("--resume"), "{said:?}");
        assert!(!bench.path("a/run").exists());
        let said = within(&bench, blocks, "tiny.toml --set model.hidden=[400]");
        assert_eq!(said.code, Some(2), "{said:?}");
        assert_eq!(fs::read_dir(bench.path("runs")).unwrap().count(), 0);
    }
    // A folder that was there stays, with what else is in it.
    bench.write("b/notes", "mine");
    let said = within(&bench, 4, "tiny.toml --out b --set model.hidden=[400]");
    assert_eq!(said.code, Some(2), "{said:?}");
    let names = fs::read_dir(bench.path("b")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["notes"]);
}

#[test]
fn a_disk_that_fills_within_an_epoch_costs_no_more_than_that() {
    let bench = Bench::new();
    let set = "--set train.epochs=2 --set train.batch_size=100";
    let arguments: Vec<_> = ["tiny.toml", "--out", "whole"]
        .into_iter()
        .chain(set.split(' '))
        .collect();
    bench.works(&arguments);
    // The log of one epoch's 200 batches fits, that of two does not.
    let length = fs::metadata(bench.path("whole/batches.jsonl"))
        .unwrap()
        .len() as usize;
    let blocks = length * 3 / 4 / 512;
    let said = within(&bench, blocks, &format!("tiny.toml --out run {set}"));
    assert_eq!(said.code, Some(2), "{said:?}");
    for part in ["cannot write run/batches.jsonl", "has room", "--resume"] {
        assert!(said.err.contains(part), "{said:?}");
    }
    assert!(said.err.contains("epoch 1/2"), "{said:?}");
    bench.works(&["--resume", "run"]);
    bench.assert_same("whole", "run");
}

#[test]
fn a_folder_that_is_deleted_is_told_as_such() {
    let bench = Bench::new();
    let set = [
        "--set",
        "train.epochs=1000",
        "--set",
        "train.batch_size=100",
    ];
    let arguments = [&["tiny.toml", "--out", "run"], &set[..]].concat();
    let child = bench.command(&arguments).spawn().unwrap();
    wait_for_lines(&bench.path("run/batches.jsonl"), 230);
    fs::rename(bench.path("run"), bench.path("moved")).unwrap();
    let said = said(child);
    assert_eq!(said.code, Some(2), "{said:?}");
    for part in ["cannot write run/resume.safetensors", "deleted or moved"] {
        assert!(said.err.contains(part), "{said:?}");
    }
    let last = bench.lines("moved/epochs.jsonl").len();
    let epochs = format!("train.epochs={}", last + 1);
    bench.works(&["--resume", "moved", "--set", &epochs]);
}

#[test]
fn a_folder_without_a_checkpoint_is_not_gone_on_with() {
    let bench = Bench::new();
    bench.write("run/config.toml", "mine");
    let said = bench.run(&["tiny.toml", "--out", "run"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("config.toml"), "{said:?}");
    assert!(!said.err.contains("--resume"), "{said:?}");
    assert_eq!(bench.text("run/config.toml"), "mine");
}
