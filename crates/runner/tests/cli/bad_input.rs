//! What a person may get wrong: one clear line, exit code 2, no panic.

use crate::util::{self, Bench, write_images};

#[test]
fn missing_config() {
    let parts = ["cannot read nowhere.toml", "expected a TOML config"];
    Bench::new().refused(&["nowhere.toml"], &parts);
}

#[test]
fn config_that_is_a_folder() {
    Bench::new().refused(&["."], &["cannot read .", "expected a TOML config"]);
}

#[test]
fn broken_toml() {
    let bench = Bench::new();
    bench.write("a.toml", "seed = 1\n[train\nepochs = 3\n");
    bench.refused(&["a.toml"], &["a.toml: line 2, column ", "not TOML"]);
}

#[test]
fn config_that_is_not_text() {
    let bench = Bench::new();
    bench.write("a.toml", [b'a', 0xff, 0xfe]);
    bench.refused(
        &["a.toml"],
        &["cannot read a.toml", "line 1 is not UTF-8 text"],
    );
}

#[test]
fn unknown_key() {
    let bench = Bench::new();
    bench.write("a.toml", "[train]\nlearning_rat = 0.1\n");
    let parts = [
        "a.toml: unknown key `train.learning_rat`",
        "nearest known key is `train.learning_rate`",
    ];
    bench.refused(&["a.toml"], &parts);
}

#[test]
fn unknown_key_in_set() {
    let parts = ["--set train.epoch=3: unknown key", "`train.epochs`"];
    Bench::new().refused(&["tiny.toml", "--set", "train.epoch=3"], &parts);
}

#[test]
fn set_without_a_value() {
    let parts = ["--set train.epochs: expected key=value"];
    Bench::new().refused(&["tiny.toml", "--set", "train.epochs"], &parts);
}

#[test]
fn wrong_type() {
    let bench = Bench::new();
    bench.write("a.toml", "[train]\nepochs = \"ten\"\n");
    let parts = [
        "a.toml: `train.epochs` is \"ten\" (string)",
        "expected an integer",
    ];
    bench.refused(&["a.toml"], &parts);
}

#[test]
fn negative_beta() {
    let bench = Bench::new();
    bench.write("a.toml", "[model.beta]\nhidden = -0.1\n");
    let parts = [
        "`model.beta.hidden` is -0.1",
        "expected a number from 0 to 1",
    ];
    bench.refused(&["a.toml"], &parts);
}

#[test]
fn zero_steps() {
    let parts = ["`encode.steps` is 0", "expected an integer from 1"];
    Bench::new().refused(&["tiny.toml", "--set", "encode.steps=0"], &parts);
}

#[test]
fn zero_epochs() {
    let parts = ["`train.epochs` is 0", "expected an integer from 1"];
    Bench::new().refused(&["tiny.toml", "--set", "train.epochs=0"], &parts);
}

#[test]
fn unknown_data_set() {
    let parts = ["`data.name` is \"emnist\"", "\"fashion-mnist\""];
    Bench::new().refused(&["tiny.toml", "--set", "data.name=emnist"], &parts);
}

#[test]
fn validation_that_leaves_no_sample() {
    let parts = [
        "--set data.validation=1e-5: `data.validation` is 0.00001, expected between 0 and 1",
        "at least one of 20000 samples",
    ];
    Bench::new().refused(&["tiny.toml", "--set", "data.validation=1e-5"], &parts);
}

#[test]
fn skip_between_unequal_layers() {
    let arguments = ["--set", "model.hidden=[3, 4]", "--set", "model.skip=true"];
    let parts = ["`model.hidden` is [3, 4]", "equal width"];
    Bench::new().refused(&[&["tiny.toml"], &arguments[..]].concat(), &parts);
}

#[test]
fn readouts_that_cannot_be() {
    let bench = Bench::new();
    let first = "model.readout=time-to-first-spike";
    let multi = ["--set", first, "--set", "model.formulation=standard-multi"];
    let parts = [
        "`model.readout` is \"time-to-first-spike\" beside formulation = \"standard-multi\"",
        "several spikes have no single time",
    ];
    bench.refused(&[&["tiny.toml"], &multi[..]].concat(), &parts);
    let parts = [
        "--set model.readout_tau=5: `model.readout_tau` is 5",
        "expected no such key unless readout = \"time-to-first-spike\"",
    ];
    bench.refused(&["tiny.toml", "--set", "model.readout_tau=5"], &parts);
}

#[test]
fn recurrence_in_the_block_model() {
    let bench = Bench::new();
    let layer =
        "[data]\nname = \"yin-yang\"\n[[model.layers]]\nkind = \"recurrent\"\nneurons = 5\n";
    for (name, whose, own) in [
        ("scan", ", which is the model's,", ""),
        ("convolution", "", "formulation = \"convolution\"\n"),
    ] {
        bench.write("a.toml", format!("{layer}{own}"));
        let found = format!("`model.layers.0.formulation` is {name:?}{whose} in a recurrent layer");
        let parts = [
            &*found,
            "expected \"standard-single\" or \"standard-multi\", here or in the model",
            "needs the spikes of the step before",
        ];
        bench.refused(&["check", "a.toml"], &parts);
        bench.refused(&["a.toml", "--out", "run"], &parts);
        assert!(!bench.path("run").exists());
    }
}

#[test]
fn a_code_that_is_none_or_is_not_for_recordings() {
    let bench = Bench::new();
    let parts = [
        "`encode.code` is \"rate\"",
        "expected \"single-spike\" or \"frames\"",
    ];
    bench.refused(&["tiny.toml", "--set", "encode.code=rate"], &parts);
    bench.write(
        "a.toml",
        "[data]\nname = \"synthetic\"\n[encode]\ncode = \"frames\"\n",
    );
    let parts = [
        "a.toml: `encode.code` is \"frames\"",
        "expected no such key for synthetic, which has recordings, not values",
    ];
    bench.refused(&["a.toml"], &parts);
}

/// Expects that a stack of layers on pictures of 28 by 28 is refused, by `check` and by a training.
fn refused_stack(layers: &str, parts: &[&str]) {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    let data = "[data]\nname = \"fashion-mnist\"\ndir = \"sets\"\n";
    bench.write("a.toml", format!("{data}{layers}"));
    bench.refused(&["check", "a.toml"], parts);
    bench.refused(&["a.toml", "--out", "run"], parts);
    assert!(!bench.path("run").exists());
}

#[test]
fn convolution_of_units_without_a_shape() {
    let layers = "[[model.layers]]\nkind = \"linear\"\nneurons = 50\n\
                  [[model.layers]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\n";
    let parts = [
        "`model.layers.1.kind` is \"conv\" on an input of 50",
        "expected \"conv\" on an input of channels x rows x columns, as 1x28x28",
    ];
    refused_stack(layers, &parts);
}

#[test]
fn pooling_of_units_without_a_shape() {
    let layers =
        "[[model.layers]]\nkind = \"flatten\"\n[[model.layers]]\nkind = \"pool\"\nwindow = 2\n";
    let parts = [
        "`model.layers.1.kind` is \"pool\" on an input of 784",
        "expected",
    ];
    refused_stack(layers, &parts);
}

#[test]
fn kernel_larger_than_its_input() {
    let layers = "[[model.layers]]\nkind = \"pool\"\nwindow = 4\n\
                  [[model.layers]]\nkind = \"conv\"\nchannels = 4\nkernel = 12\npadding = 2\n";
    let parts = [
        "`model.layers.1.kernel` is 12 on an input of 1x7x7 with a padding of 2",
        "expected at most 11",
    ];
    refused_stack(layers, &parts);
}

#[test]
fn pooling_that_leaves_nothing() {
    let layers = "[[model.layers]]\nkind = \"conv\"\nchannels = 3\nkernel = 26\n\
                  [[model.layers]]\nkind = \"pool\"\nwindow = 4\n";
    let parts = [
        "`model.layers.1.window` is 4 on an input of 3x3x3",
        "expected at most 3",
    ];
    refused_stack(layers, &parts);
}

#[test]
fn skip_connection_around_a_convolution() {
    let layers = "[model]\nskip = true\n[[model.layers]]\nkind = \"linear\"\nneurons = 784\n\
                  [[model.layers]]\nkind = \"flatten\"\n";
    let parts = [
        "`model.layers.1.kind` is \"flatten\" beside skip = true",
        "\"linear\"",
    ];
    refused_stack(layers, &parts);
}

#[test]
fn kernel_without_a_size_or_a_step() {
    for (key, value) in [
        ("kernel", 0),
        ("stride", 0),
        ("channels", 0),
        ("kernel", 5000),
    ] {
        let mut keys = [("channels", 4), ("kernel", 3), ("stride", 1)];
        for (name, number) in &mut keys {
            if *name == key {
                *number = value;
            }
        }
        let keys = keys.map(|(name, number)| format!("{name} = {number}\n"));
        let layers = format!("[[model.layers]]\nkind = \"conv\"\n{}", keys.concat());
        let found = format!("`model.layers.0.{key}` is {value}");
        refused_stack(&layers, &[&found, "expected an integer from 1"]);
    }
}

#[test]
fn layers_that_do_not_fit_the_data_name_file_or_option() {
    let bench = Bench::new();
    let layer = "[[model.layers]]\nkind = \"linear\"\nneurons = 5\n";
    bench.write(
        "a.toml",
        format!("[data]\nname = \"yin-yang\"\n{layer}skip = true\n"),
    );
    let parts = [
        "a.toml: `model.layers.0.skip` is true",
        "takes 4 units and puts out 5",
    ];
    bench.refused(&["a.toml"], &parts);
    bench.write("b.toml", format!("[data]\nname = \"yin-yang\"\n{layer}"));
    let set = "model.layers.0.skip=true";
    let parts = [format!("--set {set}: `model.layers.0.skip` is true")];
    let parts = parts.each_ref().map(String::as_str);
    bench.refused(&["b.toml", "--set", set, "--out", "run"], &parts);
    assert!(!bench.path("run").exists());
}

#[test]
fn skip_that_no_layer_takes_is_said() {
    let said = Bench::new().works(&["check", "tiny.toml", "--set", "model.skip=true"]);
    let line = "doubtful     model.skip has no effect";
    assert!(said.out.contains(line), "{said:?}");
}

#[test]
fn a_level_of_logging_that_does_not_exist() {
    let bench = Bench::new();
    let mut command = bench.command(&["check", "tiny.toml"]);
    let said = crate::util::said(command.env("RUNNER_LOG", "nonsense").spawn().unwrap());
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(
        said.err
            .contains("RUNNER_LOG is \"nonsense\", expected off, error,"),
        "{said:?}"
    );
    for level in ["", "warn", "OFF"] {
        let mut command = bench.command(&["check", "tiny.toml"]);
        let said = crate::util::said(command.env("RUNNER_LOG", level).spawn().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

#[test]
fn output_below_a_file() {
    let bench = Bench::new();
    bench.write("file", "");
    let parts = ["cannot write file/run", "--out"];
    bench.refused(&["tiny.toml", "--out", "file/run"], &parts);
}

#[test]
fn output_that_is_a_file() {
    let bench = Bench::new();
    bench.write("file", "");
    bench.refused(&["tiny.toml", "--out", "file"], &["cannot write file"]);
}

#[test]
fn unknown_device() {
    let parts = ["device abacus: unknown", "expected auto, cpu, cuda"];
    Bench::new().refused(&["tiny.toml", "--device", "abacus"], &parts);
}

#[test]
fn gpus_that_are_not_there() {
    // Not compiled in, or no hundredth of them.
    for device in ["cuda:99", "wgpu:99"] {
        let parts = [&format!("device {device}: "), "--device cpu"];
        Bench::new().refused(&["tiny.toml", "--device", device], &parts);
    }
}

#[test]
fn resume_of_a_folder_that_is_no_run() {
    let bench = Bench::new();
    let parts = ["nowhere is not the folder of a run", "no such folder"];
    bench.refused(&["--resume", "nowhere"], &parts);
    let parts = [". is not the folder of a run", "no config.toml"];
    bench.refused(&["--resume", "."], &parts);
    bench.refused(&["--resume", "tiny.toml"], &["it is a file"]);
}

#[test]
fn resume_of_a_run_without_a_checkpoint() {
    let bench = Bench::new();
    bench.write("run/config.toml", "[data]\nname = \"yin-yang\"\n");
    let parts = ["run/resume.safetensors: missing", "start it anew"];
    bench.refused(&["--resume", "run"], &parts);
}

#[test]
fn resume_without_both_checkpoints() {
    let bench = Bench::new();
    bench.works(&["tiny.toml", "--out", "run"]);
    for file in ["run/resume.safetensors", "run/resume-previous.safetensors"] {
        std::fs::remove_file(bench.path(file)).unwrap();
    }
    let parts = [
        "run/resume.safetensors: missing, as resume-previous.safetensors is, though epochs.jsonl has epochs",
        "put one of them back from a copy, or start the run anew",
    ];
    bench.refused(&["--resume", "run"], &parts);
}

/// What cannot be written to standard output is no success.
#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_told() {
    let bench = Bench::new();
    for arguments in [&["keys"][..], &["check", "tiny.toml"], &["data", "list"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = bench.command(arguments);
        let said = util::said(command.stdout(full.unwrap()).spawn().unwrap());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.err.contains("cannot write standard output: "),
            "{said:?}"
        );
        assert!(
            said.err
                .contains("; redirect the output to where there is room"),
            "{said:?}"
        );
        // A reader that has gone is no fault.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = bench.command(arguments);
        let gone = util::said(command.stdout(writer).spawn().unwrap());
        assert_eq!((gone.code, gone.err.as_str()), (Some(0), ""));
    }
}

#[test]
fn eval_of_a_folder_that_is_no_run() {
    let bench = Bench::new();
    bench.refused(
        &["eval", "nowhere"],
        &["nowhere is not the folder of a run"],
    );
    bench.write("run/config.toml", "[data]\nname = \"yin-yang\"\n");
    bench.refused(&["eval", "run"], &["cannot read run/best.safetensors"]);
}

#[test]
fn arguments_that_make_no_command() {
    let bench = Bench::new();
    bench.refused(&[], &["expected a config", "--help"]);
    bench.refused(&["tiny.toml", "--bogus"], &["--bogus", "--help"]);
    bench.refused(&["tiny.toml", "--resume", "run"], &["--resume", "--help"]);
    bench.refused(&["--resume", "run", "--out", "b"], &["--out", "--help"]);
    let parts = ["'[CONFIG.toml]' cannot be used with '--accept-changes'"];
    bench.refused(&["tiny.toml", "--accept-changes"], &parts);
    bench.refused(&["eval"], &["RUN", "--help"]);
    bench.refused(&["tiny.toml", "--device"], &["--device", "--help"]);
}

#[test]
fn options_before_a_command() {
    let bench = Bench::new();
    let eval = ["before the command", "`runner eval [OPTIONS] RUN`"];
    let refused = |arguments: &[&str], found: &str| {
        bench.refused(arguments, &[&[found], &eval[..]].concat());
    };
    refused(&["--device", "cpu", "eval", "foo"], "found --device");
    refused(&["--data-dir", "x", "eval", "foo"], "found --data-dir");
    refused(&["--out", "x", "eval", "foo"], "found --out");
    refused(&["tiny.toml", "eval", "foo"], "found tiny.toml");
    let parts = ["found --set", "`runner check [OPTIONS] CONFIG.toml`"];
    bench.refused(&["--set", "seed=1", "check", "tiny.toml"], &parts);
    let parts = ["unexpected argument 'extra'", "one config"];
    bench.refused(&["tiny.toml", "extra"], &parts);
    bench.refused(&["tiny.toml", "--device", "cpu", "extra"], &parts);
    bench.refused(&["eval", "run", "extra"], &parts);
}

#[cfg(target_os = "linux")]
#[test]
fn more_memory_than_there_is() {
    let bench = Bench::new();
    for set in ["model.hidden=[16777216, 16777216]", "encode.steps=16777216"] {
        let (key, value) = set.split_once('=').unwrap();
        let key = format!("`{key}` = {value}");
        let place = format!("error: --set {set}: with ");
        let place = if set.starts_with("model") {
            place.as_str()
        } else {
            "error: tiny.toml: with "
        };
        let parts = [
            place,
            &key,
            "`train.batch_size` = 1000",
            "GiB are available",
        ];
        bench.refused(&["check", "tiny.toml", "--set", set], &parts);
        bench.refused(&["tiny.toml", "--set", set, "--out", "run"], &parts);
    }
    assert!(!bench.path("run").exists());
}

#[cfg(unix)]
#[test]
fn a_folder_of_data_sets_that_is_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;

    let bench = Bench::new();
    let mut command = bench.command(&["tiny.toml", "--data-dir"]);
    command.arg(std::ffi::OsStr::from_bytes(b"sets-\xff"));
    let said = crate::util::said(command.spawn().unwrap());
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("--data-dir is "), "{said:?}");
    assert!(said.err.contains("valid UTF-8"), "{said:?}");
}
