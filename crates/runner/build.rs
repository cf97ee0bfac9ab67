//! Tells the binary which compiler, commit and packages it was built from, for `environment.json`.

use std::env;
use std::path::Path;
use std::process::Command;

/// The packages whose versions a run records.
const PACKAGES: [&str; 7] = [
    "block-core",
    "block-data",
    "block-models",
    "burn",
    "burn-autodiff",
    "burn-flex",
    "runner",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_string());
    set("RUNNER_RUSTC", output(&rustc, &["--version"]));

    set("RUNNER_COMMIT", output("git", &["rev-parse", "HEAD"]));
    // Changes with every commit and checkout. Without it (no git, or no commit yet) nothing is
    // watched, and the commit is unknown until the next build for another reason.
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"]);
    if let Some(log) = log.filter(|log| Path::new(log).exists()) {
        println!("cargo::rerun-if-changed={log}");
    }

    let lock = "../../Cargo.lock";
    if let Ok(text) = std::fs::read_to_string(lock) {
        println!("cargo::rerun-if-changed={lock}");
        set("RUNNER_PACKAGES", Some(versions(&text)));
    }
}

fn set(name: &str, value: Option<String>) {
    println!("cargo::rustc-env={name}={}", value.unwrap_or_default());
}

/// What a command prints, if it succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}

/// `name version` of each package, separated by commas.
fn versions(lock: &str) -> String {
    let mut found = Vec::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(value) = line.strip_prefix("name = ") {
            name = value.trim_matches('"');
        } else if let Some(value) = line.strip_prefix("version = ")
            && PACKAGES.contains(&name)
        {
            found.push(format!("{name} {}", value.trim_matches('"')));
        }
    }
    found.join(",")
}
