//! The binary killed at random moments, while checkpoints are written too: whatever it had saved goes on to the same
//! bytes. A few times here; `BLOCK_KILLS=100 cargo test --workspace --test cli kills -- --nocapture` makes a hundred.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::process::Stdio;
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use crate::util::Bench;

const KILLS: usize = 4;
/// The most kills of one run.
const OF_A_RUN: usize = 12;

const SET: [&str; 6] = [
    "--set",
    "train.epochs=6",
    "--set",
    "model.hidden=[300]",
    "--set",
    "train.batch_size=2000",
];

#[derive(Clone, Copy)]
enum Moment {
    After(Duration),
    /// While a checkpoint is written, the how manyth.
    Writing(u64),
}

#[test]
fn killed_at_random_moments_a_run_comes_out_the_same() {
    let bench = Bench::new();
    let begin = Instant::now();
    bench.works(&[&["tiny.toml", "--out", "whole"], &SET[..]].concat());
    let whole = begin.elapsed();
    let random = |limit: u64| RandomState::new().hash_one(0) % limit;
    let wanted = std::env::var("BLOCK_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let (mut kills, mut writing, mut unbegun, mut runs) = (0, 0, 0, 0);
    while kills < wanted || writing == 0 {
        assert!(kills < wanted + 100, "never killed while writing");
        runs += 1;
        let run = format!("run-{runs}");
        let mut here = 0;
        loop {
            let moment = match here % 2 {
                _ if here == OF_A_RUN || kills >= wanted && writing > 0 => None,
                0 => Some(Moment::Writing(random(4))),
                _ => Some(Moment::After(whole * random(1000) as u32 / 1000)),
            };
            let temporary = bench.path(&format!("{run}/.resume.safetensors.tmp"));
            let ended = attempt(&bench, &run, moment);
            if ended {
                break;
            }
            (kills, here) = (kills + 1, here + 1);
            writing += usize::from(temporary.exists());
            let begun = ["resume.safetensors", "resume-previous.safetensors"];
            if !begun
                .iter()
                .any(|name| bench.path(&format!("{run}/{name}")).exists())
            {
                // Killed before its first checkpoint: there is nothing to go on with, and it says so.
                unbegun += 1;
                if bench.path(&run).exists() {
                    assert_eq!(bench.run(&["--resume", &run]).code, Some(2));
                    fs::remove_dir_all(bench.path(&run)).unwrap();
                }
            }
        }
        bench.assert_same("whole", &run);
        for entry in fs::read_dir(bench.path(&run)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.ends_with(".tmp"), "{name} is left");
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "kills: {kills} of {runs} runs, {writing} of them while a checkpoint was written, {unbegun} before the first"
    );
}

/// Begins a run or goes on with it, and kills it; whether it came to its end before.
fn attempt(bench: &Bench, run: &str, moment: Option<Moment>) -> bool {
    let arguments = match bench.path(run).exists() {
        true => vec!["--resume", run],
        false => [&["tiny.toml", "--out", run], &SET[..]].concat(),
    };
    let mut command = bench.command(&arguments);
    let mut child = command
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let temporary = bench.path(&format!("{run}/.resume.safetensors.tmp"));
    let begin = Instant::now();
    let mut seen = 0;
    let mut there = temporary.exists();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{run}: {status}");
            return true;
        }
        let now = match moment {
            None => false,
            Some(Moment::After(time)) => begin.elapsed() >= time,
            Some(Moment::Writing(which)) => {
                let is = temporary.exists();
                seen += u64::from(is && !there);
                there = is;
                is && seen > which
            }
        };
        if now {
            child.kill().unwrap();
            return child.wait().unwrap().success();
        }
        match moment {
            Some(Moment::Writing(_)) => yield_now(),
            _ => sleep(Duration::from_millis(1)),
        }
    }
}
