//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

use block_core::SpikeError;
use burn_dataset::DatasetError;
use thiserror::Error;

use crate::words::counted;

/// Why data could not be found, read, encoded or loaded.
///
/// Every message is one line that names the file (or the argument), what was found, what was
/// expected and, where it is not obvious, what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// No data set has this name.
    #[error("unknown data set {name:?}: the known ones are {}", known.join(", "))]
    UnknownDataSet {
        /// The name asked for.
        name: String,
        /// All names that can be opened.
        known: Vec<&'static str>,
    },
    /// A data set is in none of the places where it is looked for.
    #[error("data set {name} is missing: looked in {}; {remedy}", looked_in.join(", in "))]
    Missing {
        /// The data set's name.
        name: String,
        /// Every place, each with what is missing there.
        looked_in: Vec<String>,
        /// How to get it.
        remedy: String,
        /// The only folder in which it was looked for, if the user named one.
        folder: Option<PathBuf>,
    },
    /// The folder that the user named is a data set's own, not one of data sets.
    #[error("data set {name}: {problem}")]
    Misplaced {
        /// The data set's name.
        name: String,
        /// Where the files are, and what to do.
        problem: String,
    },
    /// A file of one's own is in none of the places where it is looked for.
    #[error("{}", missing_file(path, looked_in))]
    MissingFile {
        /// The path as it was given.
        path: PathBuf,
        /// Where the file could be, unless the path is absolute.
        looked_in: Vec<PathBuf>,
    },
    /// The operating system could not read a file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A gzip file does not decompress.
    #[error(
        "{} is damaged: after {} of content, {source}; put a sound copy in its place",
        path.display(),
        counted(*read, "byte")
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Decompressed bytes before the fault.
        read: usize,
        /// What the decompressor says.
        source: io::Error,
    },
    /// An idx file does not begin with the magic number of what it should hold.
    #[error(
        "{}: found magic number {found:#010x}, expected {expected:#010x} ({what}); is this the right file?",
        path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// The file's first four bytes, big-endian.
        found: u32,
        /// The magic number of such files.
        expected: u32,
        /// What such files hold.
        what: &'static str,
    },
    /// A file ends early.
    #[error(
        "{} is truncated: found {} of {what}, expected {expected}; put a sound copy in its place",
        path.display(),
        counted(*found, "byte")
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Which part of the file.
        what: &'static str,
        /// Bytes found of it.
        found: usize,
        /// Bytes it should have.
        expected: usize,
    },
    /// A file goes on after its end.
    #[error(
        "{} is oversized: found more than the {expected} bytes of {what} that its header announces; put a sound copy in its place",
        path.display()
    )]
    Oversized {
        /// The file.
        path: PathBuf,
        /// Which part of the file.
        what: &'static str,
        /// Bytes it should have.
        expected: usize,
    },
    /// Images of another size than the data set's.
    #[error(
        "{}: found images of {}x{} pixels, expected {}x{}",
        path.display(), found[0], found[1], expected[0], expected[1]
    )]
    ImageSize {
        /// The file.
        path: PathBuf,
        /// Rows and columns in the file's header.
        found: [usize; 2],
        /// Rows and columns of the data set.
        expected: [usize; 2],
    },
    /// A header announces nothing, or more than any known file of its kind holds.
    #[error("{}: its header announces {found} {what}, expected 1 to {limit}", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// The count in the header.
        found: usize,
        /// The largest count that is read.
        limit: usize,
    },
    /// Images and labels do not belong together.
    #[error(
        "{} holds {}, expected {expected}, one for each image in {}; they must come from the same split",
        labels.display(), counted(*found, "label"), images.display()
    )]
    LabelCount {
        /// The file of images.
        images: PathBuf,
        /// Images in it.
        expected: usize,
        /// The file of labels.
        labels: PathBuf,
        /// Labels in it.
        found: usize,
    },
    /// A label that is none of the data set's classes.
    #[error(
        "{}: sample {index} (from 0) has label {found}, expected 0 to {}",
        path.display(),
        classes.saturating_sub(1)
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The label's place in the file, from 0.
        index: usize,
        /// The label.
        found: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// A recording whose length is not a whole number of events.
    #[error(
        "{}: found {}, expected a multiple of {event} (the bytes of an event)",
        path.display(),
        counted(*found, "byte")
    )]
    EventLength {
        /// The file.
        path: PathBuf,
        /// The file's length in bytes.
        found: usize,
        /// Bytes of an event.
        event: usize,
    },
    /// An event outside of the sensor.
    #[error(
        "{}: event {index} is at x {x}, y {y}, expected both below {side}",
        path.display()
    )]
    EventPlace {
        /// The file.
        path: PathBuf,
        /// The event's place in the file, from 0.
        index: usize,
        /// Column.
        x: u8,
        /// Row.
        y: u8,
        /// Pixels along each side of the sensor.
        side: u8,
    },
    /// An event whose time is negative or not a number.
    #[error(
        "event {index} is at {found} seconds, expected a finite time that is not negative; {}",
        sound_time(*found)
    )]
    EventTime {
        /// The event's place in the recording, from 0.
        index: usize,
        /// The time in seconds.
        found: f32,
    },
    /// A value outside of an encoder's range.
    #[error("value {index} is {found}, expected 0 to {maximum}")]
    Value {
        /// The value's place in the sample, from 0.
        index: usize,
        /// The value.
        found: f32,
        /// The encoder's largest value.
        maximum: f32,
    },
    /// A number that must lie within bounds does not, or two lengths disagree.
    #[error("{what} is {found}, expected {expected}")]
    Argument {
        /// The argument.
        what: &'static str,
        /// The argument's value.
        found: String,
        /// What the argument may be.
        expected: String,
    },
    /// A file whose content is not what it should be.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was found, what was expected and, where it is not obvious, what to do.
        problem: String,
    },
    /// Files are missing, and nothing may be fetched.
    #[error("cannot fetch data set {name} offline; {remedy}")]
    Offline {
        /// The data set's name.
        name: String,
        /// What to put where by hand.
        remedy: String,
    },
    /// No mirror has a file.
    #[error("cannot fetch {file} of data set {name}: {}; {remedy}", failures.join(", "))]
    Fetch {
        /// The data set's name.
        name: String,
        /// The file.
        file: String,
        /// Every mirror, each with why it failed.
        failures: Vec<String>,
        /// What to put where by hand.
        remedy: String,
    },
    /// The operating system could not write a file.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A batch that the spike kernels refuse.
    #[error(transparent)]
    Spikes(#[from] SpikeError),
    /// A data set failed to hand out a sample.
    #[error("cannot get a sample: {0}")]
    Dataset(#[from] DatasetError),
    /// The loading thread could not be started.
    #[error("cannot start the loading thread: {0}")]
    Thread(io::Error),
    /// The loading thread ended before its work was done.
    #[error("the loading thread stopped after {batches} of {}", counted(*expected, "batch"))]
    Stopped {
        /// Batches that arrived.
        batches: usize,
        /// Batches of the epoch.
        expected: usize,
    },
}

/// What to do about a time that is none.
fn sound_time(found: f32) -> &'static str {
    match found < 0.0 && found.is_finite() {
        true => {
            "let the times of each recording begin at 0: add what the earliest is below 0 to all of them, or leave out what \
             comes before 0"
        }
        false => "leave out what has no time",
    }
}

fn missing_file(path: &Path, looked_in: &[PathBuf]) -> String {
    let path = path.display();
    let places: Vec<_> = looked_in
        .iter()
        .map(|place| place.display().to_string())
        .collect();
    match &places[..] {
        [] => format!("there is no file {path}"),
        places => format!("{path} is missing: there is no file {}", places.join(", ")),
    }
}

impl DataError {
    pub(crate) fn argument(
        what: &'static str,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Argument {
            what,
            found: found.to_string(),
            expected: expected.into(),
        }
    }
}
