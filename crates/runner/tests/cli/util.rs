//! A folder to work in, the binary, and what it leaves behind.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use block_data::Recordings;
use serde_json::Value;
use tempfile::TempDir;

/// A network and a training that take well under a second an epoch.
pub(crate) const TINY: &str = "
seed = 3
[data]
name = \"yin-yang\"
validation = \"test\"
[encode]
steps = 20
[model]
hidden = [12]
init_scale = 4.0
[train]
epochs = 2
batch_size = 1000
learning_rate = 0.01
milestones = [1, 3]
";

/// A temporary folder, in which the binary runs.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What a finished process said.
#[derive(Debug)]
pub(crate) struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { folder };
        bench.write("tiny.toml", TINY);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("BLOCK_DATA")
            .env_remove("RUNNER_LOG")
            // Set by `cargo test`, as by `cargo run`.
            .env_remove("CARGO")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).spawn().unwrap())
    }

    /// Runs it and expects success.
    pub(crate) fn works(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// Runs it and expects one line, with all of `parts`, and exit code 2.
    pub(crate) fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert_eq!(said.out, "");
        assert_eq!(said.err.lines().count(), 1, "one line: {said:?}");
        assert!(said.err.starts_with("error: ") && said.err.ends_with('\n'));
        assert!(!said.err.contains("panicked"), "{said:?}");
        for part in parts {
            assert!(said.err.contains(part), "{part:?} is not in {:?}", said.err);
        }
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        let text = self.text(name);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Metrics without timings, as text.
    pub(crate) fn metrics(&self, run: &str) -> String {
        let mut values = self.lines(&format!("{run}/epochs.jsonl"));
        values.extend(self.lines(&format!("{run}/batches.jsonl")));
        values.push(self.json(&format!("{run}/summary.json")));
        values
            .iter_mut()
            .map(|value| {
                let object = value.as_object_mut().unwrap();
                object.retain(|key, _| !key.contains("seconds") && key != "peak_memory_bytes");
                format!("{value}\n")
            })
            .collect()
    }

    /// Expects two runs to have the same metrics and weights, to the byte.
    pub(crate) fn assert_same(&self, a: &str, b: &str) {
        assert_eq!(self.metrics(a), self.metrics(b));
        for file in ["best.safetensors", "last.safetensors"] {
            let [a, b] = [a, b].map(|run| self.read(&format!("{run}/{file}")));
            assert!(a == b, "{file} differs");
        }
    }
}

pub(crate) fn said(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits until a file has so many lines.
pub(crate) fn wait_for_lines(path: &Path, lines: usize) {
    let begin = Instant::now();
    while fs::read_to_string(path).map_or(0, |text| text.lines().count()) < lines {
        assert!(
            begin.elapsed() < Duration::from_secs(120),
            "{}",
            path.display()
        );
        sleep(Duration::from_millis(2));
    }
}

/// The four files of a data set of images; `change` may spoil one by its name.
pub(crate) fn write_images(bench: &Bench, folder: &str, change: impl Fn(&str, &mut Vec<u8>)) {
    for (split, count) in [("train", 60_u32), ("t10k", 30)] {
        let mut images = vec![0, 0, 8, 3];
        for size in [count, 28, 28] {
            images.extend(size.to_be_bytes());
        }
        // Each class has a bright bar in a row of its own.
        for image in 0..count as usize {
            for pixel in 0..28 * 28 {
                let bar = pixel / 28 == 2 * (image % 10) + 4;
                images.push(if bar { 200 + (image % 50) as u8 } else { 0 });
            }
        }
        let mut labels = vec![0, 0, 8, 1];
        labels.extend(count.to_be_bytes());
        labels.extend((0..count).map(|image| (image % 10) as u8));
        for (kind, mut bytes) in [("images-idx3", images), ("labels-idx1", labels)] {
            let name = format!("{split}-{kind}-ubyte");
            change(&name, &mut bytes);
            bench.write(&format!("{folder}/fashion-mnist/{name}"), bytes);
        }
    }
}

/// CIFAR-10's files, with so many images each. A class is a colour.
pub(crate) fn write_cifar(bench: &Bench, folder: &str, images: usize) {
    let names = (1..=5).map(|batch| format!("data_batch_{batch}"));
    for name in names.chain(["test_batch".to_string()]) {
        let mut bytes = Vec::new();
        for image in 0..images {
            let class = image % 10;
            bytes.push(class as u8);
            for value in 0..3072 {
                let level = [class, class / 2, 9 - class][value / 1024] * 20;
                bytes.push((level + (value * 7 + image * 13) % 60) as u8);
            }
        }
        bench.write(&format!("{folder}/cifar-10/{name}.bin"), bytes);
    }
}

/// Ten recordings a class, of some events in a band of units of its own.
pub(crate) fn recordings(classes: u32, units: u32, seconds: f32) -> Recordings {
    let mut recordings = Recordings::default();
    for sample in 0..10 * classes {
        let class = sample % classes;
        let band = units / classes;
        let unit = |event: u32| class * band + (event * 7 + sample) % band.max(1);
        let (units, times): (Vec<u32>, Vec<f32>) = (0..60)
            .map(|event| (unit(event), seconds * event as f32 / 60.0))
            .unzip();
        recordings.push(class, &units, &times).unwrap();
    }
    recordings
}

/// A zip of one recording a digit, in the layout of N-MNIST's publisher.
pub(crate) fn write_n_mnist_zip(path: &Path) {
    let mut writer = zip::ZipWriter::new(fs::File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for digit in 0..10_u8 {
        writer
            .start_file(format!("Train/{digit}/00001.bin"), options)
            .unwrap();
        writer
            .write_all(&[digit, 3, 0, 1, 2, 33, 33, 0x80, 4, 5])
            .unwrap();
    }
    writer.finish().unwrap();
}

/// For files that name no classes.
pub(crate) const NO_NAMES: [&str; 0] = [];
