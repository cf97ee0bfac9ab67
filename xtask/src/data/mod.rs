//! `cargo xtask data …`: data sets on this machine.

mod check;
mod convert;
mod list;
mod show;

use std::path::{Path, PathBuf};

use block_data::{
    DATA_SETS, DataSet, DataSource, EventFiles, Locations, is_present, located, open,
};
use runner::{Config, Plan};

#[derive(clap::Subcommand)]
pub enum Task {
    /// A table of all data sets: whether they are here, samples, classes, size, licence.
    List(Place),
    /// Verifies data sets by size, checksum and content, and says what is wrong.
    Check(check::Args),
    /// Draws a sample, as SVG: the image and its spikes, or the recording and its class.
    Show(show::Args),
    /// Fetches and verifies a data set.
    Get(Get),
    /// Writes recordings as one HDF5 file of flat arrays a split, which loads fastest.
    Convert(convert::Args),
}

#[derive(clap::Args)]
pub struct Get {
    /// The data set.
    name: String,
    /// Asks no network: only unpacks and verifies what lies there.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    place: Place,
}

/// Where data sets are.
#[derive(clap::Args)]
pub struct Place {
    /// The only folder in which data sets are looked for, and into which they are fetched.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

pub fn run(task: &Task) -> Result<(), String> {
    match task {
        Task::List(place) => list::run(place),
        Task::Check(args) => check::run(args),
        Task::Show(args) => show::run(args),
        Task::Get(args) => get(args),
        Task::Convert(args) => convert::run(args),
    }
}

/// Fetches a data set, unless it is here and right.
fn get(args: &Get) -> Result<(), String> {
    let (name, locations) = (known(&args.name), args.place.locations());
    if located(name, &locations).is_empty() || !check::is_sound(name, &locations)? {
        if is_present(name, &locations) && located(name, &locations).is_empty() {
            println!("{name} needs no files: it is made on the spot");
            return Ok(());
        }
        runner::data::fetch_data(name, &locations, args.offline).map_err(|e| e.to_string())?;
        if !check::is_sound(name, &locations)? {
            return Err(format!(
                "{name} was fetched, but other files hide it: `cargo xtask data check {name}` tells \
                 which; delete them"
            ));
        }
    }
    let paths = located(name, &locations);
    let folder = paths.first().and_then(|path| path.parent());
    println!("{name} is in {}", folder.unwrap_or(Path::new("")).display());
    Ok(())
}

impl Place {
    fn locations(&self) -> Locations {
        Locations::new(self.data_dir.clone())
    }

    /// A data set by its name, that of a config, or recordings by their path; and its time steps, with
    /// the milliseconds of each for recordings.
    fn open(&self, name: &str) -> Result<(DataSource, Steps), String> {
        let (path, text) = (Path::new(name), |error: &dyn std::fmt::Display| {
            error.to_string()
        });
        if path.extension().is_some_and(|end| end == "toml") {
            let mut config = Config::load(path, &[]).map_err(|e| text(&e))?;
            if let Some(folder) = &self.data_dir {
                config.data.dir = Some(folder.display().to_string());
            }
            let (steps, dt) = (config.encode.steps, config.encode.dt);
            let plan = Plan::prepare(config).map_err(|e| text(&e))?;
            let dt = dt.map(|dt| dt as f32);
            return Ok((
                plan.source,
                Steps {
                    steps: Some(steps),
                    dt,
                },
            ));
        }
        if DataSet::named(known(name)).is_none() && path.exists() {
            let files = EventFiles {
                train: path.to_path_buf(),
                test: path.to_path_buf(),
                units: None,
                classes: None,
            };
            let source = files.open(&Locations::new(None)).map_err(|e| text(&e))?;
            return Ok((source, Steps::default()));
        }
        let source = open(known(name), &self.locations()).map_err(|e| text(&e))?;
        let timing = source.timing();
        let steps = Steps {
            steps: timing.map(|timing| timing.steps),
            dt: timing.map(|timing| timing.dt),
        };
        Ok((source, steps))
    }
}

/// How samples become spikes, as far as that is known.
#[derive(Clone, Copy, Default)]
struct Steps {
    steps: Option<usize>,
    /// Milliseconds of a step.
    dt: Option<f32>,
}

/// The data set that is meant: `nmnist` is `n-mnist` too.
fn known(name: &str) -> &str {
    let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
    let same = |set: &&DataSet| plain(set.name) == plain(name);
    DATA_SETS.iter().find(same).map_or(name, |set| set.name)
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
