//! `keys`: what a config can say.

use std::fmt::Write;

use crate::config;

const WIDTH: usize = 100;
const INDENT: &str = "    ";

/// A paragraph for each key.
pub(super) fn keys() -> String {
    let mut text = String::new();
    for key in config::keys() {
        let absent = match key.default {
            _ if key.required => " [required]".to_string(),
            Some(default) => format!(" [default: {default}]"),
            None => String::new(),
        };
        writeln!(text, "{} = {}{absent}", key.path, key.expected)
            .unwrap_or_else(|error| unreachable!("text grows: {error}"));
        let mut line = INDENT.to_string();
        for word in key.meaning.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > WIDTH {
                text += &format!("{}\n", line.trim_end());
                line = INDENT.to_string();
            }
            line += &format!("{word} ");
        }
        text += &format!("{}\n", line.trim_end());
    }
    text
}
