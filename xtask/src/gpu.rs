//! What can be known of the GPU kernels without a GPU, and the suite for machines with one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::command::{command, output};
use crate::optional;

/// NVIDIA's compiler and headers, as PyPI has them.
struct Nvrtc {
    packages: [&'static str; 2],
    /// Folders of the compiler and of `cuda_fp16.h`, where they are installed.
    library: &'static str,
    headers: &'static str,
    /// Where it is installed.
    folder: &'static str,
}

const COMPILERS: [Nvrtc; 2] = [
    Nvrtc {
        packages: [
            "nvidia-cuda-nvrtc-cu12==12.9.86",
            "nvidia-cuda-runtime-cu12==12.9.79",
        ],
        library: "nvidia/cuda_nvrtc/lib",
        headers: "nvidia/cuda_runtime/include",
        folder: "target/nvrtc-12",
    },
    Nvrtc {
        packages: ["nvidia-cuda-nvrtc==13.5.37", "nvidia-cuda-runtime==13.5.37"],
        library: "nvidia/cu13/lib",
        headers: "nvidia/cu13/include",
        folder: "target/nvrtc-13",
    },
];

impl Nvrtc {
    /// Fetches it unless it is there; its library's and its headers' folder.
    fn install(&self) -> Result<[String; 2]> {
        let current = std::env::current_dir().context("the current folder")?;
        let root = current.join(self.folder);
        let [library, headers] = [self.library, self.headers].map(|folder| root.join(folder));
        let text = |path: &Path| path.display().to_string();
        if !headers.join("cuda_fp16.h").exists() {
            let target = text(&root);
            let options = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--target",
                &target,
            ];
            command("python3", &[&options[..], &self.packages].concat(), &[])?;
        }
        link(&library)?;
        Ok([text(&library), text(&headers)])
    }
}

/// The loader looks for `libnvrtc.so`, and knows only some of the numbers that may stand behind it.
fn link(library: &Path) -> Result<()> {
    let at = || library.display().to_string();
    let plain = library.join("libnvrtc.so");
    if plain.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(library).with_context(at)? {
        let path = entry.with_context(at)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("libnvrtc.so.") {
            return fs::hard_link(&path, &plain).with_context(at);
        }
    }
    bail!("{}: no libnvrtc.so.*", library.display())
}

/// The agreement suite on Vulkan (a software driver will do), and every CUDA kernel through NVRTC 12 and 13.
pub(crate) fn check() -> Result<()> {
    let compilers = COMPILERS.iter().map(Nvrtc::install);
    let compilers: Vec<[String; 2]> = compilers.collect::<Result<_, _>>()?;
    optional::build()?;
    // The CPU has its turn with all the other tests. A driver compiles one kernel at a time, so two
    // processes share the work; within one its threads stand in each other's way.
    std::thread::scope(|scope| {
        let half = scope.spawn(|| optional::run(&["wgpu_f32"], &[]));
        let compiled = compilers.iter().try_for_each(|[library, headers]| {
            let variables = [
                ("LD_LIBRARY_PATH", library.as_str()),
                ("CUDA_HEADERS", headers.as_str()),
            ];
            optional::run(&["every_kernel"], &variables)
        });
        let rest = compiled.and_then(|()| optional::run(&["wgpu", "--skip", "wgpu_f32"], &[]));
        half.join()
            .unwrap_or_else(|_| Err(anyhow!("wgpu_f32: panicked")))
            .and(rest)
    })
}

#[derive(clap::Args)]
pub(crate) struct Suite {
    /// Only build it, for another machine.
    #[arg(long)]
    build: bool,
}

/// Builds the GPU suite for CUDA, and runs it.
pub(crate) fn suite(args: &Suite) -> Result<()> {
    let program = build()?;
    println!("{}", program.display());
    if args.build {
        return Ok(());
    }
    command(&program.display().to_string(), &[], &[])
}

/// The suite as one file. Without LLVM, which neither builds everywhere nor is needed: its kernels are
/// compiled by NVRTC on the machine that runs it.
fn build() -> Result<PathBuf> {
    let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
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
        false => bail!(
            "{}: not built there; is CARGO_TARGET_DIR set?",
            program.display()
        ),
    }
}

/// A file that is put back as it was.
struct Kept {
    path: PathBuf,
    content: Vec<u8>,
}

impl Kept {
    fn new(path: &str) -> Result<Self> {
        let content = fs::read(path).with_context(|| path.to_owned())?;
        let path = PathBuf::from(path);
        Ok(Self { path, content })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.content) {
            eprintln!("{}: not put back: {error}", self.path.display());
        }
    }
}
