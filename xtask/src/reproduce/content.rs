//! What a report says, before it is HTML or Markdown.

/// An experiment.
pub struct Section {
    /// Its folder among the results, and its anchor.
    pub name: String,
    pub title: String,
    pub paragraphs: Vec<String>,
    pub figures: Vec<Figure>,
    pub tables: Vec<Table>,
}

/// A picture.
pub struct Figure {
    /// The file's name without ending.
    pub name: &'static str,
    /// SVG, transparent, black lines.
    pub svg: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
    pub caption: String,
}

/// A table; every row is as long as the header.
pub struct Table {
    pub caption: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// Checks that nothing is left empty: every row filled, every figure drawn and described.
    ///
    /// # Errors
    ///
    /// What is empty.
    pub fn check(&self) -> Result<(), String> {
        let fail = |what: String| Err(format!("report, {}: {what}", self.name));
        for table in &self.tables {
            for row in &table.rows {
                if row.len() != table.header.len() || row.iter().any(String::is_empty) {
                    return fail(format!(
                        "table `{}`: row {row:?} is not filled",
                        table.caption
                    ));
                }
            }
        }
        for figure in &self.figures {
            if !figure.svg.contains("<svg") || figure.alt.is_empty() || figure.caption.is_empty() {
                return fail(format!(
                    "figure `{}` is not drawn or not described",
                    figure.name
                ));
            }
        }
        Ok(())
    }
}
