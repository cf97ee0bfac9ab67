//! Every path that ARCHITECTURE.md names exists. A path stands in code, and is one of the workspace or of the folders that
//! the section's heading names. What is made when programs run (`runs/…`) and patterns (`<name>`) are not looked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::problems::Problems;
use super::workspace::Workspace;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// Folders that hold nothing of the repository.
const LEFT_OUT: [&str; 3] = ["target", ".git", "runs"];
/// What a file's name ends with.
const ENDINGS: [&str; 10] = [
    ".rs",
    ".md",
    ".toml",
    ".json",
    ".jsonl",
    ".html",
    ".svg",
    ".csv",
    ".lock",
    ".safetensors",
];

/// Checks the document against the files that are there.
pub(super) fn check(workspace: &Workspace) -> Result<Problems> {
    let path = workspace.root.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut files = BTreeSet::new();
    list(&workspace.root, "", &mut files)?;
    Ok(problems(&text, &files))
}

/// All files and folders, by their paths from the root.
fn list(folder: &Path, before: &str, files: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{before}{name}");
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{path}/"), files)?;
        }
        files.insert(path);
    }
    Ok(())
}

fn problems(document: &str, files: &BTreeSet<String>) -> Problems {
    let mut problems = Problems::new();
    let mut folders: Vec<String> = Vec::new();
    let mut fenced = false;
    for (index, line) in document.lines().enumerate() {
        let mut missing = |path: &str| {
            problems.push(format!(
                "{DOCUMENT}:{}: `{path}` is not there; say where it went",
                index + 1
            ));
        };
        if line.starts_with("```") {
            fenced = !fenced;
        }
        if let Some(heading) = line.strip_prefix("## ") {
            folders.clear();
            for word in heading.split([' ', ',', ':']).filter(|w| w.contains('/')) {
                match files.contains(word) {
                    true => folders.push(format!("{word}/")),
                    false => missing(word),
                }
            }
            continue;
        }
        for path in named(line, fenced) {
            if !exists(path, &folders, files) {
                missing(path);
            }
        }
    }
    problems
}

/// The paths in a line.
fn named(line: &str, fenced: bool) -> Vec<&str> {
    let words: Vec<&str> = match fenced {
        true => line.split_whitespace().collect(),
        false => line.split('`').skip(1).step_by(2).collect(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-*".contains(c);
    let is_path = |word: &&str| {
        let ends = ENDINGS.iter().any(|end| word.ends_with(end));
        word.chars().all(plain) && (ends || word.contains('/')) && !word.starts_with('/')
    };
    words
        .into_iter()
        .filter(is_path)
        .filter(|path| !LEFT_OUT.contains(&path.split('/').next().unwrap_or_default()))
        .collect()
}

/// Whether a path is there, from the root or anywhere in one of the folders; `*` stands for anything.
fn exists(path: &str, folders: &[String], files: &BTreeSet<String>) -> bool {
    let path = path.trim_end_matches('/');
    if let Some((before, after)) = path.split_once('*') {
        return files
            .iter()
            .any(|f| f.starts_with(before) && f.ends_with(after));
    }
    let below = format!("/{path}");
    let within = |file: &String| {
        folders
            .iter()
            .any(|folder| file.starts_with(folder.as_str()) && file.ends_with(&below))
    };
    files.contains(path) || files.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_gone_are_found() {
        let files = [
            "crates",
            "crates/a",
            "crates/a/src",
            "crates/a/src/x.rs",
            "crates/a/src/y/mod.rs",
            "configs/b.toml",
        ];
        let files = files.map(str::to_owned).into();
        let text = "`configs/b.toml`, `x.rs`, `cargo xtask ci`, `runs/x/y`, `a/<b>/c`\n\
                    ```\nconfigs/*.toml ── gone/*.toml\n```\n\
                    ## crates/a: words\n\
                    `x.rs`, `y/mod.rs`, `mod.rs`, `z.rs`, `y/z.rs`\n\
                    ## crates/b: gone\n";
        let found = problems(text, &files);
        let expected = [
            "ARCHITECTURE.md:1: `x.rs`",
            "ARCHITECTURE.md:3: `gone/*.toml`",
            "ARCHITECTURE.md:6: `z.rs`",
            "ARCHITECTURE.md:6: `y/z.rs`",
            "ARCHITECTURE.md:7: `crates/b`",
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
