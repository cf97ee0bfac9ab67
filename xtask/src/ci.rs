//! The checks, cheapest first.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{command, output};
use crate::{gpu, tidy};

/// What one epoch of Fashion-MNIST reaches with augmentation, over seeds, at least.
const FIRST_EPOCH: f64 = 0.77;
/// The packages whose programs users start, which share one build.
const PROGRAMS: [&str; 3] = ["runner", "paper", "benches"];
/// The package that asks for the features of that build.
const ONE_BUILD: &str = "one-build";
/// The packages that are made for a registry, those first that others need.
const LIBRARIES: [&str; 3] = ["block-core", "block-models", "block-data"];

/// A check with the name that its seconds are printed under.
type Stage = (&'static str, fn() -> Result<()>);

const STAGES: [Stage; 12] = [
    ("format", || cargo(&["fmt", "--all", "--check"])),
    ("tidy", tidy::run),
    ("one build", one_build),
    ("lints", lints),
    ("data", data),
    ("tests", tests),
    ("page of results", || {
        cargo(&["xtask", "reproduce", "docs", "--check"])
    }),
    ("instructions", || cargo(&["xtask", "instructions"])),
    ("documentation", documentation),
    ("packages", package),
    ("optional features", gpu::check),
    ("first epoch", first_epoch),
];

pub(crate) fn run() -> Result<()> {
    let mut seconds = String::new();
    for (name, check) in STAGES {
        let start = Instant::now();
        check()?;
        let _ = writeln!(seconds, "{:6.0} s  {name}", start.elapsed().as_secs_f64());
    }
    eprint!("{seconds}");
    Ok(())
}

fn cargo(args: &[&str]) -> Result<()> {
    command("cargo", args, &[])
}

fn lints() -> Result<()> {
    let lints = ["--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(&[&["clippy"], &lints[..]].concat())
}

/// The tests and the epoch at the end find real data, fetched as a user's would be.
fn data() -> Result<()> {
    let mut names = ["fashion-mnist", "mnist"].into_iter();
    names.try_for_each(|name| cargo(&["run", "-p", "runner", "--", "data", "get", name]))
}

fn tests() -> Result<()> {
    cargo(&["test", "--workspace"])?;
    // Once more for the lines that count what was compared.
    let golden = ["--workspace", "--test", "conformance", "--", "--nocapture"];
    cargo(&[&["test"], &golden[..]].concat())
}

fn documentation() -> Result<()> {
    let strict = ("RUSTDOCFLAGS", "-D warnings");
    command("cargo", &["doc", "--workspace", "--no-deps"], &[strict])
}

/// Each program alone and `cargo test` share one build of Burn only where they ask its dependencies for the same
/// features.
fn one_build() -> Result<()> {
    let all = features(&["--workspace"])?;
    for package in PROGRAMS {
        let alone = features(&["-p", package, "--edges", "normal,build"])?;
        shares(package, &alone, &all)?;
    }
    Ok(())
}

/// Checks that what is built alone has only features that the workspace's build has too.
fn shares(what: &str, alone: &BTreeSet<String>, all: &BTreeSet<String>) -> Result<()> {
    match alone.difference(all).next() {
        None => Ok(()),
        Some(other) => bail!(
            "{what}: built alone, it has `{other}`, built with the workspace it has other features of that package, \
             so both are built; add the missing ones to crates/one-build/Cargo.toml"
        ),
    }
}

/// A line for each package with its features.
fn features(packages: &[&str]) -> Result<BTreeSet<String>> {
    let tree = ["tree", "--prefix", "none", "--format", "{p} {f}"];
    let text = output("cargo", &[&tree, packages].concat())?;
    // A package met again is marked.
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    Ok(lines.map(|line| line.trim_end().to_owned()).collect())
}

/// What a registry would be given of the libraries stands on its own. Checked only: cargo's own verification
/// builds all of Burn once more.
fn package() -> Result<()> {
    let packages = LIBRARIES.iter().flat_map(|name| ["-p", name]);
    let options = ["package", "--allow-dirty", "--no-verify"];
    let line: Vec<&str> = options.into_iter().chain(packages).collect();
    command("cargo", &line, &[])?;
    // Inside the workspace they would be taken for members.
    let folder = env::temp_dir().join("block-packages");
    let at = || folder.display().to_string();
    let remove = || match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(at),
        _ => Ok(()),
    };
    remove()?;
    fs::create_dir_all(&folder).with_context(at)?;
    let names = LIBRARIES.map(|name| format!("{name}-{}", env!("CARGO_PKG_VERSION")));
    for name in &names {
        let archive = format!("target/package/{name}.crate");
        command("tar", &["-xzf", &archive, "-C", &at()], &[])?;
    }
    // With these features of dependencies, what clippy has checked of Burn serves here too.
    let one_build = folder.join(ONE_BUILD);
    fs::create_dir_all(one_build.join("src")).with_context(at)?;
    fs::write(one_build.join("src/lib.rs"), "").with_context(at)?;
    let dependencies = table("crates/one-build/Cargo.toml", "[dependencies]")?;
    let manifest =
        format!("[package]\nname = \"{ONE_BUILD}\"\nedition = \"2024\"\n\n{dependencies}");
    fs::write(one_build.join("Cargo.toml"), manifest).with_context(at)?;
    // No registry has them yet: each takes the others from beside it.
    let members: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .chain([ONE_BUILD])
        .collect();
    let mut manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n{}\n[patch.crates-io]\n",
        table("Cargo.toml", "[profile.dev]")?
    );
    for (library, name) in LIBRARIES.iter().zip(&names) {
        manifest += &format!("{library} = {{ path = \"{name}\" }}\n");
    }
    let path = folder.join("Cargo.toml");
    fs::write(&path, manifest).with_context(|| path.display().to_string())?;
    // The versions that are tested.
    fs::copy("Cargo.lock", folder.join("Cargo.lock")).context("Cargo.lock")?;
    let text = |path: PathBuf| path.display().to_string();
    let target = text(env::current_dir()?.join("target"));
    let workspace = ["--workspace", "--manifest-path", &text(path)];
    let mut alone = features(&workspace)?;
    alone.retain(|line| !line.contains(&at()));
    shares("the packages", &alone, &features(&["--workspace"])?)?;
    let target = ["--target-dir", &target];
    command(
        "cargo",
        &[&["check"], &workspace[..], &target[..]].concat(),
        &[],
    )
    .and(remove())
}

/// A table of a file of TOML, as its text.
fn table(path: &str, header: &str) -> Result<String> {
    let text = fs::read_to_string(path).context(path.to_owned())?;
    let lines = text.lines().skip_while(|line| *line != header);
    let table = lines.take_while(|line| *line == header || !line.starts_with('['));
    Ok(table.map(|line| format!("{line}\n")).collect())
}

/// The main job, one epoch of it, on the real data.
fn first_epoch() -> Result<()> {
    let out = env::temp_dir().join(format!("block-ci-{}", std::process::id()));
    let out_text = out.display().to_string();
    let config = ["run", "-p", "runner", "--", "configs/fmnist.toml"];
    let options = ["--set", "train.epochs=1", "--out", &out_text];
    command("cargo", &[&config[..], &options].concat(), &[])?;
    let accuracy = test_accuracy(&out.join("summary.json"))?;
    fs::remove_dir_all(&out).context(out_text)?;
    eprintln!("one epoch of Fashion-MNIST: test accuracy {accuracy:.4}");
    if accuracy < FIRST_EPOCH {
        bail!(
            "one epoch of Fashion-MNIST reached {accuracy:.4} on the test split, expected {FIRST_EPOCH}"
        );
    }
    Ok(())
}

fn test_accuracy(summary: &Path) -> Result<f64> {
    let at = || summary.display().to_string();
    let text = fs::read_to_string(summary).with_context(at)?;
    let value: Value = serde_json::from_str(&text).with_context(at)?;
    value["test_accuracy"]
        .as_f64()
        .with_context(|| format!("{}: no number `test_accuracy`", at()))
}
