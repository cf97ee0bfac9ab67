//! Drives the real binary in temporary folders.

mod bad_data;
mod bad_input;
mod changes;
mod commands;
mod data;
mod made_before;
mod reproducible;
mod resume;
mod splits;
mod training;
mod util;
