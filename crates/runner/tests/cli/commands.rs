//! `eval`, `check`, `--help`, and where runs are kept.

use std::fs;

use block_data::{DataSet, write_flat};
use runner::{Config, DataConfig};

use crate::util::{self, Bench, NO_NAMES, write_cifar, write_images};

#[test]
fn help_is_complete() {
    let bench = Bench::new();
    let said = bench.works(&["--help"]);
    for part in [
        "runner configs/fmnist.toml",
        "runner --resume runs/short",
        "runner eval",
        "runner check",
        "runner data list",
        "runner keys",
        "--set <KEY=VALUE>",
        "--device <DEVICE>",
        "--out <DIR>",
        "--data-dir <DIR>",
        "--resume <RUN>",
        "$BLOCK_DATA",
        "/usr/share/datasets",
        "Exit codes",
        "--version",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in:\n{}", said.out);
    }
    assert_eq!(said.err, "");
    assert!(
        bench
            .works(&["eval", "--help"])
            .out
            .contains("--device <DEVICE>")
    );
    assert!(
        bench
            .works(&["check", "--help"])
            .out
            .contains("--set <KEY=VALUE>")
    );
    assert!(bench.works(&["--version"]).out.starts_with("runner "));
}

#[test]
fn keys_are_listed_with_type_default_and_meaning() {
    let out = Bench::new().works(&["keys"]).out;
    for part in [
        "train.epochs = an integer from 1 to 16777216 [default: 140]\n    Passes over the training samples.\n",
        "model.formulation = \"scan\" or \"convolution\" or \"standard-single\" or \"standard-multi\"",
        "model.layers.N.kind = \"linear\" [required]\n    Spiking neurons, each connected to every input.\n",
        "model.layers.N.neurons = an integer from 1 to 16777216 [required]\n",
        "model.beta = a table\n    Membrane decay.\n",
        "model.layers = an array of tables\n    The hidden layers from the input on",
        "data.augment = true or false [default: as is usual for the data set]\n",
        "model.layers.N.beta_of = \"neuron\" or \"channel\" or \"layer\"\n",
        "model.layers.N.reduction = \"max\" or \"average\" [default: \"max\"]\n",
    ] {
        assert!(out.contains(part), "{part:?} is not in:\n{out}");
    }
}

#[test]
fn a_folder_that_holds_a_run_is_refused() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    let before = bench.read("run/summary.json");
    let parts = ["run already holds a run", "--resume", "--out"];
    bench.refused(&["tiny.toml", "--out", "run"], &parts);
    assert_eq!(bench.read("run/summary.json"), before);
}

#[test]
fn runs_are_kept_by_config_and_time() {
    let bench = Bench::new();
    for _ in 0..2 {
        bench.works(&[
            "tiny.toml",
            "--set",
            "train.epochs=1",
            "--set",
            "encode.steps=4",
        ]);
    }
    let names = fs::read_dir(bench.path("runs")).unwrap();
    let names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(
        names.iter().all(|name| name.starts_with("tiny-2")),
        "{names:?}"
    );
}

#[test]
fn eval_tells_classes_apart() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run"]);
    let said = bench.works(&["eval", "run"]);
    let summary = bench.json("run/summary.json");
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    let line = format!(
        "test accuracy        {:.2} % of 10000 samples",
        100.0 * accuracy
    );
    assert!(said.out.starts_with(&line), "{said:?}");

    assert!(said.err.contains("device cpu"), "{said:?}");
    let report = bench.json("run/eval.json");
    assert_eq!(report["device"], "cpu");
    assert_eq!(report["test_accuracy"], summary["test_accuracy"]);
    assert_eq!(
        report["hidden_spikes_per_sample"],
        summary["hidden_spikes_per_sample"]
    );
    let confusion = report["confusion"].as_array().unwrap();
    let count = |row: usize, column: usize| confusion[row][column].as_u64().unwrap();
    let total: u64 = (0..9).map(|at| count(at / 3, at % 3)).sum();
    assert_eq!(total, 10_000);
    let correct: u64 = (0..3).map(|class| count(class, class)).sum();
    assert_eq!(correct as f64 / 10_000.0, accuracy);
    for (index, class) in report["classes"].as_array().unwrap().iter().enumerate() {
        let name = class["name"].as_str().unwrap();
        assert!(said.out.contains(name), "{name}");
        let samples: u64 = (0..3).map(|column| count(index, column)).sum();
        assert_eq!(class["samples"], samples);
        assert_eq!(
            class["accuracy"],
            count(index, index) as f64 / samples as f64
        );
    }
}

#[test]
fn eval_needs_no_folder_to_write_to() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    let reports = |why: &str| {
        let said = bench.works(&["eval", "run"]);
        assert!(said.out.starts_with("test accuracy "), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
        assert!(!said.err.contains("--out"), "{said:?}");
    };
    let lock = fs::File::create(bench.path("run/.lock")).unwrap();
    lock.lock().unwrap();
    reports("its best model so far");
    // Closing the file alone would leave the lock with a child that another test has just forked.
    lock.unlock().unwrap();
    assert!(!bench.path("run/eval.json").exists());

    fs::create_dir(bench.path("run/eval.json")).unwrap();
    reports("cannot write run/eval.json");

    fs::remove_file(bench.path("run/.lock")).unwrap();
    fs::create_dir(bench.path("run/.lock")).unwrap();
    reports("eval.json is not written: cannot write run/.lock");
}

#[test]
fn check_tells_the_plan_and_runs_nothing() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    bench.write("f.toml", "");
    let said = bench.works(&[
        "check",
        "f.toml",
        "--data-dir",
        "sets",
        "--set",
        "model.hidden=[5, 6]",
    ]);
    for part in [
        "device       cpu",
        "fashion-mnist, in ",
        "sets/fashion-mnist",
        "60 samples, augmented",
        "30 samples, 10 classes",
        "784 units, 100 time steps",
        "hidden.0     784 -> 5, scan spikes, 3930 parameters",
        "hidden.1     5 -> 6, scan spikes, 42 parameters",
        "readout      6 -> 10, membrane, sum over time, 80 parameters",
        "parameters   4052",
        "memory       about ",
        "140 of 1 batch of 128",
        "[15, 90, 120]",
        "doubtful     fashion-mnist is not whole: 60 training samples and 30 test samples, expected 60000",
        "nothing was run",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in:\n{}", said.out);
    }
    assert_eq!(said.err, "");
    assert!(!bench.path("runs").exists());
}

#[test]
fn check_tells_what_layers_have_of_their_own() {
    let bench = Bench::new();
    bench.write(
        "a.toml",
        "[data]\nname = \"yin-yang\"\n[train]\nlearning_rate = 1e-20\n\
         [[model.layers]]\nkind = \"linear\"\nneurons = 5\n\
         [[model.layers]]\nkind = \"linear\"\nneurons = 5\nbeta = 0.95\nskip = true\n\
         surrogate = { kind = \"arctan\" }\n",
    );
    let out = bench.works(&["check", "a.toml"]).out;
    for part in [
        "hidden.0     4 -> 5, scan spikes, 30 parameters\nhidden.1     5 -> 5, scan spikes plus its input, 35 parameters\n\
         \x20            of its own: beta = 0.95, skip = true, surrogate = { kind = \"arctan\", scale = 10.0 }\nreadout ",
        "learning rate 1e-20\n",
    ] {
        assert!(out.contains(part), "{part:?} is not in:\n{out}");
    }
}

#[test]
fn the_configs_of_the_repository_are_valid() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    fs::rename(bench.path("sets/fashion-mnist"), bench.path("sets/f")).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs");
    let mut found = 0;
    let entries = [folder, &format!("{folder}/conv")].map(|folder| fs::read_dir(folder).unwrap());
    for entry in entries.into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        found += 1;
        let text = fs::read_to_string(&path).unwrap();
        for part in ["# Command:", "# Expected:", "# Cost:"] {
            assert!(text.contains(part), "{}: no {part}", path.display());
        }
        let config = Config::load(&path, &[]).unwrap();
        if config.encode.dt.is_some() {
            write_recordings(&bench, &config.data);
        } else if config.data.name == "cifar-10" {
            write_cifar(&bench, "sets", 10);
        } else {
            let folder = bench.path(&format!("sets/{}", config.data.name));
            fs::create_dir_all(&folder).unwrap();
            for entry in fs::read_dir(bench.path("sets/f")).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
            }
        }
        let path = path.to_str().unwrap();
        bench.works(&["check", path, "--data-dir", "sets"]);
    }
    assert!(found >= 9);
}

/// A recording of each class, in the files that a config wants.
fn write_recordings(bench: &Bench, data: &DataConfig) {
    let classes = DataSet::named(&data.name).map_or(10, |set| set.classes as u32);
    let recordings = util::recordings(classes, 600, 0.3);
    let folder = format!("sets/{}", data.name);
    let [train, test] = match data.files() {
        Some(files) => [files.train, files.test].map(|file| format!("sets/{}", file.display())),
        None => ["train", "test"].map(|split| format!("{folder}/{split}.h5")),
    };
    for file in [train, test] {
        let path = bench.path(&file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if file.ends_with(".zip") {
            util::write_n_mnist_zip(&path);
        } else {
            // As `.gz` too: how a file is packed follows from its first bytes.
            write_flat(&path, &recordings, &NO_NAMES).unwrap();
        }
    }
}
