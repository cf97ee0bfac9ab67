//! `cargo xtask …`: the one door to everything that is not a single run. It builds in seconds, and starts cargo for all
//! that needs more.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod ci;
mod command;
mod gpu;
mod optional;
mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use command::start;

/// Checks, benchmarks, data sets, and the paper's experiments.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything a change must pass: format, tidy, lints, tests, docs, packages, the page of results, instruction
    /// counts, the GPU kernels without a GPU, Burn's Learner, one epoch of Fashion-MNIST.
    Ci,
    /// What stands where and who imports whom, as ARCHITECTURE.md has it.
    Tidy,
    /// The GPU kernels without a GPU: on Vulkan's software driver, and through NVIDIA's compiler.
    GpuCheck,
    /// Builds the GPU suite for CUDA and runs it: agreement, training steps, roofline, speed grid.
    GpuSuite(gpu::Suite),
    /// Data sets: list, check, show, get, convert.
    #[command(disable_help_flag = true)]
    Data(Rest),
    /// Times training steps.
    #[command(disable_help_flag = true)]
    Bench(Rest),
    /// Counts the instructions of the CPU kernels, against those committed.
    #[command(disable_help_flag = true)]
    Instructions(Rest),
    /// The paper's experiments, ours beside the paper's.
    #[command(disable_help_flag = true)]
    Reproduce(Rest),
    /// Draws a run's accuracy over its epochs, as SVG.
    #[command(disable_help_flag = true)]
    Curve(Rest),
    /// Draws the spikes of a run's best model on one test sample, layer by layer as maps over time, as SVG.
    #[command(disable_help_flag = true)]
    SpikeMaps(Rest),
}

/// What another program reads.
#[derive(clap::Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::GpuCheck => gpu::check(),
        Task::GpuSuite(args) => gpu::suite(&args),
        Task::Data(rest) => start("runner", &["data"], &rest.arguments),
        Task::Bench(rest) => start("benches", &["bench"], &rest.arguments),
        Task::Instructions(rest) => start("benches", &["instructions"], &rest.arguments),
        Task::Reproduce(rest) => start("paper", &[], &rest.arguments),
        Task::Curve(rest) => start("paper", &["curve"], &rest.arguments),
        Task::SpikeMaps(rest) => start("paper", &["spike-maps"], &rest.arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(typed: &[&str]) -> Vec<OsString> {
        let typed = ["cargo xtask"].iter().chain(typed);
        match Cli::try_parse_from(typed).unwrap().task {
            Task::Data(rest)
            | Task::Bench(rest)
            | Task::Instructions(rest)
            | Task::Reproduce(rest)
            | Task::Curve(rest)
            | Task::SpikeMaps(rest) => rest.arguments,
            _ => panic!("not passed on"),
        }
    }

    #[test]
    fn what_others_read_is_passed_on_as_typed() {
        assert_eq!(
            rest(&[
                "reproduce",
                "robustness",
                "--status",
                "--only",
                "yinyang,mnist"
            ]),
            ["robustness", "--status", "--only", "yinyang,mnist"]
        );
        assert_eq!(rest(&["bench", "--json", "fmnist"]), ["--json", "fmnist"]);
        assert_eq!(rest(&["data", "list", "--help"]), ["list", "--help"]);
        assert_eq!(rest(&["curve", "-h"]), ["-h"]);
        assert_eq!(rest(&["spike-maps", "-h"]), ["-h"]);
        assert!(rest(&["instructions"]).is_empty());
    }
}
