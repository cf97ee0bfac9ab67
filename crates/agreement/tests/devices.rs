//! The suite on every device that is compiled in: `cargo test -p agreement --test devices -- --nocapture`
//! prints what was compared.

use burn::tensor::{DType, Device};

fn agree(name: &str, device: &Device, dtypes: &[DType]) {
    let mut failures = Vec::new();
    for &dtype in dtypes {
        for operation in agreement::Operation::all() {
            let Some(outcome) = agreement::run(operation, device, dtype) else {
                continue;
            };
            println!("agreement: {name}: {outcome}");
            assert!(outcome.values > 0, "{outcome}");
            if outcome.failure.is_some() {
                failures.push(outcome.to_string());
            }
        }
    }
    assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
}

#[test]
fn cpu() {
    agree(
        "cpu",
        &Device::flex(),
        &[DType::F32, DType::F64, DType::F16, DType::BF16],
    );
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn gpus(name: &str, kind: burn::tensor::DeviceType) {
    let devices = Device::enumerate(kind).into_vec();
    assert!(
        !devices.is_empty(),
        "{name} is compiled in, but there is no such device"
    );
    for (index, device) in devices.iter().enumerate() {
        let dtypes = agreement::gpu_types(device);
        agree(&format!("{name}:{index}"), device, &dtypes);
    }
}

#[cfg(feature = "wgpu")]
#[test]
fn wgpu() {
    gpus("wgpu", burn::tensor::DeviceType::Wgpu);
}

#[cfg(feature = "cuda")]
#[test]
fn cuda() {
    gpus("cuda", burn::tensor::DeviceType::Cuda);
}
