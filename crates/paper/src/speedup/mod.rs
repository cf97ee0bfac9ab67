//! Figure 3, and how much of the speedup is the block model.

mod beside;
mod cell;
mod figures;
mod grid;
mod limits;
mod measure;
mod place;
mod record;
mod section;
mod summary;

pub use grid::Preset;
pub use measure::Job;
pub use place::folder;
pub(crate) use section::sections;
