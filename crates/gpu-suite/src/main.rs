//! The GPU suite: one file to copy to a bare machine with a GPU, where it checks every operation against
//! float64 on the CPU and measures what the kernels reach. Ends with JSON, and with exit code 1 if an
//! operation disagrees.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod scan;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agreement::{Operation, Outcome, Suite};
use benches::{Measurement, Method, Workload, copy_bandwidth, measure};
use block_core::NeuronModel;
use block_core::device::NamedDevice;
use block_models::Formulation;
use clap::Parser;
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Checks and measures a device.
#[derive(Parser)]
struct Args {
    /// auto, cpu, cuda, cuda:N, wgpu or wgpu:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Where the JSON goes.
    #[arg(long, default_value = "gpu-suite.json")]
    out: PathBuf,
    /// The agreement and the smallest cell of everything else: whether it works, not how fast it is.
    #[arg(long)]
    quick: bool,
}

/// All that was found.
#[derive(Serialize)]
struct Report {
    device: String,
    /// What built it.
    commit: &'static str,
    copy_bandwidth_bytes_per_second: Option<f64>,
    agreement: Vec<Outcome>,
    scan: Vec<scan::Cell>,
    measurements: Vec<Measurement>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything agrees.
fn run(args: &Args) -> Result<bool, String> {
    let device = block_core::device::select(&args.device).map_err(|e| e.to_string())?;
    println!("device {}", device.name);
    let agreement = agree(&device);
    let mut report = Report {
        device: device.name.clone(),
        commit: option_env!("BLOCK_COMMIT").unwrap_or("unknown"),
        copy_bandwidth_bytes_per_second: None,
        agreement,
        scan: Vec::new(),
        measurements: Vec::new(),
    };
    // After every stage, so that nothing is lost where a later one fails.
    write(&args.out, &report)?;
    let copy = copy_bandwidth(&device).map_err(|e| e.to_string())?;
    println!("copy {:.1} GB/s", copy * 1e-9);
    report.copy_bandwidth_bytes_per_second = Some(copy);
    for sizes in scan::sizes(args.quick) {
        for model in NeuronModel::ALL {
            let cell = scan::measure(model, sizes, copy, &device).map_err(|e| e.to_string())?;
            println!("{cell}");
            report.scan.push(cell);
        }
    }
    write(&args.out, &report)?;
    for (workload, method) in steps(args.quick) {
        let found = measure(workload, method, 10, &device).map_err(|e| e.to_string())?;
        println!(
            "{:<8} {:?} × {:<5} {:<16} forward {:>9.3} ms, backward {:>9.3} ms",
            found.workload,
            found.neurons,
            found.steps,
            found.formulation,
            found.forward_seconds * 1e3,
            found.backward_seconds * 1e3,
        );
        report.measurements.push(found);
        write(&args.out, &report)?;
    }
    println!("written to {}", args.out.display());
    Ok(report
        .agreement
        .iter()
        .all(|outcome| outcome.failure.is_none()))
}

fn agree(device: &NamedDevice) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for dtype in agreement::gpu_types(&device.device) {
        let mut suite = Suite::new(&device.device, dtype);
        for operation in Operation::all() {
            if let Some(outcome) = suite.run(operation) {
                println!("{outcome}");
                outcomes.push(outcome);
            }
        }
    }
    outcomes
}

/// The training steps of every workload, and the paper's speed grid, by formulation.
fn steps(quick: bool) -> Vec<(Workload, Method)> {
    let networks = [
        Workload::Fmnist,
        Workload::Shd,
        Workload::YinYang,
        Workload::Deep,
        Workload::Long,
    ];
    let neurons = (100..=1000).step_by(100);
    let grid = neurons.flat_map(|neurons| {
        (3..=11).map(move |power| Workload::Layer {
            neurons,
            steps: 1 << power,
        })
    });
    let fused = [
        Formulation::Scan,
        Formulation::StandardSingle,
        Formulation::StandardMulti,
    ];
    let smallest = [
        Workload::YinYang,
        Workload::Layer {
            neurons: 100,
            steps: 8,
        },
    ];
    let workloads: Vec<Workload> = match quick {
        true => smallest.to_vec(),
        false => networks.into_iter().chain(grid).collect(),
    };
    let steps = workloads.into_iter();
    steps
        .flat_map(|workload| fused.map(|of| (workload, Method::Neurons(of))))
        .collect()
}

/// Whole or not at all.
fn write(path: &Path, report: &Report) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = serde_json::to_string_pretty(report).map_err(|e| e.to_string())?;
    let temporary = path.with_extension("json.tmp");
    std::fs::write(&temporary, text + "\n").map_err(failed)?;
    std::fs::rename(&temporary, path).map_err(failed)
}
