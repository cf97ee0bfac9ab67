//! `cargo xtask bench`: medians of training steps, for people or as JSON lines.

mod measure;

use std::process::Command;

use benches::Workload;
use block_models::Formulation;
use clap::ValueEnum;

use measure::{Engine, Measurement};

#[derive(clap::Args)]
pub struct Args {
    /// Which workloads; all of them by default.
    workloads: Vec<Name>,
    /// One JSON line a measurement.
    #[arg(long)]
    json: bool,
    /// Hidden neurons as scan, convolution, standard-single or standard-multi, or gemm for the two
    /// dense matrix products of the same layer alone.
    #[arg(long, default_value = "scan")]
    formulation: String,
    /// Timed repetitions, after two that are not counted.
    #[arg(long, default_value_t = 30)]
    repetitions: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Fmnist,
    Shd,
    Yinyang,
    Deep,
}

impl From<Name> for Workload {
    fn from(name: Name) -> Self {
        match name {
            Name::Fmnist => Self::Fmnist,
            Name::Shd => Self::Shd,
            Name::Yinyang => Self::YinYang,
            Name::Deep => Self::Deep,
        }
    }
}

pub fn run(args: &Args) -> Result<(), String> {
    let engine = engine(&args.formulation)?;
    if let [workload] = args.workloads[..] {
        let measurement = measure::measure(workload.into(), engine, args.repetitions);
        if args.json {
            let line = serde_json::to_string(&measurement).map_err(|e| e.to_string())?;
            println!("{line}");
        } else {
            println!("{}", Measurement::HEADER);
            println!("{measurement}");
        }
        return Ok(());
    }
    // A process each, so that peak memory is the workload's own.
    let all = Name::value_variants();
    let names = if args.workloads.is_empty() {
        all
    } else {
        &args.workloads[..]
    };
    if !args.json {
        println!("{}", Measurement::HEADER);
    }
    for name in names {
        let line = child(*name, args)?;
        if args.json {
            println!("{line}");
        } else {
            let measurement: Measurement =
                serde_json::from_str(&line).map_err(|e| e.to_string())?;
            println!("{measurement}");
        }
    }
    Ok(())
}

fn engine(formulation: &str) -> Result<Engine, String> {
    Ok(match formulation {
        "scan" => Engine::Network(Formulation::Scan),
        "convolution" => Engine::Network(Formulation::Convolution),
        "standard-single" => Engine::Network(Formulation::StandardSingle),
        "standard-multi" => Engine::Network(Formulation::StandardMulti),
        "gemm" => Engine::Gemm,
        other => {
            return Err(format!(
                "--formulation {other}: expected scan, convolution, standard-single, standard-multi or gemm"
            ));
        }
    })
}

/// Measures one workload in a process of its own; its JSON line.
fn child(name: Name, args: &Args) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program's path: {e}"))?;
    let value = name.to_possible_value().expect("no variant is skipped");
    let output = Command::new(program)
        .args(["bench", value.get_name(), "--json"])
        .args(["--formulation", &args.formulation])
        .args(["--repetitions", &args.repetitions.to_string()])
        .output()
        .map_err(|e| format!("bench {}: {e}", value.get_name()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("bench {}: {}", value.get_name(), text.trim()));
    }
    let line = String::from_utf8(output.stdout).map_err(|e| e.to_string())?;
    Ok(line.trim().to_owned())
}
