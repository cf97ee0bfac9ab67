//! Commands that a person can paste into a shell.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

/// The command that goes on with a run as this process was started; `device` if it was asked for.
pub(super) fn resume_command(run: &Path, device: Option<&str>) -> String {
    command(&program(), run, device)
}

/// A command on data sets, such as `data get mnist`, for the only folder in which they are looked for, if there is one.
pub(super) fn data_command(words: &[&str], folder: Option<&Path>) -> String {
    let words = words.iter().map(|word| quoted(OsStr::new(word)));
    let words: Vec<_> = words.collect();
    let folder = folder.map(|folder| format!(" --data-dir {}", quoted(folder.as_os_str())));
    let folder = folder.unwrap_or_default();
    format!("{} data {}{folder}", program(), words.join(" "))
}

/// What calls this program.
fn program() -> String {
    match env::args_os().next() {
        // Whoever typed `cargo run` has no `runner` to call.
        _ if env::var_os("CARGO").is_some() => cargo_run(),
        Some(program) => quoted(&program),
        None => "runner".to_string(),
    }
}

fn command(program: &str, run: &Path, device: Option<&str>) -> String {
    // Never taken for an option.
    let below = run.to_string_lossy().starts_with('-');
    let run = if below {
        Path::new(".").join(run)
    } else {
        run.to_path_buf()
    };
    let mut command = format!("{program} --resume {}", quoted(run.as_os_str()));
    if let Some(device) = device {
        command += &format!(" --device {}", quoted(OsStr::new(device)));
    }
    command
}

fn cargo_run() -> String {
    let features: Vec<_> = [
        ("cuda", cfg!(feature = "cuda")),
        ("wgpu", cfg!(feature = "wgpu")),
    ]
    .into_iter()
    .filter_map(|(name, on)| on.then_some(name))
    .collect();
    match features.join(",").as_str() {
        "" => "cargo run -p runner --".to_string(),
        features => format!("cargo run -p runner --features {features} --"),
    }
}

/// A word as a shell reads it back.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "_-./:,+@%=".contains(c);
    if cfg!(windows) {
        // A path of Windows holds no quotation mark.
        let plain = word.chars().all(|c| plain(c) || c == '\\');
        return if plain {
            word.into_owned()
        } else {
            format!("\"{word}\"")
        };
    }
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resume(run: &str) -> String {
        command("runner", Path::new(run), None)
    }

    #[test]
    fn plain_paths_stay() {
        assert_eq!(resume("runs/a-1.2"), "runner --resume runs/a-1.2");
        let with_device = command("runner", Path::new("a"), Some("cuda:0"));
        assert_eq!(with_device, "runner --resume a --device cuda:0");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_other_paths_back() {
        assert_eq!(resume("-x"), "runner --resume ./-x");
        for name in ["a b", "it's", "$HOME", "a;b", "~", "\"\\", "ü*"] {
            let echo = format!("printf %s {}", quoted(OsStr::new(name)));
            let mut shell = std::process::Command::new("sh");
            let said = shell.args(["-c", &echo]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), name);
        }
    }
}
