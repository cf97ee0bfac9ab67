//! Entries of a test, and what a fetch must leave behind.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use block_data::DataError;
use block_data::fetch::{
    Checksum, DataFile, Entry, Identity, Mirror, Options, Progress, fetch, verify,
};
use sha2::{Digest, Sha256};

/// The data set of these tests.
pub(crate) const SET: &str = "set";

/// Says on the terminal that a test did not run. Straight to the stream: the test harness hides
/// what the macros print.
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Bytes without a pattern.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let byte = |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(byte).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn identity(bytes: &[u8]) -> Identity {
    Identity {
        size: Some(bytes.len() as u64),
        checksum: Some(Checksum::Sha256(sha256(bytes))),
    }
}

pub(crate) fn http(url: &str) -> Mirror {
    Mirror::Http {
        url: url.to_string(),
        tried: true,
    }
}

pub(crate) fn file(name: &str, content: Identity, mirrors: Vec<Mirror>) -> DataFile {
    DataFile {
        name: name.to_string(),
        content,
        packed: Identity::UNKNOWN,
        mirrors,
    }
}

pub(crate) fn entry(files: Vec<DataFile>) -> Entry {
    Entry {
        name: SET.to_string(),
        files,
        archive: None,
    }
}

/// A data set of the one file `data.bin` with this content, at these links.
pub(crate) fn one(content: &[u8], urls: &[&str]) -> Entry {
    let mirrors = urls.iter().map(|url| http(url)).collect();
    entry(vec![file("data.bin", identity(content), mirrors)])
}

/// Patience for tests.
pub(crate) fn options() -> Options {
    Options {
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_millis(500),
        retries: 2,
        backoff: Duration::from_millis(10),
        ..Options::default()
    }
}

/// Keeps what it is told.
#[derive(Default)]
pub(crate) struct Log {
    pub notes: Vec<String>,
    pub begun: Vec<(String, String, Option<u64>)>,
    pub bytes: u64,
    pub open: i32,
}

impl Progress for Log {
    fn begin(&mut self, file: &str, source: &str, total: Option<u64>) {
        self.begun.push((file.into(), source.into(), total));
        self.open += 1;
    }

    fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    fn end(&mut self) {
        self.open -= 1;
    }

    fn note(&mut self, line: &str) {
        assert!(!line.contains('\n'), "{line}");
        self.notes.push(line.into());
    }
}

/// Fetches into `root`; on success the file must be right, on failure the error must be one line
/// and the file not there.
pub(crate) fn try_fetch(root: &Path, entry: &Entry) -> (Result<(), String>, Log) {
    let mut log = Log::default();
    let result = fetch(entry, root, &options(), &mut log);
    assert_eq!(log.open, 0, "every begin has its end");
    let states = verify(entry, &root.join(SET));
    let usable = states.iter().all(|file| file.state.is_usable());
    match result {
        Ok(folder) => {
            assert_eq!(folder, root.join(SET));
            assert!(usable, "{states:?}");
            let names = names(&folder);
            assert!(!names.iter().any(|n| n.ends_with(".part")), "{names:?}");
            (Ok(()), log)
        }
        Err(error) => {
            assert!(!usable);
            for file in &states {
                assert!(file.path.is_none() || file.state.is_usable(), "{file:?}");
            }
            (Err(line(&error)), log)
        }
    }
}

pub(crate) fn line(error: &DataError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

/// The names in a folder, sorted; none where there is no folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
