//! No two files of a crate import each other, and no circle of them does. A module that only hands on what its children
//! have does not import them.

use std::collections::{BTreeMap, BTreeSet};

use super::problems::{Exceptions, Problems};
use super::source::{Crate, ModulePath, Named};

/// How many times a name may be handed on.
const DEPTH: usize = 8;

const EXCEPTIONS: Exceptions = Exceptions {
    rule: "of imports",
    all: &[],
};

/// Which files each file imports, with a line for each.
type Imports = BTreeMap<ModulePath, BTreeMap<ModulePath, usize>>;

/// Checks every crate.
pub(super) fn check(crates: &[Crate]) -> Problems {
    EXCEPTIONS.applied(crates.iter().flat_map(problems).collect())
}

fn problems(of: &Crate) -> Problems {
    let imports = imports(of);
    let mut done = BTreeSet::new();
    let mut problems = Problems::new();
    for from in imports.keys() {
        if done.contains(from) {
            continue;
        }
        let circle: BTreeSet<&ModulePath> = reached(&imports, from)
            .into_iter()
            .filter(|to| reached(&imports, to).contains(from))
            .collect();
        if circle.is_empty() {
            continue;
        }
        done.extend(circle.iter().copied().cloned());
        let file = |path: &ModulePath| of.modules[path].file.display().to_string();
        let way = way_back(&imports, from);
        let steps = way.iter().zip(way.iter().skip(1));
        let steps = steps.map(|(one, next)| {
            let line = imports[*one][*next];
            format!("line {line} of {} imports {}", file(one), file(next))
        });
        problems.push(format!(
            "{}: files that import each other: {}; what both need belongs into a file below both",
            file(from),
            steps.collect::<Vec<_>>().join(", ")
        ));
    }
    problems
}

fn imports(of: &Crate) -> Imports {
    let mut imports = Imports::new();
    for (path, module) in &of.modules {
        let found = imports.entry(path.clone()).or_default();
        for named in &module.paths {
            let Some(target) = resolved(of, named, DEPTH) else {
                continue;
            };
            let hands_on = named.exported.is_some() && target.starts_with(path);
            if target != *path && !hands_on {
                found.entry(target).or_insert(named.line);
            }
        }
    }
    imports
}

/// The file where a path leads, if that is one of the crate.
fn resolved(of: &Crate, named: &Named, depth: usize) -> Option<ModulePath> {
    let is_module = |path: &[String]| of.modules.contains_key(path);
    let mut names = named.names.as_slice();
    let mut at = named.within.clone();
    match names.first()?.as_str() {
        "crate" => {
            at.clear();
            names = &names[1..];
        }
        "self" => names = &names[1..],
        "super" => {
            while names.first().is_some_and(|name| name == "super") {
                at.pop();
                names = &names[1..];
            }
        }
        first => {
            if !is_module(&[&at[..], &[first.to_owned()]].concat()) {
                return None;
            }
        }
    }
    while let Some(name) = names.first() {
        let below = [&at[..], std::slice::from_ref(name)].concat();
        if !is_module(&below) {
            break;
        }
        at = below;
        names = &names[1..];
    }
    // A module within a file is that file.
    while !is_module(&at) {
        at.pop();
    }
    let handed_on = names.first().filter(|_| depth > 0);
    let handed_on = handed_on.and_then(|name| handed_on_from(of, &at, name, depth - 1));
    Some(handed_on.unwrap_or(at))
}

/// The file of a name that a module hands on.
fn handed_on_from(of: &Crate, module: &ModulePath, name: &str, depth: usize) -> Option<ModulePath> {
    let found = &of.modules[module];
    if found.items.contains(name) {
        return None;
    }
    let exports = || found.paths.iter().filter(|path| path.exported.is_some());
    if let Some(named) = exports().find(|path| path.exported.as_deref() == Some(name)) {
        return resolved(of, named, depth);
    }
    let mut globs = exports().filter(|path| path.names.last().is_some_and(|last| last == "*"));
    globs.find_map(|glob| {
        let target = resolved(of, glob, 0)?;
        let has = of.modules[&target].items.contains(name);
        has.then_some(target)
    })
}

/// The shortest way by imports from a file of a circle back to it.
fn way_back<'a>(imports: &'a Imports, from: &'a ModulePath) -> Vec<&'a ModulePath> {
    let mut ways = vec![vec![from]];
    let mut met = BTreeSet::new();
    loop {
        let mut longer = Vec::new();
        for way in ways {
            let last = way[way.len() - 1];
            for next in imports[last].keys() {
                let longest = [&way[..], &[next]].concat();
                if next == from {
                    return longest;
                }
                if met.insert(next) {
                    longer.push(longest);
                }
            }
        }
        ways = longer;
    }
}

/// The files that can be reached from one by imports.
fn reached<'a>(imports: &'a Imports, from: &ModulePath) -> BTreeSet<&'a ModulePath> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&ModulePath> = imports[from].keys().collect();
    while let Some(path) = next.pop() {
        if found.insert(path) {
            next.extend(imports[path].keys());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Problems {
        problems(&Crate::of("p", files))
    }

    #[test]
    fn files_that_import_each_other_are_found() {
        let found = found(&[
            ("", "mod a; mod b; use a::A;"),
            ("a", "use crate::b::B; pub struct A;"),
            ("b", "pub struct B; fn f(_: &super::a::A) {}"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("line 1 of p/src/a.rs imports p/src/b.rs"),
            "{found:?}"
        );
        assert!(
            found[0].contains("line 1 of p/src/b.rs imports p/src/a.rs"),
            "{found:?}"
        );
    }

    #[test]
    fn longer_circles_and_those_with_a_parent_are_found() {
        let circle = found(&[
            ("", ""),
            ("a", "use crate::b::f;"),
            ("b", "use crate::c::f;"),
            ("c", "use crate::a::f;"),
        ]);
        assert_eq!(circle.len(), 1, "{circle:?}");
        let parent = found(&[
            ("", ""),
            ("a", "mod b; use b::f; pub const C: usize = 1;"),
            ("a::b", "use super::C;"),
        ]);
        assert_eq!(parent.len(), 1, "{parent:?}");
    }

    #[test]
    fn what_is_handed_on_is_not_imported() {
        let fine = found(&[
            ("", "mod a; pub use a::{A, B};"),
            ("a", "mod b; mod c; pub use b::A; pub use c::*;"),
            ("a::b", "use super::B; pub struct A;"),
            (
                "a::c",
                "pub struct B; #[cfg(test)] mod tests { use crate::a::b::A; }",
            ),
        ]);
        assert!(fine.is_empty(), "{fine:?}");
    }
}
