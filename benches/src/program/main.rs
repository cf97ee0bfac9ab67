//! The program `benches`: times training steps, and counts the instructions of the CPU's kernels.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod bench;
mod instructions;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks of the workspace.
#[derive(Parser)]
#[command(name = "benches")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Times training steps.
    Bench(bench::Args),
    /// Counts the instructions of the CPU kernels, against those committed.
    Instructions(instructions::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Bench(args) => bench::run(&args),
        Task::Instructions(args) => instructions::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
