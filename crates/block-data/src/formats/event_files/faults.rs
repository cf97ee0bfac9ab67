//! What hdf5-pure's errors mean, and what there is to do about them.

use hdf5::{Dataset, Error, FormatError};

/// An error on one line.
fn line(error: &Error) -> String {
    error.to_string().replace(['\n', '\r'], " ")
}

/// What is wrong with a file that cannot be opened.
pub(super) fn unopened(error: &Error) -> String {
    format!("cannot be opened: {}; {}", line(error), advice(error))
}

/// What is wrong with a data set that cannot be read: a sound one is to be rewritten, a damaged one
/// replaced by a sound copy.
pub(super) fn unread(name: &str, dataset: Option<&Dataset>, error: &Error) -> String {
    const JOINED: &str =
        "which are not followed; write them into one with `h5repack -l CONTI in.h5 out.h5`";
    match error {
        Error::Format(FormatError::UnsupportedFilter(id)) => {
            let filter = filter(*id, dataset);
            format!(
                "found {name} compressed with {filter}, which is not read here; rewrite the file with \
                 `h5repack -f GZIP=4 in.h5 out.h5`, where that filter is installed"
            )
        }
        Error::Format(FormatError::UnsupportedVirtualLayout) => {
            format!("found a virtual data set {name}, whose numbers are in other files, {JOINED}")
        }
        Error::Format(FormatError::UnsupportedExternalStorage) => {
            format!("found the numbers of {name} in raw files of their own, {JOINED}")
        }
        Error::Format(FormatError::InvalidLayoutVersion(found @ 5..)) => format!(
            "found data layout version {found} in {name}, expected at most 4; write the file in the format of HDF5 \
             1.14 or older (h5py: without `libver`, or with `libver=\"v114\"`)"
        ),
        Error::NotADataset(_) => format!("found a group {name}, expected a data set"),
        error => format!("cannot read {name}: {}; {}", line(error), advice(error)),
    }
}

fn advice(error: &Error) -> &'static str {
    match error {
        Error::Format(
            FormatError::UnsupportedVersion(_)
            | FormatError::UnsupportedMessage(_)
            | FormatError::UnsupportedSohmReference
            | FormatError::UnsupportedFilteredHeapObject
            | FormatError::UnsupportedFillValueVersion(_)
            | FormatError::InvalidDatatypeClass(_)
            | FormatError::InvalidDatatypeVersion { .. }
            | FormatError::InvalidDataspaceVersion(_)
            | FormatError::InvalidLayoutClass(_)
            | FormatError::InvalidChunkIndexType(_)
            | FormatError::InvalidFilterPipelineVersion(_),
        ) => {
            "rewrite it with `h5repack in.h5 out.h5` if other programs read it, else put a sound copy in its place"
        }
        _ => "put a sound copy in its place",
    }
}

/// The name of a filter: the library's, or the one that the file gives.
fn filter(id: u16, dataset: Option<&Dataset>) -> String {
    let known = match id {
        4 => "szip",
        5 => "nbit",
        307 => "bzip2",
        32_001 => "blosc",
        32_004 => "lz4",
        32_008 => "bitshuffle",
        32_013 => "zfp",
        32_015 => "zstd",
        32_026 => "blosc2",
        _ => {
            let filters = dataset.map(Dataset::filter_pipeline).unwrap_or_default();
            let filter = filters.into_iter().find(|filter| filter.id == id);
            let named = filter.and_then(|filter| filter.name);
            // The name is the file's: of a damaged one it may be anything.
            let named = named.filter(|name| name.chars().all(|c| c.is_ascii_graphic() || c == ' '));
            return named.map_or(format!("filter {id}"), |name| {
                let name: String = name.chars().take(40).collect();
                format!("{name} (filter {id})")
            });
        }
    };
    known.into()
}
