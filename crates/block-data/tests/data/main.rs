//! Data sets and loaders from the outside.

mod archives;
mod files;
mod idx_faults;
mod loading;
mod real_data;
mod recordings;
mod sources;
