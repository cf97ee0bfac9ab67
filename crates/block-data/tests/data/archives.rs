//! Packed files: read whole, or refused in one clear line.

use std::io::{Cursor, Write};
use std::path::Path;

use block_data::formats::archive::{ArchiveLimits, read_packed, zip_members, zip_names};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::files::{self, gzip};

const LIMITS: ArchiveLimits = ArchiveLimits {
    members: 3,
    member_bytes: 1000,
    total_bytes: 1500,
};

/// A zip file of these files; a name that ends in a slash is a folder.
pub(crate) fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

/// The members of a zip file whose names end in `.bin`, or what reading says.
fn members(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = files::write(folder.path(), "a.zip", bytes);
    let mut found = Vec::new();
    let keep = |name: &str, content: &[u8]| {
        found.push((name.to_owned(), content.to_vec()));
        Ok(())
    };
    let wanted = |name: &str| name.ends_with(".bin");
    match zip_members(&path, LIMITS, wanted, keep) {
        Ok(()) => Ok(found),
        Err(error) => Err(plain(folder.path(), &error.to_string())),
    }
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = files::write(folder.path(), "a.h5", bytes);
    read_packed(&path, 1000, |name| name.ends_with(".h5"))
        .map_err(|error| plain(folder.path(), &error.to_string()))
}

fn plain(folder: &Path, text: &str) -> String {
    assert!(!text.contains('\n'), "{text}");
    text.replace(&format!("{}/", folder.display()), "")
}

/// Replaces a pattern everywhere by one of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|w| w == from) {
        bytes[at + found..][..to.len()].copy_from_slice(to);
        at += found + to.len();
    }
    bytes
}

#[test]
fn wanted_members_come_in_order() {
    let bytes = zip_of(&[
        ("b/", b""),
        ("b/2.bin", b"two"),
        ("b/readme", &[0; 5000]),
        ("b/1.bin", b""),
    ]);
    let expected = [("b/2.bin", &b"two"[..]), ("b/1.bin", b"")];
    let expected = expected.map(|(name, content)| (name.to_owned(), content.to_vec()));
    assert_eq!(members(&bytes).unwrap(), expected);
}

#[test]
fn files_are_told_by_their_first_bytes() {
    let content = b"\x89HDF and more".to_vec();
    for bytes in [
        content.clone(),
        gzip(&content),
        zip_of(&[("readme", b"x"), ("x/a.h5", &content)]),
    ] {
        assert_eq!(packed(&bytes).unwrap(), content);
    }
    assert!(packed(&[]).unwrap().is_empty());
}

#[test]
fn more_than_the_limit_is_refused() {
    let text = "a.h5: found more than 1000 bytes of content, expected at most that";
    assert_eq!(packed(&[1; 1001]).unwrap_err(), text);
    assert_eq!(packed(&gzip(&[1; 1 << 20])).unwrap_err(), text);
    assert_eq!(
        packed(&zip_of(&[("a.h5", &[1; 1 << 20])])).unwrap_err(),
        "a.h5: member \"a.h5\" has more than 1000 bytes, expected at most that"
    );
    assert_eq!(packed(&gzip(&[1; 1000])).unwrap().len(), 1000);
    // All together.
    let bytes = zip_of(&[("1.bin", &[1; 1000]), ("2.bin", &[1; 501])]);
    assert_eq!(
        members(&bytes).unwrap_err(),
        "a.zip: member \"2.bin\" has more than 500 bytes, expected at most that"
    );
    let bytes = zip_of(&[
        ("1.bin", b""),
        ("2.bin", b""),
        ("3.bin", b""),
        ("4.bin", b""),
    ]);
    assert_eq!(
        members(&bytes).unwrap_err(),
        "a.zip: found more than 3 such files in the archive, expected at most that"
    );
}

#[test]
fn a_size_in_a_header_is_not_believed() {
    // The size after the checksum and the packed size, in the central directory.
    let content = vec![1; 100_000];
    let bytes = replaced(
        &zip_of(&[("1.bin", &content)]),
        &100_000_u32.to_le_bytes(),
        &10_u32.to_le_bytes(),
    );
    let text = members(&bytes).unwrap_err();
    assert!(text.starts_with("a.zip: member \"1.bin\" "), "{text}");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in [
        "../1.bin",
        "a/../1.bin",
        "/etc/1.bin",
        "C:/1.bin",
        "a\\..\\1.txt",
    ] {
        let text = members(&zip_of(&[(name, b"x")])).unwrap_err();
        assert!(text.starts_with("a.zip: member "), "{text}");
        let end = "has a name that leads out of the archive, expected a relative path";
        assert!(text.ends_with(end), "{text}");
    }
}

#[test]
fn links_are_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    writer.add_symlink("l.bin", "/etc/passwd", options).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert_eq!(
        members(&bytes).unwrap_err(),
        "a.zip: member \"l.bin\" is a link, expected a file"
    );
}

#[test]
fn one_wanted_file_is_expected() {
    assert_eq!(
        packed(&zip_of(&[("a.txt", b"x")])).unwrap_err(),
        "a.h5: found no such file in the archive, only \"a.txt\", expected one"
    );
    assert_eq!(
        packed(&zip_of(&[("1.h5", b"x"), ("2.h5", b"x")])).unwrap_err(),
        "a.h5: found \"1.h5\" and \"2.h5\" in the archive, expected one of them"
    );
}

#[test]
fn damaged_and_encrypted_archives_are_refused() {
    let noise: Vec<u8> = (0..700_u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
    let sound = zip_of(&[("1.bin", &noise)]);
    let mut changed = sound.clone();
    changed[200] ^= 4;
    let text = members(&changed).unwrap_err();
    assert!(
        text.starts_with("a.zip: member \"1.bin\" is damaged: "),
        "{text}"
    );
    assert!(text.ends_with("; put a sound copy in its place"), "{text}");
    for end in 0..sound.len() {
        let text = members(&sound[..end]).unwrap_err();
        assert!(text.contains("damaged"), "{end}: {text}");
    }
    // The first bit of the flags, in both headers.
    let mut encrypted = sound.clone();
    encrypted[6] |= 1;
    let central = sound.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    assert_eq!(
        members(&encrypted).unwrap_err(),
        "a.zip: member \"1.bin\" is encrypted, expected a plain one"
    );
}

#[test]
fn members_of_one_name_are_refused() {
    let sound = zip_of(&[("1.bin", b"one"), ("2.bin", b"two"), ("3.bin", b"three")]);
    let twins = replaced(&sound, b"2.bin", b"1.bin");
    let expected =
        "a.zip: found \"1.bin\" twice in the archive, expected each name once; pack it anew";
    assert_eq!(members(&twins).unwrap_err(), expected);
    // A folder may be listed again.
    let folders = zip_of(&[("a/", b""), ("b/", b""), ("1.bin", b"one")]);
    let folders = replaced(&folders, b"b/", b"a/");
    assert_eq!(
        members(&folders).unwrap(),
        [("1.bin".to_string(), b"one".to_vec())]
    );
    let folder = tempfile::tempdir().unwrap();
    let path = files::write(folder.path(), "a.zip", &twins);
    let text = zip_names(&path, 9).unwrap_err().to_string();
    assert_eq!(plain(folder.path(), &text), expected);
}

#[test]
fn a_compression_that_is_not_known_is_named() {
    let sound = zip_of(&[("1.bin", b"one"), ("notes", b"two")]);
    let starts = |bytes: &[u8], of: &[u8]| -> Vec<usize> {
        let starts = bytes.windows(4).enumerate();
        starts.filter(|(_, w)| w == &of).map(|(at, _)| at).collect()
    };
    for (method, name) in [
        (9, "deflate64"),
        (12, "bzip2"),
        (14, "LZMA"),
        (77, "method 77"),
    ] {
        // In both headers of the first member.
        let mut other = sound.clone();
        other[starts(&sound, b"PK\x03\x04")[0] + 8] = method;
        other[starts(&sound, b"PK\x01\x02")[0] + 10] = method;
        let expected = format!(
            "a.zip: member \"1.bin\" is compressed with {name}, expected deflate or no compression; unpack the archive, and \
             pack it anew as `zip -r` does"
        );
        assert_eq!(members(&other).unwrap_err(), expected);
        // Of one that is not wanted it does not matter.
        let mut other = sound.clone();
        other[starts(&sound, b"PK\x03\x04")[1] + 8] = method;
        other[starts(&sound, b"PK\x01\x02")[1] + 10] = method;
        assert_eq!(
            members(&other).unwrap(),
            [("1.bin".to_string(), b"one".to_vec())]
        );
    }
}

#[test]
fn an_error_of_the_caller_ends_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = zip_of(&[("1.bin", b"x"), ("2.bin", b"x")]);
    let path = files::write(folder.path(), "a.zip", &bytes);
    let mut count = 0;
    let refuse = |_: &str, _: &[u8]| {
        count += 1;
        block_data::Encoding::new(0).map(|_| ())
    };
    assert!(zip_members(&path, LIMITS, |_| true, refuse).is_err());
    assert_eq!(count, 1);
}

#[test]
fn archives_of_other_systems() {
    let bytes = zip_of(&[
        ("b/", b""),
        ("__MACOSX/b/._1.bin", b"junk"),
        ("b/._1.bin", b"junk"),
        ("b/.DS_Store", b"junk"),
        ("b/1.bin", b"one"),
    ]);
    let expected = [("b/1.bin".to_owned(), b"one".to_vec())];
    assert_eq!(members(&bytes).unwrap(), expected);
    // Old programs of Windows separate by backslashes, after a folder too.
    let windows = replaced(&replaced(&bytes, b"b/1.bin", b"b\\1.bin"), b"b/", b"b\\");
    assert_eq!(members(&windows).unwrap(), expected);
}

#[test]
fn what_is_packed_twice_is_named() {
    let inner = zip_of(&[("a.h5", b"x")]);
    assert_eq!(
        packed(&zip_of(&[("readme", b"x"), ("data/inner.ZIP", &inner)])).unwrap_err(),
        "a.h5: found \"data/inner.ZIP\" in the archive, which is packed itself; unpack the archive, and name what \
         was in it"
    );
    assert_eq!(
        packed(&zip_of(&[("a/", b"")])).unwrap_err(),
        "a.h5: found only folders in the archive, expected the file that is looked for in it"
    );
    assert_eq!(
        packed(&zip_of(&[])).unwrap_err(),
        "a.h5: found an empty archive, expected the file that is looked for in it"
    );
    let many = ["1", "2", "3", "4"].map(|name| (name, &b""[..]));
    assert_eq!(
        packed(&zip_of(&many)).unwrap_err(),
        "a.h5: found no such file in the archive, only \"1\", \"2\", \"3\" and more, expected one"
    );
}

#[test]
fn other_archives_are_named() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(3);
    builder
        .append_data(&mut header, "a.h5", &b"abc"[..])
        .unwrap();
    // Within the limit of these tests.
    let tar = builder.into_inner().unwrap()[..1000].to_vec();
    for (bytes, name) in [
        (tar.clone(), "a tar archive"),
        (gzip(&tar), "a tar archive"),
        (b"BZh91AY&SY".to_vec(), "a bzip2 file"),
        (b"\xfd7zXZ\0\0\x04".to_vec(), "an xz file"),
        (b"\x28\xb5\x2f\xfd\x24".to_vec(), "a zstd file"),
        (b"7z\xbc\xaf\x27\x1c\0".to_vec(), "a 7z archive"),
        (b"Rar!\x1a\x07".to_vec(), "a rar archive"),
    ] {
        assert_eq!(
            packed(&bytes).unwrap_err(),
            format!("a.h5: found {name}, which is not read; unpack it, and name what was in it")
        );
    }
}
