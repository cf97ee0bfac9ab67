//! No code. A program that depends on this crate asks its dependencies for the features that the whole workspace asks them
//! for, so that `cargo run` of any program and `cargo test` share one build of Burn.
