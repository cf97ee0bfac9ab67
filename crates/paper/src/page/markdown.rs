//! The same as a page of the docs.

use super::content::{Section, Table};

/// The page; figures are files in the results' folder, `results` from where the page is.
pub(crate) fn page(title: &str, lead: &str, results: &str, sections: &[Section]) -> String {
    let mut text = format!(
        "<!-- Written by `cargo xtask reproduce docs` from the files in results/: change those, not this. -->\n\n\
         # {title}\n\n{lead}\n"
    );
    for section in sections {
        text += &format!("\n## {}\n", section.title);
        for paragraph in &section.paragraphs {
            text += &format!("\n{paragraph}\n");
        }
        for figure in &section.figures {
            let (name, file) = (&section.name, figure.name);
            let alt = figure.alt.replace(['[', ']'], "");
            text += &format!(
                "\n![{alt}]({results}/{name}/{file}.svg)\n\n{}\n",
                figure.caption
            );
        }
        for table in &section.tables {
            text += &rows(table);
        }
    }
    text
}

fn rows(table: &Table) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = "|---".repeat(table.header.len());
    let rows: String = table.rows.iter().map(|row| line(row)).collect();
    format!(
        "\n{}:\n\n{}{rule}|\n{rows}",
        table.caption,
        line(&table.header)
    )
}

/// A cell; commands are set as such.
fn escape(cell: &str) -> String {
    let cell = cell.replace('|', "\\|");
    match cell.starts_with("cargo ") {
        true => format!("`{cell}`"),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole() {
        let table = Table {
            caption: "Numbers".to_string(),
            header: vec!["a".to_string(), "b".to_string()],
            rows: vec![vec!["1|2".to_string(), "3".to_string()]],
        };
        assert_eq!(
            rows(&table),
            "\nNumbers:\n\n| a | b |\n|---|---|\n| 1\\|2 | 3 |\n"
        );
    }
}
