//! Which package may import which.

use std::collections::BTreeSet;

use super::problems::Problems;
use super::workspace::Workspace;

/// What a package may import, and what only its tests, examples and benchmarks may.
struct May {
    package: &'static str,
    normal: &'static [&'static str],
    dev: &'static [&'static str],
}

const fn may(
    package: &'static str,
    normal: &'static [&'static str],
    dev: &'static [&'static str],
) -> May {
    May {
        package,
        normal,
        dev,
    }
}

#[rustfmt::skip]
const ALL: [May; 11] = [
    may("block-core", &[], &["agreement", "conformance"]),
    may("block-models", &["block-core"], &["conformance", "block-data"]),
    may("block-data", &["block-core"], &["conformance"]),
    may("runner", &["block-core", "block-models", "block-data", "one-build"], &[]),
    may("benches", &["block-core", "block-models", "block-data", "one-build"], &[]),
    may("paper", &["runner", "benches", "block-core"], &[]),
    may("agreement", &["block-core"], &[]),
    may("conformance", &[], &[]),
    // It has no code, only features.
    may("one-build", &[], &[]),
    // It selects devices and names models by block-core's and block-models' own types.
    may("gpu-suite", &["agreement", "benches", "block-core", "block-models"], &[]),
    may("xtask", &[], &[]),
];

/// Checks every package against the table.
pub(super) fn check(workspace: &Workspace) -> Problems {
    let packages = workspace.packages.iter();
    packages
        .flat_map(|p| problems(&p.name, &p.normal, &p.dev))
        .collect()
}

fn problems(package: &str, normal: &BTreeSet<String>, dev: &BTreeSet<String>) -> Problems {
    let Some(may) = ALL.iter().find(|may| may.package == package) else {
        return vec![format!(
            "{package}: no word of what it may import; say so in ARCHITECTURE.md and in xtask/src/tidy/dependencies.rs"
        )];
    };
    let mut problems = Problems::new();
    for (kind, found, allowed) in [
        ("", normal, vec![may.normal]),
        (" for tests", dev, vec![may.normal, may.dev]),
    ] {
        let allowed = allowed.concat();
        for other in found
            .iter()
            .filter(|name| !allowed.contains(&name.as_str()))
        {
            let expected = match allowed.is_empty() {
                true => "no package of the workspace".to_owned(),
                false => format!("{} at most", allowed.join(", ")),
            };
            problems.push(format!(
                "{package}: imports {other}{kind}, expected {expected}"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(package: &str, normal: &[&str], dev: &[&str]) -> Problems {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        problems(package, &set(normal), &set(dev))
    }

    #[test]
    fn imports_that_the_table_lacks_are_found() {
        assert!(found("block-models", &["block-core"], &["block-data"]).is_empty());
        let upwards = found("block-models", &["block-data"], &[]);
        assert_eq!(
            upwards,
            ["block-models: imports block-data, expected block-core at most"]
        );
        assert_eq!(found("block-core", &["agreement"], &[]).len(), 1);
        assert_eq!(found("xtask", &["runner"], &["benches"]).len(), 2);
        assert_eq!(found("block-models", &[], &["runner"]).len(), 1);
        assert!(found("new", &[], &[])[0].contains("no word"));
    }
}
