//! What breaks a rule, and what may.

/// What breaks a rule, each beginning with its place.
pub(super) type Problems = Vec<String>;

/// Places where a rule may be broken, each with the reason. An exception that is not needed is a problem of its own.
pub(super) struct Exceptions {
    pub(super) rule: &'static str,
    pub(super) all: &'static [(&'static str, &'static str)],
}

impl Exceptions {
    /// Leaves out what is excepted, by the path that a problem begins with.
    pub(super) fn applied(&self, problems: Problems) -> Problems {
        let excepted = |problem: &str, (place, _): &(&str, &str)| problem.starts_with(place);
        let mut left = problems.clone();
        left.retain(|problem| !self.all.iter().any(|one| excepted(problem, one)));
        for one in self.all {
            if !problems.iter().any(|problem| excepted(problem, one)) {
                let (place, reason) = one;
                left.push(format!(
                    "{place}: nothing there breaks the rule {}; remove its exception ({reason}) from xtask/src/tidy",
                    self.rule
                ));
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_excuses_what_it_names_and_no_more() {
        let exceptions = Exceptions {
            rule: "printing",
            all: &[("a/b", "a reason"), ("c", "another")],
        };
        let found = exceptions.applied(vec!["a/b/x.rs:1: p".to_owned(), "d.rs:2: p".to_owned()]);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("d.rs:2"), "{found:?}");
        assert!(found[1].starts_with("c: nothing there"), "{found:?}");
    }
}
