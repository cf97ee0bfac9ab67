//! `~`, colours, and configs as editors save them.

use std::fs;

use block_data::write_flat;

use crate::util::{Bench, NO_NAMES, Said, recordings, said};

fn at_home(bench: &Bench, arguments: &[&str]) -> Said {
    let mut command = bench.command(arguments);
    said(command.env("HOME", bench.path("home")).spawn().unwrap())
}

#[cfg(unix)]
#[test]
fn a_tilde_is_the_home_folder() {
    let bench = Bench::new();
    bench.write("home/tiny.toml", crate::util::TINY);
    let works = |arguments: &[&str]| {
        let said = at_home(&bench, arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    };
    works(&["~/tiny.toml", "--out=~/runs/a", "--data-dir=~/sets"]);
    assert!(bench.path("home/runs/a/summary.json").exists());
    let dir = format!("dir = {:?}", bench.path("home/sets"));
    assert!(bench.text("home/runs/a/config.toml").contains(&dir));
    works(&["--resume", "~/runs/a"]);
    works(&["eval", "~/runs/a"]);
    works(&["check", "~/tiny.toml", "--set", "data.dir=~/other"]);

    let made = recordings(4, 8, 0.05);
    for name in ["train.h5", "test.h5"] {
        write_flat(&bench.path(&format!("home/{name}")), &made, &NO_NAMES).unwrap();
    }
    let own = "[data]\nname = \"events\"\ntrain = \"~/train.h5\"\ntest = \"~/test.h5\"\n\
               [encode]\nsteps = 10\ndt = 5\n[model]\nhidden = [5]\n[train]\nepochs = 1\n";
    bench.write("own.toml", own);
    works(&["own.toml", "--out", "own"]);
    let train = format!("train = {:?}", bench.path("home/train.h5"));
    assert!(bench.text("own/config.toml").contains(&train));
    works(&["data", "show", "~/train.h5", "--out=~/picture.svg"]);
    assert!(bench.path("home/picture.svg").exists());
    works(&["data", "check", "~/train.h5"]);
    assert!(!bench.path("~").exists());
}

#[test]
fn somebody_elses_home_is_refused() {
    let bench = Bench::new();
    for arguments in [
        &["~you/tiny.toml"][..],
        &["tiny.toml", "--out=~you/run"],
        &["tiny.toml", "--data-dir=~you"],
        &["tiny.toml", "--set", "data.dir=~you"],
        &["--resume", "~you/run"],
        &["eval", "~you/run"],
        &["check", "~you/tiny.toml"],
        &["data", "list", "--data-dir=~you"],
        &["data", "check", "~you/a.h5"],
        &["data", "convert", "~you/a.h5", "--out", "b.h5"],
    ] {
        bench.refused(arguments, &["~you", "write the path out"]);
    }
    let mut command = bench.command(&["tiny.toml"]);
    let said = said(command.env("BLOCK_DATA", "~you/sets").spawn().unwrap());
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("BLOCK_DATA: ~you/sets"), "{said:?}");
    let mut command = bench.command(&["tiny.toml", "--out=~/run"]);
    let said = crate::util::said(command.env("HOME", "relative").spawn().unwrap());
    assert_eq!(said.code, Some(2), "{said:?}");
    let names = fs::read_dir(bench.path(".")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["tiny.toml"]);
}

/// A named pipe would be waited for, as long as nobody writes to it.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let bench = Bench::new();
    let pipe = |name: &str| {
        let _ = fs::remove_file(bench.path(name));
        let made = std::process::Command::new("mkfifo")
            .arg(bench.path(name))
            .status();
        assert!(made.unwrap().success());
    };
    pipe("pipe");
    let part = "it is a named pipe, expected a file";
    bench.refused(&["pipe"], &["cannot read pipe", part]);
    bench.refused(&["check", "pipe"], &["cannot read pipe", part]);
    bench.write(
        "own.toml",
        "[data]\nname = \"events\"\ntrain = \"pipe\"\ntest = \"pipe\"\n[encode]\nsteps = 5\ndt = 1.0",
    );
    bench.refused(&["check", "own.toml"], &["/pipe: ", part]);
    bench.refused(&["check", "own.toml", "--set", "data.name=idx"], &["pipe"]);
    bench.works(&["tiny.toml", "--out", "run", "--set", "train.epochs=1"]);
    for name in [
        "config.toml",
        "environment.json",
        "epochs.jsonl",
        "batches.jsonl",
        "summary.json",
        "best.safetensors",
        "last.safetensors",
        "resume.safetensors",
        "resume-previous.safetensors",
        ".lock",
    ] {
        let name = format!("run/{name}");
        let whole = bench.read(&name);
        pipe(&name);
        bench.refused(&["--resume", "run"], &[&name, part]);
        bench.refused(&["eval", "run"], &[&name, part]);
        fs::remove_file(bench.path(&name)).unwrap();
        bench.write(&name, whole);
    }
    bench.works(&["--resume", "run"]);
    fs::create_dir(bench.path("new")).unwrap();
    pipe("new/.lock");
    bench.refused(&["tiny.toml", "--out", "new"], &["new/.lock", part]);
    // What a shell hands over is no file either, but meant.
    let script = format!(
        "{} check /dev/stdin < tiny.toml",
        env!("CARGO_BIN_EXE_runner")
    );
    let mut shell = std::process::Command::new("sh");
    let output = shell
        .args(["-c", &format!("cat tiny.toml | {script}")])
        .current_dir(bench.path("."));
    assert!(output.output().unwrap().status.success());
}

#[test]
fn what_goes_to_a_pipe_has_no_colours() {
    let bench = Bench::new();
    for arguments in [
        &[
            "tiny.toml",
            "--out",
            "run",
            "--set",
            "model.init_scale=0.001",
        ][..],
        &["tiny.toml", "--out", "run"],
        &["tiny.toml", "--bogus"],
        &["--help"],
        &["eval", "run"],
        &["data", "list"],
    ] {
        let said = bench.run(arguments);
        assert!(
            !said.err.contains('\x1b') && !said.out.contains('\x1b'),
            "{said:?}"
        );
        assert!(
            !said.err.is_empty() || !said.out.is_empty(),
            "{arguments:?}"
        );
    }
    assert!(bench.works(&["--resume", "run"]).err.contains("INFO"));
}

#[test]
fn other_encodings_are_told_as_such_and_a_byte_order_mark_is_none_of_the_text() {
    let bench = Bench::new();
    let text = crate::util::TINY.trim_start();
    let units: Vec<u16> = text.encode_utf16().collect();
    let little = units.iter().flat_map(|unit| unit.to_le_bytes());
    let big = units.iter().flat_map(|unit| unit.to_be_bytes());
    let files: [Vec<u8>; 4] = [
        [0xff, 0xfe].into_iter().chain(little.clone()).collect(),
        [0xfe, 0xff].into_iter().chain(big.clone()).collect(),
        little.collect(),
        big.collect(),
    ];
    let refused = |file: &[u8], encoding: &str| {
        bench.write("a.toml", file);
        let is = format!("it is {encoding} text");
        let parts = ["cannot read a.toml", &is, "saved as UTF-8", "TOML config"];
        bench.refused(&["a.toml"], &parts);
    };
    for file in files {
        refused(&file, "UTF-16");
    }
    let words: Vec<u32> = text.chars().map(u32::from).collect();
    let little: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let big: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    for (mark, file) in [([0xff, 0xfe, 0, 0], little), ([0, 0, 0xfe, 0xff], big)] {
        refused(&file, "UTF-32");
        refused(&[&mark[..], &file].concat(), "UTF-32");
    }
    // Latin-1 has no mark; what is no text is not told as any.
    bench.write("a.toml", b"seed = 3\n# \xfcber\n");
    bench.refused(&["a.toml"], &["a.toml: line 2 is not UTF-8 text"]);
    bench.write("a.toml", [8, 0, 0, 0, 0, 0, 0, 0, b'{', b'}']);
    let said = bench.run(&["a.toml"]);
    assert!(
        said.code == Some(2) && !said.err.contains("UTF-"),
        "{said:?}"
    );
    bench.write("a.toml", format!("\u{feff}{text}"));
    bench.works(&["check", "a.toml"]);
    bench.write("a.toml", "\u{feff}seed = \n");
    bench.refused(&["a.toml"], &["a.toml: line 1, column "]);
}
