//! One page of HTML that needs nothing else: styles and figures inside, no script.

use super::content::{Figure, Section, Table};

const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1b1b1b;--ground:#fff;--line:#ccc;--soft:#666}
@media(prefers-color-scheme:dark){:root{--text:#e6e6e6;--ground:#161616;--line:#444;--soft:#aaa}}
@media print{:root{color-scheme:light;--text:#000;--ground:#fff;--line:#999;--soft:#444}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:64rem;font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground)}
h1,h2{line-height:1.2}
h2{margin-top:2.5rem}
p{max-width:44rem;overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;flex:1 1 20rem;min-width:0;max-width:32rem;break-inside:avoid}
figure.wide{flex-basis:100%;max-width:100%}
.picture{overflow-x:auto}
svg{display:block;width:100%;height:auto}
.wide svg{min-width:48rem}
figcaption,caption{color:var(--soft);font-size:.875rem;text-align:left}
.table{overflow-x:auto;margin:1.5rem 0;max-width:100%}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{padding-bottom:.25rem}
th,td{padding:.25rem .6rem;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
@media print{.table,.picture{overflow:visible}.wide svg{min-width:0}th,td{white-space:normal}tr{break-inside:avoid}}";

/// A picture that is wider has a line of the page for itself.
const WIDE: u32 = 520;

/// The page.
pub(crate) fn page(title: &str, lead: &str, sections: &[Section]) -> String {
    let mut body = String::new();
    for section in sections {
        body += &format!(
            "<section id=\"{}\">\n<h2>{}</h2>\n",
            section.name,
            escape(&section.title)
        );
        for paragraph in &section.paragraphs {
            body += &format!("<p>{}</p>\n", escape(paragraph));
        }
        body += "<div class=\"figures\">\n";
        for figure in &section.figures {
            body += &show(figure);
        }
        body += "</div>\n";
        for table in &section.tables {
            body += &rows(table);
        }
        body += "</section>\n";
    }
    let (title, lead) = (escape(title), escape(lead));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{lead}</p>\n\
         {body}</body>\n</html>\n"
    )
}

fn show(figure: &Figure) -> String {
    let (alt, caption) = (escape(&figure.alt), escape(&figure.caption));
    let begin = figure.svg.find("<svg").unwrap_or(0);
    let head = format!("<svg role=\"img\" aria-label=\"{alt}\"");
    // The size is the page's matter; lines and letters take its colour; inside a page no name space is declared.
    let svg = figure.svg[begin..]
        .replacen("<svg", &head, 1)
        .replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1)
        .replace("#000000", "currentColor");
    let (class, focus) = match width(&figure.svg) > WIDE {
        // It keeps its size on a phone, and is moved by a finger or a key.
        true => (" class=\"wide\"", " tabindex=\"0\""),
        false => ("", ""),
    };
    format!(
        "<figure{class}>\n<div class=\"picture\"{focus}>{}</div>\n<figcaption>{caption}</figcaption>\n</figure>\n",
        svg.trim()
    )
}

/// The width that a picture asks for.
fn width(svg: &str) -> u32 {
    let number = svg.split("width=\"").nth(1).and_then(|rest| {
        let digits = rest.split('"').next()?;
        digits.parse().ok()
    });
    number.unwrap_or(0)
}

fn rows(table: &Table) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String], tag: &str| {
        let cells: String = cells
            .iter()
            .map(|cell| {
                let cell = match cell.starts_with("cargo ") {
                    true => format!("<code>{}</code>", escape(cell)),
                    false => escape(cell),
                };
                format!("<{tag}>{cell}</{}>", &tag[..2])
            })
            .collect();
        format!("<tr>{cells}</tr>\n")
    };
    let header = line(&table.header, "th scope=\"col\"");
    let rows: String = table.rows.iter().map(|row| line(row, "td")).collect();
    format!(
        "<div class=\"table\" tabindex=\"0\"><table>\n<caption>{}</caption>\n<thead>{header}</thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n",
        escape(&table.caption)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let section = Section {
            name: "speed".to_string(),
            title: "Speed & more".to_string(),
            paragraphs: vec!["a < b".to_string()],
            figures: vec![Figure {
                name: "one",
                svg: "<svg width=\"480\" height=\"360\" viewBox=\"0 0 480 360\" xmlns=\"http://www.w3.org/2000/svg\">\
                      <text fill=\"#000000\">x</text></svg>"
                    .to_string(),
                alt: "a \"line\"".to_string(),
                caption: "One.".to_string(),
            }],
            tables: vec![Table {
                caption: "Numbers".to_string(),
                header: vec!["a".to_string()],
                rows: vec![vec!["1 ± 2".to_string()]],
            }],
        };
        section.check().unwrap();
        let page = page("T", "lead", &[section]);
        for part in [
            "<h2>Speed &amp; more</h2>",
            "<p>a &lt; b</p>",
            "aria-label=\"a &quot;line&quot;\"",
            "fill=\"currentColor\"",
            "<th scope=\"col\">a</th>",
            "<td>1 ± 2</td>",
            "<figcaption>One.</figcaption>",
        ] {
            assert!(page.contains(part), "no {part} in {page}");
        }
        for part in ["http:", "https:", "<script", "@import", "url("] {
            assert!(!page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn wide_pictures_can_be_moved() {
        let shown = |width| {
            show(&Figure {
                name: "f",
                svg: format!("<svg width=\"{width}\" height=\"9\"></svg>"),
                alt: "f".to_string(),
                caption: "F.".to_string(),
            })
        };
        assert!(!shown(480).contains("wide"));
        assert!(shown(1300).contains("<figure class=\"wide\">"));
    }

    #[test]
    fn what_is_not_filled_is_found() {
        let table = |row: &[&str]| Table {
            caption: "t".to_string(),
            header: vec!["a".to_string(), "b".to_string()],
            rows: vec![row.iter().map(|cell| (*cell).to_string()).collect()],
        };
        let check = |row: &[&str]| {
            let section = Section {
                name: "x".to_string(),
                title: String::new(),
                paragraphs: Vec::new(),
                figures: Vec::new(),
                tables: vec![table(row)],
            };
            section.check()
        };
        assert!(check(&["1", "2"]).is_ok());
        assert!(check(&["1", ""]).is_err());
        assert!(check(&["1"]).is_err());
    }
}
