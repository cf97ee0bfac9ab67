//! Signals that ask a program to end: Ctrl-C, and on Unix also SIGTERM and SIGHUP.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Whether a signal asked the program to end.
pub static STOP: AtomicBool = AtomicBool::new(false);

static SIGNAL: AtomicI32 = AtomicI32::new(2);

/// The exit code of a program that ends because a signal asked for it: 128 and the signal's number, so 130 for
/// Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
pub fn exit_code() -> u8 {
    128 + SIGNAL.load(Ordering::Relaxed) as u8
}

/// From now on the first signal sets [`STOP`], and a second one ends the process at once. `first` is called at the
/// first signal, with its number. Under `nohup`, SIGHUP stays ignored.
///
/// # Errors
///
/// What the system says; signals then end the process as ever.
pub fn catch(first: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    // Whatever stops a group of processes may reach one of them twice, by the group and by its parent.
    const ONE_AND_THE_SAME: std::time::Duration = std::time::Duration::from_millis(300);
    let mut begun: Option<std::time::Instant> = None;
    listen(move |signal| match begun {
        None => {
            begun = Some(std::time::Instant::now());
            SIGNAL.store(signal, Ordering::Relaxed);
            STOP.store(true, Ordering::Relaxed);
            first(signal);
        }
        Some(begun) if begun.elapsed() < ONE_AND_THE_SAME => (),
        Some(_) => std::process::exit(128 + signal),
    })
}

#[cfg(unix)]
fn listen(mut heard: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut wanted = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        wanted.push(SIGHUP);
    }
    let mut signals = Signals::new(wanted)?;
    let name = "signals".to_string();
    let listener = std::thread::Builder::new().name(name);
    listener.spawn(move || signals.forever().for_each(&mut heard))?;
    Ok(())
}

/// Whether the process was started with a signal ignored. Where the system does not tell, it counts as ignored.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(not(unix))]
fn listen(mut heard: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    const INTERRUPT: i32 = 2;
    ctrlc::set_handler(move || heard(INTERRUPT)).map_err(io::Error::other)
}
