//! N-MNIST's recordings as its publishers pack them.

mod recording;
mod tree;

pub use recording::{SensorEvent, decode};
pub(crate) use tree::is_recording;
pub use tree::{read_tree, read_zip};
