//! Whole trainings.

use std::fs;

use block_data::write_flat;
use safetensors::{SafeTensors, serialize};

use crate::util::{Bench, NO_NAMES, recordings, write_cifar, write_images};

#[test]
fn a_run_leaves_all_its_files_and_learns() {
    let bench = Bench::new();
    let said = bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=3"]);
    assert!(said.out.starts_with("test accuracy "), "{said:?}");
    assert!(said.err.contains("device cpu"), "{said:?}");
    let lines = said.err.lines().filter(|line| line.starts_with("epoch "));
    assert_eq!(lines.count(), 3, "a plain line an epoch: {said:?}");

    let epochs = bench.lines("run/epochs.jsonl");
    assert_eq!(epochs.len(), 3);
    for (index, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["epoch"], index + 1);
        assert!(epoch["validation_accuracy"].as_f64().unwrap() > 0.0);
        assert!(epoch["train_seconds"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(epochs[0]["learning_rate"], 0.01);
    let rate = epochs[1]["learning_rate"].as_f64().unwrap();
    assert!(
        (rate - 0.001).abs() < 1e-12,
        "a milestone after the first epoch"
    );
    assert!(epochs[2]["train_loss"].as_f64() < epochs[0]["train_loss"].as_f64());

    let batches = bench.lines("run/batches.jsonl");
    assert_eq!(batches.len(), 3 * 20);
    let batch = &batches[25];
    assert_eq!(
        (batch["epoch"].as_u64(), batch["batch"].as_u64()),
        (Some(2), Some(6))
    );
    assert_eq!(batch["hidden_spikes_by_layer"][0], batch["hidden_spikes"]);
    for key in ["loss", "accuracy", "forward_seconds", "backward_seconds"] {
        assert!(batch[key].as_f64().unwrap() > 0.0, "{key}");
    }

    let summary = bench.json("run/summary.json");
    assert!(
        summary["test_accuracy"].as_f64().unwrap() > 0.4,
        "{summary}"
    );
    assert_eq!(summary["train_loss"], epochs[2]["train_loss"]);
    assert_eq!(summary["epochs"], 3);
    assert_eq!(summary["seed"], 3);
    assert_eq!(summary["device"], "cpu");
    for key in [
        "hidden_spikes_per_sample",
        "seconds_per_epoch",
        "step_seconds_median",
        "threads",
    ] {
        assert!(summary[key].as_f64().unwrap() > 0.0, "{key}");
    }
    if cfg!(target_os = "linux") {
        assert!(summary["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    }

    let environment = bench.json("run/environment.json");
    for key in ["started", "device", "threads", "platform", "rustc"] {
        assert!(!environment[key].is_null(), "{key}");
    }
    assert!(environment["versions"]["burn"].is_string());

    for file in ["best.safetensors", "last.safetensors"] {
        let bytes = bench.read(&format!("run/{file}"));
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(
            tensors.tensor("hidden.0.linear.weight").unwrap().shape(),
            [4, 12]
        );
        assert_eq!(tensors.tensor("readout.beta").unwrap().shape(), [3]);
    }

    // The resolved config is a config, and makes the same run.
    bench.works(&["run/config.toml", "--out", "again"]);
    bench.assert_same("run", "again");
}

#[test]
fn a_seed_fixes_everything() {
    let bench = Bench::new();
    for run in ["a", "b"] {
        bench.works(&["tiny.toml", "--out", run]);
    }
    bench.assert_same("a", "b");
    bench.works(&["tiny.toml", "--out", "c", "--set", "seed=4"]);
    assert_ne!(bench.metrics("a"), bench.metrics("c"));
}

#[test]
fn images_with_augmentation_and_held_out_samples() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    bench.write(
        "f.toml",
        "[data]\nvalidation = 0.2\n[encode]\nsteps = 10\n[model]\nhidden = [20, 20]\nskip = true\n\
         [train]\nepochs = 3\nbatch_size = 9\nmilestones = []\n",
    );
    for run in ["a", "b"] {
        bench.works(&["f.toml", "--out", run, "--data-dir", "sets"]);
    }
    bench.assert_same("a", "b");
    let batches = bench.lines("a/batches.jsonl");
    assert_eq!(batches.len(), 3 * 6, "48 samples are left for training");
    assert_eq!(batches[5]["samples"], 3, "the last batch is partial");
    assert_eq!(
        batches[0]["hidden_spikes_by_layer"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(
        bench.text("a/config.toml").contains("/sets\""),
        "the data's folder is kept"
    );
}

#[test]
fn every_formulation_and_readout_trains() {
    let bench = Bench::new();
    let formulations = ["scan", "convolution", "standard-single", "standard-multi"];
    for (index, formulation) in formulations.iter().enumerate() {
        let readout = ["sum", "max", "last"][index % 3];
        let formulation = format!("model.formulation={formulation}");
        let readout = format!("model.readout={readout}");
        bench.works(&[
            "tiny.toml",
            "--out",
            &format!("run{index}"),
            "--set",
            "train.epochs=1",
            "--set",
            &formulation,
            "--set",
            &readout,
            "--set",
            "data.validation=none",
        ]);
    }
    let epoch = &bench.lines("run0/epochs.jsonl")[0];
    assert!(epoch["validation_accuracy"].is_null());
}

#[test]
fn times_to_the_first_spike_are_learnt_and_answer() {
    let bench = Bench::new();
    let arguments = [
        "tiny.toml",
        "--set",
        "model.readout=time-to-first-spike",
        "--set",
        "model.hidden=[40]",
        "--set",
        "train.batch_size=200",
        "--set",
        "train.milestones=[]",
    ];
    let said = bench.works(&[&["check"], &arguments[..]].concat());
    let part = "readout      40 -> 3, time to the first of scan spikes, 126 parameters";
    assert!(said.out.contains(part), "{said:?}");
    bench.works(&[&arguments[..], &["--out", "a"]].concat());
    let summary = bench.json("a/summary.json");
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    // Chance is a third.
    assert!(accuracy > 0.6, "{summary}");
    let tau = ["--set", "model.readout_tau=6.5"];
    bench.works(&[&arguments[..], &tau, &["--out", "b"]].concat());
    let other = &bench.json("b/summary.json")["train_loss"];
    assert_ne!(*other, summary["train_loss"]);

    bench.works(&["eval", "a"]);
    let report = bench.json("a/eval.json");
    assert_eq!(report["test_accuracy"], summary["test_accuracy"]);
    let rows = report["confusion"].as_array().unwrap().iter().enumerate();
    let right = rows.map(|(class, row)| row[class].as_u64().unwrap());
    assert_eq!(right.sum::<u64>() as f64, (accuracy * 10_000.0).round());
    bench.works(&["--resume", "a", "--set", "train.epochs=3"]);
    assert_eq!(bench.lines("a/epochs.jsonl").len(), 3);
}

#[test]
fn a_penalty_of_spikes_makes_them_fewer() {
    let bench = Bench::new();
    let run = |out: &str, set: &[&str]| {
        let all = ["tiny.toml", "--out", out, "--set", "model.hidden=[40]"];
        let rest = [
            "--set",
            "train.batch_size=200",
            "--set",
            "train.milestones=[]",
        ];
        bench.works(&[&all[..], &rest, set].concat());
        let summary = bench.json(&format!("{out}/summary.json"));
        summary["hidden_spikes_per_sample"].as_f64().unwrap()
    };
    let free = run("free", &[]);
    let penalized = run("penalized", &["--set", "train.spike_penalty=0.05"]);
    assert!(penalized < 0.7 * free, "{penalized} of {free}");
    let batch = &bench.lines("penalized/batches.jsonl")[150];
    let spikes = batch["hidden_spikes"].as_f64().unwrap();
    let penalty = batch["penalty"].as_f64().unwrap();
    assert!((penalty - 0.05 * spikes).abs() < 1e-5, "{batch}");
    assert!(batch["loss"].as_f64().unwrap() > penalty, "{batch}");
    let epoch = &bench.lines("penalized/epochs.jsonl")[1];
    let mean = 0.05 * epoch["hidden_spikes"].as_f64().unwrap();
    assert!(
        (epoch["train_penalty"].as_f64().unwrap() - mean).abs() < 1e-5,
        "{epoch}"
    );
    assert!(bench.lines("free/epochs.jsonl")[1]["train_penalty"].is_null());

    // It belongs to the run.
    let other = [
        "--set",
        "train.spike_penalty=0.1",
        "--set",
        "train.epochs=3",
    ];
    let parts = ["`train.spike_penalty` is 0.05 in the run, 0.1 now"];
    let said = bench.run(&[&["--resume", "penalized"], &other[..]].concat());
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains(parts[0]), "{said:?}");
    bench.works(&["--resume", "penalized", "--set", "train.epochs=3"]);
    let parts = ["`train.spike_penalty` is -1", "expected a number from 0"];
    bench.refused(&["tiny.toml", "--set", "train.spike_penalty=-1"], &parts);
}

#[test]
fn a_penalty_of_silence_wakes_silent_neurons() {
    let bench = Bench::new();
    // Far from the threshold this surrogate is 0, so that nothing else moves a silent neuron.
    bench.write(
        "silent.toml",
        "seed = 3\n[data]\nname = \"yin-yang\"\nvalidation = \"none\"\n[encode]\nsteps = 20\n\
         [model]\nhidden = [12]\ninit_scale = 0.05\nformulation = \"standard-single\"\n\
         surrogate = { kind = \"triangular\", scale = 10.0 }\n\
         [train]\nepochs = 3\nbatch_size = 500\nlearning_rate = 0.01\nmilestones = []\n",
    );
    let penalty = ["--set", "train.silence_penalty=1"];
    for (out, set) in [("free", &[][..]), ("penalized", &penalty)] {
        bench.works(&[&["silent.toml", "--out", out], set].concat());
    }
    let spikes = |run: &str| {
        let epochs = bench.lines(&format!("{run}/epochs.jsonl"));
        epochs[2]["hidden_spikes"].as_f64().unwrap()
    };
    assert_eq!(spikes("free"), 0.0);
    assert!(spikes("penalized") > 1.0, "{}", spikes("penalized"));
    let batches = bench.lines("penalized/batches.jsonl");
    let penalty = |index: usize| batches[index]["penalty"].as_f64().unwrap();
    // All are silent at first, and near rest.
    assert!((0.7..1.0).contains(&penalty(0)), "{}", penalty(0));
    assert!(penalty(100) < 0.1 * penalty(0), "{}", penalty(100));
}

#[test]
fn recurrent_layers_train() {
    let bench = Bench::new();
    for (formulation, scale) in [("standard-multi", 1.0), ("standard-single", 0.5)] {
        bench.write(
            "recurrent.toml",
            format!(
                "seed = 3\n[data]\nname = \"yin-yang\"\n[encode]\nsteps = 20\n\
                 [model]\ninit_scale = 4.0\nformulation = {formulation:?}\n\
                 [[model.layers]]\nkind = \"recurrent\"\nneurons = 30\nrecurrent_init_scale = {scale:?}\n\
                 [train]\nepochs = 2\nbatch_size = 200\nlearning_rate = 0.01\nmilestones = []\n"
            ),
        );
        let said = bench.works(&["check", "recurrent.toml"]);
        let part = format!("4 -> 30, recurrent {formulation} spikes, 1080 parameters");
        assert!(said.out.contains(&part), "{said:?}");
        bench.works(&["recurrent.toml", "--out", formulation]);
        let summary = bench.json(&format!("{formulation}/summary.json"));
        let accuracy = summary["test_accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.7, "{summary}");
        // The recurrent weights are kept, and the run goes on with them.
        let bytes = bench.read(&format!("{formulation}/best.safetensors"));
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(
            tensors.tensor("hidden.0.recurrent.weight").unwrap().shape(),
            [30, 30]
        );
        bench.works(&["eval", formulation]);
        let report = bench.json(&format!("{formulation}/eval.json"));
        assert_eq!(report["test_accuracy"].as_f64(), Some(accuracy));
        bench.works(&["--resume", formulation, "--set", "train.epochs=3"]);
    }
}

#[test]
fn images_drive_a_network_as_frames() {
    let bench = Bench::new();
    write_cifar(&bench, "sets", 40);
    bench.write(
        "frames.toml",
        "seed = 3\n[data]\nname = \"cifar-10\"\ndir = \"sets\"\n[encode]\nsteps = 3\ncode = \"frames\"\n\
         [model]\nreadout_init_scale = 2.0\n[model.beta]\nhidden = 1.0\n\
         [[model.layers]]\nkind = \"conv\"\nchannels = 6\nkernel = 3\nstride = 2\ninit = \"glorot-normal\"\n\
         [[model.layers]]\nkind = \"pool\"\nwindow = 3\n\
         [[model.layers]]\nkind = \"linear\"\nneurons = 30\n\
         [train]\nepochs = 4\nbatch_size = 20\nlearning_rate = 0.01\nmilestones = []\n",
    );
    let said = bench.works(&["check", "frames.toml"]);
    for part in [
        "input        3072 units, 3 time steps, frames",
        "training:   200 samples, 0 blank; largest label 9",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in:\n{}", said.out);
    }
    bench.works(&["frames.toml", "--out", "a"]);
    let summary = bench.json("a/summary.json");
    // Chance is a tenth.
    assert!(
        summary["test_accuracy"].as_f64().unwrap() > 0.3,
        "{summary}"
    );
    bench.works(&["a/config.toml", "--out", "b"]);
    bench.assert_same("a", "b");
    bench.works(&["eval", "a"]);
    let report = bench.json("a/eval.json");
    assert_eq!(report["test_accuracy"], summary["test_accuracy"]);

    // As spikes the same images make another run.
    let spikes = ["--set", "encode.code=single-spike"];
    let other = bench.run(&[&["--resume", "a", "--set", "train.epochs=5"], &spikes[..]].concat());
    assert_eq!(other.code, Some(2), "{other:?}");
    let part = "`encode.code` is \"frames\" in the run, \"single-spike\" now";
    assert!(other.err.contains(part), "{other:?}");
    bench.works(
        &[
            &["frames.toml", "--out", "c", "--set", "train.epochs=1"],
            &spikes[..],
        ]
        .concat(),
    );
}

#[test]
fn a_stack_of_layers_trains() {
    let bench = Bench::new();
    bench.write(
        "stack.toml",
        "seed = 3\n[data]\nname = \"yin-yang\"\n[encode]\nsteps = 20\n\
         [model]\ninit_scale = 6.0\nsurrogate = { kind = \"sigmoid\", scale = 4.0 }\n\
         [[model.layers]]\nkind = \"linear\"\nneurons = 12\nbeta = 0.95\n\
         [[model.layers]]\nkind = \"linear\"\nneurons = 12\nskip = true\nformulation = \"standard-multi\"\n\
         [train]\nepochs = 2\nbatch_size = 1000\nlearning_rate = 0.01\nmilestones = []\n",
    );
    let said = bench.works(&["check", "stack.toml"]);
    for part in [
        "hidden.0     4 -> 12, scan spikes, 72 parameters",
        "hidden.1     12 -> 12, standard-multi spikes plus its input, 168 parameters",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in:\n{}", said.out);
    }
    bench.works(&["stack.toml", "--out", "a"]);
    let epochs = bench.lines("a/epochs.jsonl");
    assert!(epochs[1]["train_loss"].as_f64() < epochs[0]["train_loss"].as_f64());
    let layers = epochs[1]["hidden_spikes_by_layer"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    bench.works(&["a/config.toml", "--out", "b"]);
    bench.assert_same("a", "b");
    bench.works(&["eval", "a"]);
    let parts = ["`model.layers.1.skip` is true", "12 units and puts out 9"];
    let set = ["--set", "model.layers.1.neurons=9"];
    bench.refused(&[&["check", "stack.toml"], &set[..]].concat(), &parts);
}

#[test]
fn a_convolutional_stack_trains() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    bench.write(
        "conv.toml",
        "seed = 3\n[data]\nname = \"fashion-mnist\"\ndir = \"sets\"\n[encode]\nsteps = 6\n[model.beta]\nhidden = 1.0\n\
         [[model.layers]]\nkind = \"conv\"\nchannels = 4\nkernel = 5\nstride = 2\npadding = 2\nbeta_of = \"channel\"\n\
         [[model.layers]]\nkind = \"pool\"\nwindow = 2\n\
         [[model.layers]]\nkind = \"conv\"\nchannels = 6\nkernel = 3\ninit = \"kernel\"\nformulation = \"standard-multi\"\n\
         [[model.layers]]\nkind = \"pool\"\nreduction = \"average\"\nwindow = 2\nstride = 1\n\
         [[model.layers]]\nkind = \"flatten\"\n\
         [[model.layers]]\nkind = \"linear\"\nneurons = 20\n\
         [train]\nepochs = 2\nbatch_size = 20\nlearning_rate = 0.01\nmilestones = []\n",
    );
    let said = bench.works(&["check", "conv.toml"]);
    for part in [
        "hidden.0     1x28x28 -> 4x14x14, scan spikes of a 5x5 convolution, 108 parameters",
        "hidden.1     4x14x14 -> 4x7x7, max of 2x2, 0 parameters",
        "hidden.2     4x7x7 -> 6x5x5, standard-multi spikes of a 3x3 convolution, 372 parameters",
        "hidden.3     6x5x5 -> 6x4x4, average of 2x2, moved by 1, 0 parameters",
        "hidden.4     6x4x4 -> 96, in a row, 0 parameters",
        "hidden.5     96 -> 20, scan spikes, 1960 parameters",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in:\n{}", said.out);
    }
    bench.works(&["conv.toml", "--out", "a"]);
    let epochs = bench.lines("a/epochs.jsonl");
    assert!(epochs[1]["train_loss"].as_f64() < epochs[0]["train_loss"].as_f64());
    let layers = epochs[1]["hidden_spikes_by_layer"].as_array().unwrap();
    assert_eq!(layers.len(), 3, "of the layers with neurons");
    bench.works(&["a/config.toml", "--out", "b"]);
    bench.assert_same("a", "b");
    bench.works(&["eval", "a"]);
}

#[test]
fn fixed_betas_stay_fixed_after_a_milestone() {
    let bench = Bench::new();
    bench.works(&[
        "tiny.toml",
        "--out",
        "run",
        "--set",
        "model.beta.trained=false",
    ]);
    let bytes = bench.read("run/last.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for (name, expected) in [
        ("hidden.0.beta", 0.904_837_4_f32),
        ("readout.beta", 0.951_229_4),
    ] {
        let tensor = tensors.tensor(name).unwrap();
        let (values, _) = tensor.data().as_chunks::<4>();
        for &value in values {
            assert!(
                (f32::from_le_bytes(value) - expected).abs() < 1e-6,
                "{name}"
            );
        }
    }
}

#[test]
fn silent_and_saturated_layers_are_named() {
    let bench = Bench::new();
    let slow = [
        "--set",
        "train.learning_rate=1e-9",
        "--set",
        "train.epochs=1",
    ];
    let silent = [&["tiny.toml", "--set", "model.init_scale=1e-6"], &slow[..]].concat();
    let said = bench.works(&silent);
    assert!(
        said.err
            .contains("hidden.0 stayed silent for all of epoch 1"),
        "{said:?}"
    );

    // Without leak a neuron whose weights have a positive sum fires on every sample.
    let loud = [
        "--set",
        "model.init_scale=1e6",
        "--set",
        "model.beta.hidden=1",
        "--set",
    ];
    let warned = (0..8).any(|seed| {
        let one = [
            "tiny.toml",
            "--set",
            "model.hidden=[1]",
            "--set",
            &format!("seed={seed}"),
        ];
        let arguments = [&one[..], &loud, &["data.validation=none"], &slow].concat();
        bench
            .works(&arguments)
            .err
            .contains("hidden.0 was saturated for all of epoch 1")
    });
    assert!(warned);
}

#[test]
fn a_loss_that_is_no_number_ends_the_run() {
    let bench = Bench::new();
    let said = bench.run(&[
        "tiny.toml",
        "--out",
        "run",
        "--set",
        "train.learning_rate=1e38",
    ]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the loss is "), "{said:?}");
    for part in [
        "epoch 1, batch ",
        "at a learning rate of 1e38",
        "from layer `",
        "by --resume with --accept-changes from the last checkpoint, which is kept",
    ] {
        assert!(said.err.contains(part), "{part:?}: {said:?}");
    }
    // The run is as it was before the epoch, and comes to the same end.
    let again = bench.run(&["--resume", "run"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("the loss is "), "{again:?}");
    assert!(said.err.contains("train.learning_rate"), "{said:?}");
    assert!(!said.err.contains("panicked"), "{said:?}");
}

#[test]
fn recordings_of_ones_own() {
    let bench = Bench::new();
    let recordings = recordings(4, 100, 0.2);
    for file in ["train.h5", "test.h5"] {
        write_flat(&bench.path(file), &recordings, &NO_NAMES).unwrap();
    }
    bench.write(
        "own.toml",
        "[data]\nname = \"events\"\ntrain = \"train.h5\"\ntest = \"test.h5\"\naugment = true\n\
         [encode]\nsteps = 50\ndt = 4.0\n[model]\nhidden = [40]\n\
         [train]\nepochs = 20\nbatch_size = 8\nlearning_rate = 0.01\nmilestones = []",
    );
    bench.works(&["own.toml", "--out", "a"]);
    let summary = bench.json("a/summary.json");
    assert_eq!(summary["data"], "events");
    // Each class has units of its own.
    assert!(
        summary["test_accuracy"].as_f64().unwrap() > 0.9,
        "{summary}"
    );
    // What a run wrote down makes it again.
    bench.works(&["a/config.toml", "--out", "b"]);
    bench.assert_same("a", "b");
    // From anywhere, too.
    let (run, elsewhere) = (bench.path("a"), Bench::new());
    elsewhere.works(&["eval", run.to_str().unwrap()]);

    let said = bench.works(&["check", "own.toml", "--set", "encode.dt=0.4"]);
    let part = "90.0 % of its events (2160 of 2400) come outside of the 20 ms";
    assert!(said.out.contains(part), "{said:?}");
}

/// The weights of a run's best model with some numbers of a tensor changed.
fn change_best(bench: &Bench, name: &str, change: impl Fn(usize, f32) -> f32) {
    let bytes = bench.read("run/best.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let data = tensors.tensor(name).unwrap().data();
    let at = data.as_ptr() as usize - bytes.as_ptr() as usize;
    let mut changed = bytes.clone();
    for (index, place) in changed[at..at + data.len()].chunks_exact_mut(4).enumerate() {
        let value = f32::from_le_bytes(place.try_into().unwrap());
        place.copy_from_slice(&change(index, value).to_le_bytes());
    }
    // As an earlier runner wrote them, which kept no checksum.
    let tensors = SafeTensors::deserialize(&changed).unwrap();
    bench.write(
        "run/best.safetensors",
        serialize(tensors.iter(), None).unwrap(),
    );
}

#[test]
fn a_beta_beyond_its_range_and_weights_that_are_no_numbers_are_told_by_eval() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    // With a checkpoint they would not be the run's.
    for file in ["resume.safetensors", "resume-previous.safetensors"] {
        fs::remove_file(bench.path(&format!("run/{file}"))).unwrap();
    }
    for name in ["hidden.0.beta", "readout.beta"] {
        change_best(&bench, name, |_, beta| beta.clamp(0.0, 1.0));
    }
    assert!(!bench.works(&["eval", "run"]).err.contains("beyond"));
    change_best(&bench, "hidden.0.beta", |index, beta| match index {
        0 => 1.5,
        1 => -0.25,
        _ => beta,
    });
    let said = bench.works(&["eval", "run"]);
    let part =
        "best.safetensors: decays β beyond [0, 1]: 2 of 12 in `hidden.0.beta` (-0.25 to 1.5)";
    assert!(said.err.contains(part), "{said:?}");
    change_best(
        &bench,
        "readout.linear.weight",
        |index, value| match index {
            3 => f32::NAN,
            _ => value,
        },
    );
    let said = bench.run(&["eval", "run"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let part =
        "error: run/best.safetensors: `readout.linear.weight` holds a number that is not finite";
    assert!(said.err.contains(part), "{said:?}");
}

#[test]
fn the_folder_that_is_named_holds_the_recordings_of_a_new_run() {
    let bench = Bench::new();
    for (folder, units) in [("", 100), ("other/", 60)] {
        fs::create_dir_all(bench.path(folder)).unwrap();
        for file in ["train.h5", "test.h5"] {
            let recordings = recordings(4, units, 0.2);
            write_flat(
                &bench.path(&format!("{folder}{file}")),
                &recordings,
                &NO_NAMES,
            )
            .unwrap();
        }
    }
    bench.write(
        "own.toml",
        "[data]\nname = \"events\"\ntrain = \"train.h5\"\ntest = \"test.h5\"\n[encode]\nsteps = 50\ndt = 4.0\n\
         [model]\nhidden = [10]\n[train]\nepochs = 1\nbatch_size = 20",
    );
    let here = bench.works(&["check", "own.toml"]);
    let there = bench.works(&["check", "own.toml", "--data-dir", "other"]);
    for (said, units) in [(&here, 100), (&there, 60)] {
        let part = format!("input        {units} units");
        assert!(said.out.contains(&part), "{said:?}");
    }
    bench.refused(
        &["check", "own.toml", "--data-dir", "nowhere"],
        &["train.h5", "nowhere"],
    );
    bench.works(&["own.toml", "--out", "run", "--data-dir", "other"]);
    let config = bench.text("run/config.toml");
    assert!(config.contains("other/train.h5"), "{config}");
}

#[test]
fn weights_that_are_not_the_run_s_are_refused() {
    let bench = Bench::new();
    for (run, seed) in [("run", "seed=3"), ("other", "seed=4")] {
        bench.works(&[
            "tiny.toml",
            "--out",
            run,
            "--set",
            "train.epochs=1",
            "--set",
            seed,
        ]);
    }
    let said = bench.works(&["eval", "run"]);
    assert!(
        !said.err.contains("cannot be told") && !said.err.contains("checksum"),
        "{said:?}"
    );
    let file = "run/best.safetensors";
    let whole = bench.read(file);
    let anew = "--resume run writes it anew from the checkpoint";
    // A bit of a weight, of the header and of the checksum, and a file that was cut.
    for at in [whole.len() - 6, 20, 120] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bench.write(file, bytes);
        bench.refused(&["eval", "run"], &["run/best.safetensors: ", anew]);
    }
    bench.write(file, &whole[..whole.len() - 8]);
    bench.refused(
        &["eval", "run"],
        &["run/best.safetensors: not a whole file of weights", anew],
    );
    // Whole, but another's: another run's, and this one's without a checksum and with another number.
    bench.write(file, bench.read("other/best.safetensors"));
    let other =
        "found other weights than those of the run's best epoch, which resume.safetensors has";
    bench.refused(&["eval", "run"], &[other, anew]);
    bench.write(file, &whole);
    change_best(&bench, "readout.linear.weight", |index, value| {
        value + f32::from(index == 0)
    });
    bench.refused(&["eval", "run"], &[other]);
    // As the remedy says.
    let said = bench.works(&["--resume", "run"]);
    assert!(
        said.err
            .contains("is not what the checkpoint says of the best epoch, and is written anew"),
        "{said:?}"
    );
    assert!(bench.read(file) == whole);
    assert!(
        !bench
            .works(&["--resume", "run"])
            .err
            .contains("written anew")
    );

    // Without a checkpoint, or with a damaged one, the checksum in the file is what is left.
    bench.write("run/resume.safetensors", "");
    let said = bench.works(&["eval", "run"]);
    assert_eq!(
        said.err
            .matches("it cannot be told whether it belongs to the run")
            .count(),
        1,
        "{said:?}"
    );
    for name in ["resume.safetensors", "resume-previous.safetensors"] {
        fs::remove_file(bench.path(&format!("run/{name}"))).unwrap();
    }
    bench.works(&["eval", "run"]);
    let mut bytes = whole.clone();
    bytes[whole.len() - 6] ^= 1;
    bench.write(file, bytes);
    bench.refused(
        &["eval", "run"],
        &["its content does not have its checksum: the file was changed or damaged; put it back from a copy"],
    );
    bench.write(file, &whole);
    change_best(&bench, "readout.linear.weight", |_, value| value);
    let said = bench.works(&["eval", "run"]);
    assert_eq!(
        said.err.matches("kept no checksum of weights").count(),
        1,
        "{said:?}"
    );
}

#[test]
fn weights_of_the_checkpoint_before_are_the_run_s() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run"]);
    let previous = bench.read("run/resume-previous.safetensors");
    let tensors = SafeTensors::deserialize(&previous).unwrap();
    // As if the process had ended between the checkpoint and the weights.
    bench.write(
        "run/best.safetensors",
        tensors.tensor("best").unwrap().data(),
    );
    let said = bench.works(&["eval", "run"]);
    assert!(
        said.err.contains("of the checkpoint before the last one"),
        "{said:?}"
    );
    bench.works(&["--resume", "run"]);
    assert!(
        !bench
            .works(&["eval", "run"])
            .err
            .contains("before the last one")
    );
}

#[test]
fn a_training_that_diverges_says_where_and_goes_on_as_it_says() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    let checkpoint = bench.read("run/best.safetensors");
    let rate = [
        "--set",
        "train.learning_rate=1e38",
        "--set",
        "train.epochs=3",
        "--accept-changes",
    ];
    let said = bench.run(&[&["--resume", "run"], &rate[..]].concat());
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in [
        "epoch 2, b",
        "at a learning rate of ",
        "by --resume with --accept-changes from the last checkpoint, which is kept",
    ] {
        assert!(said.err.contains(part), "{part:?} is not in {said:?}");
    }
    let lower = ["--set", "train.learning_rate=0.01", "--accept-changes"];
    let said = bench.works(&[&["--resume", "run"], &lower[..]].concat());
    assert!(
        said.err.contains("accepted: `train.learning_rate` is "),
        "{said:?}"
    );
    assert_eq!(bench.json("run/summary.json")["epochs"], 3);
    assert!(bench.read("run/best-until-epoch-1.safetensors") == checkpoint);
}

#[test]
fn a_parameter_that_is_no_number_ends_the_run_within_ten_batches() {
    let bench = Bench::new();
    let arguments = [
        "tiny.toml",
        "--out",
        "run",
        "--set",
        "train.batch_size=100",
        "--set",
        "train.learning_rate=1e30",
    ];
    let said = bench.run(&arguments);
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in [
        "error: epoch 1, between batches 1 and 10: `",
        "` came to hold a number that is not finite, at a learning rate of 1e30; lower",
        "by --resume with --accept-changes from the last checkpoint, which is kept",
    ] {
        assert!(said.err.contains(part), "{part:?} is not in {said:?}");
    }
    assert!(
        !bench
            .path("run/epochs.jsonl")
            .metadata()
            .is_ok_and(|log| log.len() > 0)
    );
}
