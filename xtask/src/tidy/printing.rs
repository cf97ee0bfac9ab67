//! Libraries do not print: whoever calls them decides what is said and where.

use super::problems::{Exceptions, Problems};
use super::source::Crate;

const MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

const EXCEPTIONS: Exceptions = Exceptions {
    rule: "of printing",
    all: &[(
        "crates/conformance/src/lib.rs",
        "it says what the tests compared",
    )],
};

/// Checks every library.
pub(super) fn check(crates: &[Crate]) -> Problems {
    let libraries = crates.iter().filter(|one| one.is_library);
    EXCEPTIONS.applied(libraries.flat_map(problems).collect())
}

fn problems(of: &Crate) -> Problems {
    let mut problems = Problems::new();
    for module in of.modules.values() {
        for (name, line) in &module.macros {
            if MACROS.contains(&name.as_str()) {
                problems.push(format!(
                    "{}:{line}: `{name}!` in a library; return it, or pass it to whoever calls",
                    module.file.display()
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
    fn printing_is_found_in_code_and_not_in_tests() {
        let of = Crate::of(
            "p",
            &[
                ("", "fn f() { if true { std::println!(\"x\"); } dbg!(1); }"),
                (
                    "a",
                    "fn f() { write!(f, \"\") }\n#[test] fn t() { println!(\"x\") }",
                ),
            ],
        );
        let found = problems(&of);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains(":1: `println!` in a library"),
            "{found:?}"
        );
    }
}
