//! Ctrl-C.

use std::io::{Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the training is to stop after its batch.
pub(super) static STOP: AtomicBool = AtomicBool::new(false);

/// Ctrl-C ends the training after the batch, a second one ends the process.
pub(super) fn catch_interrupts() {
    let caught = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        let _ = writeln!(
            stderr(),
            "stopping after this batch (once more to stop at once)"
        );
    });
    if let Err(error) = caught {
        tracing::warn!("Ctrl-C will not save: {error}");
    }
}
