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

/// The agreement suite on Vulkan (a software driver will do), every CUDA kernel through NVRTC 12 and 13, and what else needs
/// their build.
pub(crate) fn check() -> Result<()> {
    let compilers = COMPILERS.iter().map(Nvrtc::install);
    let compilers: Vec<[String; 2]> = compilers.collect::<Result<_, _>>()?;
    optional::build()?;
    // The CPU has its turn with all the other tests. A driver compiles one kernel at a time, and threads of one process
    // stand in each other's way: three processes share the work.
    let float32 = || optional::run(&["wgpu_f32"], &[]);
    let rest = || optional::run(&["wgpu", "--skip", "wgpu_f32"], &[]);
    let without_a_driver = || {
        for [library, headers] in &compilers {
            let variables = [
                ("LD_LIBRARY_PATH", library.as_str()),
                ("CUDA_HEADERS", headers.as_str()),
            ];
            optional::run(&["every_kernel"], &variables)?;
        }
        optional::run(&["burns_"], &[])
    };
    let checks: [&(dyn Fn() -> Result<()> + Sync); 3] = [&float32, &rest, &without_a_driver];
    std::thread::scope(|scope| {
        let started = checks.map(|check| scope.spawn(check));
        let ended = started.map(|check| {
            check
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a check of the GPU kernels panicked")))
        });
        ended.into_iter().collect()
    })
}

#[derive(clap::Args)]
pub(crate) struct Suite {
    /// Only build and pack it, for another machine.
    #[arg(long)]
    build: bool,
}

/// What is packed: programs, and beside them what they need.
const FILES: [&str; 6] = [
    "target/debug/gpu-suite",
    "target/debug/runner",
    "crates/gpu-suite/run.sh",
    "crates/gpu-suite/peers.py",
    "configs/fmnist.toml",
    "configs/yinyang.toml",
];
/// Where the runner keeps Fashion-MNIST.
const DATA: &str = "data/fashion-mnist";
const PACKED: &str = "target/gpu-suite.tar.xz";

/// Builds the GPU suite and the runner for CUDA and packs them, or runs the suite here.
pub(crate) fn suite(args: &Suite) -> Result<()> {
    build()?;
    if !args.build {
        return command("target/debug/gpu-suite", &[], &[]);
    }
    pack()
}

/// Without LLVM, which neither builds everywhere nor is needed: the kernels are compiled by NVRTC on the machine that
/// runs it.
fn build() -> Result<()> {
    let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let kept = Kept::new("Cargo.lock")?;
    let options = [
        "build",
        "--config",
        "xtask/without-llvm.toml",
        "--config",
        "profile.dev.strip = true",
        "-p",
        "gpu-suite",
        "-p",
        "runner",
        "--features",
        "gpu-suite/cuda,runner/cuda",
    ];
    let built = command("cargo", &options, &[("BLOCK_COMMIT", commit.trim())]);
    drop(kept);
    built?;
    match FILES.iter().find(|file| !Path::new(file).exists()) {
        None => Ok(()),
        Some(file) => bail!("{file}: not there; is CARGO_TARGET_DIR set?"),
    }
}

/// One file for the other machine, and the line to type there.
fn pack() -> Result<()> {
    let data = Path::new(DATA).exists();
    let files = FILES.into_iter().chain(data.then_some(DATA));
    // Each by its own name, the data in a folder.
    let rename = [
        "--transform=s,^target/debug/,,",
        "--transform=s,^crates/gpu-suite/,,",
    ];
    let line: Vec<&str> = ["-cJf", PACKED]
        .into_iter()
        .chain(rename)
        .chain(files)
        .collect();
    command("tar", &line, &[])?;
    let bytes = fs::metadata(PACKED).context(PACKED)?.len();
    println!("{PACKED}: {:.1} MB", bytes as f64 * 1e-6);
    if !data {
        println!(
            "without Fashion-MNIST: `cargo run -p runner -- data get fashion-mnist` fetches it"
        );
    }
    println!("there: tar -xf gpu-suite.tar.xz && bash run.sh");
    Ok(())
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
