//! Data sets and loaders from the outside.

mod archives;
mod event_faults;
mod event_files;
mod event_variants;
mod fetch_archives;
mod fetch_entries;
mod fetch_http;
mod fetch_packages;
mod fetch_process;
mod fetch_support;
mod files;
mod http_server;
mod idx_faults;
mod loading;
mod mutate;
mod mutations;
mod own_images;
mod real_data;
mod recordings;
mod sources;
mod surveys;
