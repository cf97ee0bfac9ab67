//! Pages of sections, with paragraphs, figures and tables: as HTML, as Markdown, and their figures as PNG.

pub(crate) mod content;
pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod png;
