//! Paths that are typed: `~` at their beginning is the home folder, as in a config.

use std::path::PathBuf;

use block_data::expand_home;
use clap::builder::{PathBufValueParser, StringValueParser, TypedValueParser};

/// Reads a path.
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(expand_home)
}

/// Reads what is a name or a path.
pub(super) fn name_or_path() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().try_map(|word| {
        let path = expand_home(&word)?.into_os_string().into_string();
        path.map_err(|_| format!("{word}: the home folder is not valid UTF-8"))
    })
}
