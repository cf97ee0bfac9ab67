//! `cargo xtask …`: the one door for everything that is not a single run.

mod bench;
mod ci;
mod curve;
mod data;
mod gpu;
mod instructions;
mod reproduce;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Checks and benchmarks of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything a change must pass: format, tests, the page of results, instruction counts, lints, docs, the package of
    /// block-core, the GPU kernels without a GPU, one epoch of Fashion-MNIST.
    Ci,
    /// The GPU kernels without a GPU: on Vulkan's software driver, and through NVIDIA's compiler.
    GpuCheck,
    /// Builds the GPU suite for CUDA and runs it: agreement, roofline, speed grid, training steps.
    GpuSuite(gpu::Suite),
    /// Data sets: list, check, show, get, convert.
    #[command(subcommand)]
    Data(data::Task),
    /// Times training steps.
    Bench(bench::Args),
    /// Counts the instructions of the CPU kernels, against those committed.
    Instructions(instructions::Args),
    /// The paper's experiments, ours beside the paper's.
    #[command(subcommand)]
    Reproduce(reproduce::Task),
    /// Draws a run's accuracy over its epochs, as SVG.
    Curve(curve::Args),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .without_time()
        .init();
    let done = match Cli::parse().task {
        Task::Ci => ci::run(),
        Task::GpuCheck => gpu::check(),
        Task::GpuSuite(args) => gpu::suite(&args),
        Task::Data(task) => data::run(&task),
        Task::Bench(args) => bench::run(&args),
        Task::Instructions(args) => instructions::run(&args),
        Task::Reproduce(task) => reproduce::run(&task),
        Task::Curve(args) => curve::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Runs a program to its end; its line is logged before.
fn command(program: &str, args: &[&str], variables: &[(&str, &str)]) -> Result<(), String> {
    let line = format!("{program} {}", args.join(" "));
    tracing::info!("{line}");
    let status = Command::new(program)
        .args(args)
        .envs(variables.iter().copied())
        .status()
        .map_err(|e| format!("{line}: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{line}: {status}"))
}

/// Writes a file under a hidden name of its own, syncs it, and gives it its name. Makes its folder.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|error| {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&part);
        format!("{}: {error}", path.display())
    })
}
