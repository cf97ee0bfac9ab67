//! Whether a file is the one that an entry means.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::entry::{Checksum, DataFile, Entry, Identity};
use crate::locate::find_file_in;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const HDF5: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// The most content that is looked at where its size is unknown: a gzip bomb ends there.
const CONTENT_LIMIT: u64 = 16 << 30;

/// What [`verify`] found out about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// The name in the entry.
    pub name: String,
    /// Where the file lies, packed or unpacked, if it is there.
    pub path: Option<PathBuf>,
    /// The file's size on disk.
    pub size: Option<u64>,
    /// Whether the file is right.
    pub state: FileState,
}

/// Whether a file is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// The file is not there.
    Missing,
    /// The file's checksum agrees.
    Sound,
    /// Nothing speaks against it, but no checksum of it is known.
    Unknown,
    /// It is not the file that it should be, for this reason.
    Wrong(String),
}

impl FileState {
    /// Whether the file can be used: it is there and nothing speaks against it.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Sound | Self::Unknown)
    }
}

/// Looks at every file of an entry in its folder, by size, checksum and structure, as far as they
/// are known.
pub fn verify(entry: &Entry, folder: &Path) -> Vec<FileReport> {
    let files = entry.files.iter();
    files.map(|file| report(folder, file)).collect()
}

/// Looks at a file of a data set where readers look for it: under its name, then unpacked, then by one that
/// people give it.
pub(super) fn report(folder: &Path, file: &DataFile) -> FileReport {
    let mut names = vec![file.name.as_str()];
    if file.is_gzip() {
        names.push(file.unpacked_name());
    }
    let mut paths = names.iter().map(|name| folder.join(name));
    let path = paths.find(|path| path.is_file());
    let path = path.or_else(|| find_file_in(folder, &file.name).ok());
    let state = match path.as_deref().map(|path| content(path, file)) {
        None => FileState::Missing,
        Some(Ok(true)) => FileState::Sound,
        Some(Ok(false)) => FileState::Unknown,
        Some(Err(why)) => FileState::Wrong(why),
    };
    FileReport {
        name: file.name.clone(),
        size: path
            .as_ref()
            .and_then(|path| Some(path.metadata().ok()?.len())),
        path,
        state,
    }
}

/// Whether a file begins as gzip does.
pub(super) fn is_gzip(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut first)?;
    Ok(first == GZIP)
}

/// Whether the file's bytes are these: `Ok(true)` by their checksum, `Ok(false)` when none is
/// known.
pub(super) fn bytes(path: &Path, expected: &Identity) -> Result<bool, String> {
    let limit = expected.size.unwrap_or(u64::MAX - 1);
    let file = open(path)?;
    measure(file, expected, limit, false)
}

/// Whether the file holds this content, packed or not, as [`bytes`].
pub(super) fn content(path: &Path, file: &DataFile) -> Result<bool, String> {
    let packed = file.is_gzip() && is_gzip(path).map_err(cannot_read)?;
    let hdf5 = file.unpacked_name().ends_with(".h5");
    let limit = file.content.size.unwrap_or(CONTENT_LIMIT);
    let reader = open(path)?;
    let known = if packed {
        measure(MultiGzDecoder::new(reader), &file.content, limit, hdf5)?
    } else {
        measure(reader, &file.content, limit, hdf5)?
    };
    // Another packing than the publisher's is no fault.
    Ok(known || packed && bytes(path, &file.packed) == Ok(true))
}

fn open(path: &Path) -> Result<BufReader<File>, String> {
    let file = File::open(path).map_err(cannot_read)?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

fn cannot_read(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

/// Reads to the end, but not beyond `limit`, and compares.
fn measure(
    mut reader: impl Read,
    expected: &Identity,
    limit: u64,
    hdf5: bool,
) -> Result<bool, String> {
    let mut sum = Sum::new(expected.checksum.as_ref());
    let mut buffer = vec![0; 1 << 16];
    let (mut size, mut first) = (0, Vec::<u8>::new());
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("damaged after {size} bytes of content: {error}")),
        };
        if first.len() < HDF5.len() {
            first.extend(buffer[..count].iter().take(HDF5.len() - first.len()));
        }
        size += count as u64;
        if size > limit {
            return Err(format!("more than {limit} bytes of content"));
        }
        sum.update(&buffer[..count]);
    }
    if let Some(wanted) = expected.size.filter(|&wanted| wanted != size) {
        return Err(format!("{size} bytes of content, expected {wanted}"));
    }
    if hdf5 && first != HDF5 {
        return Err("not an HDF5 file".to_string());
    }
    sum.compare(expected.checksum.as_ref())
}

/// The running checksum of the kind that is known.
enum Sum {
    Sha256(Sha256),
    Md5(Md5),
    None,
}

impl Sum {
    fn new(kind: Option<&Checksum>) -> Self {
        match kind {
            Some(Checksum::Sha256(_)) => Self::Sha256(Sha256::new()),
            Some(Checksum::Md5(_)) => Self::Md5(Md5::new()),
            None => Self::None,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(sum) => sum.update(bytes),
            Self::Md5(sum) => sum.update(bytes),
            Self::None => {}
        }
    }

    fn compare(self, expected: Option<&Checksum>) -> Result<bool, String> {
        let found = match self {
            Self::Sha256(sum) => Checksum::Sha256(hex(&sum.finalize())),
            Self::Md5(sum) => Checksum::Md5(hex(&sum.finalize())),
            Self::None => return Ok(false),
        };
        match expected {
            Some(expected) if *expected != found => Err(format!("{found}, expected {expected}")),
            _ => Ok(true),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
