//! Downloads from a real server that behaves well and badly.

use std::fs;
use std::path::Path;

use block_data::fetch::{Entry, Identity};

use crate::fetch_support::{SET, entry, file, http, identity, names, noise, one, try_fetch};
use crate::files::gzip;
use crate::http_server::{Reply, Server};

const SIZE: usize = 3 << 20;

/// What is left in the folder of a data set that could not be fetched.
fn left(root: &Path) -> Vec<String> {
    names(&root.join(SET))
}

/// Fetches anew; the error without the ever same ending.
fn failure(entry: &Entry) -> String {
    let root = tempfile::tempdir().unwrap();
    let error = try_fetch(root.path(), entry).0.unwrap_err();
    assert_eq!(left(root.path()), [""; 0]);
    let (why, remedy) = error.split_once("; put ").unwrap();
    let hint = "; no host was reached: if this network needs a proxy, set https_proxy";
    let remedy = remedy.strip_suffix(hint).unwrap_or(remedy);
    let folder = root.path().join(SET);
    assert!(remedy.starts_with("data.bin ("), "{remedy}");
    assert!(
        remedy.ends_with(&format!(") into {}", folder.display())),
        "{remedy}"
    );
    why.replace("cannot fetch data.bin of data set set: ", "")
}

#[test]
fn a_file_is_fetched_once() {
    let body = noise(SIZE);
    let (server, url) = Server::with(&[Reply::Body(body.clone())]);
    let root = tempfile::tempdir().unwrap();
    let set = one(&body, &[&url]);
    let (result, log) = try_fetch(root.path(), &set);
    result.unwrap();
    let begun = ("data.bin".to_string(), url, Some(SIZE as u64));
    assert_eq!((log.begun, log.bytes), (vec![begun], SIZE as u64));
    assert_eq!(log.notes, [""; 0]);
    assert_eq!(fs::read(root.path().join("set/data.bin")).unwrap(), body);
    assert_eq!(names(root.path()), [".set.lock", "set"]);
    try_fetch(root.path(), &set).0.unwrap();
    assert_eq!(server.starts(), [0]);

    // A file that was damaged since is fetched again, another one is left alone.
    fs::write(root.path().join("set/other"), "mine").unwrap();
    fs::write(root.path().join("set/data.bin"), &body[1..]).unwrap();
    try_fetch(root.path(), &set).0.unwrap();
    assert_eq!(left(root.path()), ["data.bin", "other"]);
    assert_eq!(server.starts(), [0, 0]);
}

#[test]
fn a_missing_file_is_not_asked_for_again() {
    let (server, url) = Server::with(&[Reply::Status(404)]);
    let why = failure(&one(b"x", &[&url]));
    assert_eq!(why, format!("{url} (HTTP 404 Not Found)"));
    assert_eq!(server.starts(), [0]);
}

#[test]
fn the_error_names_every_mirror_and_what_to_do_by_hand() {
    let (server, url) = Server::with(&[Reply::Status(404)]);
    let gone = server.on("/gone", &[Reply::Status(410)]);
    let root = tempfile::tempdir().unwrap();
    let error = try_fetch(root.path(), &one(b"x", &[&url, &gone]))
        .0
        .unwrap_err();
    assert_eq!(
        error,
        format!(
            "cannot fetch data.bin of data set set: {url} (HTTP 404 Not Found), {gone} (HTTP 410 \
             Gone); put data.bin (1 bytes, sha256 \
             2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881) into {}/set",
            root.path().display()
        )
    );
}

#[test]
fn a_failing_server_is_asked_again_then_the_next_mirror() {
    let (server, url) = Server::with(&[Reply::Status(503)]);
    let good = server.on("/good", &[Reply::Body(b"x".to_vec())]);
    let root = tempfile::tempdir().unwrap();
    let (result, log) = try_fetch(root.path(), &one(b"x", &[&url, &good]));
    result.unwrap();
    assert_eq!(log.notes, [format!("{url}: HTTP 503 Service Unavailable")]);
    let paths: Vec<_> = server
        .requests()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths, ["/file", "/file", "/file", "/good"]);

    let (_server, url) = Server::with(&[Reply::Status(500), Reply::Body(b"x".to_vec())]);
    let root = tempfile::tempdir().unwrap();
    try_fetch(root.path(), &one(b"x", &[&url])).0.unwrap();
}

#[test]
fn redirects() {
    let (server, url) = Server::with(&[Reply::Redirect("/elsewhere".into())]);
    server.on("/elsewhere", &[Reply::Body(b"x".to_vec())]);
    let root = tempfile::tempdir().unwrap();
    try_fetch(root.path(), &one(b"x", &[&url])).0.unwrap();

    let looped = server.on("/loop", &[Reply::Redirect("/loop".into())]);
    let why = failure(&one(b"x", &[&looped]));
    assert_eq!(why, format!("{looped} (more than 5 redirects)"));
}

#[test]
fn nobody_there() {
    let (server, _) = Server::with(&[]);
    // Port 1 is reserved, and nothing listens there.
    let closed = "http://127.0.0.1:1/file";
    let why = failure(&one(b"x", &[closed]));
    assert_eq!(why, format!("{closed} (connection refused)"));
    // The second file does not try that host again.
    let good = server.on("/good", &[Reply::Body(b"x".to_vec())]);
    let mirrors = vec![http(closed), http(&good)];
    let two = ["a", "b"].map(|name| file(name, identity(b"x"), mirrors.clone()));
    let root = tempfile::tempdir().unwrap();
    let (result, log) = try_fetch(root.path(), &entry(two.to_vec()));
    result.unwrap();
    assert_eq!(log.notes, [format!("{closed}: connection refused")]);
}

#[test]
fn a_body_cut_short_is_resumed() {
    let body = noise(SIZE);
    let replies = [
        Reply::Cut(body.clone(), 1_000_000),
        Reply::Cut(body.clone(), 1_000_001),
        Reply::Body(body.clone()),
    ];
    let (server, url) = Server::with(&replies);
    let root = tempfile::tempdir().unwrap();
    try_fetch(root.path(), &one(&body, &[&url])).0.unwrap();
    assert_eq!(server.starts(), [0, 1_000_000, 1_000_001]);

    // Of a server that always cuts, the beginning is kept for the next run.
    let (server, url) = Server::with(&[Reply::Cut(body.clone(), 1000)]);
    let root = tempfile::tempdir().unwrap();
    let error = try_fetch(root.path(), &one(&body, &[&url])).0.unwrap_err();
    assert!(error.contains("1000"), "{error}");
    assert_eq!(left(root.path()), ["data.bin.part"]);
    server.on("/file", &[Reply::Body(body.clone())]);
    try_fetch(root.path(), &one(&body, &[&url])).0.unwrap();
    assert_eq!(server.starts(), [0, 1000, 1000, 1000]);
}

#[test]
fn headway_is_no_failure() {
    let body = noise(8 << 20);
    let cuts = (1..8).map(|i| Reply::Cut(body.clone(), i << 20));
    let replies: Vec<_> = cuts.chain([Reply::Body(body.clone())]).collect();
    let (server, url) = Server::with(&replies);
    let root = tempfile::tempdir().unwrap();
    try_fetch(root.path(), &one(&body, &[&url])).0.unwrap();
    assert_eq!(server.starts().len(), 8);
}

#[test]
fn a_stall_ends_and_is_resumed() {
    let body = noise(SIZE);
    let replies = [Reply::Stall(body.clone(), 5000), Reply::Body(body.clone())];
    let (server, url) = Server::with(&replies);
    let root = tempfile::tempdir().unwrap();
    try_fetch(root.path(), &one(&body, &[&url])).0.unwrap();
    assert_eq!(server.starts(), [0, 5000]);
}

#[test]
fn wrong_bytes_are_never_kept() {
    let (body, wrong) = (noise(1000), vec![7; 1000]);
    let (server, bad) = Server::with(&[Reply::Body(wrong.clone())]);
    let good = server.on("/good", &[Reply::Body(body.clone())]);
    let root = tempfile::tempdir().unwrap();
    let (result, log) = try_fetch(root.path(), &one(&body, &[&bad, &good]));
    result.unwrap();
    assert!(
        log.notes[0].starts_with(&format!("{bad}: sha256 ")),
        "{}",
        log.notes[0]
    );
    assert_eq!(server.starts(), [0, 0]);
    let why = failure(&one(&body, &[&bad]));
    assert!(why.contains(", expected sha256 "), "{why}");

    let (_server, short) = Server::with(&[Reply::Body(body[1..].to_vec())]);
    let why = failure(&one(&body, &[&short]));
    assert_eq!(why, format!("{short} (announces 999 bytes, expected 1000)"));
    let (_server, long) = Server::with(&[Reply::Unannounced(vec![7; 100_000])]);
    let why = failure(&one(&body, &[&long]));
    assert_eq!(why, format!("{long} (sends more than 1000 bytes)"));
}

/// Fetches where this part lies already; what was asked for.
fn with_part(part: &[u8], body: &[u8], replies: &[Reply], known: bool) -> Vec<usize> {
    let (server, url) = Server::with(replies);
    let root = tempfile::tempdir().unwrap();
    crate::files::write(&root.path().join(SET), "data.bin.part", part);
    let mut set = one(body, &[&url]);
    if !known {
        set.files[0].content.size = None;
    }
    try_fetch(root.path(), &set).0.unwrap();
    server.starts()
}

#[test]
fn a_part_is_resumed_or_given_up() {
    let body = noise(10_000);
    let whole = [Reply::Body(body.clone())];
    for known in [true, false] {
        let with = |part: &[u8], replies: &[Reply]| with_part(part, &body, replies, known);
        assert_eq!(with(&body[..4000], &whole), [4000]);
        let no_range = [Reply::NoRange(body.clone())];
        assert_eq!(with(&body[..4000], &no_range), [4000]);
        let refused = [Reply::Status(416), Reply::Body(body.clone())];
        assert_eq!(with(&body[..4000], &refused), [4000, 0]);
        // A part of another file: the checksum tells.
        assert_eq!(with(&[7; 4000], &whole), [4000, 0]);
        // The file on the server was changed.
        let changed = [Reply::Body(noise(20_000)), Reply::Body(body.clone())];
        assert_eq!(with(&[7; 4000], &changed), [4000, 0]);
    }
    let long = [7; 20_000];
    assert_eq!(with_part(&long, &body, &whole, true), [0]);
    assert_eq!(with_part(&long, &body, &whole, false), [20_000, 0]);
    // Nothing was left to be done but to check it.
    assert_eq!(with_part(&body, &body, &whole, true), [0; 0]);
    assert_eq!(with_part(&body, &body, &whole, false), [10_000]);
    assert_eq!(with_part(&[7; 10_000], &body, &whole, true), [0]);
}

#[test]
fn gzip_files_are_known_by_their_content() {
    let content = noise(5000);
    let (server, url) = Server::with(&[Reply::Body(gzip(&content))]);
    let set = |packed| {
        let mut data = file("data.gz", identity(&content), vec![http(&url)]);
        data.packed = packed;
        entry(vec![data])
    };
    for packed in [Identity::UNKNOWN, identity(&gzip(&content))] {
        let root = tempfile::tempdir().unwrap();
        try_fetch(root.path(), &set(packed)).0.unwrap();
        assert_eq!(left(root.path()), ["data.gz"]);
    }
    // Other bytes than the publisher's are refused early, whatever is in them.
    let root = tempfile::tempdir().unwrap();
    let other = set(identity(&gzip(b"else")));
    assert!(try_fetch(root.path(), &other).0.is_err());
    // A mirror that unpacks: the file takes the other name, and a bad packed one goes.
    server.on("/file", &[Reply::Body(content.clone())]);
    crate::files::write(&root.path().join(SET), "data.gz", b"bad");
    try_fetch(root.path(), &set(Identity::UNKNOWN)).0.unwrap();
    assert_eq!(left(root.path()), ["data"]);
    // A gzip file that unpacks without end is cut off.
    server.on("/file", &[Reply::Body(gzip(&vec![0; 10 << 20]))]);
    let root = tempfile::tempdir().unwrap();
    let error = try_fetch(root.path(), &set(Identity::UNKNOWN))
        .0
        .unwrap_err();
    assert!(
        error.contains("(more than 5000 bytes of content)"),
        "{error}"
    );
    assert_eq!(left(root.path()), [""; 0]);
}
