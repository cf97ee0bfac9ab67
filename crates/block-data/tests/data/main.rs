//! Data sets and loaders from the outside.

mod archives;
mod event_faults;
mod event_files;
mod files;
mod idx_faults;
mod loading;
mod mutations;
mod real_data;
mod sources;
