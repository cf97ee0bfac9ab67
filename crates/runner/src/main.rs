//! The binary `runner`; everything is in the library.

use std::process::ExitCode;

/// Gives memory back to threads faster than the system's: batches are made on one thread and freed
/// on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    runner::cli::main()
}
