//! The suite on every device that is compiled in: `cargo test -p agreement --test devices -- --nocapture`
//! prints what was compared. A test a type, so that types can be tried side by side.

#![expect(clippy::print_stdout, reason = "it says what was compared")]

use agreement::{Operation, Output};
use block_core::NeuronModel;
use burn::tensor::{DType, Device};

fn agree(name: &str, device: &Device, dtype: DType) {
    let mut failures = Vec::new();
    let mut suite = agreement::Suite::new(device, dtype);
    for operation in Operation::all() {
        if name != "cpu" && is_told_by_another(operation) {
            continue;
        }
        let Some(outcome) = suite.run(operation) else {
            continue;
        };
        println!("agreement: {name}: {outcome}");
        assert!(outcome.values > 0, "{outcome}");
        if outcome.failure.is_some() {
            failures.push(outcome.to_string());
        }
    }
    assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
}

/// Routes without kernels of ours whose results another operation of the suite has too: on a GPU each of their many
/// small kernels is compiled, which takes a software driver minutes.
fn is_told_by_another(operation: Operation) -> bool {
    match operation {
        // There a layer on pictures is Burn's convolution and a scan, whatever form the spikes have: with one model that
        // feeds its spikes back, and one that does not.
        Operation::Conv(model, output, _) => {
            let told = matches!(model, NeuronModel::SingleSpike | NeuronModel::Integrator);
            told || output != Output::Both
        }
        // The loop of steps is the same operations, and a loss on both outputs has each.
        Operation::Reference(..) => true,
        Operation::Convolution(output) | Operation::Steps(_, output) => output != Output::Both,
        _ => false,
    }
}

macro_rules! cpu_tests {
    ($($test:ident $dtype:ident),+) => {$(
        #[test]
        fn $test() {
            agree("cpu", &Device::flex(), DType::$dtype);
        }
    )+};
}

cpu_tests!(cpu_f32 F32, cpu_f64 F64, cpu_f16 F16, cpu_bf16 BF16);

#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn gpus(name: &str, kind: burn::tensor::DeviceType, dtype: DType) {
    let devices = Device::enumerate(kind).into_vec();
    assert!(
        !devices.is_empty(),
        "{name} is compiled in, but there is no such device"
    );
    for (index, device) in devices.iter().enumerate() {
        if agreement::gpu_types(device).contains(&dtype) {
            agree(&format!("{name}:{index}"), device, dtype);
        } else {
            println!("agreement: SKIPPED: {name}:{index} has no {}", dtype.name());
        }
    }
}

macro_rules! gpu_tests {
    ($feature:literal, $kind:ident: $($test:ident $dtype:ident),+) => {$(
        #[cfg(feature = $feature)]
        #[test]
        fn $test() {
            gpus($feature, burn::tensor::DeviceType::$kind, DType::$dtype);
        }
    )+};
}

gpu_tests!("wgpu", Wgpu: wgpu_f32 F32, wgpu_f16 F16, wgpu_bf16 BF16);
gpu_tests!("cuda", Cuda: cuda_f32 F32, cuda_f16 F16, cuda_bf16 BF16);
