//! A data set is known in its own file alone: elsewhere no code names one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::problems::{Exceptions, Problems};
use super::source::Crate;
use super::workspace::Workspace;

/// The packages that name no data set.
const PACKAGES: [&str; 4] = ["block-core", "block-models", "block-data", "runner"];
/// The folder where each has its file.
const HOME: &str = "crates/block-data/src/datasets/";
/// The names that no config has.
const NAMES: [&str; 3] = ["cifar-10", "ssc", "synthetic"];
/// What configs call recordings of one's own.
const OWN: &str = "events";

const EXCEPTIONS: Exceptions = Exceptions {
    rule: "of data sets' names",
    all: &[],
};

/// Checks the packages against the names in the configs.
pub(super) fn check(workspace: &Workspace, crates: &[Crate]) -> Result<Problems> {
    let mut names: BTreeSet<String> = NAMES.map(str::to_owned).into();
    configs(&workspace.root.join("configs"), &mut names)?;
    let all = crates.iter();
    let all = all.filter(|one| PACKAGES.contains(&one.package.as_str()));
    let problems = all.flat_map(|one| problems(one, &names)).collect();
    Ok(EXCEPTIONS.applied(problems))
}

/// Adds the names of data sets in a folder of configs.
fn configs(folder: &Path, names: &mut BTreeSet<String>) -> Result<()> {
    let at = |path: &Path| path.display().to_string();
    for entry in fs::read_dir(folder).with_context(|| at(folder))? {
        let path = entry?.path();
        match path.is_dir() {
            true => configs(&path, names)?,
            false => {
                let text = fs::read_to_string(&path).with_context(|| at(&path))?;
                names.extend(name(&text).filter(|name| *name != OWN).map(str::to_owned));
            }
        }
    }
    Ok(())
}

/// The value of `name` in a config's table `[data]`.
fn name(config: &str) -> Option<&str> {
    let lines = config.lines().map(str::trim);
    let mut table = lines.skip_while(|line| *line != "[data]").skip(1);
    let line = table
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .find(|line| line.starts_with("name"))?;
    line.split('"').nth(1)
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
    fn a_configs_data_set_is_read() {
        let config = "# name = \"x\"\nname = \"y\"\n[data]\n# a comment\nname = \"shd\"\n[model]\nname = \"z\"";
        assert_eq!(name(config), Some("shd"));
        assert_eq!(name("[data]\n[model]\nname = \"z\""), None);
    }
}
