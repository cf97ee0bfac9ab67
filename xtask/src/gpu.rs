//! What can be known of the GPU kernels without a GPU, and the suite for machines with one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// Features of the one build that all of it shares.
const FEATURES: &str = "runner/wgpu,agreement/wgpu,agreement/nvrtc";

/// NVIDIA's compiler and headers, as PyPI has them.
const PACKAGES: [&str; 2] = [
    "nvidia-cuda-nvrtc-cu12==12.9.86",
    "nvidia-cuda-runtime-cu12==12.9.79",
];

/// The agreement suite on Vulkan (a software driver will do), and every CUDA kernel through NVRTC.
pub fn check() -> Result<(), String> {
    let folder = std::env::current_dir().map_err(|e| format!("the current folder: {e}"))?;
    let nvidia = folder.join("target/nvrtc");
    if !nvidia
        .join("nvidia/cuda_runtime/include/cuda_fp16.h")
        .exists()
    {
        let target = nvidia.display().to_string();
        let options = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            &target,
        ];
        command("python3", &[&options[..], &PACKAGES].concat(), &[])?;
    }
    let text = |path: &Path| path.display().to_string();
    let library = text(&nvidia.join("nvidia/cuda_nvrtc/lib"));
    let headers = text(&nvidia.join("nvidia/cuda_runtime/include"));
    let variables = [
        ("LD_LIBRARY_PATH", library.as_str()),
        ("CUDA_HEADERS", headers.as_str()),
        // Matrix products are Burn's: one way to do them is enough here.
        ("CUBECL_AUTOTUNE_LEVEL", "minimal"),
    ];
    let build = [
        "test",
        "--config",
        "xtask/gpu-check.toml",
        "-p",
        "runner",
        "-p",
        "agreement",
    ];
    let features = ["--features", FEATURES];
    let tests = ["--test", "devices", "--test", "nvrtc", "--test", "gpu"];
    let cargo = |rest: &[&str]| {
        let arguments = [&build[..], &features, &tests, rest].concat();
        command("cargo", &arguments, &variables)
    };
    cargo(&["--no-run"])?;
    // The CPU has its turn with all the other tests. A driver compiles one kernel at a time, so two
    // processes share the work; within one its threads stand in each other's way.
    let run =
        |which: &[&str]| cargo(&[&["--"], which, &["--nocapture", "--test-threads", "1"]].concat());
    std::thread::scope(|scope| {
        let half = scope.spawn(|| run(&["wgpu_f32"]));
        let rest = run(&["wgpu", "every_kernel", "--skip", "wgpu_f32"]);
        half.join()
            .unwrap_or_else(|_| Err("wgpu_f32: panicked".into()))
            .and(rest)
    })
}

#[derive(clap::Args)]
pub struct Suite {
    /// Only build it, for another machine.
    #[arg(long)]
    build: bool,
}

/// Builds the GPU suite for CUDA, and runs it.
pub fn suite(args: &Suite) -> Result<(), String> {
    let program = build()?;
    println!("{}", program.display());
    if args.build {
        return Ok(());
    }
    command(&program.display().to_string(), &[], &[])
}

/// The suite as one file. Without LLVM, which neither builds everywhere nor is needed: its kernels are
/// compiled by NVRTC on the machine that runs it.
fn build() -> Result<PathBuf, String> {
    let commit = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    let commit = commit.map_or_else(
        |_| String::new(),
        |out| String::from_utf8_lossy(&out.stdout).into(),
    );
    let kept = Kept::new("Cargo.lock")?;
    let options = [
        "build",
        "--config",
        "xtask/without-llvm.toml",
        "-p",
        "gpu-suite",
    ];
    let features = ["--features", "gpu-suite/cuda"];
    let variables = [("BLOCK_COMMIT", commit.trim())];
    let built = command("cargo", &[&options[..], &features].concat(), &variables);
    drop(kept);
    built?;
    let program = PathBuf::from("target/debug/gpu-suite");
    match program.exists() {
        true => Ok(program),
        false => Err(format!(
            "{}: not built there; is CARGO_TARGET_DIR set?",
            program.display()
        )),
    }
}

/// A file that is put back as it was.
struct Kept {
    path: PathBuf,
    content: Vec<u8>,
}

impl Kept {
    fn new(path: &str) -> Result<Self, String> {
        let content = fs::read(path).map_err(|e| format!("{path}: {e}"))?;
        let path = PathBuf::from(path);
        Ok(Self { path, content })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.content) {
            tracing::warn!("{}: not put back: {error}", self.path.display());
        }
    }
}
