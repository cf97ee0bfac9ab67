//! What a report says, before it is HTML or Markdown.

use anyhow::{Result, anyhow};

/// The part of a report on an experiment.
pub(crate) struct Section {
    /// The experiment's folder among the results, and its anchor in the page.
    pub name: String,
    pub title: String,
    pub paragraphs: Vec<String>,
    pub figures: Vec<Figure>,
    pub tables: Vec<Table>,
}

/// A picture.
pub(crate) struct Figure {
    /// The name of the figure's file without its ending.
    pub name: &'static str,
    /// SVG, transparent, black lines.
    pub svg: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
    pub caption: String,
}

/// A table; every row is as long as the header.
pub(crate) struct Table {
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
    pub(crate) fn check(&self) -> Result<()> {
        let fail = |what: String| Err(anyhow!("report, {}: {what}", self.name));
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
