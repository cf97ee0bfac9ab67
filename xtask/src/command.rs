//! Programs that are run.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Runs a program to its end; the line that would be typed is printed before.
pub(crate) fn command(program: &str, args: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let line = format!("{program} {}", args.join(" "));
    eprintln!("{line}");
    let status = fresh(program)
        .args(args)
        .envs(variables.iter().copied())
        .status()
        .with_context(|| line.clone())?;
    if !status.success() {
        bail!("{line}: {status}");
    }
    Ok(())
}

/// What a program prints.
pub(crate) fn output(program: &str, args: &[&str]) -> Result<String> {
    let line = format!("{program} {}", args.join(" "));
    let output = fresh(program).args(args).output();
    let output = output.with_context(|| line.clone())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{line}: {}: {}", output.status, text.trim());
    }
    String::from_utf8(output.stdout).context(line)
}

/// A program as a user starts it. What cargo tells this program of its own package would make build scripts run
/// again, ring's for one, and with them all that depends on it, at every turn from one to the other.
fn fresh(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a package's program in the place of this one: its output, signals and exit code are the program's.
pub(crate) fn start(package: &str, first: &[&str], rest: &[OsString]) -> Result<()> {
    let mut cargo = fresh("cargo");
    cargo
        .args(["run", "-p", package, "--"])
        .args(first)
        .args(rest);
    Err(replace(&mut cargo)).context("cargo")
}

#[cfg(unix)]
fn replace(command: &mut Command) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    command.exec()
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(2)),
        Err(error) => error,
    }
}
