//! Fetches of several processes, killed ones, and full disks.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use block_data::fetch::{Options, fetch};
use tempfile::TempDir;

use crate::fetch_support::{Log, line, names, noise, one, options, skipped, try_fetch};
use crate::http_server::{Reply, Server};

const SIZE: usize = 4 << 20;

/// What [`child`] is told: root, link.
const ROOT: &str = "BLOCK_TEST_FETCH_ROOT";
const URL: &str = "BLOCK_TEST_FETCH_URL";

/// Not a test: what a process started by [`fetching`] does.
#[test]
#[ignore = "started by other tests"]
fn child() {
    let (Ok(root), Ok(url)) = (std::env::var(ROOT), std::env::var(URL)) else {
        return;
    };
    let options = Options {
        stall_timeout: Duration::from_secs(10),
        ..options()
    };
    let entry = one(&noise(SIZE), &[&url]);
    match fetch(&entry, Path::new(&root), &options, &mut ()) {
        Ok(_) => println!("FETCHED"),
        Err(error) => println!("FAILED {}", line(&error)),
    }
}

/// A process that fetches `url` into `root`, started by a shell that does `before` first.
fn fetching(root: &Path, url: &str, before: &str) -> Command {
    let mut command = Command::new("sh");
    let script =
        format!("{before}\nexec \"$0\" --exact fetch_process::child --ignored --nocapture");
    command
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(ROOT, root)
        .env(URL, url)
        .stdout(Stdio::piped());
    command
}

fn output(mut child: Child) -> String {
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    child.wait().unwrap();
    text
}

fn right(root: &TempDir) -> bool {
    fs::read(root.path().join("set/data.bin")).is_ok_and(|bytes| bytes == noise(SIZE))
}

#[test]
fn two_at_once_fetch_once() {
    let body = noise(SIZE);
    let slow = Reply::Slow(body.clone(), SIZE / 8, Duration::from_millis(50));
    let (server, url) = Server::with(&[slow]);
    let root = tempfile::tempdir().unwrap();
    let start = || fetching(root.path(), &url, "").spawn().unwrap();
    let children = [start(), start(), start()];
    for child in children {
        let text = output(child);
        assert!(text.contains("FETCHED"), "{text}");
    }
    assert!(right(&root));
    assert_eq!(server.starts(), [0]);
}

#[test]
fn who_waits_is_not_hurt_by_the_failure_of_another() {
    let root = tempfile::tempdir().unwrap();
    let (_server, url) = Server::with(&[Reply::Body(b"x".to_vec())]);
    let lock = fs::File::create(root.path().join(".set.lock")).unwrap();
    lock.lock().unwrap();
    let path = root.path().to_path_buf();
    let waiting = thread::spawn(move || try_fetch(&path, &one(b"x", &[&url])));
    thread::sleep(Duration::from_millis(300));
    // What a fetch that found nothing does in the end.
    let _ = fs::remove_dir(root.path().join("set"));
    lock.unlock().unwrap();
    waiting.join().unwrap().0.unwrap();
}

#[test]
fn who_waits_is_told() {
    let root = tempfile::tempdir().unwrap();
    let (_server, url) = Server::with(&[Reply::Body(b"x".to_vec())]);
    let lock = fs::File::create(root.path().join(".set.lock")).unwrap();
    lock.lock().unwrap();
    let path = root.path().to_path_buf();
    let waiting = thread::spawn(move || try_fetch(&path, &one(b"x", &[&url])));
    thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished());
    lock.unlock().unwrap();
    let (result, log) = waiting.join().unwrap();
    result.unwrap();
    assert_eq!(
        log.notes,
        ["waiting for another process that fetches data set set"]
    );
}

#[test]
fn killed_at_any_time_then_again() {
    let body = noise(SIZE);
    let slow = Reply::Slow(body.clone(), SIZE / 16, Duration::from_millis(20));
    let (server, url) = Server::with(&[slow]);
    for quarter in 0..4 {
        let root = tempfile::tempdir().unwrap();
        let mut child = fetching(root.path(), &url, "").spawn().unwrap();
        let part = root.path().join("set/data.bin.part");
        let start = Instant::now();
        let there = || part.metadata().map_or(0, |part| part.len() as usize);
        while there() <= quarter * SIZE / 4 && !right(&root) {
            assert!(start.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = there();
        assert!(!root.path().join("set/data.bin").exists() || right(&root));
        let before = server.starts().len();
        let text = output(fetching(root.path(), &url, "").spawn().unwrap());
        assert!(text.contains("FETCHED"), "{text}");
        assert!(right(&root));
        // It went on where the killed one stopped.
        if (1..SIZE).contains(&kept) {
            assert_eq!(server.starts()[before..], [kept]);
        }
    }
}

/// A fetch that runs out of disk, then one that does not.
fn full_disk(root: &Path, before: &str, expected: &str, more_room: impl FnOnce()) {
    let (_server, url) = Server::with(&[Reply::Body(noise(SIZE))]);
    let text = output(fetching(root, &url, before).spawn().unwrap());
    let part = root.join("set/data.bin.part").display().to_string();
    let wanted = format!("FAILED cannot write {part}: {expected}");
    assert!(text.contains(&wanted), "{text}");
    assert!(!root.join("set/data.bin").exists());
    more_room();
    let text = output(fetching(root, &url, "").spawn().unwrap());
    assert!(text.contains("FETCHED"), "{text}");
    assert_eq!(fs::read(root.join("set/data.bin")).unwrap(), noise(SIZE));
}

#[test]
fn a_file_that_may_not_grow() {
    let root = tempfile::tempdir().unwrap();
    full_disk(
        root.path(),
        "trap '' XFSZ; ulimit -f 1000",
        "File too large",
        || {},
    );
}

#[test]
fn a_full_disk() {
    let root = tempfile::tempdir().unwrap();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(root.path());
        let output = command.stderr(Stdio::null()).status();
        output.is_ok_and(|status| status.success())
    };
    if !mount("size=2m") {
        return skipped("a full disk: no file system may be mounted here");
    }
    let unmount = scopeguard(|| {
        let _ = Command::new("umount").arg(root.path()).status();
    });
    full_disk(root.path(), "", "No space left on device", || {
        assert!(mount_again(root.path(), "size=16m"));
    });
    drop(unmount);
}

fn mount_again(path: &Path, options: &str) -> bool {
    let mut command = Command::new("mount");
    command
        .args(["-o", &format!("remount,{options}")])
        .arg(path);
    command.status().is_ok_and(|status| status.success())
}

/// Runs this when dropped, also in a panic.
fn scopeguard(run: impl FnMut()) -> impl Drop {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(run)
}

#[test]
fn a_folder_that_cannot_be_written() {
    let root = tempfile::tempdir().unwrap();
    let path = crate::files::write(root.path(), "file", b"");
    let mut log = Log::default();
    let set = one(b"x", &["http://127.0.0.1:1/"]);
    let error = line(&fetch(&set, &path, &options(), &mut log).unwrap_err());
    let expected = format!("cannot write {}: ", path.display());
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(names(root.path()), ["file"]);
}

#[test]
fn a_proxy_from_the_environment() {
    let (server, _) = Server::with(&[Reply::Body(noise(SIZE))]);
    let proxy = server.url("");
    let url = "http://host.invalid/file";
    let run = |variables: &str| {
        let root = tempfile::tempdir().unwrap();
        let before = format!("unset http_proxy https_proxy all_proxy no_proxy; {variables}");
        let text = output(fetching(root.path(), url, &before).spawn().unwrap());
        (right(&root), text)
    };
    let (right, text) = run(&format!("export http_proxy={proxy}"));
    assert!(right, "{text}");
    assert_eq!(server.requests(), [("/file".to_string(), None)]);
    let (_, text) = run(&format!("export http_proxy={proxy} NO_PROXY=host.invalid"));
    assert!(text.contains("no host was reached"), "{text}");
    assert_eq!(server.requests().len(), 1);
}
