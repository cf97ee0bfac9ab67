//! Packed files, read in memory and never beyond a limit: what counts is what really comes out of
//! the decompressor, not what a header announces.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::{DataError, open_regular};

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Archives that are not read: where their signatures are, and what they are called.
const OTHERS: [(usize, &[u8], &str); 6] = [
    (257, b"ustar", "a tar archive"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ\0", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a rar archive"),
];
/// Members that a message names.
const NAMED: usize = 3;
/// A zip file begins with a member's header, an empty one with its end.
const ZIP: [[u8; 4]; 2] = [*b"PK\x03\x04", *b"PK\x05\x06"];
/// An entry of an archive's directory begins with it.
const ENTRY: &[u8] = b"PK\x01\x02";
/// What a header's size is trusted with before a byte of content was seen.
const TRUSTED: u64 = 64 << 20;

/// How much may come out of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Wanted members.
    pub members: usize,
    /// Bytes of each of them, unpacked.
    pub member_bytes: u64,
    /// Bytes of all of them together, unpacked.
    pub total_bytes: u64,
}

/// The content of a file that may be packed: as gzip, or as a zip file in which `wanted` holds for
/// exactly one member's name. How it is packed is told by its first bytes, not by its name.
///
/// # Errors
///
/// A [`DataError`] that names the file: it cannot be read, is damaged, has more than `limit` bytes
/// when unpacked, or is a zip file of none or several such members.
pub fn read_packed(
    path: &Path,
    limit: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, DataError> {
    unpack(open(path)?, path, limit, wanted)
}

/// [`read_packed`] of bytes; `path` is for messages.
///
/// # Errors
///
/// As [`read_packed`].
pub fn unpack_bytes(
    bytes: &[u8],
    path: &Path,
    limit: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, DataError> {
    unpack(Cursor::new(bytes), path, limit, wanted)
}

fn unpack(
    mut reader: impl BufRead + Seek,
    path: &Path,
    limit: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, DataError> {
    let start = reader.fill_buf().map_err(|e| unreadable(path, e))?;
    if ZIP.iter().any(|magic| start.starts_with(magic)) {
        let limits = ArchiveLimits {
            members: 1,
            member_bytes: limit,
            total_bytes: limit,
        };
        let (mut content, mut others) = (None, Vec::new());
        let keep = |_: &str, bytes: &mut Vec<u8>| {
            content = Some(std::mem::take(bytes));
            Ok(())
        };
        let wanted = |name: &str| {
            let take = wanted(name);
            if !take {
                others.push(name.to_string());
            }
            take
        };
        members(reader, path, limits, wanted, keep)?;
        return content.ok_or_else(|| fault(path, nothing_wanted(&others)));
    }
    let mut bytes = Vec::new();
    let read = if start.starts_with(&GZIP) {
        let mut unpacked = MultiGzDecoder::new(reader).take(limit.saturating_add(1));
        unpacked.read_to_end(&mut bytes).map_err(|source| {
            let (path, read) = (path.to_path_buf(), bytes.len());
            DataError::Damaged { path, read, source }
        })
    } else {
        let mut plain = reader.take(limit.saturating_add(1));
        plain
            .read_to_end(&mut bytes)
            .map_err(|e| unreadable(path, e))
    }?;
    if read as u64 > limit {
        let problem = format!("found more than {limit} bytes of content, expected at most that");
        return Err(fault(path, problem));
    }
    for (at, signature, name) in OTHERS {
        let found = bytes.get(at..);
        if found.is_some_and(|found| found.starts_with(signature)) {
            let problem =
                format!("found {name}, which is not read; unpack it, and name what was in it");
            return Err(fault(path, problem));
        }
    }
    Ok(bytes)
}

/// An archive without the file that is looked for.
fn nothing_wanted(others: &[String]) -> String {
    let files: Vec<_> = others.iter().filter(|name| !name.ends_with('/')).collect();
    let packed = |name: &&&String| ends_with(name, &["zip", "gz", "tgz", "tar"]);
    if let Some(inner) = files.iter().find(packed) {
        return format!(
            "found {inner:?} in the archive, which is packed itself; unpack the archive, and name what was in it"
        );
    }
    let names: Vec<_> = files.iter().take(NAMED).map(|n| format!("{n:?}")).collect();
    let more = if files.len() > NAMED { " and more" } else { "" };
    match &names[..] {
        [] if others.is_empty() => {
            "found an empty archive, expected the file that is looked for in it".into()
        }
        [] => {
            "found only folders in the archive, expected the file that is looked for in it".into()
        }
        names => format!(
            "found no such file in the archive, only {}{more}, expected one",
            names.join(", ")
        ),
    }
}

/// Whether a name ends in a dot and one of these, in capitals or not.
pub(crate) fn ends_with(name: &str, endings: &[&str]) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|found| {
        endings
            .iter()
            .any(|known| found.eq_ignore_ascii_case(known))
    })
}

/// Whether a file is a zip archive, by its first bytes.
///
/// # Errors
///
/// [`DataError::Read`].
pub fn is_zip(path: &Path) -> Result<bool, DataError> {
    let mut reader = open(path)?;
    let start = reader.fill_buf().map_err(|e| unreadable(path, e))?;
    if start.is_empty() {
        let problem = "found an empty file; put a sound copy in its place";
        return Err(fault(path, problem));
    }
    Ok(ZIP.iter().any(|magic| start.starts_with(magic)))
}

/// The names of the files in a zip archive, as [`zip_members`] hands them out, of which it takes at most
/// `limit`.
///
/// # Errors
///
/// A [`DataError`] that names the archive: it cannot be read or is damaged.
pub fn zip_names(path: &Path, limit: usize) -> Result<Vec<String>, DataError> {
    let archive = ZipArchive::new(open(path)?).map_err(|e| damaged(path, &e))?;
    let archive = without_twins(archive, path)?;
    // From the directory at the archive's end alone: the members are not looked at.
    let names = (0..archive.len()).filter_map(|index| archive.name_for_index(index));
    let names = names.map(plain_name);
    let files = names.filter(|name| !name.ends_with('/') && !is_companion(name));
    Ok(files.take(limit).collect())
}

/// Hands the name and the content of every file in a zip archive for which `wanted` holds to
/// `each`, in the archive's order and one at a time. Folders are skipped, and what macOS adds: `__MACOSX`,
/// `._name`, `.DS_Store`. A name's parts are separated by slashes, also where an archive has backslashes.
///
/// # Errors
///
/// A [`DataError`] that names the archive, and the member if there is one: it cannot be read, is
/// damaged or encrypted, goes beyond a limit, is a link, or has a name that leads out of a folder
/// (nothing is written, but a sound data set has no such names). The first error of `each`.
pub fn zip_members(
    path: &Path,
    limits: ArchiveLimits,
    wanted: impl Fn(&str) -> bool,
    mut each: impl FnMut(&str, &[u8]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let each = |name: &str, bytes: &mut Vec<u8>| each(name, bytes);
    members(open(path)?, path, limits, wanted, each)
}

/// [`zip_members`] of bytes; `path` is for messages.
///
/// # Errors
///
/// As [`zip_members`].
pub fn zip_members_of_bytes(
    bytes: &[u8],
    path: &Path,
    limits: ArchiveLimits,
    wanted: impl Fn(&str) -> bool,
    mut each: impl FnMut(&str, &[u8]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let each = |name: &str, bytes: &mut Vec<u8>| each(name, bytes);
    members(Cursor::new(bytes), path, limits, wanted, each)
}

fn members(
    reader: impl Read + Seek,
    path: &Path,
    limits: ArchiveLimits,
    mut wanted: impl FnMut(&str) -> bool,
    mut each: impl FnMut(&str, &mut Vec<u8>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let archive = ZipArchive::new(reader).map_err(|e| damaged(path, &e))?;
    let mut archive = without_twins(archive, path)?;
    let (mut count, mut left) = (0, limits.total_bytes);
    let mut content = Vec::new();
    let mut first = None;
    for index in 0..archive.len() {
        let name = plain_name(archive.name_for_index(index).unwrap_or_default());
        let refuse = |problem: String| fault(path, format!("member {name:?} {problem}"));
        if !is_safe(&name) {
            let problem = "has a name that leads out of the archive, expected a relative path";
            return Err(refuse(problem.into()));
        }
        let unpackable = |e: ZipError| match e {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                refuse("is encrypted, expected a plain one".into())
            }
            e => refuse(format!("is damaged: {e}; put a sound copy in its place")),
        };
        if is_companion(&name) {
            continue;
        }
        let take = wanted(&name) && !name.ends_with('/');
        // Of any compression, encrypted or not.
        let packed = archive.by_index_raw(index).map_err(unpackable)?;
        // The file type's whole field: a single bit of it is set for sockets, too.
        if packed
            .unix_mode()
            .is_some_and(|mode| mode & 0o170_000 == 0o120_000)
        {
            return Err(refuse("is a link, expected a file".into()));
        }
        if !take || packed.is_dir() {
            continue;
        }
        if let (false, Some(method)) = (packed.encrypted(), unknown_method(packed.compression())) {
            return Err(refuse(format!(
                "is compressed with {method}, expected deflate or no compression; unpack the archive, and pack it anew as \
                 `zip -r` does"
            )));
        }
        drop(packed);
        let member = archive.by_index(index).map_err(unpackable)?;
        count += 1;
        if count > limits.members {
            let problem = match (limits.members, &first) {
                (1, Some(first)) => {
                    format!("found {first:?} and {name:?} in the archive, expected one of them")
                }
                (limit, _) => format!(
                    "found more than {limit} such files in the archive, expected at most that"
                ),
            };
            return Err(fault(path, problem));
        }
        first.get_or_insert_with(|| name.clone());
        let limit = limits.member_bytes.min(left);
        content.clear();
        content.reserve(member.size().min(limit).min(TRUSTED) as usize);
        // To the end, where the checksum is verified.
        let read = member
            .take(limit.saturating_add(1))
            .read_to_end(&mut content);
        let read = read.map_err(|e| unpackable(ZipError::Io(e)))? as u64;
        if read > limit {
            let problem = format!("has more than {limit} bytes, expected at most that");
            return Err(refuse(problem));
        }
        left -= read;
        each(&name, &mut content)?;
    }
    Ok(())
}

/// The same archive, if its directory does not list a name twice: of twins, a reader by name sees one alone.
fn without_twins<R: Read + Seek>(
    archive: ZipArchive<R>,
    path: &Path,
) -> Result<ZipArchive<R>, DataError> {
    let (start, files) = (archive.central_directory_start(), archive.len());
    let mut reader = archive.into_inner();
    let mut names = HashSet::with_capacity(files);
    let mut entries = BufReader::new(&mut reader);
    let failed = |e| damaged(path, &ZipError::Io(e));
    entries.seek(SeekFrom::Start(start)).map_err(failed)?;
    while let Some(name) = next_entry(&mut entries).map_err(failed)? {
        let name = plain_name(&String::from_utf8_lossy(&name));
        // Programs that add to an archive may list a folder again.
        if name.ends_with('/') || is_companion(&name) {
            continue;
        }
        if let Some(name) = names.replace(name) {
            let problem = format!(
                "found {name:?} twice in the archive, expected each name once; pack it anew"
            );
            return Err(fault(path, problem));
        }
    }
    ZipArchive::new(reader).map_err(|e| damaged(path, &e))
}

/// The name of the next entry of an archive's directory, of which the reader is at the first or the next.
fn next_entry(entries: &mut (impl BufRead + Seek)) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; 46];
    match entries.read_exact(&mut header) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    if !header.starts_with(ENTRY) {
        return Ok(None);
    }
    let length = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let mut name = vec![0; length(28).into()];
    entries.read_exact(&mut name)?;
    entries.seek_relative(i64::from(length(30)) + i64::from(length(32)))?;
    Ok(Some(name))
}

/// What a compression is called that cannot be undone here.
fn unknown_method(method: CompressionMethod) -> Option<String> {
    #[expect(deprecated, reason = "its constants are of the same kind")]
    let CompressionMethod::Unsupported(number) = method else {
        return None;
    };
    Some(match number {
        9 => "deflate64".into(),
        12 => "bzip2".into(),
        14 => "LZMA".into(),
        93 => "zstd".into(),
        95 => "xz".into(),
        98 => "PPMd".into(),
        other => format!("method {other}"),
    })
}

/// A member's name with slashes, also where a program of Windows wrote backslashes.
fn plain_name(name: &str) -> String {
    name.replace('\\', "/")
}

/// Whether a file of this name accompanies another one, as macOS writes them.
fn is_companion(name: &str) -> bool {
    let mut parts = name.split('/').rev();
    let file = parts.next().unwrap_or_default();
    file.starts_with("._") || file == ".DS_Store" || parts.any(|part| part == "__MACOSX")
}

/// Whether a name stays below the folder that it is relative to, on any system.
fn is_safe(name: &str) -> bool {
    let absolute = name.starts_with('/') || name.as_bytes().get(1) == Some(&b':');
    !absolute && !name.contains('\0') && name.split('/').all(|part| part != "..")
}

fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    // Small members: a seek between two of them throws the buffer away.
    let file = open_regular(path).map_err(|e| unreadable(path, e))?;
    Ok(BufReader::with_capacity(1 << 14, file))
}

fn damaged(path: &Path, error: &ZipError) -> DataError {
    fault(
        path,
        format!("the archive is damaged: {error}; put a sound copy in its place"),
    )
}

fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    DataError::Read {
        path: path.to_path_buf(),
        source,
    }
}

pub(crate) fn fault(path: &Path, problem: impl Into<String>) -> DataError {
    DataError::Content {
        path: path.to_path_buf(),
        problem: problem.into(),
    }
}
