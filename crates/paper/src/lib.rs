//! The paper of Taylor, King and Harper (arXiv 2205.15286): its numbers, its experiments, its figures, and the report that
//! sets ours beside the paper's. The program `paper` is its command line; `cargo xtask reproduce` starts it.

pub mod curve;
mod draw;
pub mod experiment;
pub mod files;
mod numbers;
mod page;
mod prose;
pub mod report;
pub mod runs;
mod sections;
pub mod speedup;
pub mod spike_maps;
mod statistics;
pub mod words;

#[cfg(test)]
mod tests;
