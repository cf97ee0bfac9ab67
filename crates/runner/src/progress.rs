//! How a training shows: a bar for people, a line an epoch for files.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::metrics::{EpochRecord, Totals, shown};
use crate::train::Observer;

/// Short enough for 80 columns with the message, of which the end is cut where it is not.
const TEMPLATE: &str = "{prefix} {bar:5} {wide_msg}";

/// Whether what goes to standard error may have colours: it is a terminal, and `NO_COLOR` is not set.
pub fn colours() -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stderr().is_terminal() && !plain
}

/// Shows a training on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    terminal: bool,
    epoch: usize,
    epochs: usize,
    samples: usize,
    done: u64,
    begin: Instant,
    /// Seconds that finished epochs of this process took, evaluation included, and their number.
    finished: (f64, u32),
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// With bars if standard error is a terminal, plain lines otherwise.
    pub fn new() -> Self {
        Self {
            bar: None,
            terminal: stderr().is_terminal(),
            epoch: 0,
            epochs: 0,
            samples: 0,
            done: 0,
            begin: Instant::now(),
            finished: (0.0, 0),
        }
    }

    fn message(&self, totals: &Totals) -> String {
        let elapsed = self.begin.elapsed().as_secs_f64().max(1e-9);
        let speed = (totals.samples - self.done) as f64 / elapsed;
        let epoch_left = (self.samples as f64 - totals.samples as f64) / speed.max(1e-9);
        // Later epochs as the finished ones, or as this one promises to be.
        let (seconds, number) = self.finished;
        let an_epoch = match number {
            0 => self.samples as f64 / speed.max(1e-9),
            _ => seconds / f64::from(number),
        };
        let left = epoch_left + an_epoch * (self.epochs - self.epoch) as f64;
        format!(
            "loss {}  {}%  {} spikes  {speed:.0} samples/s  {} left",
            shown(totals.mean_loss(), 1.0, 3),
            shown(totals.accuracy(), 100.0, 1),
            shown(totals.hidden_spikes(), 1.0, 0),
            duration(left),
        )
    }
}

impl Observer for Progress {
    fn epoch_begins(&mut self, epoch: usize, epochs: usize, samples: usize, done: &Totals) {
        (self.epoch, self.epochs, self.samples) = (epoch, epochs, samples);
        self.done = done.samples;
        self.begin = Instant::now();
        if self.terminal {
            let style = ProgressStyle::with_template(TEMPLATE)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let target = ProgressDrawTarget::stderr_with_hz(8);
            let bar = ProgressBar::with_draw_target(Some(samples as u64), target);
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_prefix(format!("epoch {epoch}/{epochs}"));
            bar.set_position(done.samples);
            self.bar = Some(bar);
        }
    }

    fn batch_ends(&mut self, totals: &Totals) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.message(totals));
            bar.set_position(totals.samples);
        }
    }

    fn evaluation_begins(&mut self) {
        if let Some(bar) = &self.bar {
            bar.set_message("validation");
        }
    }

    fn epoch_ends(&mut self, record: &EpochRecord, epochs: usize) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.done == 0 {
            self.finished.0 += self.begin.elapsed().as_secs_f64();
            self.finished.1 += 1;
        }
        let validation = match record.validation_accuracy {
            Some(accuracy) => format!("  validation {:.2} %", 100.0 * accuracy),
            None => String::new(),
        };
        // Nobody reads on: no reason to stop training.
        let _ = writeln!(
            stderr(),
            "epoch {}/{epochs}  loss {}{}  accuracy {} %{validation}  \
             {} spikes a sample  {:.0} samples/s  {:.1} s",
            record.epoch,
            shown(record.train_loss, 1.0, 4),
            if record.best { " (best)" } else { "" },
            shown(record.train_accuracy, 100.0, 2),
            shown(record.hidden_spikes, 1.0, 1),
            self.samples as f64 / record.train_seconds.max(1e-9),
            record.train_seconds,
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// `42s`, `3m07s`, `2h05m`.
fn duration(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds)
        .unwrap_or_default()
        .as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration(42.9), "42s");
        assert_eq!(duration(187.0), "3m07s");
        assert_eq!(duration(7500.0), "2h05m");
        assert_eq!(duration(f64::INFINITY), "0s");
    }

    #[test]
    fn the_bars_template_is_valid() {
        ProgressStyle::with_template(TEMPLATE).unwrap();
    }

    #[test]
    fn a_line_fits_80_columns() {
        let mut progress = Progress::new();
        (progress.epoch, progress.epochs, progress.samples) = (100, 140, 60_000);
        progress.begin = Instant::now() - Duration::from_secs(1);
        // 41 minutes are left.
        progress.finished = (60.0 * 99.0, 99);
        let totals = Totals {
            samples: 12_345,
            correct: 12_345,
            loss: 2.345 * 12_345.0,
            penalty: 0.25,
            spikes: vec![245 * 12_345],
        };
        let message = progress.message(&totals);
        let line = format!("epoch 100/140 ━━╸── {message}");
        assert!(message.contains("samples/s  40m"), "{message}");
        assert!(line.chars().count() <= 80, "{line}");
    }
}
