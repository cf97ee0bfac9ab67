//! How far a fetch is.

/// Receives the progress of a fetch. `()` ignores it.
pub trait Progress {
    /// The download of a file from a source begins; `total` is its size in bytes, if that is known.
    fn begin(&mut self, file: &str, source: &str, total: Option<u64>);
    /// So many more bytes of the file are there, including those of an earlier run.
    fn advance(&mut self, bytes: u64);
    /// The download of the file has ended, successfully or not.
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
