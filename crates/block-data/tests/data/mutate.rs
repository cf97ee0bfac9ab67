//! What damaged files are made of: the runner's tests have this file too.
//!
//! Sound inputs are changed at random, with a fixed seed: bits flipped, numbers overwritten, ends
//! cut, pieces inserted, removed or spliced in from another input. A few thousand a parser by
//! default, `BLOCK_MUTATIONS=1000000` makes a million (in the background, that takes its time);
//! `fuzz/` has the same parsers for libFuzzer.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const INPUTS: usize = 3_000;
/// Of the whole process, so of the tests that run beside this one, too.
const PEAK_KIB: u64 = 1 << 20;

fn below(random: &mut Xoshiro256PlusPlus, limit: usize) -> usize {
    (random.next_u64() % limit.max(1) as u64) as usize
}

/// A number that is likely to go wrong.
fn number(random: &mut Xoshiro256PlusPlus, length: usize) -> u64 {
    let any = random.next_u64();
    match below(random, 8) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << below(random, 64),
        3 => (1 << below(random, 64)) - 1,
        4 => length as u64,
        5 => below(random, length) as u64,
        6 => any % 300,
        _ => any,
    }
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Xoshiro256PlusPlus) {
    let at = below(random, bytes.len());
    let end = (at + 1 + below(random, 64)).min(bytes.len());
    let from = below(random, other.len());
    let piece = &other[from..(from + 1 + below(random, 64)).min(other.len())];
    match below(random, 16) {
        0 => bytes.truncate(at),
        1 => drop(bytes.splice(at..at, piece.iter().copied())),
        2 => drop(bytes.drain(at..end)),
        3 => drop(bytes.splice(at..end, piece.iter().copied())),
        4 => bytes.extend(piece),
        5..=9 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << below(random, 8);
            }
        }
        choice => {
            let width = 1 << below(random, 4);
            let number = number(random, bytes.len());
            let stored = if choice < 14 {
                number.to_le_bytes()
            } else {
                number.rotate_right(8 * width).to_be_bytes()
            };
            for (byte, new) in bytes.iter_mut().skip(at).zip(&stored[..width as usize]) {
                *byte = *new;
            }
        }
    }
}

/// The most memory this process ever held, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Gives a parser sound inputs, which it must read, and damaged ones.
pub(crate) fn check(name: &str, seeds: &[Vec<u8>], parse: impl Fn(&[u8]) -> bool) {
    for seed in seeds {
        assert!(parse(seed), "{name}: a sound input is refused");
    }
    let variable = std::env::var("BLOCK_MUTATIONS").ok();
    let inputs = variable.map_or(INPUTS, |count| {
        count.parse().expect("BLOCK_MUTATIONS is a number")
    });
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let (mut read, mut slowest, start) = (0, Duration::ZERO, Instant::now());
    for input in 0..inputs {
        let mut bytes = seeds[below(&mut random, seeds.len())].clone();
        for _ in 0..=below(&mut random, 4) {
            let other = below(&mut random, seeds.len());
            mutate(&mut bytes, &seeds[other], &mut random);
        }
        let begin = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| parse(&bytes))) {
            Ok(sound) => read += usize::from(sound),
            Err(_) => {
                let path = std::env::temp_dir().join(format!("block-mutation-{name}-{input}"));
                std::fs::write(&path, &bytes).unwrap();
                panic!("{name}: input {input} panics, it is in {}", path.display());
            }
        }
        slowest = slowest.max(begin.elapsed());
        if input % 1000 == 0 || input + 1 == inputs {
            let peak = peak_kib().unwrap_or(0);
            assert!(peak < PEAK_KIB, "{name}: {peak} KiB by input {input}");
        }
    }
    if inputs > INPUTS {
        let (seconds, slowest) = (start.elapsed().as_secs(), slowest.as_millis());
        let peak = peak_kib().unwrap_or(0) / 1024;
        let text = format!(
            "{name}: {inputs} inputs in {seconds} s, {read} of them read, the slowest in {slowest} ms, peak {peak} MiB"
        );
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
