//! The committed page of results in a real browser, 400 pixels wide, where Chromium is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const WIDTH: u32 = 400;
/// Set where the test must not be left out.
const NEEDED: &str = "BLOCK_NEEDS_BROWSER";

/// What the script in `browser.html` found.
#[derive(Debug, Deserialize)]
struct Found {
    width: u32,
    window: u32,
    /// Elements that stick out, and stand in nothing that scrolls.
    outside: Vec<String>,
    figures: Vec<Picture>,
    /// Cells a table, and how many of them are empty.
    tables: Vec<(usize, usize)>,
    sections: usize,
}

#[derive(Debug, Deserialize)]
struct Picture {
    name: String,
    width: f64,
    height: f64,
    /// Lines, bars and marks that have a size on the page.
    shapes: usize,
    letters: usize,
}

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    let all = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}

/// The page as the browser has it after its scripts, and what it wrote to its console.
fn open(browser: &Path, page: &Path, profile: &Path) -> (String, Vec<String>) {
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let console = log.lines().filter(|line| line.contains(":CONSOLE"));
    (
        String::from_utf8(output.stdout).unwrap(),
        console.map(str::to_owned).collect(),
    )
}

#[test]
fn the_page_of_results_is_whole_on_a_phone() {
    let Some(browser) = browser() else {
        let needed = std::env::var_os(NEEDED).is_some();
        assert!(
            !needed,
            "no {} found; {NEEDED} asks for one",
            NAMES.join(", ")
        );
        println!("SKIPPED: no {} found", NAMES.join(", "));
        return;
    };
    let report = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/report.html");
    let report = report.canonicalize().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, console) = open(&browser, &report, &folder.path().join("one"));
    assert_eq!(console, [] as [String; 0]);

    // No window is as narrow as a phone, a frame is.
    let text = fs::read_to_string(&report).unwrap();
    let source = serde_json::to_string(&text).unwrap().replace("</", "<\\/");
    let page = include_str!("browser.html")
        .replace("WIDTH", &WIDTH.to_string())
        .replace("\"SOURCE\"", &source);
    let path = folder.path().join("page.html");
    fs::write(&path, page).unwrap();
    let (dom, console) = open(&browser, &path, &folder.path().join("two"));
    assert_eq!(console, [] as [String; 0]);
    let found = dom.split("<pre id=\"found\">").nth(1).unwrap();
    let found = found.split("</pre>").next().unwrap();
    let found = found
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let found: Found = serde_json::from_str(&found).unwrap_or_else(|e| panic!("{e}: {found}"));

    assert_eq!(found.window, WIDTH);
    assert!(
        found.width <= WIDTH,
        "{} wide: {:?}",
        found.width,
        found.outside
    );
    assert_eq!(found.outside, [] as [String; 0]);
    assert_eq!(found.figures.len(), text.matches("<figure").count());
    for figure in &found.figures {
        let drawn = figure.width > 300.0 && figure.height > 100.0;
        assert!(
            drawn && figure.shapes > 5 && figure.letters > 10,
            "{}: {figure:?}",
            figure.name
        );
    }
    assert_eq!(found.tables.len(), text.matches("<table").count());
    for (index, (cells, empty)) in found.tables.iter().enumerate() {
        assert!(
            *cells > 0 && *empty == 0,
            "table {index}: {empty} of {cells} empty"
        );
    }
    assert!(found.sections >= 4 && found.figures.len() >= 14);
    println!(
        "{} figures, {} tables, {} cells",
        found.figures.len(),
        found.tables.len(),
        found.tables.iter().map(|table| table.0).sum::<usize>()
    );
}
