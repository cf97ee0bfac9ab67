//! Drives the real binary in temporary folders.

mod bad_data;
mod bad_input;
mod changes;
mod commands;
mod data;
mod kills;
mod made_before;
#[path = "../../../block-data/tests/data/mutate.rs"]
mod mutate;
mod mutations;
mod paths;
mod reproducible;
mod resume;
mod rooms;
mod signals;
mod splits;
mod steps;
mod training;
mod util;
