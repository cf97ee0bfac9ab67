//! The build with optional features, a second one of Burn: on Vulkan's software driver, with NVIDIA's compiler, with
//! Burn's `Learner`. One build serves all of them.

use anyhow::Result;

use crate::command::command;

const PACKAGES: [&str; 3] = ["runner", "agreement", "block-models"];
const FEATURES: &str = "runner/wgpu,agreement/wgpu,agreement/nvrtc,block-models/train";
const TESTS: [&str; 4] = ["devices", "nvrtc", "gpu", "learner"];

/// Builds all of it.
pub(crate) fn build() -> Result<()> {
    cargo(&["--no-run"], &[])
}

/// Runs the tests whose names `which` has, a filter of the test runner, one at a time.
pub(crate) fn run(which: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let options = ["--nocapture", "--test-threads", "1"];
    cargo(&[&["--"], which, &options].concat(), variables)
}

fn cargo(rest: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let packages = PACKAGES.iter().flat_map(|package| ["-p", package]);
    let tests = TESTS.iter().flat_map(|test| ["--test", test]);
    let line: Vec<&str> = ["test", "--config", "xtask/gpu-check.toml"]
        .into_iter()
        .chain(packages)
        .chain(["--features", FEATURES])
        .chain(tests)
        .chain(rest.iter().copied())
        .collect();
    // Matrix products are Burn's: one way to do them is enough here.
    let variables = [&[("CUBECL_AUTOTUNE_LEVEL", "minimal")], variables].concat();
    command("cargo", &line, &variables)
}
