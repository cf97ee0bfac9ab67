//! Runs of networks: which there are, how far each is, what lies of them, and what came out.

pub(crate) mod activity;
pub(crate) mod read;
pub(crate) mod results;
pub mod run;
