//! Paths in a file that lead over soft links, as h5py follows them.

use hdf5::File;

use super::fields::Fields;
use super::groups::{Link, Unreadable, link};

/// Names that are looked up for one path. The HDF5 library follows 16 links unless told otherwise.
const STEPS: usize = 256;

/// Why a path leads to no object of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotFound {
    /// No link has the name.
    Absent,
    /// The groups cannot be read.
    Unreadable,
    /// A link that cannot be followed, and why, in words that go on from "found".
    Link(String),
}

/// The path of an object by hard links alone.
///
/// # Errors
///
/// [`NotFound`], which names the link that leads nowhere.
pub(super) fn resolve(file: &File, path: &str) -> Result<String, NotFound> {
    let fields = Fields::of(file);
    let superblock = file.superblock();
    let base = superblock.base_address.get();
    let root = Place {
        address: superblock.root_group_address.wrapping_sub(base),
        path: Vec::new(),
    };
    let mut walk = Walk {
        fields,
        root: root.clone(),
        followed: Vec::new(),
        steps: 0,
    };
    Ok(walk.along(root, path)?.path.join("/"))
}

/// An object, by its address and by a path of hard links.
#[derive(Debug, Clone)]
struct Place {
    address: u64,
    path: Vec<String>,
}

struct Walk<'a> {
    fields: Fields<'a>,
    root: Place,
    /// The soft links that are being followed, by group and name.
    followed: Vec<(u64, String)>,
    steps: usize,
}

impl Walk<'_> {
    fn along(&mut self, from: Place, path: &str) -> Result<Place, NotFound> {
        let start = if path.starts_with('/') {
            self.root.clone()
        } else {
            from
        };
        let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
        let mut names = names;
        names.try_fold(start, |place, name| self.step(place, name))
    }

    fn step(&mut self, group: Place, name: &str) -> Result<Place, NotFound> {
        let mut path = group.path.clone();
        path.push(name.to_string());
        let shown = path.join("/");
        self.steps += 1;
        if self.steps > STEPS {
            let problem =
                format!("a path of more than {STEPS} names behind links, the last of them {shown}");
            return Err(NotFound::Link(problem));
        }
        match link(self.fields, group.address, name) {
            Err(Unreadable) => Err(NotFound::Unreadable),
            Ok(None) => Err(NotFound::Absent),
            Ok(Some(Link::Hard(address))) => Ok(Place { address, path }),
            Ok(Some(Link::External { file, path })) => Err(NotFound::Link(format!(
                "an external link {shown} to {path} in the file {file}, which is not followed; copy what is there \
                 into this file"
            ))),
            Ok(Some(Link::Soft(target))) => {
                let this = (group.address, name.to_string());
                if self.followed.contains(&this) {
                    let problem =
                        format!("a soft link {shown} to {target}, which leads back to the link");
                    return Err(NotFound::Link(problem));
                }
                self.followed.push(this);
                let found = self.along(group, &target);
                self.followed.pop();
                found.map_err(|error| match error {
                    NotFound::Absent => {
                        NotFound::Link(format!("a soft link {shown} to {target}, where nothing is"))
                    }
                    broken => broken,
                })
            }
        }
    }
}
