//! A run belongs to its config and to what its data hold, wherever they lie.

use std::collections::HashMap;
use std::fs;

use block_data::{Recordings, write_flat};
use safetensors::{SafeTensors, serialize};
use serde_json::Value;

use crate::util::{Bench, NO_NAMES, recordings, write_images};

const OWN: &str = "
seed = 3
[data]
name = \"events\"
train = \"train.h5\"
test = \"test.h5\"
augment = true
[encode]
steps = 20
dt = 10.0
[model]
hidden = [12]
[train]
epochs = 3
batch_size = 8
learning_rate = 0.01
milestones = []
";

/// Recordings of four classes and 100 units, changed.
fn changed(change: impl Fn(usize, &mut u32, &mut Vec<u32>, &mut Vec<f32>)) -> Recordings {
    let whole = recordings(4, 100, 0.2);
    let mut changed = Recordings::default();
    for (index, &label) in whole.labels().iter().enumerate() {
        let (units, times) = whole.events(index);
        let (mut label, mut units, mut times) = (label, units.to_vec(), times.to_vec());
        change(index, &mut label, &mut units, &mut times);
        changed.push(label, &units, &times).unwrap();
    }
    changed
}

fn permuted() -> Recordings {
    let whole = recordings(4, 100, 0.2);
    let mut permuted = Recordings::default();
    for index in (0..whole.labels().len()).rev() {
        let (units, times) = whole.events(index);
        permuted.push(whole.labels()[index], units, times).unwrap();
    }
    permuted
}

/// Events of units up to 119, where 99 is the run's largest.
fn wide() -> Recordings {
    changed(|_, _, units, _| units.iter_mut().for_each(|unit| *unit += 20))
}

fn put(bench: &Bench, file: &str, recordings: &Recordings) {
    fs::create_dir_all(bench.path(file).parent().unwrap()).unwrap();
    write_flat(&bench.path(file), recordings, &NO_NAMES).unwrap();
}

/// A finished run of three epochs on files of its own.
fn finished() -> Bench {
    let bench = Bench::new();
    for file in ["train.h5", "test.h5"] {
        put(&bench, file, &recordings(4, 100, 0.2));
    }
    // The splits are not the same: one event is elsewhere.
    put(
        &bench,
        "test.h5",
        &changed(|index, _, units, _| units[0] += u32::from(index == 7)),
    );
    bench.write("own.toml", OWN);
    bench.works(&["own.toml", "--out", "run"]);
    bench
}

const LONGER: [&str; 4] = ["--resume", "run", "--set", "train.epochs=5"];

fn changes(bench: &Bench) -> Vec<Value> {
    let environment = bench.json("run/environment.json");
    environment["changes"].as_array().unwrap().clone()
}

/// Every file of the run that another command could have touched.
fn state(bench: &Bench) -> Vec<Vec<u8>> {
    let files = [
        "config.toml",
        "environment.json",
        "epochs.jsonl",
        "batches.jsonl",
        "resume.safetensors",
        "best.safetensors",
        "last.safetensors",
        "summary.json",
    ];
    files.map(|file| bench.read(&format!("run/{file}"))).into()
}

#[test]
fn other_training_data_are_refused_or_accepted_and_recorded() {
    let bench = finished();
    let before = state(&bench);
    let one_label = changed(|index, label, _, _| *label = if index == 0 { 1 } else { *label });
    let one_time = changed(|index, _, _, times| {
        if index == 39 {
            times[5] += 1e-6;
        }
    });
    let mut less = Recordings::default();
    for index in 0..39 {
        let whole = recordings(4, 100, 0.2);
        let (units, times) = whole.events(index);
        less.push(whole.labels()[index], units, times).unwrap();
    }
    for other in [permuted(), one_label, one_time, less] {
        put(&bench, "train.h5", &other);
        let now = format!("{} samples, units up to 99", other.labels().len());
        let parts = [
            "run belongs to other data: the training split is 40 samples, units up to 99, labels up to 3, xxh3-128:",
            &now,
            "train.h5",
            "--accept-changes",
        ];
        bench.refused(&LONGER, &parts);
        bench.refused(&["--resume", "run"], &parts);
        assert!(
            state(&bench) == before,
            "a refused resume leaves the run as it was"
        );
    }
    put(&bench, "train.h5", &permuted());
    let said = bench.works(&[&LONGER[..], &["--accept-changes"]].concat());
    assert!(
        said.err
            .contains("accepted: the training split is 40 samples"),
        "{said:?}"
    );
    let found = changes(&bench);
    let what: Vec<_> = found
        .iter()
        .map(|one| (&one["what"], &one["accepted"], &one["after_epochs"]))
        .collect();
    let expected = [
        (
            &Value::from("`train.epochs`"),
            &Value::from(false),
            &Value::from(3),
        ),
        (
            &Value::from("the training split"),
            &Value::from(true),
            &Value::from(3),
        ),
    ];
    assert_eq!(what, expected);
    assert!(found[1]["now"].as_str().unwrap().contains("xxh3-128:"));
    assert!(found[1]["time"].as_str().unwrap().starts_with("20"));
    // The best epoch is one on the data that the run has now; the one before is kept.
    let best = before[5].clone();
    assert!(bench.read("run/best-until-epoch-3.safetensors") == best);
    assert!(bench.read("run/best.safetensors") != best);
    assert!(
        said.err.contains("is no longer compared with")
            && said.err.contains(
                "kept as best-until-epoch-3.safetensors, and best.safetensors begins anew"
            ),
        "{said:?}"
    );
    assert!(
        bench.json("run/summary.json")["best_epoch"]
            .as_u64()
            .unwrap()
            > 3
    );
    // From here on these are the run's data.
    bench.works(&["--resume", "run", "--set", "train.epochs=6"]);
    put(&bench, "train.h5", &recordings(4, 100, 0.2));
    bench.refused(&["--resume", "run"], &["the training split"]);
}

#[test]
fn the_same_data_elsewhere_are_the_run_s() {
    let bench = finished();
    bench.works(&["own.toml", "--out", "whole", "--set", "train.epochs=5"]);
    fs::create_dir_all(bench.path("moved/train")).unwrap();
    fs::rename(bench.path("train.h5"), bench.path("moved/train/a.h5")).unwrap();
    fs::rename(bench.path("test.h5"), bench.path("moved/b.h5")).unwrap();
    let missing = bench.path("train.h5");
    let missing = missing.to_str().unwrap();
    let said = bench.run(&LONGER);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_eq!(said.err.matches(missing).count(), 1, "named once: {said:?}");
    assert!(said.err.contains("--set data.train=FILE"), "{said:?}");

    let set = [
        "--set",
        "data.train=moved/train/a.h5",
        "--set",
        "data.test=moved/b.h5",
    ];
    bench.works(&[&LONGER[..], &set].concat());
    bench.assert_same("whole", "run");
    assert_eq!(changes(&bench).len(), 1, "the epochs alone changed");
    // The run remembers where they are.
    assert!(
        bench
            .text("run/config.toml")
            .contains("/moved/train/a.h5\"")
    );
    bench.works(&["--resume", "run"]);
    bench.works(&["eval", "run"]);

    // A folder that is named has them, by their last two parts or by their names.
    fs::rename(bench.path("moved"), bench.path("again")).unwrap();
    let folder = ["--data-dir", "again"];
    bench.works(&[&["--resume", "run"], &folder[..]].concat());
    bench.works(&[&["eval", "run"], &folder[..]].concat());
    fs::create_dir(bench.path("flat")).unwrap();
    for (old, new) in [
        ("again/train/a.h5", "flat/a.h5"),
        ("again/b.h5", "flat/b.h5"),
    ] {
        fs::rename(bench.path(old), bench.path(new)).unwrap();
    }
    bench.works(&["--resume", "run", "--data-dir", "flat"]);
    bench.refused(
        &["--resume", "run", "--data-dir", "nowhere"],
        &["there is no file", "/nowhere/a.h5", "--data-dir"],
    );
}

#[test]
fn a_whole_project_moves() {
    let bench = finished();
    fs::create_dir(bench.path("project")).unwrap();
    for name in ["run", "train.h5", "test.h5"] {
        fs::rename(bench.path(name), bench.path(&format!("project/{name}"))).unwrap();
    }
    let eval = ["eval", "project/run", "--data-dir", "project"];
    bench.works(&eval);
    assert_eq!(
        bench.json("project/run/eval.json")["test_split"]["compared"],
        "same"
    );
    bench.works(&[
        "--resume",
        "project/run",
        "--data-dir",
        "project",
        "--set",
        "train.epochs=4",
    ]);
    bench.works(&["--resume", "project/run"]);
}

#[test]
fn two_runs_share_their_data() {
    let bench = finished();
    bench.works(&[
        "own.toml",
        "--out",
        "other",
        "--set",
        "seed=4",
        "--set",
        "model.hidden=[7]",
    ]);
    bench.works(&LONGER);
    bench.works(&["--resume", "other", "--set", "train.epochs=4"]);
}

#[test]
fn an_edited_config_is_refused_or_accepted_and_recorded() {
    let bench = finished();
    let config = bench.text("run/config.toml");
    let before = state(&bench);
    for (old, new, part) in [
        (
            "batch_size = 8",
            "batch_size = 5",
            "`train.batch_size` is 8 in the run, 5 now",
        ),
        (
            "learning_rate = 0.01",
            "learning_rate = 0.1",
            "`train.learning_rate` is 0.01 in the run, 0.1 now",
        ),
        ("seed = 3", "seed = 4", "`seed` is 3 in the run, 4 now"),
        (
            "hidden = [12]",
            "hidden = [13]",
            "`model.hidden` is [12] in the run, [13] now",
        ),
        (
            "validation = \"test\"",
            "validation = 0.25",
            "`data.validation` is \"test\" in the run, 0.25 now",
        ),
        (
            "augment = true",
            "augment = false",
            "`data.augment` is true in the run, false now",
        ),
        (
            "dt = 10.0",
            "dt = 5.0",
            "`encode.dt` is 10.0 in the run, 5.0 now",
        ),
        (
            "units = 100",
            "units = 50",
            "`data.units` is 100 in the run, 50 now",
        ),
        (
            "epochs = 3",
            "epochs = 4",
            "`train.epochs` is 3 in the run, 4 now",
        ),
    ] {
        assert!(config.contains(old), "{old} is not in {config}");
        bench.write("run/config.toml", config.replace(old, new));
        bench.refused(
            &["--resume", "run"],
            &["run belongs to another config: ", part, "--accept-changes"],
        );
        // What the option says does not undo the edit.
        let edited = bench.read("run/config.toml");
        bench.write("run/config.toml", &before[0]);
        assert!(state(&bench) == before, "{old}");
        bench.write("run/config.toml", edited);
    }
    // All that differs is told at once.
    let edited = config
        .replace("seed = 3", "seed = 4")
        .replace("batch_size = 8", "batch_size = 5");
    bench.write("run/config.toml", edited);
    bench.refused(&LONGER, &["`seed` is 3", "`train.batch_size` is 8"]);
    let said = bench.works(&[&LONGER[..], &["--accept-changes"]].concat());
    assert!(
        said.err
            .contains("accepted: `train.batch_size` is 8 in the run, 5 now"),
        "{said:?}"
    );
    let found = changes(&bench);
    let what: Vec<_> = found
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["`seed`", "`train.batch_size`", "`train.epochs`"]);
    let batches = bench.lines("run/batches.jsonl");
    assert_eq!(batches.len(), 3 * 5 + 2 * 8, "5 of 8 samples, then 8 of 5");
    bench.works(&["--resume", "run"]);
}

#[test]
fn a_learning_rate_that_is_accepted_is_the_one_in_use() {
    let bench = finished();
    let set = [
        "--set",
        "train.learning_rate=0.5",
        "--set",
        "train.milestones=[1, 4]",
    ];
    let resume = [&LONGER[..], &set].concat();
    bench.refused(
        &resume,
        &[
            "`train.learning_rate` is 0.01 in the run, 0.5 now",
            "`train.milestones`",
        ],
    );
    bench.works(&[&resume[..], &["--accept-changes"]].concat());
    let epochs = bench.lines("run/epochs.jsonl");
    let rates: Vec<_> = epochs
        .iter()
        .map(|one| one["learning_rate"].as_f64().unwrap())
        .collect();
    assert_eq!(rates[..3], [0.01; 3]);
    assert_eq!(rates[3..], [0.5 * 0.1, 0.5 * 0.1 * 0.1]);
}

#[test]
fn what_would_not_have_changed_the_epochs_is_taken() {
    let bench = Bench::new();
    let milestones = [
        "--set",
        "train.milestones=[2]",
        "--set",
        "train.gamma=0.5",
        "--set",
        "train.epochs=4",
    ];
    bench.works(&[&["tiny.toml", "--out", "whole"], &milestones[..]].concat());
    bench.works(&[
        "tiny.toml",
        "--out",
        "run",
        "--set",
        "train.milestones=[5]",
        "--set",
        "train.epochs=1",
    ]);
    bench.works(&[&["--resume", "run"], &milestones[..]].concat());
    bench.assert_same("whole", "run");
    let found = changes(&bench);
    assert!(
        found.len() == 3 && found.iter().all(|one| one["accepted"] == false),
        "{found:?}"
    );
    // The milestone has been reached.
    bench.refused(
        &["--resume", "run", "--set", "train.gamma=0.1"],
        &["`train.gamma` is 0.5 in the run, 0.1 now"],
    );
    bench.works(&[
        "--resume",
        "run",
        "--set",
        "data.validation=none",
        "--set",
        "train.epochs=5",
    ]);
    let epochs = bench.lines("run/epochs.jsonl");
    assert!(epochs[3]["validation_loss"].is_f64() && epochs[4]["validation_loss"].is_null());
    bench.refused(
        &["--resume", "run", "--set", "data.validation=0.5"],
        &["`data.validation` is \"none\" in the run, 0.5 now"],
    );
}

#[cfg(unix)]
#[test]
fn an_epoch_under_way_begins_anew_with_accepted_changes() {
    use crate::util::{said, wait_for_lines};
    use std::process::Command;

    let bench = Bench::new();
    let set = ["--set", "train.batch_size=50", "--set", "train.epochs=2"];
    let child = bench
        .command(&[&["tiny.toml", "--out", "run"], &set[..]].concat())
        .spawn()
        .unwrap();
    wait_for_lines(&bench.path("run/batches.jsonl"), 20);
    let kill = format!("kill -INT {}", child.id());
    let kill = Command::new("sh").args(["-c", &kill]).status();
    assert!(kill.unwrap().success());
    assert_eq!(said(child).code, Some(130));
    let done = bench.lines("run/batches.jsonl").len();
    assert!(done < 400, "interrupted in the first epoch: {done}");
    let resume = ["--resume", "run", "--set", "train.batch_size=1000"];
    bench.refused(&resume, &["`train.batch_size` is 50 in the run, 1000 now"]);
    let said = bench.works(&[&resume[..], &["--accept-changes"]].concat());
    assert!(
        said.err.contains(&format!(
            "epoch 1 begins anew; the {done} batches done of it"
        )),
        "{said:?}"
    );
    assert_eq!(changes(&bench)[0]["after_batches"], done);
    let batches = bench.lines("run/batches.jsonl");
    let samples = batches[done..]
        .iter()
        .map(|batch| batch["samples"].as_u64().unwrap());
    assert_eq!(
        samples.collect::<Vec<_>>(),
        [1000; 40],
        "every sample of both epochs"
    );
}

#[test]
fn a_shape_that_does_not_fit_is_no_matter_of_acceptance() {
    let bench = finished();
    let before = state(&bench);
    let accept = [&LONGER[..], &["--accept-changes"]].concat();
    for set in [
        "model.hidden=[13]",
        "data.units=120",
        "data.classes=5",
        "model.beta.per_neuron=false",
    ] {
        let parts = [
            "its weights fit only a network of their shape",
            set.split('=').next().unwrap(),
        ];
        bench.refused(&[&accept[..], &["--set", set]].concat(), &parts);
    }
    let parts = ["events of units up to 119", "inputs for 100 units, 0 to 99"];
    for (file, split) in [
        ("train.h5", "the training split"),
        ("test.h5", "the test split"),
    ] {
        let whole = bench.read(file);
        put(&bench, file, &wide());
        let parts = [&parts[..], &[split, file]].concat();
        bench.refused(&LONGER, &parts);
        bench.refused(&accept, &parts);
        if file == "test.h5" {
            bench.refused(&["eval", "run"], &parts);
            bench.refused(&["eval", "run", "--set", "data.test=test.h5"], &parts);
        }
        bench.write(file, whole);
    }
    put(&bench, "train.h5", &changed(|_, label, _, _| *label += 1));
    bench.refused(
        &accept,
        &["train.h5: found labels from 1 to 4, expected 0 to 3; are they numbered from 1?"],
    );
    assert!(state(&bench) == before);
}

#[test]
fn eval_says_which_split_it_scored() {
    let bench = finished();
    bench.works(&["eval", "run"]);
    let split = |compared: &str| {
        let split = bench.json("run/eval.json")["test_split"].take();
        assert_eq!(split["compared"], compared, "{split}");
        split
    };
    let same = split("same");
    assert!(same["of_run"].is_null() && same["samples"] == 40, "{same}");
    // It needs no other split, and knows units and classes without one.
    fs::rename(bench.path("train.h5"), bench.path("away.h5")).unwrap();
    put(
        &bench,
        "less.h5",
        &changed(|_, label, units, _| {
            *label = (*label).min(2);
            units.iter_mut().for_each(|unit| *unit = (*unit).min(80));
        }),
    );
    let said = bench.works(&["eval", "run", "--set", "data.test=less.h5"]);
    assert!(
        said.err
            .contains("less.h5 is not the run's test split: 40 samples"),
        "{said:?}"
    );
    let named = split("named");
    assert_eq!(named["of_run"]["fingerprint"], same["fingerprint"]);
    assert!(
        named["place"].as_str().unwrap().ends_with("less.h5"),
        "{named}"
    );
    assert_eq!(
        bench.json("run/eval.json")["classes"]
            .as_array()
            .unwrap()
            .len(),
        4
    );

    fs::copy(bench.path("less.h5"), bench.path("test.h5")).unwrap();
    let said = bench.works(&["eval", "run"]);
    assert!(
        said.err.contains("WARN") && said.err.contains("is not the run's test split"),
        "{said:?}"
    );
    split("changed");
    bench.refused(
        &["--resume", "run", "--set", "data.train=away.h5"],
        &[
            "the test split is 40 samples, units up to 99",
            "units up to 80, labels up to 2",
            "test.h5",
        ],
    );
    // A test split that is named is meant, and on record.
    let said = bench.works(&[
        "--resume",
        "run",
        "--set",
        "data.test=less.h5",
        "--set",
        "data.train=away.h5",
    ]);
    assert!(
        said.err.contains("INFO the test split is 40 samples"),
        "{said:?}"
    );
    assert!(!said.err.contains("accepted"), "{said:?}");
    let change = &changes(&bench)[0];
    // Nothing had to be accepted for it.
    assert_eq!(
        (&change["what"], &change["accepted"]),
        (&"the test split".into(), &false.into())
    );
    bench.works(&["eval", "run"]);
    split("same");

    for set in ["train.epochs=3", "encode.dt=3", "data.units=3", "seed=1"] {
        bench.refused(
            &["eval", "run", "--set", set],
            &[&format!("--set {set}"), "expected data.test"],
        );
    }
    let config = bench.text("run/config.toml");
    bench.write("run/config.toml", config.replace("dt = 10.0", "dt = 9.0"));
    bench.refused(
        &["eval", "run"],
        &["`encode.dt` is 10.0 in the run, 9.0 now"],
    );
    // What says nothing of the model does not matter to its test.
    bench.write(
        "run/config.toml",
        config.replace("epochs = 3", "epochs = 300"),
    );
    bench.works(&["eval", "run"]);
}

#[test]
fn eval_needs_the_test_split_of_a_data_set_alone() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    bench.write(
        "f.toml",
        "[data]\nname = \"fashion-mnist\"\n[encode]\nsteps = 10\n[model]\nhidden = [8]\n[train]\nepochs = 1\nmilestones = []",
    );
    bench.works(&["f.toml", "--out", "run", "--data-dir", "sets"]);
    bench.works(&["eval", "run"]);
    let whole = bench.json("run/eval.json");
    let files = fs::read_dir(bench.path("sets/fashion-mnist")).unwrap();
    for file in files.map(|file| file.unwrap().path()) {
        if file
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("train")
        {
            fs::remove_file(file).unwrap();
        }
    }
    bench.works(&["eval", "run", "--offline"]);
    assert_eq!(bench.json("run/eval.json"), whole);
    assert_eq!(whole["test_split"]["compared"], "same");
    bench.refused(&["--resume", "run", "--offline"], &["train-images"]);
}

#[test]
fn a_config_that_is_lost_is_in_the_checkpoint() {
    let bench = finished();
    let config = bench.read("run/config.toml");
    fs::remove_file(bench.path("run/config.toml")).unwrap();
    let said = bench.works(&["eval", "run"]);
    assert!(said.err.contains("run/config.toml is missing"), "{said:?}");
    bench.works(&["--resume", "run"]);
    assert!(bench.read("run/config.toml") == config);

    bench.write("run/config.toml", "seed = 3\n[data");
    bench.refused(
        &["--resume", "run"],
        &["run/config.toml: line 2", "or delete that file"],
    );
    for arguments in [&["--resume", "run"][..], &["eval", "run"]] {
        bench.write("run/config.toml", "");
        bench.refused(
            arguments,
            &["run/config.toml: it is empty; delete it, and the run's config is taken from resume.safetensors"],
        );
    }
    bench.write("run/config.toml", "seed = 0\n");
    bench.refused(
        &["--resume", "run"],
        &["`data.name` is \"events\" in the run"],
    );
    fs::remove_file(bench.path("run/config.toml")).unwrap();
    bench.works(&LONGER);
    assert!(bench.text("run/config.toml").contains("epochs = 5"));
}

#[test]
fn folding_that_the_run_was_made_with_stays() {
    let bench = Bench::new();
    for file in ["train.h5", "test.h5"] {
        put(&bench, file, &recordings(4, 100, 0.2));
    }
    bench.write("own.toml", OWN);
    bench.works(&["own.toml", "--out", "run", "--set", "data.units=50"]);
    bench.works(&LONGER);
    put(&bench, "wide.h5", &wide());
    bench.works(&["eval", "run", "--set", "data.test=wide.h5"]);
}

/// Makes a run one of an earlier runner, which kept neither config nor data in the checkpoint, nor derived units and classes.
fn forget(bench: &Bench) {
    let file = "run/resume.safetensors";
    let bytes = bench.read(file);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let position = header.metadata().as_ref().unwrap()["position"].clone();
    let metadata = HashMap::from([
        ("version".to_string(), "2".to_string()),
        ("position".to_string(), position),
    ]);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    bench.write(file, serialize(tensors.iter(), Some(metadata)).unwrap());
    let config = bench.text("run/config.toml");
    let lines = config
        .lines()
        .filter(|line| !line.starts_with("units = ") && !line.starts_with("classes = "));
    bench.write("run/config.toml", lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_run_of_an_earlier_runner_goes_on_and_is_kept_from_there() {
    let bench = finished();
    assert!(
        bench
            .text("run/config.toml")
            .contains("units = 100\nclasses = 4\n")
    );
    bench.works(&["own.toml", "--out", "whole", "--set", "train.epochs=5"]);
    forget(&bench);
    fs::rename(bench.path("train.h5"), bench.path("away.h5")).unwrap();
    let said = bench.works(&["eval", "run"]);
    assert_eq!(
        said.err.matches("kept no fingerprints").count(),
        1,
        "{said:?}"
    );
    assert_eq!(
        bench.json("run/eval.json")["test_split"]["compared"],
        "unknown"
    );
    put(&bench, "wide.h5", &wide());
    let parts = [
        "wide.h5",
        "events of units up to 119",
        "inputs for 100 units",
    ];
    bench.refused(&["eval", "run", "--set", "data.test=wide.h5"], &parts);
    let parts = [
        "events of units up to 119",
        "inputs for 100 units",
        "the training split",
    ];
    bench.refused(
        &[&LONGER[..], &["--set", "data.train=wide.h5"]].concat(),
        &parts,
    );

    fs::rename(bench.path("away.h5"), bench.path("train.h5")).unwrap();
    let said = bench.works(&LONGER);
    assert_eq!(
        said.err.matches("kept no fingerprints").count(),
        1,
        "{said:?}"
    );
    bench.assert_same("whole", "run");
    assert!(
        bench
            .text("run/config.toml")
            .contains("units = 100\nclasses = 4\n")
    );
    assert_eq!(changes(&bench), [] as [Value; 0]);
    let said = bench.works(&["--resume", "run", "--set", "train.epochs=6"]);
    assert!(!said.err.contains("fingerprints"), "{said:?}");
    put(&bench, "train.h5", &permuted());
    bench.refused(&["--resume", "run"], &["the training split is 40 samples"]);
}

#[test]
fn a_crash_between_checkpoint_and_config_is_no_edit() {
    let bench = finished();
    let before = bench.text("run/config.toml");
    // As if the process had ended after it wrote the checkpoint of the longer run.
    bench.works(&LONGER);
    let after = bench.text("run/config.toml");
    bench.write("run/config.toml", &before);
    bench.refused(
        &["--resume", "run"],
        &["`train.epochs` is 5 in the run, 3 now"],
    );
    let file = "run/resume.safetensors";
    let bytes = bench.read(file);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    metadata.insert("replaces".to_string(), before);
    // As a runner wrote it that knew no checksums.
    metadata.insert("version".to_string(), "2".to_string());
    assert!(metadata.remove("checksum").is_some());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    bench.write(file, serialize(tensors.iter(), Some(metadata)).unwrap());
    bench.works(&["--resume", "run"]);
    assert_eq!(bench.text("run/config.toml"), after);
    assert_eq!(bench.lines("run/epochs.jsonl").len(), 5);
}
