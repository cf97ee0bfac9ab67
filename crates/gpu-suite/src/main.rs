//! The GPU suite: one file to copy to a bare machine with a GPU, where it checks every operation against
//! float64 on the CPU and measures what the kernels reach, the most telling first. Each stage writes a file of its own as it
//! goes; what there is no time for is named. Exit code 1 if an operation disagrees or a cell fails.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod grid;
mod machine;
mod scan;
mod stage;
mod toolkit;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use agreement::{Operation, Suite};
use benches::{Method, Workload, copy_bandwidth, measure};
use block_core::NeuronModel;
use block_core::device::NamedDevice;
use block_models::Formulation;
use burn::tensor::DType;
use clap::Parser;
use serde_json::json;

use machine::Machine;
use stage::{Found, Run};
use toolkit::Variables;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Set once the toolkit was looked for.
const LOOKED: &str = "BLOCK_CUDA_FOUND";

/// Checks and measures a device.
#[derive(Parser)]
struct Args {
    /// auto, cpu, cuda, cuda:N, wgpu or wgpu:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// The folder of the results.
    #[arg(long, default_value = "gpu-suite-results")]
    out: PathBuf,
    /// Seconds that all of it may take; what does not fit is left out, and named.
    #[arg(long, default_value_t = 480.0)]
    seconds: f64,
    /// The agreement and the smallest cell of everything else: whether it works, not how fast it is.
    #[arg(long)]
    quick: bool,
    /// Prints the variables by which other programs find CUDA's compiler here, for a shell, and does nothing else.
    #[arg(long)]
    environment: bool,
}

fn main() -> ExitCode {
    let start = Instant::now();
    match run(&Args::parse(), start) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything is as it should be.
fn run(args: &Args, start: Instant) -> Result<bool, String> {
    if args.environment {
        for (name, value) in toolkit::variables()? {
            println!("export {name}='{}'", value.to_string_lossy());
        }
        return Ok(true);
    }
    if cfg!(feature = "cuda") && std::env::var_os(LOOKED).is_none() {
        if args.device.starts_with("cuda") {
            return Err(again(&toolkit::variables()?));
        }
        if args.device == "auto" {
            // Without a toolkit there may still be another device.
            if let Ok(variables) = toolkit::variables() {
                return Err(again(&variables));
            }
        }
    }
    let device = block_core::device::select(&args.device).map_err(|e| e.to_string())?;
    println!("device {}", device.name);
    std::fs::create_dir_all(&args.out).map_err(|e| format!("{}: {e}", args.out.display()))?;
    let run = &mut Run {
        machine: Machine::new(&device.name),
        folder: args.out.clone(),
        start,
        seconds: args.seconds,
        sound: true,
    };
    agree(run, "agreement-float32", 0.4, &[DType::F32], &device)?;
    steps(run, 0.65, args.quick, &device)?;
    roofline(run, 0.75, args.quick, &device)?;
    let mut bench = grid::Bench::new(&device);
    run.stage("grid", 0.92, grid::cells(args.quick), |cell| {
        bench.measure(cell).map(Some)
    })?;
    drop(bench);
    let types = agreement::gpu_types(&device.device);
    agree(run, "agreement-half", 1.0, &types[1..], &device)?;
    println!("written to {}", args.out.display());
    Ok(run.sound)
}

/// Starts this program again, as the loader reads its variables only then; why it could not, if it returns.
fn again(variables: &Variables) -> String {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return format!("this program's own file: {error}"),
    };
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1)).env(LOOKED, "1");
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    format!("{}: {}", program.display(), replace(&mut command))
}

#[cfg(unix)]
fn replace(command: &mut Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(2)),
        Err(error) => error,
    }
}

fn agree(
    run: &mut Run,
    stage: &str,
    share: f64,
    types: &[DType],
    device: &NamedDevice,
) -> Result<(), String> {
    let mut suites: Vec<Suite> = Vec::new();
    let mut cells = Vec::new();
    for (index, &dtype) in types.iter().enumerate() {
        suites.push(Suite::new(&device.device, dtype));
        for operation in Operation::all() {
            let name = format!("{} {}", operation.name(), dtype.name());
            cells.push((name, (index, operation)));
        }
    }
    run.stage(stage, share, cells, |(index, operation)| {
        let Some(outcome) = suites[index].run(operation) else {
            return Ok(None);
        };
        let mut found = Found::measured(outcome.to_string(), &outcome)?;
        found.sound = outcome.failure.is_none();
        Ok(Some(found))
    })
}

/// The training steps of every workload, by formulation.
fn steps(run: &mut Run, share: f64, quick: bool, device: &NamedDevice) -> Result<(), String> {
    let all = [
        Workload::Fmnist,
        Workload::Shd,
        Workload::YinYang,
        Workload::Deep,
        Workload::Conv,
        Workload::Vgg,
        Workload::Long,
    ];
    let workloads = if quick {
        &[Workload::YinYang]
    } else {
        &all[..]
    };
    let mut cells = Vec::new();
    for &workload in workloads {
        for formulation in [
            Formulation::Scan,
            Formulation::StandardSingle,
            Formulation::StandardMulti,
        ] {
            let name: &str = formulation.into();
            let cell = (workload, Method::Neurons(formulation));
            cells.push((format!("{} {name}", workload.name()), cell));
        }
    }
    run.stage("steps", share, cells, |(workload, method)| {
        let found = measure(workload, method, 10, device).map_err(|e| e.to_string())?;
        let line = format!(
            "{:<8} {:<16} forward {:>9.3} ms, backward {:>9.3} ms",
            found.workload,
            found.formulation,
            found.forward_seconds * 1e3,
            found.backward_seconds * 1e3,
        );
        Found::measured(line, found).map(Some)
    })
}

/// What a copy reaches, and the scans beside it.
fn roofline(run: &mut Run, share: f64, quick: bool, device: &NamedDevice) -> Result<(), String> {
    let mut cells = vec![("copy".to_owned(), None)];
    for sizes in scan::sizes(quick) {
        for model in NeuronModel::ALL {
            let [batch, steps, neurons] = sizes;
            let name = format!("{} {batch} × {steps} × {neurons}", model.name());
            cells.push((name, Some((model, sizes))));
        }
    }
    let mut copy = None;
    run.stage("roofline", share, cells, |cell| {
        let Some((model, sizes)) = cell else {
            let found = copy_bandwidth(device).map_err(|e| e.to_string())?;
            copy = Some(found);
            let value = json!({"copy_bandwidth_bytes_per_second": found});
            return Found::measured(format!("copy {:.1} GB/s", found * 1e-9), value).map(Some);
        };
        let copy = copy.ok_or("the copy was not measured")?;
        let cell = scan::measure(model, sizes, copy, device).map_err(|e| e.to_string())?;
        Found::measured(cell.to_string(), cell).map(Some)
    })
}
