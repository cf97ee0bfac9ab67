//! The code of a library or a program as its rules see it: modules with the paths, strings and macros of their code. Tests
//! are left out, and so are comments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::workspace::Target;

/// The names of a module from the root of its crate on; nothing for the root.
pub(super) type ModulePath = Vec<String>;

/// A library or a program.
pub(super) struct Crate {
    pub package: String,
    pub is_library: bool,
    /// Its files by module.
    pub modules: BTreeMap<ModulePath, Module>,
}

/// A file.
#[derive(Default)]
pub(super) struct Module {
    /// From the workspace's root on.
    pub file: PathBuf,
    /// What it imports, and the paths that its code names.
    pub paths: Vec<Named>,
    /// String literals, with their lines.
    pub strings: Vec<(String, usize)>,
    /// Macros that are called, with their lines.
    pub macros: Vec<(String, usize)>,
    /// Names of its items.
    pub items: BTreeSet<String>,
    /// Modules in files of their own.
    children: Vec<String>,
}

/// A path in the code of a module.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    /// The module that it stands in, which may be within a file.
    pub within: ModulePath,
    /// Its names; the last is `*` for all of a module.
    pub names: Vec<String>,
    /// The name under which a `pub use` hands it on.
    pub exported: Option<String>,
    /// Its line.
    pub line: usize,
}

impl Crate {
    /// Reads the files of a library or a program, from its root by its modules.
    pub(super) fn read(root: &Path, target: &Target) -> Result<Self> {
        let mut read = Self {
            package: target.package.clone(),
            is_library: target.is_library,
            modules: BTreeMap::new(),
        };
        let folder = target.root.parent().unwrap_or(Path::new(""));
        read.add(root, Vec::new(), &target.root, folder)?;
        Ok(read)
    }

    fn add(&mut self, root: &Path, path: ModulePath, file: &Path, folder: &Path) -> Result<()> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let mut module =
            Module::parse(&text, &path).with_context(|| format!("{}: not Rust", file.display()))?;
        module.file = file.strip_prefix(root).unwrap_or(file).to_path_buf();
        for child in &module.children {
            let beside = folder.join(format!("{child}.rs"));
            let within = folder.join(child);
            let file = match beside.is_file() {
                true => beside,
                false => within.join("mod.rs"),
            };
            let path = [&path[..], std::slice::from_ref(child)].concat();
            self.add(root, path, &file, &within)?;
        }
        self.modules.insert(path, module);
        Ok(())
    }

    /// The crate of these files, by module, as in `a::b`.
    #[cfg(test)]
    pub(super) fn of(package: &str, files: &[(&str, &str)]) -> Self {
        let parse = |&(name, text): &(&str, &str)| {
            let path: ModulePath = name
                .split("::")
                .filter(|n| !n.is_empty())
                .map(str::to_owned)
                .collect();
            let mut module = Module::parse(text, &path).unwrap();
            module.file = PathBuf::from(format!("{package}/src/{}.rs", path.join("/")));
            (path, module)
        };
        Self {
            package: package.to_owned(),
            is_library: true,
            modules: files.iter().map(parse).collect(),
        }
    }
}

impl Module {
    fn parse(text: &str, path: &ModulePath) -> Result<Self> {
        let tokens = TokenStream::from_str(text).map_err(|e| anyhow!("{e}"))?;
        let mut module = Self::default();
        module.walk(tokens, path);
        Ok(module)
    }

    fn walk(&mut self, tokens: TokenStream, within: &ModulePath) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    self.attribute(&tokens, at, within)
                }
                TokenTree::Ident(_) => self.word(&tokens, at, within),
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    if let Some(text) = string(&text) {
                        self.strings
                            .push((text.to_owned(), literal.span().start().line));
                    }
                    at + 1
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream(), within);
                    at + 1
                }
                TokenTree::Punct(_) => at + 1,
            };
        }
    }

    /// Reads an attribute. A test is left out with its item, and a comment is none of the code.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize, within: &ModulePath) -> usize {
        let inner = is_punct(tokens.get(at + 1), '!');
        let group = at + 1 + usize::from(inner);
        let Some(TokenTree::Group(found)) = tokens.get(group) else {
            return at + 1;
        };
        if found.delimiter() != Delimiter::Bracket {
            return at + 1;
        }
        if !inner && is_test(found.stream()) {
            return end_of_item(tokens, group + 1);
        }
        let first = found.stream().into_iter().next();
        if first.is_some_and(|word| word.to_string() != "doc") {
            self.walk(found.stream(), within);
        }
        group + 1
    }

    fn word(&mut self, tokens: &[TokenTree], at: usize, within: &ModulePath) -> usize {
        let word = tokens[at].to_string();
        let line = tokens[at].span().start().line;
        let next = tokens.get(at + 1);
        match word.as_str() {
            "use" => return self.import(tokens, at, within),
            "mod" => return self.child(tokens, at, within),
            "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static" => {
                if let Some(TokenTree::Ident(name)) = next {
                    self.items.insert(name.to_string());
                }
                return at + 1;
            }
            _ => {}
        }
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        if is_punct(next, '!') && matches!(tokens.get(at + 2), Some(TokenTree::Group(_))) {
            self.macros.push((word.clone(), line));
        }
        // Within a path, a word that is not its first was read with the first.
        if is_punct(before, ':') && at >= 2 && is_punct(tokens.get(at - 2), ':') {
            return at + 1;
        }
        let mut names = vec![word];
        let mut end = at + 1;
        while is_punct(tokens.get(end), ':') && is_punct(tokens.get(end + 1), ':') {
            let Some(TokenTree::Ident(name)) = tokens.get(end + 2) else {
                break;
            };
            names.push(name.to_string());
            end += 3;
        }
        if names.len() > 1 {
            self.paths.push(Named {
                within: within.clone(),
                names,
                exported: None,
                line,
            });
        }
        // A macro's name may be the path's last.
        if is_punct(tokens.get(end), '!')
            && end > at + 1
            && let TokenTree::Ident(last) = &tokens[end - 1]
        {
            self.macros.push((last.to_string(), line));
        }
        end
    }

    fn child(&mut self, tokens: &[TokenTree], at: usize, within: &ModulePath) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else {
            return at + 1;
        };
        match tokens.get(at + 2) {
            Some(TokenTree::Group(body)) => {
                let within = [&within[..], &[name.to_string()]].concat();
                self.walk(body.stream(), &within);
                at + 3
            }
            _ => {
                self.children.push(name.to_string());
                at + 2
            }
        }
    }

    fn import(&mut self, tokens: &[TokenTree], at: usize, within: &ModulePath) -> usize {
        let end = (at..tokens.len())
            .find(|&end| is_punct(tokens.get(end), ';'))
            .unwrap_or(tokens.len());
        // `pub use`, or `pub(crate) use`.
        let exports = tokens[..at]
            .iter()
            .rev()
            .take(2)
            .any(|token| token.to_string() == "pub");
        let line = tokens[at].span().start().line;
        let mut found = Vec::new();
        tree(&tokens[at + 1..end], &[], &mut found);
        self.paths
            .extend(found.into_iter().map(|(names, name)| Named {
                within: within.clone(),
                names,
                exported: exports.then_some(name),
                line,
            }));
        end + 1
    }
}

/// The paths of a tree of imports, each with the name that it goes by.
fn tree(tokens: &[TokenTree], before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut names = before.to_vec();
    let mut alias = None;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) if *word == "as" => {
                alias = tokens.get(at + 1).map(ToString::to_string);
                at += 1;
            }
            TokenTree::Ident(word) if *word == "self" && !names.is_empty() => {}
            TokenTree::Ident(word) => names.push(word.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => names.push("*".to_owned()),
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in inner.split(|token| is_punct(Some(token), ',')) {
                    if !part.is_empty() {
                        tree(part, &names, found);
                    }
                }
                return;
            }
            _ => {}
        }
        at += 1;
    }
    let name = alias.or_else(|| names.last().cloned());
    found.push((names, name.unwrap_or_default()));
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

/// Whether an attribute says that its item is only for tests.
fn is_test(attribute: TokenStream) -> bool {
    let text = attribute.to_string();
    let words: Vec<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    match words.as_slice() {
        ["test"] => true,
        ["cfg", rest @ ..] => rest.contains(&"test") && !rest.contains(&"not"),
        _ => false,
    }
}

/// The token after an item: behind its braces, or behind the semicolon of a `use` or a `mod`.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let mut import = false;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token {
            TokenTree::Ident(word) if *word == "use" => import = true,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !import => {
                return at + 1;
            }
            token if is_punct(Some(token), ';') => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// What stands in a string literal; nothing for other literals.
fn string(literal: &str) -> Option<&str> {
    let literal = literal
        .trim_start_matches(['b', 'c', 'r'])
        .trim_matches('#');
    literal.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Module {
        Module::parse(text, &Vec::new()).unwrap()
    }

    fn names(module: &Module) -> Vec<String> {
        module
            .paths
            .iter()
            .map(|path| path.names.join("::"))
            .collect()
    }

    #[test]
    fn imports_are_read_as_paths() {
        let module =
            parse("use crate::{a::{self, B as C}, d::*}; pub use e::F;\nfn f() { super::g::h(1) }");
        assert_eq!(
            names(&module),
            [
                "crate::a",
                "crate::a::B",
                "crate::d::*",
                "e::F",
                "super::g::h"
            ]
        );
        assert_eq!(module.paths[3].exported.as_deref(), Some("F"));
        assert_eq!(module.paths[4].line, 2);
        assert!(module.items.contains("f"));
    }

    #[test]
    fn tests_and_comments_are_left_out() {
        let module = parse(
            "//! \"one\" crate::x::y\n\
             /// println!(\"two\")\n\
             #[cfg(test)] use a::{b, c};\n\
             #[cfg(test)]\nmod tests { fn f() { print!(\"three\") } }\n\
             #[test] fn t() { d::e() }\n\
             #[cfg(not(test))] fn g() { println!(\"{}\", r#\"four\"#) }",
        );
        assert!(names(&module).is_empty(), "{:?}", names(&module));
        let strings: Vec<&str> = module
            .strings
            .iter()
            .map(|(text, _)| text.as_str())
            .collect();
        assert_eq!(strings, ["{}", "four"]);
        assert_eq!(module.macros, [("println".to_owned(), 7)]);
        assert!(module.children.is_empty());
    }

    #[test]
    fn modules_within_a_file_stand_below_it() {
        let module = parse("mod a { use super::b; mod c { use super::d; } }\nmod e;");
        assert_eq!(module.paths[0].within, ["a"]);
        assert_eq!(module.paths[1].within, ["a", "c"]);
        assert_eq!(module.children, ["e"]);
    }
}
