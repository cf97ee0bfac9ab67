//! Run folders and results as they are met: new, begun, done, damaged, in the way.

use std::fs;
use std::path::{Path, PathBuf};

use benches::Workload;
use runner::{Config, Environment};

use crate::experiment::{Experiment, Places};
use crate::report;
use crate::runs::activity;
use crate::runs::read::{difference, seeds, summary};
use crate::runs::run::{Outcome, Run, State};

struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn places(&self) -> Places {
        Places {
            configs: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs")),
            runs: self.root.path().join("runs"),
            results: self.root.path().join("results"),
        }
    }
}

fn run(epochs: Option<usize>) -> Run {
    let only = ["yinyang/scan".to_string()];
    let mut runs = Run::plan(Experiment::Robustness, &only, 1, epochs);
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

/// A run folder with so many finished epochs, of two batches each.
fn leave(run: &Run, places: &Places, folder: &Path, epochs: usize, ended: bool) {
    fs::create_dir_all(folder).unwrap();
    let config = run.config(places).unwrap().to_toml();
    fs::write(folder.join("config.toml"), config).unwrap();
    let environment = Environment::current(&block_core::device::select("cpu").unwrap());
    fs::write(
        folder.join("environment.json"),
        serde_json::to_string(&environment).unwrap(),
    )
    .unwrap();
    let mut lines = String::new();
    let mut batches = String::new();
    for epoch in 1..=epochs {
        lines += &format!(
            "{{\"epoch\":{epoch},\"learning_rate\":0.001,\"train_loss\":1.0,\"train_accuracy\":0.5,\"hidden_spikes\":1.0,\
             \"hidden_spikes_by_layer\":[1.0],\"best\":true,\"train_seconds\":2.0,\"wait_seconds\":0.0}}\n"
        );
        batches += "{\"loss\":1.25,\"hidden_spikes\":0.0}\n{\"loss\":1.0,\"hidden_spikes\":2.5}\n";
    }
    fs::write(folder.join("epochs.jsonl"), lines).unwrap();
    fs::write(folder.join("batches.jsonl"), batches).unwrap();
    if ended {
        let summary = format!(
            "{{\"data\":\"yin-yang\",\"test_accuracy\":0.5,\"test_loss\":1.0,\"hidden_spikes_per_sample\":1.0,\
             \"hidden_spikes_per_sample_by_layer\":[1.0],\"train_loss\":1.0,\"train_accuracy\":0.5,\"best_epoch\":1,\
             \"epochs\":{epochs},\"parameters\":1,\"seed\":0,\"device\":\"cpu\",\"threads\":1,\
             \"seconds_per_epoch\":2.0,\"step_seconds_median\":0.1,\"peak_memory_bytes\":null}}"
        );
        fs::write(folder.join("summary.json"), summary).unwrap();
    }
}

#[test]
fn plans() {
    let all = Run::plan(Experiment::DataSets, &[], 3, None);
    assert_eq!(all.len(), 6 * 3 * 3);
    let only = ["mnist".to_string(), "fmnist/standard-single".to_string()];
    let some = Run::plan(Experiment::DataSets, &only, 2, None);
    assert_eq!(some.len(), 3 * 2 + 2);
    let places = Places::new(Path::new("results"));
    assert_eq!(
        some[0].folder(&places),
        Path::new("runs/reproduce/datasets/mnist-scan-seed-0")
    );
    assert_eq!(
        some[0].published(&places),
        Path::new("results/datasets/mnist/scan/seed-0")
    );
}

#[test]
fn convolutions_are_timed_by_their_own_runs() {
    let bench = Bench::new();
    let places = bench.places();
    let of = |experiment| Run::plan(experiment, &["mnist/scan".to_string()], 1, None).remove(0);
    let linear = of(Experiment::DataSets);
    leave(&linear, &places, &linear.folder(&places), 2, true);
    let conv = of(Experiment::Convolutions);
    assert_eq!(conv.seconds_left(&places).unwrap(), None);
    assert_eq!(
        of(Experiment::Robustness).seconds_left(&places).unwrap(),
        Some(280.0)
    );
    leave(&conv, &places, &conv.folder(&places), 2, true);
    assert_eq!(conv.seconds_left(&places).unwrap(), Some(276.0));
    let config = conv.config(&places).unwrap().model.layers.unwrap();
    assert_eq!(config.len(), 6);
}

#[test]
fn what_is_done_begun_and_new() {
    let bench = Bench::new();
    let places = bench.places();
    let run = run(None);
    let folder = run.folder(&places);
    assert_eq!(run.state(&places).unwrap(), State::New);
    assert_eq!(run.seconds_left(&places).unwrap(), None);
    let new = run
        .arguments(&places, State::New, Some("cuda:1"))
        .unwrap()
        .join(" ");
    assert!(
        new.starts_with("run -p runner --features cuda -- --device cuda:1 --out "),
        "{new}"
    );
    assert!(new.ends_with("configs/robustness/yinyang.toml"), "{new}");

    leave(&run, &places, &folder, 150, false);
    let state = run.state(&places).unwrap();
    assert_eq!(state, State::Begun { epochs: 150 });
    assert_eq!(run.seconds_left(&places).unwrap(), Some(100.0));
    let resume = run.arguments(&places, state, None).unwrap().join(" ");
    assert!(resume.ends_with("--set train.epochs=200"), "{resume}");
    assert!(resume.contains("-- --resume "), "{resume}");
    // Enough for a shorter look, but not tested yet: it ends where it is.
    let short = self::run(Some(10));
    let resume = short.arguments(&places, state, None).unwrap().join(" ");
    assert!(resume.ends_with("--set train.epochs=150"), "{resume}");

    leave(&run, &places, &folder, 150, true);
    assert_eq!(short.state(&places).unwrap(), State::Done);
    assert_eq!(run.state(&places).unwrap(), State::Begun { epochs: 150 });
    leave(&run, &places, &folder, 200, true);
    assert_eq!(run.state(&places).unwrap(), State::Done);
}

#[test]
fn what_is_done_is_published_whole_and_not_done_again() {
    let bench = Bench::new();
    let places = bench.places();
    let run = run(None);
    leave(&run, &places, &run.folder(&places), 200, true);
    // Left by a process that was killed.
    let target = run.published(&places);
    fs::create_dir_all(target.with_file_name(".seed-0.tmp/x")).unwrap();
    assert_eq!(run.work(&places, None).unwrap(), Outcome::Done);
    let mut names: Vec<_> = fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "activity.csv",
            "config.toml",
            "environment.json",
            "epochs.jsonl",
            "summary.json"
        ]
    );
    let batches = activity::read_csv(&target.join(activity::FILE)).unwrap();
    assert_eq!(activity::first_spike(&batches), Some(2));
    // The results alone count as done.
    fs::remove_dir_all(&places.runs).unwrap();
    assert_eq!(run.state(&places).unwrap(), State::Done);
    assert_eq!(run.work(&places, None).unwrap(), Outcome::Done);
    assert_eq!(seeds(target.parent().unwrap()).unwrap(), [(0, target)]);
}

#[test]
fn a_short_look_leaves_a_full_run_published() {
    let bench = Bench::new();
    let places = bench.places();
    let (whole, short) = (run(None), run(Some(1)));
    leave(&whole, &places, &whole.folder(&places), 200, true);
    whole.work(&places, None).unwrap();
    fs::remove_dir_all(&places.runs).unwrap();
    leave(&short, &places, &short.folder(&places), 1, true);
    assert_eq!(short.work(&places, None).unwrap(), Outcome::Done);
    let published = summary(&whole.published(&places)).unwrap().unwrap();
    assert_eq!(published.epochs, 200);
}

#[test]
fn damaged_results_are_told() {
    let bench = Bench::new();
    let places = bench.places();
    let run = run(None);
    let folder = run.published(&places);
    let told = |name: &str, change: &dyn Fn(String) -> String| {
        leave(&run, &places, &run.folder(&places), 200, true);
        run.work(&places, None).unwrap();
        let path = folder.join(name);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, change(whole)).unwrap();
        let error = format!("{:#}", report::contents(&places).unwrap_err());
        fs::remove_dir_all(&folder).unwrap();
        assert!(error.contains(name), "{error}");
        error
    };
    let cut = told("epochs.jsonl", &|text| text[..text.len() / 2].to_string());
    assert!(cut.contains("expected 200"), "{cut}");
    told("epochs.jsonl", &|_| String::new());
    told("activity.csv", &|text| {
        text[..text.find('\n').unwrap() + 1].to_string()
    });
    told("activity.csv", &|text| text.replacen("\n1,", "\n0,", 1));
    told("activity.csv", &|text| text[..text.len() - 1].to_string());
    told("activity.csv", &|text| {
        text.lines()
            .take(40)
            .map(|line| format!("{line}\n"))
            .collect()
    });
    told("summary.json", &|text| text[..text.len() / 2].to_string());
    let seed = told("summary.json", &|text| {
        text.replace("\"seed\":0", "\"seed\":5")
    });
    assert!(seed.contains("found seed 5, expected 0"), "{seed}");
    let config = told("config.toml", &|text| {
        text.replace("batch_size = 128", "batch_size = 64")
    });
    assert!(config.contains("found `batch_size = 64`"), "{config}");
}

#[test]
fn a_run_of_another_config_is_in_the_way() {
    let bench = Bench::new();
    let places = bench.places();
    let run = run(None);
    let folder = run.folder(&places);
    leave(&run, &places, &folder, 1, false);
    let config = run.config(&places).unwrap().to_toml();
    fs::write(
        folder.join("config.toml"),
        config.replace("batch_size = 128", "batch_size = 64"),
    )
    .unwrap();
    let error = run.state(&places).unwrap_err().to_string();
    assert!(
        error.contains("found `batch_size = 64`, expected `batch_size = 128`"),
        "{error}"
    );
    assert!(!error.contains('\n'));
}

#[test]
fn a_silent_start_is_all_that_robustness_changes() {
    let places = Bench::new().places();
    for run in Run::plan(Experiment::Robustness, &[], 1, None) {
        let silent = run.config(&places).unwrap();
        assert_eq!(silent.model.init_scale, 0.1);
        let path = Experiment::DataSets.config(&places, run.data);
        let mut loud = Config::load(&path, &run.overrides()).unwrap();
        loud.model.init_scale = 0.1;
        assert_eq!(difference(&silent, &loud), None, "{}", run.label());
        let of_paper = if run.data == "mnist" { 140 } else { 200 };
        assert_eq!(silent.train.epochs, of_paper, "{}", run.label());
    }
    for run in Run::plan(Experiment::DataSets, &[], 1, Some(5)) {
        assert_eq!(run.wanted(&places).unwrap(), 5, "{}", run.label());
    }
}

#[test]
fn the_report_is_filled_and_found_stale() {
    let bench = Bench::new();
    let places = bench.places();
    for number in [0, 1] {
        // Nothing at all, then one run, shorter than its config says.
        if number == 1 {
            let short = run(Some(3));
            leave(&short, &places, &short.folder(&places), 3, true);
            short.work(&places, None).unwrap();
        }
        let files = report::contents(&places).unwrap();
        let (_, page) = files
            .iter()
            .find(|(path, _)| path.ends_with("report.html"))
            .unwrap();
        assert_eq!(page.contains("3 of 200"), number == 1);
        for part in [
            "http:", "https:", "<script", "url(", "@import", "NaN", "inf<",
        ] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(report::check(&places).is_err());
        report::write(&places).unwrap();
        report::check(&places).unwrap();
    }
    let page = places.results.join("report.html");
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replacen("<body>", "<body >", 1)).unwrap();
    let error = report::check(&places).unwrap_err().to_string();
    assert!(
        error.contains("run `cargo xtask reproduce docs` and commit"),
        "{error}"
    );
}

#[test]
fn convolutional_workloads_are_the_networks_of_the_configs() {
    let configs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/conv"));
    for (workload, file) in [
        (Workload::Conv, "mnist.toml"),
        (Workload::Vgg, "cifar10-vgg.toml"),
    ] {
        let mut config = Config::load(&configs.join(file), &[]).unwrap();
        let steps = config.encode.steps;
        let expected = std::mem::replace(&mut config.model, workload.network().0);
        // Read again, with every key spelt out.
        let found = Config::parse(&config.to_toml(), file, &[]).unwrap();
        assert_eq!(found.model, expected, "{file}");
        assert_eq!(
            (workload.sizes().steps, workload.sizes().batch),
            (steps, config.train.batch_size),
            "{file}"
        );
    }
}
