//! `benches instructions`: how many instructions the CPU kernels take, counted by callgrind, against
//! the committed counts. Unlike seconds they are the same on a busy machine; a new compiler may move them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use benches::Kernel;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Writes the counts found to benches/instructions.json.
    #[arg(long)]
    write: bool,
    /// Runs one kernel, which callgrind watches.
    #[arg(long, hide = true, requires = "times")]
    only: Option<String>,
    /// How often.
    #[arg(long, hide = true)]
    times: Option<usize>,
}

/// Instructions of one run of each kernel.
type Counts = BTreeMap<String, u64>;

/// A count may differ by this share.
const TOLERANCE: f64 = 0.03;
const RENEW: &str = "if that is meant, renew the counts: cargo xtask instructions --write";

pub(crate) fn run(args: &Args) -> Result<()> {
    if let (Some(name), Some(times)) = (&args.only, args.times) {
        let kernel = Kernel::ALL.into_iter().find(|kernel| kernel.name == name);
        kernel
            .with_context(|| format!("no kernel {name}"))?
            .run(times);
        return Ok(());
    }
    if !counts_here() {
        eprintln!("SKIPPED the instruction counts: they are of AVX2, which this CPU lacks");
        return Ok(());
    }
    let path = path();
    let expected = match args.write {
        true => Counts::new(),
        false => read(&path)?,
    };
    println!("kernel            instructions      expected   change");
    let (mut found, mut problems) = (Counts::new(), Vec::new());
    for kernel in Kernel::ALL {
        let name = kernel.name;
        let count = count(name)?;
        found.insert(name.to_owned(), count);
        let Some(&expected) = expected.get(name) else {
            println!("{name:<16} {count:>13}             -        -");
            if !args.write {
                problems.push(format!(
                    "{name}: found {count} instructions, expected none yet"
                ));
            }
            continue;
        };
        let change = count as f64 / expected as f64 - 1.0;
        println!(
            "{name:<16} {count:>13} {expected:>13} {:>+7.2}%",
            change * 100.0
        );
        if change > TOLERANCE {
            problems.push(format!(
                "{name}: found {count} instructions, expected {expected}"
            ));
        } else if change < -TOLERANCE {
            eprintln!("{name}: fewer instructions than expected, {count} of {expected}; {RENEW}");
        }
    }
    if args.write {
        return write(&path, &found);
    }
    let gone = expected.keys().filter(|name| !found.contains_key(*name));
    problems.extend(gone.map(|name| format!("{name}: expected, but there is no such kernel")));
    if !problems.is_empty() {
        bail!("{}; {RENEW}", problems.join("; "));
    }
    Ok(())
}

fn counts_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    let avx2 = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let avx2 = false;
    avx2
}

/// Instructions of one run: a tenth of what eleven take more than one, so that neither the set-up counts
/// nor, much, when threads happen to wake.
fn count(kernel: &str) -> Result<u64> {
    Ok(total(kernel, 11)?.saturating_sub(total(kernel, 1)?) / 10)
}

/// Instructions of a whole process on one thread. Callgrind knows no AVX-512, so the kernels take AVX2.
fn total(kernel: &str, times: usize) -> Result<u64> {
    let program = std::env::current_exe().context("this program's path")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["instructions", "--only", kernel])
        .args(["--times", &times.to_string()])
        .env("RAYON_NUM_THREADS", "1")
        // Where a CPU has `rep movsb`, glibc's copies would count one instruction a byte.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS,-FSRM")
        .output()
        .context("valgrind; install the package valgrind")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let collected = collected.and_then(|(_, count)| count.trim().parse().ok());
    collected
        .filter(|_| output.status.success())
        .with_context(|| format!("callgrind of {kernel}: {}: {}", output.status, text.trim()))
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

fn read(path: &Path) -> Result<Counts> {
    let at = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(at)?;
    serde_json::from_str(&text).with_context(at)
}

fn write(path: &Path, counts: &Counts) -> Result<()> {
    let text = serde_json::to_string_pretty(counts)? + "\n";
    fs::write(path, text).with_context(|| path.display().to_string())
}
