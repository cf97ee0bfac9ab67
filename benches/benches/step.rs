//! Training steps of the paper's workloads, batch 128: see the table in `src/lib.rs`.
//!
//! `cargo bench -p benches --profile dev`

use benches::{Training, Workload};
use block_models::Formulation;
use burn::tensor::Device;
use divan::Bencher;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 128;

fn main() {
    divan::main();
}

/// Forward, cross entropy, backward, Adam.
#[divan::bench(args = Workload::ALL, sample_count = 30, sample_size = 1)]
fn step(bencher: Bencher, workload: Workload) {
    let mut training = Training::new(
        workload,
        Formulation::Scan,
        BATCH,
        &Device::flex().autodiff(),
    );
    training.step();
    bencher.bench_local(|| training.step());
}

/// Forward and cross entropy.
#[divan::bench(args = Workload::ALL, sample_count = 30, sample_size = 1)]
fn forward(bencher: Bencher, workload: Workload) {
    let training = Training::new(
        workload,
        Formulation::Scan,
        BATCH,
        &Device::flex().autodiff(),
    );
    training.forward();
    bencher.bench_local(|| training.forward());
}
