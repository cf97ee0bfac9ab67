//! What the program prints.

use std::io::{ErrorKind, Write, stdout};
use std::path::PathBuf;

use crate::error::{Result, RunnerError};

/// Prints text. Whoever does not read on is no reason to fail; a full disk is.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(RunnerError::Write {
            path: PathBuf::from("standard output"),
            source: error,
            remedy: "redirect the output to where there is room",
        }),
        _ => Ok(()),
    }
}
