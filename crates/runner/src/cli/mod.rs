//! The command line: arguments, logging, Ctrl-C, exit codes.

mod arguments;
mod check;
mod commands;
mod data;
mod eval;
mod hint;
mod interrupts;
mod keys;
mod load;
mod output;
mod paths;

pub use paths::path;

use std::io::{Write, stderr};
use std::process::ExitCode;

use block_data::{DATA_VARIABLE, DataError, DataSet, counted, expand_home};
use clap::Parser;
use clap::error::{ContextKind, ErrorKind};
use tracing::level_filters::LevelFilter;

use crate::error::{Result, RunnerError};
use crate::{progress, signals};
use arguments::{Arguments, Command};

/// The environment variable that sets how much is logged.
pub const LOG_VARIABLE: &str = "RUNNER_LOG";

/// The whole program: reads the process's arguments, and returns its exit code.
pub fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    if let Err(error) = start_logging() {
        return report(&error);
    }
    let device = arguments.train.place.device.clone();
    match run(arguments).and_then(|text| output::print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut code = report(&error);
            // On a line of its own, to be copied whole.
            if let RunnerError::Interrupted { path, .. } = &error {
                let command = hint::resume_command(path, device.as_deref());
                let _ = writeln!(stderr(), "go on with: {command}");
                code = ExitCode::from(signals::exit_code());
            }
            code
        }
    }
}

fn parse() -> std::result::Result<Arguments, ExitCode> {
    let arguments = Arguments::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            report(&arguments::missing())
        }
        _ => {
            if let Some(word) = superfluous_word(&error) {
                return report(&arguments::superfluous(&word));
            }
            let text = error.render().to_string();
            let lines: Vec<_> = text
                .lines()
                .map(str::trim)
                .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
                .filter(|line| !line.is_empty())
                .collect();
            let text = lines.join(" ");
            let text = text.strip_prefix("error: ").unwrap_or(&text).to_string();
            report(&RunnerError::Usage(text))
        }
    })?;
    arguments.check().map_err(|error| report(&error))?;
    Ok(arguments)
}

/// The word too many, which clap takes for a command in some places.
fn superfluous_word(error: &clap::Error) -> Option<String> {
    // `data` has commands of its own.
    let usage = error.get(ContextKind::Usage).map(ToString::to_string);
    if usage.is_some_and(|usage| usage.contains("Usage: runner data")) {
        return None;
    }
    let kind = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        _ => return None,
    };
    let word = error.get(kind)?.to_string();
    (!word.starts_with('-')).then_some(word)
}

/// Prints an error as one line.
fn report(error: &RunnerError) -> ExitCode {
    let prefix = match error {
        RunnerError::Interrupted { .. } => "",
        _ => "error: ",
    };
    let mut line = error.to_string();
    if let RunnerError::Data(DataError::Missing { name, folder, .. }) = error
        && DataSet::named(name).is_some()
    {
        let get = hint::data_command(&["get", name], folder.as_deref());
        line += &format!(", or fetch it with `{get}`");
    }
    if let RunnerError::Data(DataError::MissingFile { .. }) = error {
        line += "; name it by --set data.train=FILE or data.test=FILE (data.train_images=FILE and the like for data.name = \
                 idx), or its folder by --data-dir";
    }
    if let RunnerError::Data(DataError::Label { classes, .. }) = error {
        let classes = counted(*classes, "class");
        line += &format!("; the data set, data.classes or the run has {classes}");
    }
    if let RunnerError::Data(
        DataError::Damaged { path, .. }
        | DataError::Truncated { path, .. }
        | DataError::Oversized { path, .. },
    ) = error
        && let Some(folder) = path.parent()
        && let Some(name) = folder.file_name().and_then(|name| name.to_str())
        && DataSet::named(name).is_some_and(|set| set.entry().is_some())
    {
        let get = hint::data_command(&["get", name], folder.parent());
        line += &format!(", as `{get}` does");
    }
    let line = line.replace(['\n', '\r'], " ");
    let _ = writeln!(stderr(), "{prefix}{line}");
    ExitCode::from(error.exit_code())
}

fn start_logging() -> Result<()> {
    let level = std::env::var_os(LOG_VARIABLE).filter(|level| !level.is_empty());
    let level = level.map(|level| {
        let known = level.to_str().and_then(|level| level.parse().ok());
        known.ok_or_else(|| {
            RunnerError::Usage(format!(
                "{LOG_VARIABLE} is {level:?}, expected off, error, warn, info, debug or trace"
            ))
        })
    });
    tracing_subscriber::fmt()
        .with_max_level(level.transpose()?.unwrap_or(LevelFilter::INFO))
        .with_writer(stderr)
        .with_ansi(progress::colours())
        // A terminal that is gone is no reason to panic.
        .log_internal_errors(false)
        .with_target(false)
        .without_time()
        .init();
    Ok(())
}

fn run(arguments: Arguments) -> Result<String> {
    if let Some(folder) = std::env::var_os(DATA_VARIABLE) {
        let usable = expand_home(folder);
        usable.map_err(|problem| RunnerError::Usage(format!("{DATA_VARIABLE}: {problem}")))?;
    }
    match arguments.command {
        Some(Command::Eval(eval)) => eval::eval(&eval),
        Some(Command::Check(check)) => check::check(&check),
        Some(Command::Data(data)) => data::run(&data).map(|()| String::new()),
        Some(Command::Keys) => Ok(keys::keys()),
        None => {
            let train = arguments.train;
            match (&train.config, &train.resume) {
                (Some(config), None) => commands::train(config, &train),
                (None, Some(run)) => commands::resume(run, &train),
                _ => Err(arguments::missing()),
            }
        }
    }
}
