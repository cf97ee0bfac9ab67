//! Variable-length numbers: a data set of them holds references into the file's global heap.
//!
//! A reference has 16 bytes: the number of elements (u32), the address of a heap collection (u64)
//! and the index of an object in it (u32). A collection begins with `GCOL`, a version, 3 bytes and
//! its size (u64); then come objects, each its index (u16), a count of references (u16), 4 bytes,
//! its size (u64) and its content, filled up to 8 bytes; index 0 is the free space at the end.
//! Everything is little-endian.
//!
//! Source: "HDF5 File Format Specification Version 3.0", section III.E (global heap), for offsets
//! and lengths of 8 bytes.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Bytes of a reference, of a collection's header and of an object's.
pub(super) const REFERENCE: usize = 16;
const HEADER: usize = 16;

/// The heap of a file, its collections indexed when they are first needed.
///
/// No collection of a sound file overlaps with another, nor does an object: indexing and handing
/// out more than the file is long is an error, which bounds time and memory for damaged ones.
pub(super) struct GlobalHeap<'a> {
    /// The file from its base address on.
    bytes: &'a [u8],
    collections: HashSet<u64>,
    objects: HashMap<(u64, u32), Range<usize>>,
    indexed: usize,
    handed_out: usize,
}

impl<'a> GlobalHeap<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            collections: HashSet::new(),
            objects: HashMap::new(),
            indexed: 0,
            handed_out: 0,
        }
    }

    /// The elements, of `size` bytes each, that a reference stands for; or what is wrong.
    pub(super) fn elements(
        &mut self,
        reference: &[u8; REFERENCE],
        size: usize,
    ) -> Result<&'a [u8], String> {
        let [count, low, high, index] = words(reference);
        let (address, index) = (u64::from(high) << 32 | u64::from(low), index);
        if count == 0 {
            return Ok(&[]); // with any address
        }
        if self.collections.insert(address) {
            self.index(address)?;
        }
        let Some(range) = self.objects.get(&(address, index)) else {
            return Err(format!(
                "no object {index} in the heap at {address:#x}, the file is damaged; put a sound copy in its place"
            ));
        };
        let object = &self.bytes[range.clone()];
        let needed = count as usize * size;
        let Some(elements) = object.get(..needed) else {
            let found = object.len();
            return Err(format!(
                "{found} bytes in the heap, expected {needed}, the file is damaged; put a sound copy in its place"
            ));
        };
        self.handed_out += needed;
        if self.handed_out > self.bytes.len() {
            return Err(
                "more numbers than the file has space for, it is damaged; put a sound copy in its place".into(),
            );
        }
        Ok(elements)
    }

    /// Takes down where the objects of a collection lie.
    fn index(&mut self, address: u64) -> Result<(), String> {
        let damaged = |what: &str| {
            format!(
                "{what} in the heap at {address:#x}, the file is damaged; put a sound copy in its place"
            )
        };
        let start = usize::try_from(address).unwrap_or(usize::MAX);
        let header = self.header(start).ok_or_else(|| damaged("no header"))?;
        if header[..5] != *b"GCOL\x01" {
            return Err(damaged("no heap's signature"));
        }
        let size = length(header);
        let end = size.and_then(|size| start.checked_add(size));
        let end = end.filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| damaged("an impossible size"))?;
        self.indexed += end - start;
        if self.indexed > self.bytes.len() {
            return Err(damaged("an overlap with other heaps"));
        }
        let mut at = start + HEADER;
        while at + HEADER <= end {
            let header = self.header(at).ok_or_else(|| damaged("no object"))?;
            let index = u32::from(u16::from_le_bytes([header[0], header[1]]));
            if index == 0 {
                break;
            }
            let content = at + HEADER;
            let size = length(header).filter(|&size| size <= end - content);
            let size = size.ok_or_else(|| damaged("an object of an impossible size"))?;
            let range = content..content + size;
            if self.objects.insert((address, index), range).is_some() {
                return Err(damaged("two objects of one index"));
            }
            at = content + size.next_multiple_of(8);
        }
        Ok(())
    }

    fn header(&self, at: usize) -> Option<&'a [u8; HEADER]> {
        self.bytes.get(at..)?.first_chunk()
    }
}

/// The second half of a header.
fn length(header: &[u8; HEADER]) -> Option<usize> {
    let [_, _, low, high] = words(header);
    usize::try_from(u64::from(high) << 32 | u64::from(low)).ok()
}

fn words(bytes: &[u8; 16]) -> [u32; 4] {
    let (words, _) = bytes.as_chunks::<4>();
    [0, 1, 2, 3].map(|i| u32::from_le_bytes(words[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A collection of 64 bytes at address 8: object 1 of 5 bytes, object 2 of 3.
    fn heap() -> Vec<u8> {
        let mut bytes = vec![0; 8];
        bytes.extend(b"GCOL\x01\0\0\0");
        bytes.extend(80_u64.to_le_bytes());
        for (index, content) in [(1_u64, &b"abcde"[..]), (2, b"xyz")] {
            bytes.extend(index.to_le_bytes());
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        bytes.extend([0; 16]);
        bytes
    }

    fn reference(count: u32, address: u64, index: u32) -> [u8; 16] {
        let parts = [
            &count.to_le_bytes()[..],
            &address.to_le_bytes(),
            &index.to_le_bytes(),
        ];
        parts.concat().try_into().unwrap()
    }

    fn error(bytes: &[u8], reference: [u8; 16], size: usize) -> String {
        GlobalHeap::new(bytes)
            .elements(&reference, size)
            .unwrap_err()
    }

    #[test]
    fn objects_by_hand() {
        let bytes = heap();
        let mut heap = GlobalHeap::new(&bytes);
        assert_eq!(heap.elements(&reference(3, 8, 2), 1), Ok(&b"xyz"[..]));
        assert_eq!(heap.elements(&reference(2, 8, 1), 2), Ok(&b"abcd"[..]));
        assert_eq!(heap.elements(&reference(0, u64::MAX, 7), 4), Ok(&b""[..]));
    }

    #[test]
    fn damaged_heaps_are_refused() {
        let bytes = heap();
        for (found, text) in [
            (
                error(&bytes, reference(1, 8, 3), 1),
                "no object 3 in the heap at 0x8",
            ),
            (
                error(&bytes, reference(6, 8, 1), 1),
                "5 bytes in the heap, expected 6",
            ),
            (
                error(&bytes, reference(u32::MAX, 8, 1), 8),
                "5 bytes in the heap, expected 34359738360",
            ),
            (
                error(&bytes, reference(1, 16, 1), 1),
                "no heap's signature in the heap at 0x10",
            ),
            (
                error(&bytes, reference(1, u64::MAX, 1), 1),
                "no header in the heap at",
            ),
        ] {
            assert!(found.starts_with(text), "{found}");
            assert!(
                found.ends_with("; put a sound copy in its place"),
                "{found}"
            );
        }
        for (at, value, text) in [
            (16, 200, "an impossible size"),
            (32, 200, "an object of an impossible size"),
            (48, 1, "two objects of one index"),
        ] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let found = error(&changed, reference(1, 8, 1), 1);
            assert!(found.starts_with(text), "{found}");
        }
    }

    #[test]
    fn no_more_than_the_file_is_handed_out() {
        let bytes = heap();
        let mut heap = GlobalHeap::new(&bytes);
        let mut read = || heap.elements(&reference(5, 8, 1), 1).map(<[u8]>::len);
        let count = (0..).take_while(|_| read() == Ok(5)).count();
        assert_eq!(count, bytes.len() / 5);
    }
}
