//! What the commands print.

use crate::cli::output::print;
use crate::error::Result;

/// Prints a line.
pub(super) fn say(line: &str) -> Result<()> {
    print(&format!("{line}\n"))
}

/// Bytes for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
