//! How far a fetch is.

/// Is told how a fetch goes on. `()` is one that ignores it.
pub trait Progress {
    /// A file begins to come from a source, with so many bytes if that is known.
    fn begin(&mut self, file: &str, source: &str, total: Option<u64>);
    /// So many more bytes of the file are there, also those of an earlier run.
    fn advance(&mut self, bytes: u64);
    /// The file that began has ended, well or not.
    fn end(&mut self);
    /// A line that the user may want to read: a mirror that failed, a wait.
    fn note(&mut self, line: &str);
}

impl Progress for () {
    fn begin(&mut self, _: &str, _: &str, _: Option<u64>) {}
    fn advance(&mut self, _: u64) {}
    fn end(&mut self) {}
    fn note(&mut self, _: &str) {}
}
