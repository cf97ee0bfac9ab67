//! N-MNIST's recordings as its publishers pack them.

mod recording;
mod tree;

pub use recording::{SensorEvent, decode};
pub use tree::{DIGITS, read_tree, read_zip};
