//! Figure 3.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use paper::experiment::Places;
use paper::report;
use paper::speedup::{Job, Preset, folder};
use runner::cli::path;

#[derive(clap::Args)]
pub(super) struct Args {
    /// How much of the grid.
    #[arg(long, value_enum)]
    preset: Preset,
    /// `auto`, `cpu`, `cuda`, `cuda:N`, `wgpu` or `wgpu:N`, of those compiled in.
    #[arg(long, default_value = "auto")]
    device: String,
    /// The folder of results.
    #[arg(long, default_value = "results", value_parser = path())]
    out: PathBuf,
    /// Memory that a cell may have, in GB; on the CPU four fifths of what is free, unless told.
    #[arg(long, value_name = "GB", value_parser = gigabytes)]
    memory: Option<f64>,
    /// Tries again what an earlier run left out, with the preset's time anew.
    #[arg(long, conflicts_with = "draw")]
    retry: bool,
    /// Draws what is there, and measures nothing.
    #[arg(long)]
    draw: bool,
}

impl Args {
    /// The speedup of the command `all`: by the device's preset, or as a look where one is asked for.
    pub(super) fn of_all(
        device: Option<&str>,
        look: bool,
        out: &Path,
        memory: Option<f64>,
    ) -> Self {
        let device = device.unwrap_or("auto");
        let gpu = ["cuda", "wgpu"].iter().any(|kind| device.starts_with(kind));
        Self {
            preset: match (look, gpu) {
                (true, _) => Preset::Quick,
                (false, true) => Preset::Full,
                (false, false) => Preset::Cpu,
            },
            device: device.to_owned(),
            out: out.to_path_buf(),
            memory,
            retry: false,
            draw: false,
        }
    }

    /// What is to be measured.
    pub(super) fn job(&self) -> Result<Job> {
        let device = block_core::device::select(&self.device)?;
        Ok(Job {
            preset: self.preset,
            folder: folder(&self.out, &device.name, self.preset),
            device,
            memory: self.memory,
            retry: self.retry,
        })
    }
}

/// A number of gigabytes on the command line.
pub(super) fn gigabytes(text: &str) -> Result<f64, String> {
    let found = text.parse().ok();
    found
        .filter(|found: &f64| found.is_finite() && *found > 0.0)
        .ok_or_else(|| "expected a number over 0, as in 16 or 0.5".to_owned())
}

/// Measures what is left, draws, and prints a summary.
pub(super) fn run(args: &Args) -> Result<()> {
    let (job, places) = (args.job()?, Places::new(&args.out));
    let device = &job.device.name;
    if device != "cpu" && args.memory.is_none() && !args.draw {
        bail!("how much memory {device} has is not known: --memory GB says it");
    }
    if args.draw && job.is_new()? {
        bail!(
            "{}: nothing measured there, expected a line at least; without --draw it is measured",
            job.folder.display()
        );
    }
    if !args.draw && !job.is_done()? {
        // What is in the way of the report is said before any work.
        report::contents(&places)?;
        job.measure()?;
    }
    let summary = job.summarise()?;
    report::write(&places)?;
    print!("{summary}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_a_number_over_0() {
        assert_eq!(gigabytes("0.5"), Ok(0.5));
        for wrong in ["-1", "0", "nan", "inf", "x", ""] {
            assert!(gigabytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_gpu_has_the_papers_grid() {
        let preset = |device, look| Args::of_all(device, look, Path::new("x"), None).preset;
        assert_eq!(preset(Some("cuda:1"), false), Preset::Full);
        assert_eq!(preset(None, false), Preset::Cpu);
        assert_eq!(preset(Some("cpu"), true), Preset::Quick);
    }
}
