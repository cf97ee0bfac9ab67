//! Data sets are fetched by the first run that needs them.

use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;

use block_data::{DataError, DataSet, Locations, fetch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::DataConfig;
use crate::error::Result;

impl DataConfig {
    /// Where its data set is looked for.
    pub fn locations(&self) -> Locations {
        Locations::new(self.dir.as_ref().map(PathBuf::from))
    }

    /// Whether the data set is in one of its locations, or is made on the spot; of files of one's own nothing is known here.
    pub fn is_present(&self) -> bool {
        DataSet::named(&self.name).is_none_or(|set| set.is_present(&self.locations()))
    }

    /// Fetches the data set if it is in none of its locations, showing how far it is on standard
    /// error. With `offline`, no network is used.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Data`](crate::RunnerError::Data) when it cannot be had, with the files to put
    /// where.
    pub fn provide(&self, offline: bool) -> Result<()> {
        let locations = self.locations();
        // Files of one's own are no data set that could be fetched.
        if let Some(set) = DataSet::named(&self.name)
            && !set.is_present(&locations)
        {
            fetch_data(set, &locations, offline)?;
        }
        Ok(())
    }
}

/// Fetches what is missing or wrong of a data set, showing how far it is on standard error; nothing
/// for one that is made on the spot. `offline`, only what lies there packed is used.
///
/// # Errors
///
/// As [`fetch::fetch`].
pub(crate) fn fetch_data(
    set: &DataSet,
    locations: &Locations,
    offline: bool,
) -> std::result::Result<(), DataError> {
    let Some(entry) = set.entry() else {
        return Ok(());
    };
    set.check_folder(locations)?;
    let options = fetch::Options {
        offline,
        ..Default::default()
    };
    let root = locations.download_root();
    fetch::fetch(&entry, &root, &options, &mut Bar { bar: None })?;
    Ok(())
}

/// A bar for people, a line a file otherwise.
struct Bar {
    bar: Option<ProgressBar>,
}

impl fetch::Progress for Bar {
    fn begin(&mut self, file: &str, source: &str, total: Option<u64>) {
        if !stderr().is_terminal() {
            self.note(&format!("fetching {file} from {source}"));
            return;
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), SIZED),
            None => (ProgressBar::no_length(), UNSIZED),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        bar.set_prefix(file.to_string());
        bar.set_message(source.to_string());
        self.bar = Some(bar);
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn note(&mut self, line: &str) {
        let print = || {
            // Nobody reads on: no reason to stop.
            let _ = writeln!(stderr(), "{line}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

const SIZED: &str =
    "{prefix} {bar:10} {bytes}/{total_bytes} {bytes_per_sec} {eta} left, {wide_msg}";
const UNSIZED: &str = "{prefix} {spinner} {bytes} {bytes_per_sec}, {wide_msg}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bars_templates_are_valid() {
        for template in [SIZED, UNSIZED] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
