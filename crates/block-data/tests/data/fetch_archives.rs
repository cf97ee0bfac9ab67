//! Data sets in archives, good and hostile ones.

use std::fs;
use std::io::Write;
use std::path::Path;

use block_data::fetch::{Archive, Entry, Identity, Mirror};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::fetch_support::{SET, entry, file, http, identity, names, noise, try_fetch};
use crate::files::gzip;
use crate::http_server::{Reply, Server};

/// A member with any path, also one that a sane library would refuse to write.
fn member(builder: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    if kind.is_symlink() || kind.is_hard_link() {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

/// A `.tar.gz` of the members.
fn archive(members: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, kind, content) in members {
        member(&mut builder, path, *kind, content);
    }
    gzip(&builder.into_inner().unwrap())
}

/// A data set of `a.bin` and `b.txt` in an archive; of the second the content is not known.
fn set(a: &[u8], archive: Identity, url: &str) -> Entry {
    let mut set = entry(vec![
        file("a.bin", identity(a), Vec::new()),
        file("b.txt", Identity::UNKNOWN, Vec::new()),
    ]);
    set.archive = Some(Archive {
        name: "set.tar.gz".into(),
        identity: archive,
        folder: "inside".into(),
        mirrors: vec![http(url)],
    });
    set
}

fn left(root: &Path) -> Vec<String> {
    names(&root.join(SET))
}

const PLAIN: EntryType = EntryType::Regular;

#[test]
fn members_are_unpacked_and_the_archive_goes() {
    let a = noise(100_000);
    let members = [
        ("inside/", EntryType::Directory, &b""[..]),
        ("inside/readme", PLAIN, b"x"),
        ("inside/link", EntryType::Symlink, b""),
        ("./inside/a.bin", PLAIN, &a),
        ("inside/b.txt", PLAIN, b"words"),
    ];
    let bytes = archive(&members);
    let (server, url) = Server::with(&[Reply::Body(bytes.clone())]);
    let set = set(&a, identity(&bytes), &url);
    let root = tempfile::tempdir().unwrap();
    try_fetch(root.path(), &set).0.unwrap();
    assert_eq!(left(root.path()), ["a.bin", "b.txt"]);
    try_fetch(root.path(), &set).0.unwrap();
    assert_eq!(server.starts(), [0]);

    // One that was put there by hand, or left by a killed run, is used.
    let root = tempfile::tempdir().unwrap();
    crate::files::write(&root.path().join(SET), "set.tar.gz", &bytes);
    try_fetch(root.path(), &set).0.unwrap();
    assert_eq!(left(root.path()), ["a.bin", "b.txt"]);
    assert_eq!(server.starts(), [0]);

    // Only if it is right; and what is there of the set stays.
    fs::remove_file(root.path().join("set/a.bin")).unwrap();
    crate::files::write(&root.path().join(SET), "set.tar.gz", b"bad");
    try_fetch(root.path(), &set).0.unwrap();
    assert_eq!(left(root.path()), ["a.bin", "b.txt"]);
    assert_eq!(server.starts(), [0, 0]);
}

/// Why an archive of which nothing is known is refused.
fn refused(bytes: Vec<u8>) -> String {
    let (_server, url) = Server::with(&[Reply::Body(bytes)]);
    let root = tempfile::tempdir().unwrap();
    let set = set(b"good", Identity::UNKNOWN, &url);
    let error = try_fetch(root.path(), &set).0.unwrap_err();
    assert_eq!(names(root.path()), [".set.lock"], "{error}");
    let start = format!("cannot fetch set.tar.gz of data set set: {url} (");
    let why = error
        .strip_prefix(&start)
        .unwrap_or_else(|| panic!("{error}"));
    assert!(
        why.contains("); put set.tar.gz (no checksum known) into "),
        "{why}"
    );
    why.split_once("); put ").unwrap().0.to_string()
}

#[test]
fn hostile_archives() {
    let good = ("inside/a.bin", PLAIN, &b"good"[..]);
    let text = ("inside/b.txt", PLAIN, &b"x"[..]);
    for path in ["../a.bin", "/tmp/a.bin", "inside/../../a.bin", "..\\a.bin"] {
        let why = refused(archive(&[good, text, (path, PLAIN, b"x")]));
        assert_eq!(
            why,
            format!("its archive has a member outside of it: {path:?}")
        );
    }
    use EntryType as T;
    for kind in [
        T::Symlink,
        T::Link,
        T::Char,
        T::Block,
        T::Fifo,
        T::Directory,
    ] {
        let why = refused(archive(&[good, ("inside/b.txt", kind, b"")]));
        assert_eq!(why, "\"inside/b.txt\" in its archive is no plain file");
    }
    let why = refused(archive(&[good, good, text]));
    assert_eq!(why, "\"inside/a.bin\" is twice in its archive");
    let why = refused(archive(&[good]));
    assert_eq!(why, "its archive has no \"inside/b.txt\"");
    let why = refused(archive(&[("inside/a.bin", PLAIN, b"wrong"), text]));
    assert_eq!(
        why,
        "\"inside/a.bin\" in its archive has 5 bytes, expected at most 4"
    );
    let why = refused(archive(&[("inside/a.bin", PLAIN, b"evil"), text]));
    assert!(why.contains("expected sha256"), "{why}");
    let large = vec![0; (1 << 20) + 1];
    let why = refused(archive(&[good, ("inside/b.txt", PLAIN, &large)]));
    assert!(
        why.ends_with("has 1048577 bytes, expected at most 1048576"),
        "{why}"
    );
    let mut cut = archive(&[good, text]);
    cut.truncate(cut.len() / 2);
    assert!(refused(cut).starts_with("its archive "));
    assert!(refused(b"<html>".to_vec()).starts_with("its archive is damaged: "));
}

#[test]
fn bombs() {
    let good = ("inside/a.bin", PLAIN, &b"good"[..]);
    let many: Vec<_> = (0..10_001).map(|_| ("x", PLAIN, &b""[..])).collect();
    let why = refused(archive(&[&[good][..], &many].concat()));
    assert_eq!(why, "its archive has more than 10000 members");

    // 2 GiB of zeros in 9 MB.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut header = Header::new_gnu();
    header.set_path("inside/zeros").unwrap();
    header.set_size(2 << 30);
    header.set_cksum();
    encoder.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..2048 {
        encoder.write_all(&zeros).unwrap();
    }
    let why = refused(encoder.finish().unwrap());
    assert_eq!(why, "its archive unpacks to over 1073741824 bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_archive_is_unpacked_or_refused(at in 0_usize..2048, to in any::<u8>()) {
        let mut builder = Builder::new(Vec::new());
        member(&mut builder, "inside/a.bin", PLAIN, b"good");
        member(&mut builder, "inside/b.txt", PLAIN, b"words");
        let mut bytes = builder.into_inner().unwrap();
        bytes[at] = to;
        let (_server, url) = Server::with(&[Reply::Body(gzip(&bytes))]);
        let root = tempfile::tempdir().unwrap();
        let set = set(b"good", Identity::UNKNOWN, &url);
        match try_fetch(root.path(), &set).0 {
            Ok(()) => prop_assert_eq!(left(root.path()), ["a.bin", "b.txt"]),
            Err(_) => prop_assert_eq!(names(root.path()), [".set.lock"]),
        }
    }
}

#[test]
fn a_zip_is_kept_as_gzip() {
    let content = [b"\x89HDF\r\n\x1a\n", &noise(200_000)[..], &[0; 100_000]].concat();
    for method in [
        zip::CompressionMethod::Deflated,
        zip::CompressionMethod::Stored,
    ] {
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file("data.h5", options).unwrap();
        writer.write_all(&content).unwrap();
        let zip = writer.finish().unwrap().into_inner();
        let (server, url) = Server::with(&[Reply::Body(zip.clone())]);
        let mirror = |identity| Mirror::Zip {
            url: url.clone(),
            identity,
            tried: true,
        };
        let set = |content, zip| entry(vec![file("data.h5.gz", content, vec![mirror(zip)])]);
        for known in [identity(&content), Identity::UNKNOWN] {
            let root = tempfile::tempdir().unwrap();
            try_fetch(root.path(), &set(known, identity(&zip)))
                .0
                .unwrap();
            assert_eq!(left(root.path()), ["data.h5.gz"]);
            let packed = fs::read(root.path().join("set/data.h5.gz")).unwrap();
            let mut unpacked = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&packed[..]);
            std::io::Read::read_to_end(&mut decoder, &mut unpacked).unwrap();
            assert!(unpacked == content);
        }
        let root = tempfile::tempdir().unwrap();
        let wrong = set(identity(b"x"), identity(&zip));
        let error = try_fetch(root.path(), &wrong).0.unwrap_err();
        assert!(error.contains("more than 1 bytes of content"), "{error}");
        assert_eq!(names(root.path()), [".set.lock"]);
        server.on("/file", &[Reply::Body(noise(1000))]);
        let error = try_fetch(root.path(), &set(Identity::UNKNOWN, Identity::UNKNOWN)).0;
        assert!(error.unwrap_err().contains("its archive is damaged"));
        assert_eq!(names(root.path()), [".set.lock"]);
    }
}
