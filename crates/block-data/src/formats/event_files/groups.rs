//! The links of a group, in each of the ways in which a file may keep them. hdf5-pure follows hard links, and
//! passes over all others.
//!
//! Source: "HDF5 File Format Specification Version 3.0", sections III.A to III.D and IV.A.

use std::collections::HashSet;

use super::dense;
use super::fields::Fields;

/// What a name in a group stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// The object at this address.
    Hard(u64),
    /// The object at this path, from the root or from the link's group.
    Soft(String),
    /// An object of another file.
    External {
        /// The file's name.
        file: String,
        /// The object's path in the file.
        path: String,
    },
}

/// The file is damaged, or of a version that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Kinds of messages in an object's header.
const LINK_INFO: u64 = 0x02;
const LINK: u64 = 0x06;
const CONTINUATION: u64 = 0x10;
const SYMBOL_TABLE: u64 = 0x11;

/// The link of this name in the group whose header is at `group`; none when there is none, or when no
/// group is there.
pub(super) fn link(file: Fields<'_>, group: u64, name: &str) -> Result<Option<Link>, Unreadable> {
    search(file, group, name).ok_or(Unreadable)
}

fn search(file: Fields<'_>, group: u64, name: &str) -> Option<Option<Link>> {
    for (kind, message) in messages(file, group)? {
        let mut fields = file.within(message);
        let found = match kind {
            SYMBOL_TABLE => {
                let (tree, heap) = (fields.address()?, fields.address()?);
                symbol(file, tree, heap, name)?
            }
            LINK => parse(fields, name)?,
            LINK_INFO => {
                fields.expect(&[0])?;
                if fields.number(1)? & 1 != 0 {
                    fields.take(8)?; // the largest creation order
                }
                let (heap, index) = (fields.address()?, fields.address()?);
                match file.at(heap) {
                    None => None, // the links are messages of this header
                    Some(_) => {
                        let links = dense::messages(file, heap, index)?;
                        let mut found = None;
                        for link in links {
                            found = found.or(parse(file.within(link), name)?);
                        }
                        found
                    }
                }
            }
            _ => None,
        };
        if found.is_some() {
            return Some(found);
        }
    }
    Some(None)
}

/// The messages of the object header at an address, each with its kind.
fn messages(file: Fields<'_>, address: u64) -> Option<Vec<(u64, &[u8])>> {
    let mut header = file.at(address)?;
    let second = header.expect(b"OHDR\x02").is_some();
    let mut flags = 0;
    let first_block = if second {
        flags = header.number(1)?;
        let times = if flags & 0x20 != 0 { 16 } else { 0 };
        let phases = if flags & 0x10 != 0 { 4 } else { 0 };
        header.take(times + phases)?;
        let size = header.size(1 << (flags & 3))?;
        header.take(size)?
    } else {
        header.expect(&[1])?;
        header.take(1 + 2 + 4)?; // messages, references
        let size = header.size(4)?;
        header.take(4)?;
        header.take(size)?
    };
    let prefix = match (second, flags & 4 != 0) {
        (false, _) => 8,
        (true, false) => 4,
        (true, true) => 6, // with the order of creation
    };
    let (mut found, mut blocks, mut read) = (Vec::new(), vec![first_block], 0);
    while let Some(block) = blocks.pop() {
        read += block.len();
        if read > file.file_length() {
            return None; // blocks that overlap
        }
        let mut fields = file.within(block);
        while fields.left() >= prefix {
            let width = if second { 1 } else { 2 };
            let (kind, size) = (fields.number(width)?, fields.size(2)?);
            fields.take(prefix - width - 2)?;
            let message = fields.take(size)?;
            if kind != CONTINUATION {
                found.push((kind, message));
                continue;
            }
            let mut place = file.within(message);
            let (address, length) = (place.address()?, place.length()?);
            let mut block = file.at(address)?;
            let mut size = usize::try_from(length).ok()?;
            if second {
                block.expect(b"OCHK")?;
                size = size.checked_sub(4 + 4)?; // signature, checksum
            }
            blocks.push(block.take(size)?);
        }
    }
    Some(found)
}

/// What a link message stands for, if its name is this one.
fn parse(mut message: Fields<'_>, name: &str) -> Option<Option<Link>> {
    message.expect(&[1])?;
    let flags = message.number(1)?;
    let kind = if flags & 8 != 0 {
        message.number(1)?
    } else {
        0
    };
    message.take(if flags & 4 != 0 { 8 } else { 0 })?; // the order of creation
    message.take(if flags & 16 != 0 { 1 } else { 0 })?; // the name's encoding
    let size = message.size(1 << (flags & 3))?;
    if message.take(size)? != name.as_bytes() {
        return Some(None);
    }
    let value = |message: &mut Fields<'_>| {
        let size = message.size(2)?;
        Some(String::from_utf8_lossy(message.take(size)?).into_owned())
    };
    Some(Some(match kind {
        0 => Link::Hard(message.address()?),
        1 => Link::Soft(value(&mut message)?),
        64 => {
            message.take(2 + 1)?; // the size, flags
            let (file, path) = (message.text()?, message.text()?);
            Link::External { file, path }
        }
        _ => return None,
    }))
}

/// What a symbol of this name stands for: the names are in a heap, the symbols in the leaves of a tree.
fn symbol(file: Fields<'_>, tree: u64, heap: u64, name: &str) -> Option<Option<Link>> {
    let mut header = file.at(heap)?;
    header.expect(b"HEAP\0")?;
    header.take(3)?;
    let size = usize::try_from(header.length()?).ok()?;
    header.length()?; // free space
    let names = file.at(header.address()?)?.take(size)?;
    let text = |at: usize| file.within(names.get(at..)?).text();

    let mut nodes = vec![tree];
    let mut seen = HashSet::new();
    while let Some(address) = nodes.pop() {
        if !seen.insert(address) {
            return None; // sound trees never share a node
        }
        let mut node = file.at(address)?;
        if node.expect(b"TREE\0").is_some() {
            node.take(1)?; // the level
            let children = node.number(2)?;
            node.address()?;
            node.address()?;
            for _ in 0..children {
                node.length()?; // a key
                nodes.push(node.address()?);
            }
            continue;
        }
        node.expect(b"SNOD\x01")?;
        node.take(1)?;
        for _ in 0..node.number(2)? {
            let at = node.size(file.address_width())?;
            let (address, kind) = (node.address()?, node.number(4)?);
            node.take(4)?;
            let value = node.size(4)?;
            node.take(12)?;
            if text(at)? == name {
                return Some(Some(match kind {
                    2 => Link::Soft(text(value)?),
                    _ => Link::Hard(address),
                }));
            }
        }
    }
    Some(None)
}
