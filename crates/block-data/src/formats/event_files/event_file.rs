//! What is read and written.

use crate::Recordings;

/// Labels are below it.
pub const MAX_CLASSES: usize = 1 << 16;

/// What a file of recordings holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventFile {
    /// The recordings, in the order of the file.
    pub recordings: Recordings,
    /// The name of each class; empty in a file without names.
    pub class_names: Vec<String>,
    /// What is not wrong, but probably not meant, a sentence each.
    pub doubts: Vec<String>,
}
