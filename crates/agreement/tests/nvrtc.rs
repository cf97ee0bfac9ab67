//! Every CUDA kernel compiles, for the GPUs of the paper's time and for today's. Without a GPU:
//! `cargo xtask gpu-check` fetches the compiler and runs this.
#![cfg(feature = "nvrtc")]

use cudarc::nvrtc::{CompileError, CompileOptions, compile_ptx_with_opts};

const ARCHITECTURES: [&str; 2] = ["sm_80", "sm_90a"];

#[test]
fn every_kernel_compiles() {
    let headers = std::env::var("CUDA_HEADERS").expect("CUDA_HEADERS: the folder of cuda_fp16.h");
    let sources = block_core::cuda_sources();
    for arch in ARCHITECTURES {
        let options = CompileOptions {
            arch: Some(arch),
            include_paths: vec![headers.clone()],
            ..Default::default()
        };
        for source in &sources {
            match compile_ptx_with_opts(&source.code, options.clone()) {
                Ok(_) => {}
                Err(CompileError::CompileError { log, .. }) => {
                    panic!(
                        "{} for {arch}: {}\n{}",
                        source.name,
                        log.to_string_lossy(),
                        source.code
                    )
                }
                Err(error) => panic!("{} for {arch}: {error:?}", source.name),
            }
        }
        println!("nvrtc: {} kernels compile for {arch}", sources.len());
    }
}
