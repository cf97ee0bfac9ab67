//! Unpacking of what strangers packed: only the members that are wanted, only as plain files, and
//! no more bytes than expected.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::{CompressionMethod, ZipArchive};

use super::failure::Failure;
use super::files::cannot_write;

/// The most that an archive may unpack to, with all members and headers.
const BYTES_LIMIT: u64 = 1 << 30;
/// The most members that an archive may have.
const MEMBERS_LIMIT: usize = 10_000;

/// A member that is wanted.
pub(super) struct Wanted<'a> {
    /// The member's path in the archive, without `./`.
    pub path: String,
    /// Where the member is written.
    pub to: &'a Path,
    /// The most bytes that the member may have.
    pub limit: u64,
}

/// Writes the wanted members of a tar stream; everything else is passed over. An archive with a
/// path that leads out of its folder is refused altogether.
pub(super) fn tar(reader: impl Read, wanted: &[Wanted]) -> Result<(), Failure> {
    let mut reader = reader.take(BYTES_LIMIT);
    match members(&mut reader, wanted) {
        Err(Failure::Mirror(_)) if reader.limit() == 0 => {
            refuse(format!("its archive unpacks to over {BYTES_LIMIT} bytes"))
        }
        result => result,
    }
}

fn members(reader: impl Read, wanted: &[Wanted]) -> Result<(), Failure> {
    let mut found = vec![false; wanted.len()];
    let mut archive = tar::Archive::new(reader);
    // Raw: neither long names nor extended headers are interpreted, as no wanted member has any.
    let entries = archive.entries().map_err(damaged)?.raw(true);
    for (count, entry) in entries.enumerate() {
        if count == MEMBERS_LIMIT {
            return refuse(format!("its archive has more than {MEMBERS_LIMIT} members"));
        }
        let mut entry = entry.map_err(damaged)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if path.starts_with('/') || path.split(['/', '\\']).any(|part| part == "..") {
            return refuse(format!("its archive has a member outside of it: {path:?}"));
        }
        let path = path.strip_prefix("./").unwrap_or(&path);
        let Some(index) = wanted.iter().position(|wanted| wanted.path == path) else {
            continue;
        };
        let (member, size) = (&wanted[index], entry.size());
        if !entry.header().entry_type().is_file() {
            return refuse(format!("{path:?} in its archive is no plain file"));
        }
        if found[index] {
            return refuse(format!("{path:?} is twice in its archive"));
        }
        if size > member.limit {
            let limit = member.limit;
            return refuse(format!(
                "{path:?} in its archive has {size} bytes, expected at most {limit}"
            ));
        }
        copy(&mut entry, member.to)?;
        found[index] = true;
    }
    if let Some(index) = found.iter().position(|found| !found) {
        return refuse(format!("its archive has no {:?}", wanted[index].path));
    }
    Ok(())
}

/// Writes the member of a zip whose path ends in `name` as a gzip file. Where it is deflated, as
/// it usually is, its bytes are taken over as they are.
pub(super) fn zip_to_gzip(path: &Path, name: &str, to: &Path) -> Result<(), Failure> {
    let file = File::open(path).map_err(damaged)?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(e.into()))?;
    let is_wanted = |path: &&str| path.rsplit('/').next() == Some(name);
    let member = archive.file_names().find(is_wanted).map(str::to_string);
    let Some(index) = member.and_then(|member| archive.index_for_name(&member)) else {
        return refuse(format!("its zip has no {name:?}"));
    };
    let mut member = archive.by_index_raw(index).map_err(|e| damaged(e.into()))?;
    match member.compression() {
        CompressionMethod::Deflated => {
            // No flags, no time of change, no level, no system.
            let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
            let sum = member.crc32().to_le_bytes();
            // The format counts modulo 2³².
            let size = (member.size() as u32).to_le_bytes();
            copy(
                &mut header.chain(&mut member).chain(&*[sum, size].concat()),
                to,
            )
        }
        CompressionMethod::Stored => {
            let mut file = create(to)?;
            let mut encoder = GzEncoder::new(&mut file, Compression::fast());
            let written =
                io::copy(&mut member, &mut encoder).and_then(|_| encoder.finish().map(drop));
            written
                .and_then(|()| file.flush())
                .map_err(|source| cannot_write(to, source).into())
        }
        other => refuse(format!("its zip is compressed by {other}")),
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|source| cannot_write(path, source))?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

/// Copies to a new file; faults in reading are the mirror's, those in writing ours.
fn copy(reader: &mut impl Read, to: &Path) -> Result<(), Failure> {
    let write = |source| Failure::from(cannot_write(to, source));
    let mut file = create(to)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return file.flush().map_err(write),
            Ok(count) => file.write_all(&buffer[..count]).map_err(write)?,
            Err(error) => return Err(damaged(error)),
        }
    }
}

fn damaged(error: io::Error) -> Failure {
    Failure::Mirror(format!("its archive is damaged: {error}"))
}

fn refuse<T>(why: String) -> Result<T, Failure> {
    Err(Failure::Mirror(why))
}
