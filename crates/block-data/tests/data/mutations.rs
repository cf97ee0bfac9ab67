//! Damaged files of every kind: no parser panics, and none takes much memory.
//!
//! Sound inputs are changed at random, with a fixed seed: bits flipped, numbers overwritten, ends
//! cut, pieces inserted, removed or spliced in from another input. A few thousand a parser by
//! default, `BLOCK_MUTATIONS=1000000` makes a million (in the background, that takes its time);
//! `fuzz/` has the same parsers for libFuzzer.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use block_data::formats::archive::{ArchiveLimits, unpack_bytes, zip_members_of_bytes};
use block_data::formats::cifar::parse_batch;
use block_data::formats::event_files::read_events_bytes;
use block_data::formats::{idx, n_mnist};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::archives::zip_of;
use crate::event_files::fixture;
use crate::event_variants::variants;
use crate::files;

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

fn check(name: &str, seeds: &[Vec<u8>], parse: impl Fn(&[u8]) -> bool) {
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

#[test]
fn idx_files() {
    let pixels: Vec<u8> = (0..784_u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
    let seeds = [files::images(1, &pixels), files::labels(&[3, 9, 0, 1])];
    let path = Path::new("a");
    check("idx", &seeds, |bytes| {
        let images = idx::parse_images(bytes, path, [28, 28]).is_ok();
        images | idx::parse_labels(bytes, path, 10).is_ok()
    });
}

#[test]
fn cifar_batches() {
    let seed: Vec<u8> = (0..2 * 3073_u32).map(|i| (i % 3073 % 10) as u8).collect();
    check("cifar", &[seed], |bytes| {
        parse_batch(bytes, Path::new("a"), &mut Vec::new(), &mut Vec::new()).is_ok()
    });
}

#[test]
fn n_mnist_recordings() {
    let bytes: Vec<u8> = (0..500_u32).map(|i| (i * i % 34) as u8).collect();
    check("n_mnist", &[bytes], |bytes| {
        n_mnist::decode(bytes, Path::new("a")).is_ok()
    });
}

#[test]
fn hdf5_files() {
    let names = [
        "h5py_shd.h5",
        "h5py_v114.h5",
        "h5py_big_endian.h5",
        "h5py_flat.h5",
        "h5py_flat_v114.h5",
        "pytables_shd.h5",
        "pytables_n_mnist.h5",
        "pytables_flat.h5",
    ];
    let mut seeds = names
        .map(|name| std::fs::read(fixture(name)).unwrap())
        .to_vec();
    // With links in each kind of group, without the largest file.
    let variants = variants().into_iter();
    let links = variants.filter(|(name, bytes)| name.starts_with("link") && bytes.len() < 1 << 17);
    seeds.extend(links.map(|(_, bytes)| bytes));
    check("hdf5", &seeds, |bytes| {
        read_events_bytes(bytes.to_vec(), Path::new("a")).is_ok()
    });
}

#[test]
fn zip_and_gzip_files() {
    let noise: Vec<u8> = (0..700_u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
    let limits = ArchiveLimits {
        members: 10,
        member_bytes: 1 << 20,
        total_bytes: 1 << 21,
    };
    let seeds = [
        zip_of(&[("a/", b""), ("a/1.h5", &noise), ("a/2.bin", &[1; 5000])]),
        std::fs::read(fixture("pytables_shd.h5.zip")).unwrap(),
        files::gzip(&noise),
    ];
    let path = Path::new("a");
    check("zip", &seeds, |bytes| {
        let packed = unpack_bytes(bytes, path, 1 << 20, |name| name.ends_with(".h5")).is_ok();
        packed | zip_members_of_bytes(bytes, path, limits, |_| true, |_, _| Ok(())).is_ok()
    });
}
