//! Recordings as flat arrays.

use std::path::{Path, PathBuf};
use std::time::Instant;

use block_data::{
    DATA_SETS, EventFile, Locations, located_to_convert, read_recordings, write_flat,
};

use super::{Place, known, size};

#[derive(clap::Args)]
pub struct Args {
    /// A data set of recordings (n-mnist, shd, ssc), or one file, zip or folder of them.
    from: String,
    /// The folder for train.h5 and test.h5, by default that of the data set; or the file for what
    /// is in one file.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub fn run(args: &Args) -> Result<(), String> {
    let name = known(&args.from);
    let recordings = DATA_SETS
        .iter()
        .any(|set| set.name == name && set.timing.is_some());
    if !recordings {
        let from = PathBuf::from(&args.from);
        if !from.exists() {
            return Err(format!(
                "{}: expected n-mnist, shd, ssc, or the path of a file, zip or folder of recordings",
                args.from
            ));
        }
        let out = args.out.clone();
        let out = out.ok_or("expected --out FILE.h5 for what is in one file")?;
        return convert(&from, &out);
    }
    let locations: Locations = args.place.locations();
    let paths = located_to_convert(name, &locations);
    let [train, test] = &paths[..] else {
        let name = args.from.as_str();
        return Err(match block_data::open(known(name), &locations) {
            Err(error) => error.to_string(),
            Ok(_) => format!("{name}: only converted files are here, expected those to convert"),
        });
    };
    let beside = || train.parent().map(PathBuf::from).unwrap_or_default();
    let folder = args.out.clone().unwrap_or_else(beside);
    convert(train, &folder.join("train.h5"))?;
    convert(test, &folder.join("test.h5"))
}

fn convert(from: &Path, to: &Path) -> Result<(), String> {
    let start = Instant::now();
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let EventFile {
        recordings,
        class_names,
    } = read_recordings(from).map_err(|e| e.to_string())?;
    write_flat(to, &recordings, &class_names).map_err(|e| e.to_string())?;
    let bytes = to
        .metadata()
        .map_err(|e| format!("{}: {e}", to.display()))?;
    println!(
        "{}: {} recordings, {} events, {} in {:.1} s",
        to.display(),
        recordings.labels().len(),
        recordings.total_events(),
        size(bytes.len()),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
