//! Many training steps take no more memory than a hundred. Two thousand here;
//! `BLOCK_STEPS=10000 cargo test --workspace --test cli steps -- --nocapture` takes ten thousand.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::util::Bench;

/// A thousand of them are an epoch.
const STEPS: usize = 2000;
/// What the allocator and the threads may still come to.
const SLACK_KIB: u64 = 4096;

fn resident_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[test]
fn memory_is_flat_after_a_hundred_steps() {
    let steps = std::env::var("BLOCK_STEPS").map_or(STEPS, |steps| steps.parse().unwrap());
    // On a busy machine a short run may pass between two looks at it.
    let [early, late] = (0..10).find_map(|_| most_memory(steps)).unwrap();
    let _ = writeln!(
        std::io::stderr(),
        "steps: {steps} with at most {late} KiB, {early} KiB in the first half"
    );
    assert!(late <= early + SLACK_KIB, "{early} KiB grew to {late} KiB");
}

/// The most memory of a run in KiB: from the hundredth step to the middle, and from there on. None if it was too fast to be
/// looked at in both.
fn most_memory(steps: usize) -> Option<[u64; 2]> {
    let bench = Bench::new();
    let epochs = format!("train.epochs={}", steps.div_ceil(1000));
    let sizes = [
        "--set",
        "train.batch_size=20",
        "--set",
        "data.validation=none",
    ];
    let place = ["tiny.toml", "--out", "run", "--set", epochs.as_str()];
    let mut command = bench.command(&[&place[..], &sizes].concat());
    let mut child = command
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let log = bench.path("run/batches.jsonl");
    let [mut early, mut late] = [None; 2];
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let done = text.lines().count();
        let now = resident_kib(child.id());
        match done {
            0..100 => (),
            _ if done < steps / 2 => early = now.max(early),
            // The summary, at the end, reads the whole log.
            _ if done < steps - 50 => late = now.max(late),
            _ => (),
        }
        sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    Some([early?, late?])
}
