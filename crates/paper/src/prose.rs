//! Paragraphs of the report, which stand in `prose/*.md`: lines are joined, empty lines part paragraphs.

/// The paragraphs of a text.
pub(crate) fn paragraphs(text: &str) -> Vec<String> {
    let joined = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = text.split("\n\n").map(joined);
    parts.filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_empty_lines_part_paragraphs() {
        assert_eq!(paragraphs("a\nb  c\n\n\n\nd\n"), ["a b c", "d"]);
        assert!(paragraphs("\n").is_empty());
    }
}
