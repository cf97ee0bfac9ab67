//! The program `paper`: the paper's experiments, and the report that sets ours beside the paper's.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(runner::progress::colours())
        .log_internal_errors(false)
        .with_target(false)
        .without_time()
        .init();
    match cli::run(&cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", cli::line(&error));
            ExitCode::from(2)
        }
    }
}
