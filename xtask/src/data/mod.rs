//! `cargo xtask data …`: data sets on this machine.

mod check;
mod convert;
mod list;
mod show;

use std::path::{Path, PathBuf};

use block_data::{DATA_SETS, DataSet, DataSource, Locations, is_present, located, open};
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
        Task::Get(args) => get(known(&args.name), &args.place.locations()),
        Task::Convert(args) => convert::run(args),
    }
}

/// Fetches a data set, unless it is here and right.
fn get(name: &str, locations: &Locations) -> Result<(), String> {
    let paths = located(name, locations);
    let folder = match paths.first().and_then(|path| path.parent()) {
        Some(folder) if check::sound(name, folder)? => folder.to_path_buf(),
        None if is_present(name, locations) => {
            println!("{name} needs no files: it is made on the spot");
            return Ok(());
        }
        _ => runner::data::fetch_data(name, locations).map_err(|e| e.to_string())?,
    };
    println!("{name} is in {}", folder.display());
    Ok(())
}

impl Place {
    fn locations(&self) -> Locations {
        Locations::new(self.data_dir.clone())
    }

    /// A data set by its name, or that of a config; and how its recordings are binned, in steps of
    /// milliseconds.
    fn open(&self, name: &str) -> Result<(DataSource, Option<(usize, f32)>), String> {
        if Path::new(name).extension().is_some_and(|end| end == "toml") {
            let mut config = Config::load(Path::new(name), &[]).map_err(|e| e.to_string())?;
            if let Some(folder) = &self.data_dir {
                config.data.dir = Some(folder.display().to_string());
            }
            let (steps, dt) = (config.encode.steps, config.encode.dt);
            let plan = Plan::prepare(config).map_err(|e| e.to_string())?;
            return Ok((plan.source, dt.map(|dt| (steps, dt as f32))));
        }
        let source = open(known(name), &self.locations()).map_err(|e| e.to_string())?;
        let timing = source.timing().map(|timing| (timing.steps, timing.dt));
        Ok((source, timing))
    }
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
