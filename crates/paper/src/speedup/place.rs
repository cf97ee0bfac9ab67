//! Where the measurements lie among the results, and what they were made with.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use block_core::device::NamedDevice;
use runner::Environment;

use super::grid::Preset;
use crate::files;
use crate::words::machine;

/// The folder of all measurements among the results.
pub(super) const FOLDER: &str = "speedup";
/// The file of the measurements.
pub(super) const CELLS: &str = "cells.jsonl";
/// The file that says what they were made with.
const ENVIRONMENT: &str = "environment.json";

/// The folder of a device's measurements by a preset.
pub fn folder(results: &Path, device: &str, preset: Preset) -> PathBuf {
    let name = format!("{}-{}", device.replace(':', "-"), preset.name());
    results.join(FOLDER).join(name)
}

/// What the measurements of a folder were made with.
pub(super) fn environment(folder: &Path) -> Result<Environment> {
    files::json(&folder.join(ENVIRONMENT))
}

/// Keeps what it is measured with beside the `records` measurements that are there.
///
/// # Errors
///
/// Measurements of another machine: ratios of both would mean nothing.
pub(super) fn describe(folder: &Path, device: &NamedDevice, records: usize) -> Result<()> {
    let path = folder.join(ENVIRONMENT);
    let now = Environment::current(device);
    let environment = match records {
        0 => now,
        _ => match files::json_if_there::<Environment>(&path)? {
            None => now,
            Some(before) => {
                let [found, here] = [&before, &now].map(machine);
                if found != here {
                    bail!(
                        "{}: found measurements of {found}, expected {here}; move the folder away, or measure into \
                         another with --out",
                        path.display()
                    );
                }
                Environment::resume(Some(before), device, records, None, Vec::new())
            }
        },
    };
    files::write_json(&path, &environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_of_another_machine_are_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let device = block_core::device::select("cpu").unwrap();
        describe(folder.path(), &device, 0).unwrap();
        describe(folder.path(), &device, 1).unwrap();
        let mut other = environment(folder.path()).unwrap();
        assert_eq!(other.resumed.len(), 1);
        other.threads += 62;
        files::write_json(&folder.path().join(ENVIRONMENT), &other).unwrap();
        let error = describe(folder.path(), &device, 1).unwrap_err().to_string();
        assert!(error.contains("move the folder away"), "{error}");
        // Nothing measured yet, nothing in the way, and nothing left of the other.
        describe(folder.path(), &device, 0).unwrap();
        let own = environment(folder.path()).unwrap();
        assert_eq!(own.threads + 62, other.threads);
    }
}
