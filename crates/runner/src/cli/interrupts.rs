//! Ctrl-C and the other signals that ask a training to end.

use std::io::{Write, stderr};

use crate::signals;

/// From now on Ctrl-C, SIGTERM and SIGHUP end the training after its batch, a second one ends the process.
pub(super) fn catch_interrupts() {
    let caught = signals::catch(|_| {
        // Nobody reads on, as after a hangup: no reason not to save.
        let _ = writeln!(
            stderr(),
            "stopping after this batch (once more to stop at once)"
        );
    });
    if let Err(error) = caught {
        tracing::warn!("Ctrl-C and SIGTERM will not save: {error}");
    }
}
