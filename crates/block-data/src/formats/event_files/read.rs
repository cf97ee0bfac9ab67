//! From an HDF5 file's data sets to recordings.

use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use hdf5::{Dataset, Datatype, File, FormatError, VlenStringReadOptions};

use super::event_file::{EventFile, MAX_CLASSES};
use super::faults::{unopened, unread};
use super::global_heap::{GlobalHeap, REFERENCE};
use super::links::{NotFound, resolve};
use super::numbers::{Numbers, Unfit};
use crate::formats::archive::{ends_with, fault, read_packed};
use crate::{DataError, Recordings, counted};

/// The parser of HDF5 follows nested types by recursion without a limit: at most 8,191 levels, as a
/// type takes 8 bytes of a message of 64 KiB. On this much stack that is an error and not an abort;
/// what is not used of it takes no memory.
const STACK: usize = 64 << 20;

/// Characters of a type's name in a message.
const TYPE_NAME: usize = 40;

/// The data sets of a file, as messages name them.
const UNITS: &str = "spikes/units";
const TIMES: &str = "spikes/times";
const OFFSETS: &str = "spikes/offsets";
const LABELS: &str = "labels";
const KEYS: &str = "extra/keys";

/// A data set may be this many times as large as the file that holds it compressed, and this much
/// larger: a header's shape is not believed beyond it.
const EXPANSION: u64 = 64;
const TRUSTED: u64 = 64 << 20;

/// The largest file that is read, when it is unpacked. SSC's largest has some 2 GiB.
const LIMIT: u64 = 8 << 30;

/// Reads a file of recordings in either [layout](super), packed or not. Never writes to it, so that
/// several threads may read the same file.
///
/// Takes the size of the unpacked file, the events (8 bytes each) and at most as much again while
/// it reads.
///
/// # Errors
///
/// A [`DataError`] with the path when the file cannot be read, is damaged, or holds anything but
/// sound recordings.
pub fn read_events(path: &Path) -> Result<EventFile, DataError> {
    // Spikes are not compressed this well: what is, is a bomb.
    let packed = path.metadata().map_or(0, |metadata| metadata.len());
    let limit = LIMIT.min((64 << 20) + 100 * packed);
    read_events_bytes(read_packed(path, limit, is_event_file)?, path)
}

/// Whether a file of this name is one of HDF5.
pub(crate) fn is_event_file(name: &str) -> bool {
    ends_with(name, &["h5", "hdf5"])
}

/// [`read_events`] of an unpacked file's bytes; `path` is for messages.
///
/// # Errors
///
/// As [`read_events`].
pub fn read_events_bytes(bytes: Vec<u8>, path: &Path) -> Result<EventFile, DataError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || read(bytes, path));
        let read = thread.map_err(DataError::Thread)?.join();
        read.unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn read(bytes: Vec<u8>, path: &Path) -> Result<EventFile, DataError> {
    if bytes.is_empty() {
        return Err(fault(
            path,
            "found an empty file, expected an HDF5 file of recordings",
        ));
    }
    if !hdf5::is_hdf5_bytes(&bytes) {
        let problem =
            "found no HDF5 signature, expected an HDF5 file of recordings; is this the right file?";
        return Err(fault(path, problem));
    }
    let file = File::from_bytes(bytes).map_err(|e| fault(path, unopened(&e)))?;
    let (found, superblock) = (file.as_bytes().len(), file.superblock());
    let expected = superblock.eof_address;
    if (found as u64) < expected {
        return Err(DataError::Truncated {
            path: path.to_path_buf(),
            what: "content",
            found,
            expected: usize::try_from(expected).unwrap_or(usize::MAX),
        });
    }
    Reader { file: &file, path }.read()
}

struct Reader<'a> {
    file: &'a File,
    path: &'a Path,
}

/// The events of all recordings, and where each ends.
struct Events {
    units: Vec<u32>,
    times: Vec<f32>,
    ends: Vec<usize>,
}

impl Reader<'_> {
    fn read(&self) -> Result<EventFile, DataError> {
        let units = self.column(UNITS)?;
        let times = self.column(TIMES)?;
        let labels = self.labels()?;
        let events = match self.find(OFFSETS)? {
            Some(offsets) => self.flat(&units, &times, &self.checked(OFFSETS, offsets)?)?,
            None => self.sequences(&units, &times)?,
        };
        let (samples, found) = (events.ends.len(), labels.len());
        if samples != found {
            let found = counted(found, "label");
            let problem = format!("found {found}, expected {samples}, one for each recording");
            return Err(self.fault(problem));
        }
        self.check_times(&events)?;
        let class_names = self.class_names()?;
        let classes = labels.iter().max().map_or(0, |&label| label as usize + 1);
        if !class_names.is_empty() && class_names.len() < classes {
            let found = counted(class_names.len(), "name");
            let problem =
                format!("found {found} in {KEYS}, expected {classes}, one for each class");
            return Err(self.fault(problem));
        }
        let recordings = Recordings::from_parts(events.units, events.times, events.ends, labels);
        Ok(EventFile {
            recordings,
            class_names,
            doubts: Vec::new(),
        })
    }

    fn labels(&self) -> Result<Vec<u32>, DataError> {
        let column = self.column(LABELS)?;
        let labels: Vec<u32> = self.whole(&column)?;
        match labels
            .iter()
            .position(|&label| label as usize >= MAX_CLASSES)
        {
            None => Ok(labels),
            Some(index) => {
                let next = labels
                    .iter()
                    .filter(|&&label| (label as usize) < MAX_CLASSES);
                let next = next
                    .max()
                    .map(|label| format!(", the largest below that is {label}"));
                Err(self.fault(format!(
                    "sample {index} (from 0) has label {}, expected less than {MAX_CLASSES}{}; is it unlabelled?",
                    labels[index],
                    next.unwrap_or_default()
                )))
            }
        }
    }

    /// The flat layout.
    fn flat(&self, units: &Column, times: &Column, offsets: &Column) -> Result<Events, DataError> {
        if units.rows != times.rows {
            let (found, expected) = (counted(units.rows, "event"), times.rows);
            let problem = format!("found {found} in {UNITS}, expected {expected} as in {TIMES}");
            return Err(self.fault(problem));
        }
        let offsets: Vec<u64> = self.whole(offsets)?;
        let wrong = |index: usize, expected: String| {
            let found = offsets[index];
            Err(self.fault(format!(
                "offset {index} in {OFFSETS} is {found}, expected {expected}"
            )))
        };
        let Some(last) = offsets.len().checked_sub(1) else {
            return Err(self.fault(format!(
                "found no offset in {OFFSETS}, expected one more than {LABELS}"
            )));
        };
        if offsets[0] != 0 {
            return wrong(0, "0".into());
        }
        if let Some(before) = offsets.iter().zip(&offsets[1..]).position(|(a, b)| a > b) {
            return wrong(
                before + 1,
                format!("at least {}, the one before", offsets[before]),
            );
        }
        if offsets[last] != units.rows {
            return wrong(last, format!("{}, the number of events", units.rows));
        }
        Ok(Events {
            units: self.whole(units)?,
            times: self.floats(times)?,
            ends: offsets[1..].iter().map(|&end| end as usize).collect(),
        })
    }

    /// The layout of variable-length numbers.
    fn sequences(&self, units: &Column, times: &Column) -> Result<Events, DataError> {
        let samples = units.rows;
        if samples != times.rows {
            let found = counted(times.rows, "recording");
            let problem = format!("found {found} in {TIMES}, expected {samples} as in {UNITS}");
            return Err(self.fault(problem));
        }
        let [unit_numbers, time_numbers] = [units, times].map(|column| {
            let numbers = element(column).and_then(Numbers::of);
            numbers.ok_or_else(|| self.wrong_type(column, "variable-length numbers"))
        });
        let (unit_numbers, time_numbers) = (unit_numbers?, time_numbers?);
        let superblock = self.file.superblock();
        let widths = [superblock.offset_size, superblock.length_size];
        if widths != [8, 8] {
            let problem = format!(
                "found addresses of {} and lengths of {} bytes, expected 8",
                widths[0], widths[1]
            );
            return Err(self.fault(problem));
        }
        let base = usize::try_from(superblock.base_address.get()).unwrap_or(usize::MAX);
        let bytes = self.file.as_bytes().get(base..).unwrap_or_default();
        let (unit_references, time_references) = (self.raw(units)?, self.raw(times)?);
        let (unit_references, _) = unit_references.as_chunks::<REFERENCE>();
        let (time_references, _) = time_references.as_chunks::<REFERENCE>();
        let mut heap = GlobalHeap::new(bytes);
        let mut events = Events {
            units: Vec::new(),
            times: Vec::new(),
            ends: Vec::with_capacity(unit_references.len()),
        };
        for (sample, (unit, time)) in unit_references.iter().zip(time_references).enumerate() {
            let mut get = |reference, size, name| {
                let elements = heap.elements(reference, size);
                elements.map_err(|e| self.fault(format!("recording {sample} in {name}: found {e}")))
            };
            let unit = get(unit, unit_numbers.size(), UNITS)?;
            let time = get(time, time_numbers.size(), TIMES)?;
            let (found, expected) = (
                unit.len() / unit_numbers.size(),
                time.len() / time_numbers.size(),
            );
            if found != expected {
                let found = counted(found, "unit");
                let problem = format!(
                    "recording {sample} has {found}, expected {expected}, one for each time"
                );
                return Err(self.fault(problem));
            }
            let appended = unit_numbers.append_whole(unit, &mut events.units);
            appended.map_err(|Unfit { index, found, .. }| {
                let problem = format!(
                    "recording {sample}: event {index} has unit {found}, expected 0 to {}",
                    u32::MAX
                );
                self.fault(problem)
            })?;
            time_numbers.append_floats(time, &mut events.times);
            events.ends.push(events.times.len());
        }
        Ok(events)
    }

    fn check_times(&self, events: &Events) -> Result<(), DataError> {
        let valid = |time: f32| time >= 0.0 && time.is_finite();
        let Some(place) = events.times.iter().position(|&time| !valid(time)) else {
            return Ok(());
        };
        let sample = events.ends.partition_point(|&end| end <= place);
        let start = sample
            .checked_sub(1)
            .map_or(0, |before| events.ends[before]);
        let (index, found) = (place - start, events.times[place]);
        let error = DataError::EventTime { index, found };
        Err(self.fault(format!("recording {sample}: {error}")))
    }

    fn class_names(&self) -> Result<Vec<String>, DataError> {
        let Some(keys) = self.find(KEYS)? else {
            return Ok(Vec::new());
        };
        let column = self.checked(KEYS, keys)?;
        let names = match column.datatype {
            Datatype::VariableLength {
                is_string: true, ..
            } => {
                let options = VlenStringReadOptions::default()
                    .with_max_elements(MAX_CLASSES)
                    .with_max_payload_bytes(TRUSTED as usize);
                column.dataset.read_vlen_strings(options)
            }
            Datatype::String { .. } => column.dataset.read_string(),
            _ => return Err(self.wrong_type(&column, "strings")),
        };
        names.map_err(|e| self.unreadable(KEYS, Some(&column.dataset), &e))
    }

    /// The data set of this name, if there is one, over whichever links.
    fn find(&self, name: &'static str) -> Result<Option<Dataset>, DataError> {
        // hdf5-pure follows hard links alone, which are the usual ones.
        let opened = match self.file.dataset(name) {
            Ok(dataset) => Ok(dataset),
            Err(error) => match resolve(self.file, name) {
                Ok(path) => self.file.dataset(&path),
                Err(NotFound::Link(found)) => {
                    return Err(self.fault(format!("cannot read {name}: found {found}")));
                }
                Err(NotFound::Absent) => return Ok(None),
                Err(NotFound::Unreadable) => Err(error),
            },
        };
        match opened {
            Ok(dataset) => Ok(Some(dataset)),
            Err(hdf5::Error::Format(FormatError::PathNotFound(_)) | hdf5::Error::NotAGroup(_)) => {
                Ok(None)
            }
            Err(error) => Err(self.unreadable(name, None, &error)),
        }
    }

    /// Opens a data set of one dimension.
    fn column(&self, name: &'static str) -> Result<Column, DataError> {
        if let Some(dataset) = self.find(name)? {
            return self.checked(name, dataset);
        }
        for other in [UNITS, TIMES, OFFSETS] {
            if self.find(other)?.is_some() {
                return Err(self.fault(format!(
                    "found no data set {name}, expected {UNITS}, {TIMES} and {LABELS}"
                )));
            }
        }
        let problem = format!("found no group spikes, expected {UNITS}, {TIMES} and {LABELS}");
        Err(self.fault(problem))
    }

    /// A data set as a column: of one dimension, or of further ones that are 1.
    fn checked(&self, name: &'static str, dataset: Dataset) -> Result<Column, DataError> {
        let problem = |e| self.unreadable(name, Some(&dataset), &e);
        let datatype = dataset.datatype().map_err(problem)?;
        let shape = dataset.shape().map_err(problem)?;
        let long = shape.iter().filter(|&&size| size != 1).count();
        if shape.is_empty() || long > 1 {
            let dimensions = counted(shape.len(), "dimension");
            let mut problem = format!("found {dimensions} of {name}, expected 1");
            if name == LABELS && long == 2 {
                problem += "; of one number a class, the label is the place of the largest (numpy: labels.argmax(1))";
            }
            return Err(self.fault(problem));
        }
        let rows = shape.iter().product::<u64>();
        let size = u64::from(datatype.type_size());
        let limit = EXPANSION * self.file.as_bytes().len() as u64 + TRUSTED;
        if rows.checked_mul(size).is_none_or(|bytes| bytes > limit) {
            let problem = format!(
                "found {} of {} in {name}, expected at most {limit} bytes in a file of this size; put a sound copy in its place",
                counted(rows, "element"),
                counted(size, "byte")
            );
            return Err(self.fault(problem));
        }
        Ok(Column {
            name,
            dataset,
            datatype,
            rows,
        })
    }

    fn numbers(&self, column: &Column) -> Result<Numbers, DataError> {
        let numbers = Numbers::of(&column.datatype);
        numbers.ok_or_else(|| self.wrong_type(column, "numbers"))
    }

    fn whole<T: TryFrom<i128>>(&self, column: &Column) -> Result<Vec<T>, DataError> {
        let mut numbers = Vec::new();
        let appended = self
            .numbers(column)?
            .append_whole(&self.raw(column)?, &mut numbers);
        appended.map_err(|unfit| {
            let Unfit { index, found, .. } = &unfit;
            let expected = unfit.expected(8 * size_of::<T>());
            let advice = match column.name == LABELS && found.starts_with('-') {
                true => "; if that means unlabelled, leave the recording out",
                false => "",
            };
            self.fault(format!(
                "element {index} of {} is {found}, expected {expected}{advice}",
                column.name
            ))
        })?;
        Ok(numbers)
    }

    fn floats(&self, column: &Column) -> Result<Vec<f32>, DataError> {
        let mut numbers = Vec::new();
        self.numbers(column)?
            .append_floats(&self.raw(column)?, &mut numbers);
        Ok(numbers)
    }

    fn raw(&self, column: &Column) -> Result<Vec<u8>, DataError> {
        let bytes = column.dataset.read_raw();
        let bytes = bytes.map_err(|e| self.unreadable(column.name, Some(&column.dataset), &e))?;
        let (found, expected) = (
            bytes.len() as u64,
            column.rows * u64::from(column.datatype.type_size()),
        );
        if found != expected {
            let found = counted(found, "byte");
            let problem = format!(
                "found {found} of {}, expected {expected}; put a sound copy in its place",
                column.name
            );
            return Err(self.fault(problem));
        }
        Ok(bytes)
    }

    fn wrong_type(&self, column: &Column, expected: &str) -> DataError {
        let name = column.dataset.dtype();
        let name = name.map_or_else(|_| "another".into(), |dtype| dtype.to_string());
        let found: String = name.chars().take(TYPE_NAME).collect(); // a nested one's is endless
        let is_text = matches!(
            column.datatype,
            Datatype::String { .. }
                | Datatype::VariableLength {
                    is_string: true,
                    ..
                }
        );
        let advice = if column.name == LABELS && is_text {
            "; number the classes from 0, and name them in extra/keys"
        } else {
            ""
        };
        self.fault(format!(
            "found elements of type {found} in {}, expected {expected}{advice}",
            column.name
        ))
    }

    fn unreadable(&self, name: &str, dataset: Option<&Dataset>, error: &hdf5::Error) -> DataError {
        self.fault(unread(name, dataset, error))
    }

    fn fault(&self, problem: String) -> DataError {
        fault(self.path, problem)
    }
}

/// A data set of one dimension.
struct Column {
    name: &'static str,
    dataset: Dataset,
    datatype: Datatype,
    rows: u64,
}

/// What variable-length elements consist of.
fn element(column: &Column) -> Option<&Datatype> {
    match &column.datatype {
        Datatype::VariableLength {
            is_string: false,
            base_type,
            ..
        } => Some(base_type),
        _ => None,
    }
}
