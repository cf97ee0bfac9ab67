//! The real data sets, where they are: `$BLOCK_DATA`, `data` of the workspace, the system's folder.

use std::io::Write;
use std::path::Path;

use block_data::{DataError, DataSource, Input, Locations, SYSTEM_FOLDER, open};
use burn_dataset::Dataset;

fn installed(name: &str) -> Option<DataSource> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let variable = std::env::var_os("BLOCK_DATA").map(Into::into);
    let locations = Locations::from_parts(None, variable, &workspace, Path::new(SYSTEM_FOLDER));
    match open(name, &locations) {
        Ok(source) => Some(source),
        Err(DataError::Missing { .. }) => {
            // Straight to the stream: the test harness hides what the macros print.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {name} is not on this machine");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// How many samples of each class a split has.
fn balance(samples: &dyn Dataset<block_data::Sample>) -> [usize; 10] {
    let mut counts = [0; 10];
    for index in 0..samples.len() {
        counts[samples.get(index).unwrap().label] += 1;
    }
    counts
}

#[test]
fn fashion_mnist() {
    let Some(source) = installed("fashion-mnist") else {
        return;
    };
    assert_eq!(
        (source.train().len(), source.test().len()),
        (60_000, 10_000)
    );
    assert_eq!(balance(&*source.train()), [6_000; 10]);
    assert_eq!(balance(&*source.test()), [1_000; 10]);
    // The first training image is an ankle boot; the mean grey level is a known constant.
    assert_eq!(
        source.class_names()[source.train().get(0).unwrap().label],
        "ankle boot"
    );
    let mean = mean(&source);
    assert!((mean - 0.2860).abs() < 1e-4, "{mean}");
}

#[test]
fn mnist() {
    let Some(source) = installed("mnist") else {
        return;
    };
    assert_eq!(
        (source.train().len(), source.test().len()),
        (60_000, 10_000)
    );
    let expected = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    assert_eq!(balance(&*source.train()), expected);
    let mean = mean(&source);
    assert!((mean - 0.1307).abs() < 1e-4, "{mean}");
}

fn mean(source: &DataSource) -> f64 {
    let train = source.train();
    let sum = |index| {
        let Input::Values(values) = train.get(index).unwrap().input else {
            panic!("an image has values");
        };
        values.iter().map(|&v| f64::from(v)).sum::<f64>()
    };
    (0..train.len()).map(sum).sum::<f64>() / (train.len() * source.units()) as f64
}
