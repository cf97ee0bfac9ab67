//! Files that can be opened without waiting for somebody.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// What a path leads to if that is neither a file nor a folder: opening a named pipe waits until somebody writes to it, which
/// may be never. Paths below `/dev` are accepted, since a shell hands them over on purpose.
pub fn special_file(path: &Path) -> Option<&'static str> {
    if path.starts_with("/dev") {
        return None;
    }
    kind(&path.metadata().ok()?)
}

/// Opens a file to be read.
///
/// # Errors
///
/// What the system says, or what the path leads to if that is neither a file nor a folder.
pub fn open_regular(path: &Path) -> io::Result<File> {
    match special_file(path) {
        Some(found) => Err(io::Error::other(format!("it is {found}, expected a file"))),
        None => File::open(path),
    }
}

#[cfg(unix)]
fn kind(metadata: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;

    let kind = metadata.file_type();
    let kinds = [
        (kind.is_fifo(), "a named pipe"),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device(), "a device"),
        (kind.is_block_device(), "a device"),
    ];
    kinds.into_iter().find_map(|(is, name)| is.then_some(name))
}

#[cfg(not(unix))]
fn kind(_: &Metadata) -> Option<&'static str> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_is_no_file_is_not_opened() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("socket");
        let _socket = UnixListener::bind(&path).unwrap();
        let refused = open_regular(&path).unwrap_err().to_string();
        assert_eq!(refused, "it is a socket, expected a file");
        let link = root.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let refused = open_regular(&link).unwrap_err().to_string();
        assert_eq!(refused, "it is a device, expected a file");
        assert!(open_regular(Path::new("/dev/null")).is_ok());
        assert_eq!(special_file(root.path()), None);
        let missing = open_regular(&root.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
