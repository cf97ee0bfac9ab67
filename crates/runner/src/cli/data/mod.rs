//! `data`: data sets on this machine.

pub(super) mod arguments;
mod check;
mod convert;
mod get;
mod list;
mod output;
mod place;
mod show;

use crate::error::{Result, RunnerError};
use arguments::{DataArguments, DataCommand};

/// Runs a command, which says what it finds while it works.
pub(super) fn run(arguments: &DataArguments) -> Result<()> {
    match &arguments.command {
        Some(DataCommand::List(place)) => list::list(place),
        Some(DataCommand::Get(arguments)) => get::get(arguments),
        Some(DataCommand::Check(arguments)) => check::check(arguments),
        Some(DataCommand::Show(arguments)) => show::show(arguments),
        Some(DataCommand::Convert(arguments)) => convert::convert(arguments),
        None => Err(RunnerError::Usage(
            "expected `runner data` list, get, check, show or convert".to_string(),
        )),
    }
}
