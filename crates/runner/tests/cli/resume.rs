//! Interrupted runs go on as if nothing had happened.

use std::fs;
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
    let resumed = &bench.json("run/environment.json")["resumed"];
    assert_eq!(resumed.as_array().unwrap().len(), 1);
    assert_ne!(resumed[0]["after_epochs"], 0);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_resumes_from_its_last_batch() {
    let bench = Bench::new();
    let set = ["--set", EPOCHS, "--set", "train.batch_size=100"];
    bench.works(&[&["tiny.toml", "--out", "whole"], &set[..]].concat());
    let place = ["tiny.toml", "--out", "my run", "--device", "cpu"];
    let arguments = [&place, &set[..]].concat();
    let child = bench.command(&arguments).spawn().unwrap();
    // Of an epoch's 200 batches.
    wait_for_lines(&bench.path("my run/batches.jsonl"), 230);
    let pid = child.id().to_string();
    let kill = Command::new("sh")
        .args(["-c", &format!("kill -INT {pid}")])
        .status();
    assert!(kill.unwrap().success());
    let said = said(child);
    assert_eq!(said.code, Some(130), "{said:?}");
    let program = env!("CARGO_BIN_EXE_runner");
    let hint = format!("go on with: {program} --resume 'my run' --device cpu\n");
    assert!(said.err.ends_with(&hint), "{said:?}");
    assert!(!said.err.contains("after 0 of"), "{said:?}");
    assert!(!bench.path("my run/summary.json").exists());
    bench.works(&["--resume", "my run"]);
    bench.assert_same("whole", "my run");
}

#[test]
fn what_a_run_began_on_is_kept() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    let file = "run/environment.json";
    let text = bench
        .text(file)
        .replace("\"device\": \"cpu\"", "\"device\": \"abacus\"");
    bench.write(file, text);
    let first = bench.json(file);
    assert_eq!(first["resumed"].as_array().unwrap().len(), 0);
    for epochs in [2, 3] {
        let set = format!("train.epochs={epochs}");
        let said = bench.works(&["--resume", "run", "--set", &set]);
        assert!(said.err.contains("the run began on abacus"), "{said:?}");
    }
    let mut last = bench.json(file);
    let resumed = last["resumed"].take();
    let resumed = resumed.as_array().unwrap();
    assert_eq!(resumed.len(), 2);
    for (index, one) in resumed.iter().enumerate() {
        assert_eq!(one["after_epochs"], index + 1);
        assert_eq!(one["device"], "cpu");
        assert!(one["started"].is_string());
    }
    for key in ["started", "device", "commit", "versions"] {
        assert_eq!(last[key], first[key], "{key}");
    }
}

#[test]
fn a_run_that_cannot_be_written_to_is_not_told_of_out() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    fs::remove_file(bench.path("run/.lock")).unwrap();
    fs::create_dir(bench.path("run/.lock")).unwrap();
    let said = bench.run(&["--resume", "run"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("then go on with --resume"), "{said:?}");
    assert!(!said.err.contains("--out"), "{said:?}");
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
    let parts = ["`seed` is 3 in the run, 1 now", "--accept-changes"];
    bench.refused(&["--resume", "run", "--set", "seed=1"], &parts);
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    let whole = bench.read("run/resume.safetensors");
    bench.write("run/resume.safetensors", &whole[..whole.len() / 2]);
    fs::remove_file(bench.path("run/resume-previous.safetensors")).unwrap();
    let parts = ["run/resume.safetensors: not a whole checkpoint", "anew"];
    bench.refused(&["--resume", "run"], &parts);

    bench.write("run/resume.safetensors", whole);
    let config = bench
        .text("run/config.toml")
        .replace("hidden = [12]", "hidden = [13]");
    bench.write("run/config.toml", config);
    let part = "`model.hidden` is [12] in the run, [13] now";
    bench.refused(&["--resume", "run"], &[part]);
    bench.refused(&["eval", "run"], &[part, "undo that in run/config.toml"]);
}

#[test]
fn a_log_that_lost_lines_stops_no_run() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "whole", "--set", "train.epochs=4"]);
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=3"]);
    let (epochs, batches) = (
        bench.text("run/epochs.jsonl"),
        bench.text("run/batches.jsonl"),
    );
    let lines: Vec<_> = epochs.split_inclusive('\n').collect();
    // A copy that broke off, in both.
    bench.write("run/epochs.jsonl", &epochs[..lines[0].len() + 7]);
    bench.write("run/batches.jsonl", &batches[..batches.len() / 2]);
    let said = bench.works(&["--resume", "run"]);
    let lost = "run/epochs.jsonl lacks lines, lost by a crash or in a copy: found ";
    let parts = [
        lost,
        "there are no lines of epochs 2, 3; with what is no line it is kept as epochs-unreadable.jsonl; the run goes on \
         without them",
        "run/batches.jsonl lacks lines",
        "the last of epoch ",
    ];
    for part in parts {
        assert!(said.err.contains(part), "{part:?} is not in {said:?}");
    }
    // Of an epoch without a line there is nothing to say.
    let summary = bench.json("run/summary.json");
    assert_eq!(
        (&summary["epochs"], &summary["train_loss"]),
        (&3.into(), &serde_json::Value::Null)
    );
    let recorded = &bench.json("run/environment.json")["resumed"][0]["missing_lines"];
    assert!(
        recorded[0].as_str().unwrap().starts_with(lost),
        "{recorded}"
    );
    // From here on the logs are the run's.
    let said = bench.works(&["--resume", "run", "--set", "train.epochs=4"]);
    assert!(!said.err.contains("lacks lines"), "{said:?}");
    let numbers: Vec<_> = bench.lines("run/epochs.jsonl");
    let numbers: Vec<_> = numbers
        .iter()
        .map(|line| line["epoch"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 4]);
    for file in ["best.safetensors", "last.safetensors"] {
        let [whole, run] = ["whole", "run"].map(|run| bench.read(&format!("{run}/{file}")));
        assert!(whole == run, "{file} differs");
    }
    assert_eq!(
        bench.json("run/summary.json")["train_loss"],
        bench.json("whole/summary.json")["train_loss"]
    );
    // No line at all.
    for file in ["epochs.jsonl", "batches.jsonl"] {
        fs::remove_file(bench.path(&format!("run/{file}"))).unwrap();
    }
    let said = bench.works(&["--resume", "run"]);
    assert!(
        said.err.contains("there are no lines of epochs 1-4"),
        "{said:?}"
    );
    bench.works(&["--resume", "run", "--set", "train.epochs=5"]);
}

#[test]
fn a_finished_run_says_so_and_how_to_go_on() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "my run"]);
    let said = bench.works(&["--resume", "my run"]);
    let program = env!("CARGO_BIN_EXE_runner");
    for part in [
        "the run is finished, with all of its 2 epochs".to_string(),
        format!("{program} --resume 'my run' --set train.epochs=4\n"),
    ] {
        assert!(said.err.contains(&part), "{part:?} is not in {said:?}");
    }
    let said = bench.works(&["--resume", "my run", "--set", "train.epochs=3"]);
    assert!(!said.err.contains("is finished"), "{said:?}");
}

/// What may happen to the file of the last checkpoint, by name.
type Damage = fn(&mut Vec<u8>);

const DAMAGES: [(&str, Damage); 4] = [
    ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
    ("empty", Vec::clear),
    ("a bit in the weights", |bytes| {
        let last = bytes.len() - 20;
        bytes[last] ^= 4;
    }),
    ("a bit in the header", |bytes| bytes[40] ^= 1),
];

#[test]
fn the_checkpoint_before_takes_the_place_of_a_damaged_one() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "whole", "--set", "train.epochs=3"]);
    bench.works(&["tiny.toml", "--out", "run"]);
    let files = ["resume.safetensors", "resume-previous.safetensors"];
    let files = files.map(|name| format!("run/{name}"));
    let [last, previous] = files.each_ref().map(|name| bench.read(name));
    let logs = ["epochs.jsonl", "batches.jsonl"].map(|name| format!("run/{name}"));
    let before = logs.each_ref().map(|name| bench.read(name));
    for (name, damage) in DAMAGES {
        let mut bytes = last.clone();
        damage(&mut bytes);
        bench.write(&files[0], bytes);
        bench.write(&files[1], &previous);
        for (log, text) in logs.iter().zip(&before) {
            bench.write(log, text);
        }
        let said = bench.works(&["--resume", "run", "--set", "train.epochs=3"]);
        for part in [
            "run/resume.safetensors: not a whole checkpoint",
            "goes on from resume-previous.safetensors, 1 epoch and 0 batches",
        ] {
            assert!(said.err.contains(part), "{name}: {said:?}");
        }
        bench.assert_same("whole", "run");
        let resumed = &bench.json("run/environment.json")["resumed"];
        let one = resumed.as_array().unwrap().last().unwrap();
        let recorded = one["older_checkpoint"].as_str().unwrap();
        assert!(recorded.contains("not a whole checkpoint"), "{recorded}");
    }
    // What is whole again is not told of.
    let said = bench.works(&["--resume", "run"]);
    assert!(!said.err.contains("previous"), "{said:?}");
    let resumed = &bench.json("run/environment.json")["resumed"];
    let one = resumed.as_array().unwrap().last().unwrap();
    assert!(one.get("older_checkpoint").is_none(), "{one}");

    fs::remove_file(bench.path(&files[0])).unwrap();
    fs::create_dir(bench.path(&files[0])).unwrap();
    let parts = ["cannot read run/resume.safetensors", "moved away"];
    bench.refused(&["--resume", "run"], &parts);
}

#[test]
fn a_record_of_the_environment_that_cannot_be_read_is_kept() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run"]);
    bench.write("run/environment.json", "{");
    let said = bench.works(&["--resume", "run", "--set", "train.epochs=3"]);
    let parts = [
        "run/environment.json: not the record",
        "kept as run/environment-unreadable.json",
    ];
    assert!(parts.iter().all(|part| said.err.contains(part)), "{said:?}");
    assert_eq!(bench.text("run/environment-unreadable.json"), "{");
    assert!(bench.json("run/environment.json")["started"].is_string());
}
