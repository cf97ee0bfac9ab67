//! `benches bench`: medians of training steps, for people or as JSON lines.

mod against;
mod roofline;
mod table;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use benches::{Measurement, Method, Workload};
use block_core::simd::{self, InstructionSet};
use block_models::Formulation;
use clap::builder::PossibleValuesParser;

use against::Earlier;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which workloads; all of them by default.
    #[arg(value_parser = PossibleValuesParser::new(Workload::NAMES))]
    workloads: Vec<String>,
    /// One JSON line a measurement.
    #[arg(long)]
    json: bool,
    /// Hidden neurons as scan, convolution, standard-single or standard-multi, or gemm for the dense
    /// matrix products of the same layers alone.
    #[arg(long, default_value = "scan")]
    formulation: Method,
    /// `auto`, `cpu`, `cuda`, `cuda:N`, `wgpu` or `wgpu:N`, of those compiled in.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// The instruction set of the CPU's kernels, `avx512`, `avx2` or `baseline`; by default the widest that the
    /// processor has.
    #[arg(long, value_name = "SET")]
    simd: Option<InstructionSet>,
    /// Timed repetitions at most, after two that are not counted; 3 or more end after 8 seconds. By
    /// default 30, of long 3.
    #[arg(long)]
    repetitions: Option<NonZeroUsize>,
    /// Beside the time of each step of the scan the least that the machine could take for it.
    #[arg(long, conflicts_with = "json")]
    roofline: bool,
    /// JSON lines of an earlier run to compare with; the comparison stands below the measurements, or
    /// with --json on standard error.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Measures one workload, by its index, in this very process.
    #[arg(long, hide = true)]
    only: Option<usize>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(&workload) = args.only.and_then(|index| Workload::ALL.get(index)) {
        println!("{}", measure(workload, args)?);
        return Ok(());
    }
    // Before the table begins, not in each child.
    block_core::device::select(&args.device)?;
    let mut earlier = args.against.as_deref().map(Earlier::read).transpose()?;
    let mut comparison = Vec::new();
    let scan = Method::Neurons(Formulation::Scan);
    if args.roofline && args.formulation != scan {
        let found = args.formulation;
        bail!("--roofline counts what the scan does, found --formulation {found}");
    }
    let mut implausible = Vec::new();
    let (header, row): (&str, fn(&Measurement) -> String) = match args.roofline {
        true => (roofline::HEADER, roofline::row),
        false => (table::HEADER, table::row),
    };
    if !args.json {
        println!("{header}");
    }
    for (index, workload) in Workload::ALL.into_iter().enumerate() {
        let chosen = args.workloads.iter().any(|name| name == workload.name());
        if !chosen && !args.workloads.is_empty() {
            continue;
        }
        let line = child(index, args).with_context(|| format!("bench {}", workload.name()))?;
        let measurement: Measurement = serde_json::from_str(&line)?;
        match args.json {
            true => println!("{line}"),
            false => println!("{}", row(&measurement)),
        }
        implausible.extend(roofline::beaten(&measurement).filter(|_| args.roofline));
        comparison.extend(
            earlier
                .as_mut()
                .map(|earlier| earlier.compare(&measurement)),
        );
    }
    comparison.extend(earlier.iter().flat_map(Earlier::rest));
    for line in comparison {
        match args.json {
            true => eprintln!("{line}"),
            false => println!("{line}"),
        }
    }
    if !implausible.is_empty() {
        bail!("{}", implausible.join("\n"));
    }
    Ok(())
}

/// The measurement as a JSON line.
fn measure(workload: Workload, args: &Args) -> Result<String> {
    let few = if workload == Workload::Long { 3 } else { 30 };
    let repetitions = args.repetitions.map_or(few, NonZeroUsize::get);
    let device = block_core::device::select(&args.device)?;
    let set = args.simd.unwrap_or_else(InstructionSet::best);
    let measurement = simd::with(set, || {
        benches::measure(workload, args.formulation, repetitions, &device)
    })?;
    Ok(serde_json::to_string(&measurement)?)
}

/// Measures a workload in a process of its own, so that peak memory is its own; its JSON line.
fn child(index: usize, args: &Args) -> Result<String> {
    let program = std::env::current_exe().context("this program's path")?;
    let mut command = Command::new(program);
    command
        .args(["bench", "--only", &index.to_string()])
        .args(["--formulation", &args.formulation.to_string()])
        .args(["--device", &args.device]);
    if let Some(set) = args.simd {
        command.args(["--simd", set.name()]);
    }
    if let Some(repetitions) = args.repetitions {
        command.args(["--repetitions", &repetitions.to_string()]);
    }
    let output = command.output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", output.status, text.trim());
    }
    let line = String::from_utf8(output.stdout)?;
    Ok(line.trim().to_owned())
}
