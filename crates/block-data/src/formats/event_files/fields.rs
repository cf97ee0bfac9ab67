//! The fields of an HDF5 file's structures, one after the other.

/// A place in a file, and how wide the file's addresses and lengths are.
///
/// What goes beyond the end is `None`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    /// The file from its base address on.
    file: &'a [u8],
    rest: &'a [u8],
    address_width: usize,
    length_width: usize,
}

impl<'a> Fields<'a> {
    /// The beginning of a file.
    pub(super) fn of(file: &'a hdf5::File) -> Self {
        let superblock = file.superblock();
        let base = usize::try_from(superblock.base_address.get()).unwrap_or(usize::MAX);
        let bytes = file.as_bytes().get(base..).unwrap_or_default();
        Self {
            file: bytes,
            rest: bytes,
            address_width: superblock.offset_size.into(),
            length_width: superblock.length_size.into(),
        }
    }

    /// Bytes of the whole file.
    pub(super) fn file_length(self) -> usize {
        self.file.len()
    }

    /// Bytes of an address.
    pub(super) fn address_width(self) -> usize {
        self.address_width
    }

    /// Another place of the file.
    pub(super) fn at(self, address: u64) -> Option<Self> {
        let rest = self.file.get(usize::try_from(address).ok()?..)?;
        Some(Self { rest, ..self })
    }

    /// Bytes of the file, with nothing after them.
    pub(super) fn within(self, bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            ..self
        }
    }

    /// Bytes up to the end.
    pub(super) fn left(self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Passes over these bytes if they come next.
    pub(super) fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(bytes)?;
        Some(())
    }

    /// A number of up to 8 bytes.
    pub(super) fn number(&mut self, width: usize) -> Option<u64> {
        let bytes = self.take(width).filter(|bytes| bytes.len() <= 8)?;
        let numbers = bytes.iter().rev();
        Some(numbers.fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A number that counts bytes or elements.
    pub(super) fn size(&mut self, width: usize) -> Option<usize> {
        usize::try_from(self.number(width)?).ok()
    }

    pub(super) fn address(&mut self) -> Option<u64> {
        self.number(self.address_width)
    }

    pub(super) fn length(&mut self) -> Option<u64> {
        self.number(self.length_width)
    }

    /// Text up to a zero byte, which is passed over.
    pub(super) fn text(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|&byte| byte == 0)?;
        let text = self.take(end)?;
        self.take(1)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}
