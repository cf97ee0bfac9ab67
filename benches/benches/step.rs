//! Training steps of the networks, and the neuron-steps that they compute: see the table in
//! `src/lib.rs`. On the CPU an operation has ended when its function returns.
//!
//! `cargo bench -p benches --profile dev`

use benches::{Training, Workload};
use block_models::Formulation;
use divan::Bencher;
use divan::counter::ItemsCount;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NETWORKS: [Workload; 5] = [
    Workload::Fmnist,
    Workload::Shd,
    Workload::YinYang,
    Workload::Deep,
    Workload::Conv,
];

fn main() {
    divan::main();
}

/// Forward, cross entropy, backward, Adam.
#[divan::bench(args = NETWORKS, sample_count = 30, sample_size = 1)]
fn step(bencher: Bencher, workload: Workload) {
    let mut training = training(workload);
    let mut step = || {
        let loss = training.forward();
        training.backward(loss);
    };
    step();
    bencher
        .counter(ItemsCount::new(workload.neuron_steps()))
        .bench_local(step);
}

/// Forward and cross entropy.
#[divan::bench(args = NETWORKS, sample_count = 30, sample_size = 1)]
fn forward(bencher: Bencher, workload: Workload) {
    let mut training = training(workload);
    training.forward();
    bencher
        .counter(ItemsCount::new(workload.neuron_steps()))
        .bench_local(|| training.forward());
}

fn training(workload: Workload) -> Training {
    let cpu = block_core::device::select("cpu").expect("the CPU is always there");
    Training::new(workload, Formulation::Scan, &cpu)
}
