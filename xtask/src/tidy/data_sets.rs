//! A data set is known in its own file alone: elsewhere no code names one.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};

use super::problems::{Exceptions, Problems};
use super::source::Crate;
use super::workspace::Workspace;

/// The packages that name no data set.
const PACKAGES: [&str; 4] = ["block-core", "block-models", "block-data", "runner"];
/// The folder where each has its file.
const HOME: &str = "crates/block-data/src/datasets/";

const EXCEPTIONS: Exceptions = Exceptions {
    rule: "of data sets' names",
    all: &[],
};

/// Checks the packages against the names of the data sets.
pub(super) fn check(workspace: &Workspace, crates: &[Crate]) -> Result<Problems> {
    let mut names = BTreeSet::new();
    let files = crates.iter().flat_map(|one| one.modules.values());
    for file in files.map(|module| &module.file) {
        if file.starts_with(HOME) {
            let path = workspace.root.join(file);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            names.extend(name(&text).map(str::to_owned));
        }
    }
    ensure!(
        !names.is_empty(),
        "{HOME}: no file begins a line with `name: \"`"
    );
    let all = crates.iter();
    let all = all.filter(|one| PACKAGES.contains(&one.package.as_str()));
    let problems = all.flat_map(|one| problems(one, &names)).collect();
    Ok(EXCEPTIONS.applied(problems))
}

/// The name that a data set's file gives it.
fn name(text: &str) -> Option<&str> {
    let mut lines = text.lines().map(str::trim);
    let value = lines.find_map(|line| line.strip_prefix("name: \""))?;
    value.split('"').next()
}

fn problems(of: &Crate, names: &BTreeSet<String>) -> Problems {
    let mut problems = Problems::new();
    for module in of.modules.values() {
        let file = module.file.display().to_string();
        if file.starts_with(HOME) {
            continue;
        }
        for (text, line) in &module.strings {
            let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '-'));
            if let Some(name) = words.find(|word| names.contains(*word)) {
                problems.push(format!(
                    "{file}:{line}: the data set {name} by its name, expected only below {HOME}"
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_data_set_is_found() {
        let names = BTreeSet::from(["mnist".to_owned(), "yin-yang".to_owned()]);
        let of = Crate::of(
            "p",
            &[
                (
                    "",
                    "fn f(n: &str) -> bool { n == \"mnist\" || n == \"fmnist\" }",
                ),
                (
                    "a",
                    "/// mnist\nconst A: &str = \"try `get yin-yang`\";\n#[test] fn t() { f(\"mnist\") }",
                ),
            ],
        );
        let found = problems(&of, &names);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains(".rs:1: the data set mnist"), "{found:?}");
        assert!(
            found[1].contains("a.rs:2: the data set yin-yang"),
            "{found:?}"
        );
    }

    #[test]
    fn a_data_sets_name_is_read_from_its_file() {
        let text = "pub const SHD: DataSet = DataSet {\n    name: \"shd\",\n    files: \"x\",\n};";
        assert_eq!(name(text), Some("shd"));
        assert_eq!(
            name("const A: Entry = Entry { name: name.to_string() };"),
            None
        );
    }
}
