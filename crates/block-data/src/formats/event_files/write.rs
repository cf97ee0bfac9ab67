//! Writer of the flat layout.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use burn_dataset::Dataset;
use hdf5::{Error, FileBuilder};

use super::event_file::MAX_CLASSES;
use crate::formats::archive::fault;
use crate::{DataError, Recordings};

/// Elements of a chunk, which is compressed as one. For chunks of 2¹⁶ elements and more, hdf5-pure writes the
/// size in a width that the HDF5 library refuses.
const CHUNK: u64 = 1 << 15;
/// The compression level, of 1 to 9. Higher levels take several times as long for a few per cent.
const LEVEL: u32 = 4;

/// Writes recordings in the flat [layout](super), compressed: units as u16 where they fit, else
/// u32, times as f32, offsets as u64, labels as u16. A file that is there is replaced in one step.
///
/// # Errors
///
/// [`DataError::Content`] with the path when the file cannot be written,
/// [`DataError::Argument`] for a label of 65,536 or more, or one that has no name although others
/// have.
pub fn write_flat(
    path: &Path,
    recordings: &Recordings,
    class_names: &[impl AsRef<str>],
) -> Result<(), DataError> {
    let names: Vec<&str> = class_names.iter().map(AsRef::as_ref).collect();
    let known = if names.is_empty() {
        MAX_CLASSES
    } else {
        names.len().min(MAX_CLASSES)
    };
    let largest = recordings.labels().iter().max();
    if let Some(&label) = largest.filter(|&&label| label as usize >= known) {
        let expected = format!("less than {known}, the number of classes");
        return Err(DataError::argument("a label", label, expected));
    }
    let unwritten = |what: String| fault(path, format!("cannot be written: {what}"));
    let Some(name) = path.file_name() else {
        return Err(unwritten("found a folder's name, expected a file's".into()));
    };
    let builder = build(recordings, &names);
    // Of this process and this call: two may write the same file at once.
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let (process, call) = (std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
    let name = name.to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{process}-{call}.tmp"));
    let written = store(builder, &temporary, path);
    written.map_err(|error| {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&temporary);
        unwritten(error.to_string())
    })
}

fn build(recordings: &Recordings, names: &[&str]) -> FileBuilder {
    let (mut units, mut times) = (Vec::new(), Vec::new());
    let mut offsets = vec![0_u64];
    for sample in 0..recordings.len() {
        let (sample_units, sample_times) = recordings.events(sample);
        units.extend_from_slice(sample_units);
        times.extend_from_slice(sample_times);
        offsets.push(units.len() as u64);
    }
    let labels: Vec<u16> = recordings
        .labels()
        .iter()
        .map(|&label| label as u16)
        .collect();

    let mut file = FileBuilder::new();
    let mut spikes = file.create_group("spikes");
    let dataset = spikes.create_dataset("units");
    if recordings.largest_unit() > Some(u16::MAX.into()) {
        compressed(dataset.with_u32_data(&units), units.len());
    } else {
        let narrow: Vec<u16> = units.iter().map(|&unit| unit as u16).collect();
        compressed(dataset.with_u16_data(&narrow), units.len());
    }
    compressed(
        spikes.create_dataset("times").with_f32_data(&times),
        times.len(),
    );
    let dataset = spikes.create_dataset("offsets").with_u64_data(&offsets);
    compressed(dataset, offsets.len());
    file.add_group(spikes.finish());
    compressed(
        file.create_dataset("labels").with_u16_data(&labels),
        labels.len(),
    );
    if !names.is_empty() {
        let mut extra = file.create_group("extra");
        extra.create_dataset("keys").with_vlen_strings(names);
        file.add_group(extra.finish());
    }
    file
}

/// Stores a data set in compressed chunks, unless it is empty and so cannot have one.
fn compressed(dataset: &mut hdf5::DatasetBuilder, length: usize) {
    if length > 0 {
        let chunk = (length as u64).min(CHUNK);
        dataset
            .with_chunks(&[chunk])
            .with_shuffle()
            .with_deflate(LEVEL);
    }
}

/// Writes to a temporary name, syncs to the disk, then renames over the old file.
fn store(builder: FileBuilder, temporary: &Path, path: &Path) -> Result<(), Error> {
    let file = File::create(temporary).map_err(Error::Io)?;
    builder.finish_to(&file)?;
    let renamed = (|| -> io::Result<()> {
        file.sync_all()?;
        fs::rename(temporary, path)?;
        // The new name itself must reach the disk too; only Unix opens folders as files.
        #[cfg(unix)]
        {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    })();
    renamed.map_err(Error::Io)
}
