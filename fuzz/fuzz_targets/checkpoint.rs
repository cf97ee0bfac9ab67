//! Checkpoints, read into a network of two hidden layers. A checksum would refuse every change: start from a checkpoint
//! without one, such as that of crates/runner/tests/cli/made-before.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use block_core::device;
use block_models::{Network, NetworkConfig, Shape};
use libfuzzer_sys::fuzz_target;
use runner::read_checkpoint;

static NETWORK: LazyLock<Network> = LazyLock::new(|| {
    let device = device::select("cpu").expect("a CPU").device.autodiff();
    let network = NetworkConfig::of([8, 8]).init(Shape::Units(4), 3, &device);
    network.expect("a network")
});

fuzz_target!(|bytes: &[u8]| {
    let _ = read_checkpoint(bytes, &mut NETWORK.clone(), Path::new("a"));
});
