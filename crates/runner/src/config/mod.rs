//! What a run is: a TOML config, read strictly. One struct a table has the documentation, default and range of
//! each key beside its field.

mod data;
mod difference;
mod encode;
mod model;
mod places;
mod range;
mod run;
mod schema;
mod train;
mod tree;

pub(crate) use data::absolute_folder;
pub use data::{DataConfig, Validation};
pub(crate) use difference::{KeyDifference, is_place};
pub use encode::{Code, EncodeConfig};
pub(crate) use places::Places;
pub use run::{Config, keys};
pub use schema::Key;
pub use train::TrainConfig;

#[cfg(test)]
mod tests;
