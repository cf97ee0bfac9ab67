//! The links of a large group: messages in a fractal heap, indexed by a B-tree of version 2.
//!
//! Source: "HDF5 File Format Specification Version 3.0", sections III.A.2 and III.G.

use super::fields::Fields;

/// The index of links by name.
const INDEX: &[u8] = b"BTHD\0\x05";
const LEAF: &[u8] = b"BTLF\0\x05";
const INNER: &[u8] = b"BTIN\0\x05";
/// Bytes of a node that are no records: signature, version, type and checksum.
const NODE: usize = 10;
/// The hash of a link's name, before the place in the heap.
const HASH: usize = 4;
/// A tree of this depth has more records than any file.
const DEPTH: usize = 16;

/// The link messages of a group, by the addresses of its heap and its index; none when they are
/// damaged.
pub(super) fn messages<'a>(file: Fields<'a>, heap: u64, index: u64) -> Option<Vec<&'a [u8]>> {
    let heap = Heap::read(file, heap)?;
    let places = records(file, index)?;
    let message = |record: &[u8]| heap.object(file.within(record.get(HASH..)?));
    // Longer ones than a block are kept elsewhere, and nobody needs links of such names.
    Some(places.into_iter().filter_map(message).collect())
}

/// The records of an index.
fn records(file: Fields<'_>, index: u64) -> Option<Vec<&[u8]>> {
    let mut header = file.at(index)?;
    header.expect(INDEX)?;
    let node = header.size(4)?;
    let size = header.size(2).filter(|&size| size > HASH)?;
    let depth = header.size(2).filter(|&depth| depth <= DEPTH)?;
    header.take(2)?; // when nodes are split and merged
    let (root, count) = (header.address()?, header.size(2)?);

    // A pointer to a node has the count of its records, and of those below it unless it is a leaf. How wide
    // they are follows from how many there can be.
    let width = |most: u64| (64 - most.leading_zeros() as usize).div_ceil(8).max(1);
    let mut below = (node.checked_sub(NODE)? / size) as u64;
    let count_width = width(below);
    let mut total_widths = vec![0];
    for level in 0..depth {
        let pointer = file.address_width() + count_width + total_widths[level];
        let records = (node.saturating_sub(NODE + pointer) / (size + pointer)) as u64;
        below = records
            .saturating_add(1)
            .saturating_mul(below)
            .saturating_add(records);
        total_widths.push(width(below));
    }

    let mut found = Vec::new();
    let mut nodes = vec![(root, count, depth)];
    let mut read = 0;
    while let Some((address, count, level)) = nodes.pop() {
        read += NODE + count * size;
        if read > file.file_length() {
            return None; // nodes that overlap
        }
        let mut fields = file.at(address)?;
        fields.expect(if level == 0 { LEAF } else { INNER })?;
        for _ in 0..count {
            found.push(fields.take(size)?);
        }
        if level > 0 {
            for _ in 0..=count {
                let (child, records) = (fields.address()?, fields.size(count_width)?);
                fields.take(total_widths[level - 1])?;
                nodes.push((child, records, level - 1));
            }
        }
    }
    Some(found)
}

/// A fractal heap: blocks whose sizes double from row to row.
struct Heap<'a> {
    file: Fields<'a>,
    /// Bytes of a place in the heap.
    place_width: usize,
    /// Blocks of a row.
    width: u64,
    /// Bytes of a block in the first two rows.
    smallest: u64,
    /// Bytes of the largest block that holds objects and not blocks.
    largest: u64,
    root: u64,
    /// Rows of the root; 0 when it is the only block, and holds objects.
    rows: u64,
}

impl<'a> Heap<'a> {
    fn read(file: Fields<'a>, address: u64) -> Option<Self> {
        let mut header = file.at(address)?;
        header.expect(b"FRHP\0")?;
        header.take(2)?; // bytes of an object's place
        (header.number(2)? == 0).then_some(())?; // no filter
        header.take(1 + 4)?; // flags, the largest object
        header.length()?;
        header.address()?;
        header.length()?;
        header.address()?;
        for _ in 0..8 {
            header.length()?; // counts of objects and bytes
        }
        let width = header.number(2)?;
        let (smallest, largest) = (header.length()?, header.length()?);
        let place_width = header.size(2)?.div_ceil(8);
        header.take(2)?; // rows to begin with
        let (root, rows) = (header.address()?, header.number(2)?);
        width.checked_mul(smallest).filter(|&first| first > 0)?;
        Some(Self {
            file,
            place_width,
            width,
            smallest,
            largest,
            root,
            rows,
        })
    }

    /// The object whose identifier begins here: its kind, its place in the heap and its size.
    fn object(&self, mut identifier: Fields<'_>) -> Option<&'a [u8]> {
        identifier.expect(&[0])?; // an object in the blocks
        let place = identifier.number(self.place_width)?;
        let size = identifier.size(identifier.left())?;
        let (address, start) = self.block(place)?;
        self.file
            .at(address.checked_add(place - start)?)?
            .take(size)
    }

    /// Address and start in the heap of the block that has this place.
    fn block(&self, place: u64) -> Option<(u64, u64)> {
        if self.rows == 0 {
            return Some((self.root, 0));
        }
        let first = self.width * self.smallest;
        let (mut address, mut start, mut rows) = (self.root, 0, self.rows);
        loop {
            // Row r > 0 begins at 2^(r - 1) times the bytes of the first one.
            let within = place - start;
            let doublings = (within / first).checked_ilog2();
            let row = doublings.map_or(0, |doublings| u64::from(doublings) + 1);
            let (row_start, size) = doublings.map_or((0, self.smallest), |doublings| {
                (first << doublings, self.smallest << doublings)
            });
            if row >= rows {
                return None;
            }
            let column = (within - row_start) / size;
            let mut blocks = self.file.at(address)?;
            blocks.expect(b"FHIB\0")?;
            blocks.address()?;
            blocks.take(self.place_width)?;
            let before = usize::try_from(row * self.width + column).ok()?;
            blocks.take(before.checked_mul(self.file.address_width())?)?;
            address = blocks.address()?;
            start += row_start + column * size;
            if size <= self.largest {
                return Some((address, start));
            }
            rows = u64::from((size / first).checked_ilog2()?) + 1;
        }
    }
}
