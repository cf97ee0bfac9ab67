//! Networks and layers against the reference implementation's: outputs, gradients and training steps.
//!
//! `tests/golden/README.md` says what the files hold. Float64 must agree to 1e-9 and float32 to 1e-4
//! of a tensor's largest magnitude; spikes exactly. Left out in float32: spikes where the closest
//! potential lies within 1e-5 of the threshold; what depends on the readout's maximum where its two
//! highest potentials lie within 1e-5 of each other; and of Adam, which divides a gradient by its own
//! magnitude, the parameters whose gradient is lost in float32's rounding, and in files that have such
//! parameters all steps but the first. Float64 compares all of them.

#![expect(clippy::print_stdout, reason = "it says what was compared")]

mod case;
mod conv_layer;
mod conv_network;
mod linear_network;

use burn::tensor::{DType, Device};

use case::Case;

#[test]
fn conformance() {
    conformance::run(
        env!("CARGO_MANIFEST_DIR"),
        "block-models",
        &["linmodel", "convneurons", "convmodel"],
        |golden, check| {
            for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-4)] {
                let case = Case {
                    golden,
                    dtype,
                    tolerance,
                    device: Device::flex().autodiff(),
                };
                if case.undecided("margin") {
                    println!("{}: margin too small for float32", golden.name);
                    continue;
                }
                match golden.meta("kind") {
                    "linmodel" => case.linear_network(check),
                    "convneurons" => conv_layer::run(&case, check),
                    _ => conv_network::run(&case, check),
                }
            }
        },
    );
}
