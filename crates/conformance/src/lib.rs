//! Golden files for the conformance tests: numbers of the reference implementation in float64,
//! one safetensors file a case. The metadata entry `kind` says which crate checks a file.
//!
//! Every crate has a test target `conformance` that hands [`run`] the kinds it has built. Files
//! come from the crate's own `tests/golden`, or from `$BLOCK_GOLDEN` when that is set.

#![expect(clippy::print_stdout, reason = "it says what the tests compared")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

/// Which crate checks which kind of file.
const KINDS: [(&str, &str); 10] = [
    ("neurons", "block-core"),
    ("surrogate", "block-core"),
    ("linmodel", "block-models"),
    ("convneurons", "block-models"),
    ("convmodel", "block-models"),
    ("encodings", "block-data"),
    ("spike", "block-data"),
    ("shd", "block-data"),
    ("nmnist", "block-data"),
    ("yinyang", "block-data"),
];

/// One golden file.
pub struct Golden {
    /// The file's name without its ending.
    pub name: String,
    meta: HashMap<String, String>,
    tensors: HashMap<String, (Vec<usize>, Vec<f64>)>,
}

impl Golden {
    /// Reads a file. Integers become f64, which holds all that occur here exactly.
    ///
    /// # Panics
    ///
    /// With the path, when the file is not what the crate documentation says.
    pub fn read(path: &Path) -> Self {
        let at = path.display();
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{at}: {e}"));
        let (_, header) =
            SafeTensors::read_metadata(&bytes).unwrap_or_else(|e| panic!("{at}: {e}"));
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{at}: {e}"));
        let tensors = file
            .tensors()
            .into_iter()
            .map(|(name, view)| {
                let bytes = view.data();
                let values = match view.dtype() {
                    Dtype::F64 => decode(bytes, f64::from_le_bytes),
                    Dtype::F32 => decode(bytes, |b| f32::from_le_bytes(b).into()),
                    Dtype::I64 => decode(bytes, |b| i64::from_le_bytes(b) as f64),
                    other => panic!("{at}: tensor {name} is {other:?}, expected F64, F32 or I64"),
                };
                (name, (view.shape().to_vec(), values))
            })
            .collect();
        Self {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            meta: header.metadata().clone().unwrap_or_default(),
            tensors,
        }
    }

    /// A metadata entry, or the empty string.
    pub fn meta(&self, key: &str) -> &str {
        self.meta.get(key).map_or("", String::as_str)
    }

    /// A metadata entry as a number.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.meta.get(key)?.parse().ok()
    }

    /// Whether the file holds a tensor.
    pub fn has(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.tensors.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// A tensor's values, row-major.
    pub fn values(&self, tensor: &str) -> &[f64] {
        &self.get(tensor).1
    }

    /// A tensor's shape.
    pub fn shape(&self, tensor: &str) -> &[usize] {
        &self.get(tensor).0
    }

    fn get(&self, tensor: &str) -> &(Vec<usize>, Vec<f64>) {
        self.tensors
            .get(tensor)
            .unwrap_or_else(|| panic!("{}: no tensor {tensor}", self.name))
    }
}

fn decode<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (chunks, []) = bytes.as_chunks::<N>() else {
        panic!("a tensor's bytes are not a whole number of elements");
    };
    chunks.iter().map(|&chunk| number(chunk)).collect()
}

/// Swaps the last two of three dimensions: the files hold `[batch, neuron, time]`, the kernels
/// `[batch, time, neuron]`.
pub fn swap_last(shape: &[usize], values: &[f64]) -> ([usize; 3], Vec<f64>) {
    let &[b, n, t] = shape else {
        panic!("expected three dimensions, found {shape:?}");
    };
    let mut out = Vec::with_capacity(values.len());
    for sample in 0..b {
        for step in 0..t {
            out.extend((0..n).map(|neuron| values[(sample * n + neuron) * t + step]));
        }
    }
    ([b, t, n], out)
}

/// Comparisons so far; failures are collected, so that one run shows all of them.
#[derive(Default)]
pub struct Check {
    context: String,
    tensors: usize,
    values: usize,
    failures: Vec<String>,
}

impl Check {
    /// Names what follows in failure messages, for example the data type.
    pub fn context(&mut self, context: impl Into<String>) {
        self.context = context.into();
    }

    /// All values must be equal.
    pub fn exact(&mut self, name: &str, found: &[f64], expected: &[f64]) {
        self.close(name, found, expected, 0.0);
    }

    /// The largest difference, over the largest expected magnitude, must not exceed `tolerance`
    /// (where everything expected is 0: the largest difference itself).
    pub fn close(&mut self, name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
        self.tensors += 1;
        self.values += expected.len();
        let place = format!("{} {name}", self.context);
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            let text = format!("{place}: {found} values, expected {expected}");
            return self.failures.push(text);
        }
        let scale = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let scale = if scale == 0.0 { 1.0 } else { scale };
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            let within = (f - e).abs() <= tolerance * scale; // False for a NaN.
            if !within {
                let text = format!(
                    "{place}[{i}]: found {f:e}, expected {e:e} (scale {scale:e}, tolerance {tolerance:e})"
                );
                return self.failures.push(text);
            }
        }
    }
}

/// Runs `check` on every golden file of this crate's kinds and prints the closing line.
///
/// `manifest_dir` is the calling crate's `CARGO_MANIFEST_DIR`, `package` its name, `built` the
/// kinds that it can check: its other kinds are named as skipped, other crates' are passed over.
///
/// # Panics
///
/// When a comparison failed, a file is of no known kind, or the crate's own folder holds nothing to
/// compare.
pub fn run(
    manifest_dir: &str,
    package: &str,
    built: &[&str],
    mut check: impl FnMut(&Golden, &mut Check),
) {
    let other = std::env::var_os("BLOCK_GOLDEN").map(PathBuf::from);
    let own = Path::new(manifest_dir).join("tests/golden");
    let folder = other.clone().unwrap_or(own);
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
        .collect();
    paths.sort();

    let mut total = Check::default();
    let (mut files, mut skipped) = (0, 0);
    for path in paths {
        let golden = Golden::read(&path);
        let kind = golden.meta("kind");
        let Some(&(_, owner)) = KINDS.iter().find(|(k, _)| *k == kind) else {
            panic!("{}: kind {kind:?} is not known", path.display());
        };
        if owner != package {
            continue;
        }
        if !built.contains(&kind) {
            println!("skipped: {} ({kind} is not built yet)", golden.name);
            skipped += 1;
            continue;
        }
        total.context(&golden.name);
        check(&golden, &mut total);
        files += 1;
    }
    println!(
        "conformance: {files} files, {} tensors, {} values compared, {skipped} files skipped",
        total.tensors, total.values
    );
    let failures = &total.failures;
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    // Another folder may hold nothing for this crate.
    let compared = total.values > 0 || other.is_some();
    assert!(compared, "{}: nothing to compare", folder.display());
}
