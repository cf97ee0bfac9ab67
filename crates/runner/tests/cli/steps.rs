//! Many training steps take no more memory than a hundred. A thousand here;
//! `BLOCK_STEPS=10000 cargo test --workspace --test cli steps -- --nocapture` takes ten thousand.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::util::Bench;

/// A thousand of them are an epoch.
const STEPS: usize = 1000;
/// What the allocator and the threads may still come to after a hundred steps.
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
    let bench = Bench::new();
    let steps = std::env::var("BLOCK_STEPS").map_or(STEPS, |steps| steps.parse().unwrap());
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
    let (mut early, mut late, mut samples) = (0, 0, 0);
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let done = text.lines().count();
        let now = resident_kib(child.id()).unwrap_or(0);
        // The summary, at the end, reads the whole log.
        match done {
            0..100 => (),
            100..300 => early = now.max(early),
            _ if done < steps - 50 => {
                late = now.max(late);
                samples += 1;
            }
            _ => (),
        }
        sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    assert!(early > 0 && samples > 0, "{early} KiB, {samples} samples");
    let _ = writeln!(
        std::io::stderr(),
        "steps: {steps} with at most {late} KiB, {early} KiB after the first hundred"
    );
    assert!(late <= early + SLACK_KIB, "{early} KiB grew to {late} KiB");
}
