//! The commands on data sets.

use block_data::{DATA_SETS, read_recordings};

use crate::util::{Bench, NO_NAMES, recordings, write_images, write_n_mnist_zip};

#[test]
fn list_names_every_data_set() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    let said = bench.works(&["data", "list", "--data-dir", "sets"]);
    let lines: Vec<_> = said.out.lines().collect();
    assert!(lines[0].starts_with("name "), "{}", said.out);
    for (line, set) in lines[1..].iter().zip(DATA_SETS) {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[0], set.name);
        assert!(line.ends_with(set.licence), "{line}");
        assert!(words.contains(&set.samples[0].to_string().as_str()));
    }
    let line = |name: &str| *lines.iter().find(|line| line.starts_with(name)).unwrap();
    assert!(line("fashion-mnist").contains("sets/fashion-mnist"));
    assert!(line("mnist").contains("  no  "));
    assert!(line("shd").contains("no, links untried"));
    assert!(line("yin-yang").contains("made on the spot"));
    assert!(
        said.out
            .contains(" data get NAME --data-dir sets` fetches one")
    );
    assert_eq!(said.err, "");
}

#[test]
fn get_of_what_needs_no_network() {
    let bench = Bench::new();
    let said = bench.works(&["data", "get", "yinyang", "--offline"]);
    assert_eq!(
        said.out,
        "yin-yang needs no files: it is made on the spot\n"
    );
    let arguments = ["data", "get", "mnist", "--offline", "--data-dir", "empty"];
    let parts = [
        "cannot fetch data set mnist offline",
        "into empty/mnist",
        "t10k-labels-idx1-ubyte.gz (4542 bytes, md5 ec29112dd5afa0611ce80d1b7f02629c)",
    ];
    bench.refused(&arguments, &parts);
    assert!(!bench.path("empty").exists());
    let parts = ["unknown data set \"emnist\"", "fashion-mnist", "yin-yang"];
    bench.refused(&["data", "get", "emnist"], &parts);
}

#[test]
fn check_says_what_is_wrong() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    let said = bench.run(&["data", "check", "--data-dir", "sets"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for part in [
        "cifar-10: not here; `",
        " data get cifar-10 --data-dir sets` fetches it",
        "fashion-mnist: train-images-idx3-ubyte.gz: WRONG: ",
        "47056 bytes of content, expected 47040016",
        "fashion-mnist: train: 60 samples, 6 to 6 a class, 784 inputs each; WRONG: expected 60000 samples",
        "yin-yang: test: 10000 samples, ",
        "synthetic: test: 128 samples, ",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in:\n{}", said.out);
    }
    // Four files by their content, two splits by their size.
    assert_eq!(said.err, "error: 6 faults\n");

    bench.works(&["data", "check", "yin-yang"]);
    // What is asked for by its name must be here.
    let said = bench.run(&["data", "check", "shd", "--data-dir", "sets"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(2), "error: 1 fault\n")
    );
    let parts = ["unknown data set \"emnist\""];
    bench.refused(&["data", "check", "emnist"], &parts);
}

#[test]
fn check_of_recordings_of_ones_own() {
    let bench = Bench::new();
    let path = bench.path("a.h5");
    block_data::write_flat(&path, &recordings(2, 10, 0.1), &NO_NAMES).unwrap();
    let said = bench.works(&["data", "check", "a.h5"]);
    let split = "20 samples, 10 to 10 a class, 60 inputs each";
    let expected = format!("a.h5: train: {split}\na.h5: test: {split}\n");
    assert_eq!(said.out, expected);
    bench.write("b.h5", "no recordings");
    bench.refused(
        &["data", "check", "b.h5"],
        &["b.h5: found no HDF5 signature"],
    );
}

#[test]
fn show_draws_images_points_and_recordings() {
    let bench = Bench::new();
    write_images(&bench, "sets", |_, _| ());
    bench.write("f.toml", "[encode]\nsteps = 30\n");
    block_data::write_flat(&bench.path("a.h5"), &recordings(2, 10, 0.1), &NO_NAMES).unwrap();
    let shown = |arguments: &[&str], title: &str, file: &str| {
        let arguments = [&["data", "show"], arguments].concat();
        let said = bench.works(&arguments);
        assert_eq!(said.out, format!("{title}: {file}\n"));
        let svg = bench.text(file);
        assert!(svg.starts_with("<svg") && svg.contains(title), "{file}");
    };
    shown(
        &["fashion-mnist", "13", "--data-dir", "sets"],
        "fashion-mnist, train sample 13: class 3 (dress), 784 spikes",
        "fashion-mnist-train-13.svg",
    );
    shown(
        &[
            "f.toml",
            "--test",
            "--data-dir",
            "sets",
            "--out",
            "new/f.svg",
        ],
        "f, test sample 0: class 0 (T-shirt/top), 784 spikes",
        "new/f.svg",
    );
    shown(
        &["yin-yang", "--test"],
        "yin-yang, test sample 0: class 0 (yin), 4 spikes",
        "yin-yang-test-0.svg",
    );
    shown(
        &["a.h5", "1"],
        "a, train sample 1: class 1 (1), 60 spikes",
        "a-train-1.svg",
    );
    let parts = ["sample 10000 of the test split", "expected 0 to 9999"];
    bench.refused(&["data", "show", "yin-yang", "10000", "--test"], &parts);
    let parts = ["--out is a.png, expected a file NAME.svg"];
    bench.refused(&["data", "show", "yin-yang", "--out", "a.png"], &parts);
    let parts = ["cannot write f.toml/a.svg", "--out"];
    bench.refused(
        &["data", "show", "yin-yang", "--out", "f.toml/a.svg"],
        &parts,
    );
    bench.refused(
        &["data", "show", "shd", "--data-dir", "sets"],
        &["data set shd is missing", " data get shd"],
    );
}

#[test]
fn convert_makes_flat_files() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("sets/n-mnist")).unwrap();
    for name in ["Train.zip", "Test.zip"] {
        write_n_mnist_zip(&bench.path(&format!("sets/n-mnist/{name}")));
    }
    let zip = bench.path("sets/n-mnist/Train.zip");
    let whole = read_recordings(&zip).unwrap();
    let said = bench.works(&["data", "convert", "nmnist", "--data-dir", "sets"]);
    assert!(
        said.out
            .starts_with("sets/n-mnist/train.h5: 10 recordings, 20 events, ")
    );
    let converted = |name: &str| read_recordings(&bench.path(name)).unwrap();
    assert!(converted("sets/n-mnist/train.h5") == whole);
    assert!(converted("sets/n-mnist/test.h5") == whole);

    bench.works(&[
        "data",
        "convert",
        "sets/n-mnist/Train.zip",
        "--out",
        "new/a.h5",
    ]);
    assert!(converted("new/a.h5") == whole);

    let from = ["data", "convert", "sets/n-mnist/Train.zip"];
    bench.refused(&from, &["expected --out FILE.h5"]);
    // Neither another file nor the source itself is written over, and a failure leaves no folder.
    bench.write("mine.toml", "seed = 1");
    for taken in ["mine.toml", "sets/n-mnist/Train.zip", "new"] {
        let before = bench.path(taken).is_file().then(|| bench.read(taken));
        let parts = [taken, "is there already", "another place with --out"];
        bench.refused(&[&from[..], &["--out", taken]].concat(), &parts);
        if let Some(before) = before {
            assert!(bench.read(taken) == before, "{taken}");
        }
    }
    let bad = ["data", "convert", "mine.toml", "--out", "deep/down/a.h5"];
    bench.refused(&bad, &["mine.toml"]);
    assert!(!bench.path("deep").exists());
    let parts = ["mnist: expected n-mnist, shd, ssc, or the path of a file"];
    bench.refused(&["data", "convert", "mnist"], &parts);
    for name in ["Train.zip", "Test.zip"] {
        std::fs::remove_file(bench.path(&format!("sets/n-mnist/{name}"))).unwrap();
    }
    let parts = ["n-mnist: only converted files are here"];
    bench.refused(
        &["data", "convert", "n-mnist", "--data-dir", "sets"],
        &parts,
    );
    let parts = ["data set shd is missing", " data get shd"];
    bench.refused(&["data", "convert", "shd", "--data-dir", "sets"], &parts);
}

#[test]
fn words_that_make_no_command_on_data() {
    let bench = Bench::new();
    let help = bench.works(&["data", "--help"]).out;
    for command in ["list", "get", "check", "show", "convert"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    bench.refused(&["data"], &["`runner data` list, get", "--help"]);
    bench.refused(&["data", "lst"], &["'lst'", "'list'", "--help"]);
    bench.refused(&["data", "get"], &["<NAME>", "--help"]);
    bench.refused(&["data", "list", "extra"], &["'extra'", "--help"]);
    let parts = ["found --data-dir", "`runner data COMMAND [OPTIONS]`"];
    bench.refused(&["--data-dir", "x", "data", "list"], &parts);
}

/// A config of images of one's own, in the files that `write_images` writes.
fn own_images(train_labels: &str, more: &str) -> String {
    let folder = "sets/fashion-mnist";
    format!(
        "[data]\nname = \"idx\"\ntrain_images = \"{folder}/train-images.idx3-ubyte.gz\"\n\
         train_labels = \"{train_labels}\"\ntest_images = \"{folder}/t10k-images-idx3-ubyte\"\n\
         test_labels = \"{folder}/t10k-labels-idx1-ubyte\"\n{more}\n\
         [model]\nhidden = [4]\n[train]\nepochs = 1\nmilestones = []"
    )
}

#[test]
fn images_of_ones_own_are_trained_on() {
    let bench = Bench::new();
    // Letters from 1 to 10.
    write_images(&bench, "sets", |name, bytes| {
        if name.contains("labels") {
            bytes[8..].iter_mut().for_each(|label| *label += 1);
        }
    });
    let labels = "sets/fashion-mnist/train-labels-idx1-ubyte";
    bench.write("own.toml", own_images(labels, ""));
    let said = bench.works(&["check", "own.toml"]);
    assert!(said.out.contains("data         idx, in "), "{}", said.out);
    assert!(
        said.out.contains("test         30 samples, 11 classes"),
        "{}",
        said.out
    );
    bench.works(&["own.toml", "--out", "run"]);
    assert_eq!(bench.json("run/summary.json")["data"], "idx");
    // The config of the run is whole, and names the files from anywhere.
    let config = bench.text("run/config.toml");
    let whole = bench.path(labels).display().to_string();
    assert!(config.contains(&whole), "{config}");

    bench.write("more.toml", own_images(labels, "classes = 26"));
    let said = bench.works(&["check", "more.toml"]);
    assert!(said.out.contains("30 samples, 26 classes"), "{}", said.out);
    bench.write("less.toml", own_images(labels, "classes = 10"));
    let parts = [
        "train-labels-idx1-ubyte: sample ",
        " has label 10, expected 0 to 9",
    ];
    bench.refused(&["check", "less.toml"], &parts);
    bench.write("lost.toml", own_images("sets/lost-idx1-ubyte", ""));
    let parts = ["sets/lost-idx1-ubyte is missing: there is no file "];
    bench.refused(&["check", "lost.toml"], &parts);
    bench.write(
        "none.toml",
        own_images(labels, "").replace("test_labels", "# "),
    );
    let parts =
        ["`data.test_labels` is absent, expected the path of an idx file, for data.name = \"idx\""];
    bench.refused(&["check", "none.toml"], &parts);
    bench.write("units.toml", own_images(labels, "units = 3"));
    let parts = ["`data.units` is 3 (integer), expected no such key unless data.name = \"events\""];
    bench.refused(&["check", "units.toml"], &parts);
}

#[test]
fn folders_that_are_not_read_are_said() {
    let bench = Bench::new();
    for class in ["0", "1", "10", "eleven"] {
        bench.write(&format!("tree/Train/{class}/a.BIN"), [1, 2, 0x80, 0, 9]);
        bench.write(&format!("n-mnist/Test/{class}/a.bin"), [1, 2, 0x80, 0, 9]);
        bench.write(&format!("n-mnist/Train/{class}/a.bin"), [1, 2, 0x80, 0, 9]);
    }
    let rest = "[encode]\nsteps = 5\ndt = 1.0\n[model]\nhidden = [4]";
    let own = "[data]\nname = \"events\"\ntrain = \"tree\"\ntest = \"tree/Train\"\nclasses = 12\n";
    bench.write("own.toml", format!("{own}{rest}"));
    let said = bench.works(&["check", "own.toml"]).out;
    assert!(
        said.contains("test         3 samples, 12 classes"),
        "{said}"
    );
    for folder in ["\"Train/eleven\"", "\"eleven\""] {
        let end = format!("the folder {folder} is not read");
        assert!(said.contains(&end), "{said}");
    }
    bench.write("set.toml", format!("[data]\nname = \"n-mnist\"\n{rest}"));
    let said = bench.works(&["check", "set.toml", "--data-dir", "."]).out;
    assert!(
        said.contains("test         2 samples, 10 classes"),
        "{said}"
    );
    let end = "Test: the folders \"10\", \"eleven\" are not read; a class's folder is its number below 10";
    assert!(said.contains(end), "{said}");
    let checked = bench.works(&["data", "check", "own.toml"]).out;
    assert!(checked.contains("own.toml: doubtful: "), "{checked}");
    let said = bench
        .works(&["data", "convert", "tree", "--out", "flat.h5"])
        .out;
    assert!(
        said.starts_with("doubtful: tree: the folder \"Train/eleven\" is not read"),
        "{said}"
    );
    assert_eq!(
        read_recordings(&bench.path("flat.h5"))
            .unwrap()
            .recordings
            .labels(),
        [0, 1, 10]
    );
}
