//! Random problems of odd shapes: every operation agrees with plain tensor operations, in float64 on the CPU.

use agreement::{Input, Operation, Pictures, Problem, Sizes, Suite};
use burn::tensor::{DType, Device};
use proptest::prelude::*;

/// One of everything, one step, nothing a multiple of anything, more neurons than a vector or a tile has.
fn sizes() -> impl Strategy<Value = Sizes> {
    let sizes = (
        1..4_usize,
        1..30_usize,
        1..9_usize,
        1..70_usize,
        1..12_usize,
    );
    sizes.prop_map(|(batch, steps, inputs, neurons, classes)| {
        Sizes::new(batch, steps, inputs, neurons, classes)
    })
}

/// Counts; single spikes, most of them at one step near the end, as images are encoded; nothing.
fn inputs() -> impl Strategy<Value = Input> {
    let codes = (0..3_usize, any::<bool>());
    prop_oneof![
        4 => Just(Input::Counts),
        4 => codes.prop_map(|(late, twice)| Input::Codes { late, twice }),
        1 => Just(Input::Silence),
    ]
}

fn pictures() -> impl Strategy<Value = Pictures> {
    let sizes = (1..20_usize, 1..7_usize, 1..7_usize, 1..40_usize);
    let moves = (1..4_usize, 1..4_usize, 0..3_usize);
    (sizes, moves).prop_filter_map(
        "a kernel larger than its input",
        |((inputs, height, width, channels), (kernel, stride, padding))| {
            let fits = kernel <= height.min(width) + 2 * padding;
            // Pooling takes windows of 2 by 2.
            (fits && height.min(width) > 1).then_some(Pictures {
                input: [inputs, height, width],
                channels,
                kernel,
                stride,
                padding,
            })
        },
    )
}

/// Those on pictures, or the others.
fn operations(on_pictures: bool) -> impl Strategy<Value = Operation> {
    let mut all = Operation::all();
    all.retain(|operation| {
        matches!(operation, Operation::Conv(..) | Operation::Pool(_)) == on_pictures
    });
    prop::sample::select(all)
}

/// So many problems; a failure prints its own, and no file is written.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn agrees(problem: Problem, operation: Operation) -> Result<(), TestCaseError> {
    let mut suite = Suite::of(&Device::flex(), DType::F64, vec![problem]);
    let Some(outcome) = suite.run(operation) else {
        return Err(TestCaseError::fail(format!(
            "{} was not run",
            operation.name()
        )));
    };
    prop_assert!(outcome.failure.is_none(), "{outcome}");
    Ok(())
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn every_operation_agrees(
        seed in 0..1_000_000_u64, sizes in sizes(), input in inputs(),
        operation in operations(false),
    ) {
        let problem = Problem::random(seed, sizes, DType::F64).with_input(input, seed);
        agrees(problem, operation)?;
    }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn every_operation_on_pictures_agrees(
        seed in 0..1_000_000_u64, pictures in pictures(),
        operation in operations(true),
    ) {
        agrees(Problem::convolution(seed, pictures, DType::F64), operation)?;
    }
}
