//! Every path that a document names exists. A path stands in code. What is made when programs run (`runs/…`) and patterns
//! (`<name>`) are not looked for.
//!
//! In ARCHITECTURE.md a path is one of the workspace or of the folders that the section's heading names. In CONTRIBUTING.md and
//! the READMEs it may begin anywhere, as long as it ends as a file is called or begins in one of the workspace's folders; a
//! link leads somewhere from the document's own folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::problems::Problems;
use super::workspace::Workspace;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CONTRIBUTING: &str = "CONTRIBUTING.md";
const README: &str = "README.md";
/// Folders that hold nothing of the repository.
const LEFT_OUT: [&str; 3] = ["target", ".git", "runs"];
/// Where users put what is no part of the repository.
const USERS: [&str; 2] = ["data/", "fuzz/corpus/"];
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

/// Checks the documents against the files that are there.
pub(super) fn check(workspace: &Workspace) -> Result<Problems> {
    let mut files = BTreeSet::new();
    list(&workspace.root, "", &mut files)?;
    let read = |document: &str| {
        let path = workspace.root.join(document);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let mut problems = problems(&read(ARCHITECTURE)?, &files);
    let inside = |file: &str| USERS.iter().any(|folder| file.starts_with(folder));
    let readmes = files.iter().filter(|file| {
        let name = file.rsplit('/').next();
        name == Some(README) && (!inside(file) || *file == "data/README.md")
    });
    for document in readmes.map(String::as_str).chain([CONTRIBUTING]) {
        problems.extend(loose_problems(document, &read(document)?, &files));
    }
    Ok(problems)
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
                "{ARCHITECTURE}:{}: `{path}` is not there; say where it went",
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

/// What is not there of the paths and links in CONTRIBUTING.md or a README.
fn loose_problems(document: &str, text: &str, files: &BTreeSet<String>) -> Problems {
    let mut problems = Problems::new();
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        let mut missing: Vec<&str> = named(line, fenced);
        missing.retain(|path| {
            let top = path
                .split_once('/')
                .is_some_and(|(top, _)| files.contains(top));
            let name = !fenced && ENDINGS.iter().any(|end| path.ends_with(end));
            let users = USERS.iter().any(|folder| path.starts_with(folder));
            let below = format!("/{}", path.trim_end_matches('/'));
            let ends = || files.iter().any(|file| file.ends_with(&below));
            (top || name) && !users && !exists(path, &[], files) && !ends()
        });
        missing.extend(links(line).filter(|link| !files.contains(&resolved(folder, link))));
        for path in missing {
            problems.push(format!(
                "{document}:{}: `{path}` is not there; say where it went",
                index + 1
            ));
        }
    }
    problems
}

/// Where the links in a line lead within the repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':'))
}

/// A link from a folder, as a path from the root.
fn resolved(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
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

    #[test]
    fn readmes_are_read_too() {
        let files = [
            "crates",
            "crates/a",
            "crates/a/README.md",
            "crates/a/src",
            "crates/a/src/x.rs",
            "configs",
            "configs/b.toml",
        ];
        let files = files.map(str::to_owned).into();
        let text = "`x.rs`, `y.rs`, `crates/a/src`, `crates/z`, `spikes/units`, `data/mnist/x.json`\n\
                    [b](../../configs/b.toml), [c](../configs/b.toml#part), [d](https://d.org)\n\
                    ```\nrun configs/b.toml configs/c.toml > out.json\n```\n";
        let found = loose_problems("crates/a/README.md", text, &files);
        let expected = [
            "crates/a/README.md:1: `y.rs`",
            "crates/a/README.md:1: `crates/z`",
            "crates/a/README.md:2: `../configs/b.toml`",
            "crates/a/README.md:4: `configs/c.toml`",
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
