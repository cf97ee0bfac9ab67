//! Known keys to a config: defaults, types and ranges.

use std::path::Path;

use block_data::encode::MAX_STEPS;
use block_data::{DATA_SETS, DataSet, EVENTS};
use block_models::{Formulation, ReadoutReduction};

use super::parse::Entries;
use super::{
    BetaKeys, Config, DataConfig, EncodeConfig, FileKeys, ModelConfig, ModelKind, TrainConfig,
    Validation, absolute_folder,
};
use crate::error::Result;

/// More neurons of a layer, or samples of a batch, than any machine here could hold.
const MANY: u64 = 1 << 24;

pub(super) fn config(entries: &Entries) -> Result<Config> {
    let data = data(entries)?;
    Ok(Config {
        // TOML's integers end there.
        seed: entries.integer("seed", 0, 0..=i64::MAX as u64)?,
        encode: encode(entries, &data.name)?,
        data,
        model: model(entries)?,
        train: train(entries)?,
    })
}

fn data(entries: &Entries) -> Result<DataConfig> {
    let known = DATA_SETS.iter().map(|set| set.name);
    let names: Vec<_> = known.chain([EVENTS]).map(|name| (name, name)).collect();
    let name = entries.choice("data.name", "fashion-mnist", &names)?;
    let validation = entries.number_or_text(
        "data.validation",
        Validation::Test,
        "\"test\", \"none\" or a fraction between 0 and 1",
        |number, text| match (number, text) {
            (_, Some("test")) => Some(Validation::Test),
            (_, Some("none")) => Some(Validation::None),
            (Some(number), _) if number > 0.0 && number < 1.0 => Some(Validation::Fraction(number)),
            _ => None,
        },
    )?;
    let set = DataSet::named(name);
    let augment = entries.boolean("data.augment", set.is_some_and(|set| set.augmented))?;
    if augment && ["synthetic", "yin-yang"].contains(&name) {
        let expected = format!("false: the data set {name} has no augmentation");
        return Err(entries.refuse("data.augment", &expected));
    }
    Ok(DataConfig {
        name: name.to_string(),
        augment,
        validation,
        dir: data_dir(entries)?,
        files: files(entries, name)?,
    })
}

/// The keys of files of one's own, which no other data set has.
fn files(entries: &Entries, name: &str) -> Result<Option<FileKeys>> {
    if name != EVENTS {
        let keys = ["data.train", "data.test", "data.units", "data.classes"];
        return match keys.into_iter().find(|key| entries.has(key)) {
            Some(key) => Err(entries.refuse(key, "it only with data.name = \"events\"")),
            None => Ok(None),
        };
    }
    let file = |key| {
        let expected = "the path of an HDF5 file of recordings, for data.name = \"events\"";
        let text = entries.text(key)?.filter(|path| !path.is_empty());
        let text = text.ok_or_else(|| entries.refuse(key, expected))?;
        // What is in the working folder is found from elsewhere too, by whoever repeats the run.
        match Path::new(&text).exists() {
            true => absolute_folder(Path::new(&text)).map_err(|_| entries.refuse(key, expected)),
            false => Ok(text),
        }
    };
    let number = |key| match entries.has(key) {
        true => entries.integer(key, 1, 1..=MANY).map(|n| Some(n as usize)),
        false => Ok(None),
    };
    Ok(Some(FileKeys {
        train: file("data.train")?,
        test: file("data.test")?,
        units: number("data.units")?,
        classes: number("data.classes")?,
    }))
}

fn encode(entries: &Entries, name: &str) -> Result<EncodeConfig> {
    let set = DataSet::named(name);
    let usual = set.and_then(|set| set.timing);
    let recordings = usual.is_some() || name == EVENTS;
    // Nobody but the user knows how long recordings of their own are.
    for key in ["encode.steps", "encode.dt"] {
        if name == EVENTS && !entries.has(key) {
            return Err(entries.refuse(key, "a number, as these recordings have no usual one"));
        }
    }
    if !recordings && entries.has("encode.dt") {
        let expected = format!("it only for recordings: {name} has values, each a spike");
        return Err(entries.refuse("encode.dt", &expected));
    }
    let steps = usual.map_or(100, |timing| timing.steps as u64);
    let dt = usual.map_or(1.0, |timing| f64::from(timing.dt));
    let dt = entries.number("encode.dt", dt, POSITIVE, |dt| {
        positive(dt) && dt as f32 > 0.0
    })?;
    Ok(EncodeConfig {
        steps: entries.integer("encode.steps", steps, 1..=MAX_STEPS as u64)? as usize,
        dt: recordings.then_some(dt),
    })
}

/// The folder of data sets, absolute.
fn data_dir(entries: &Entries) -> Result<Option<String>> {
    let Some(dir) = entries.text("data.dir")? else {
        return Ok(None);
    };
    match absolute_folder(Path::new(&dir)) {
        Ok(dir) => Ok(Some(dir)),
        Err(expected) => Err(entries.refuse("data.dir", expected)),
    }
}

fn model(entries: &Entries) -> Result<ModelConfig> {
    let hidden = entries.integers("model.hidden", &[1000], 1..=MANY)?;
    if hidden.is_empty() {
        return Err(entries.refuse("model.hidden", "at least one hidden layer"));
    }
    let skip = entries.boolean("model.skip", false)?;
    if skip && hidden.windows(2).any(|pair| pair[0] != pair[1]) {
        let expected = "hidden layers of equal width, because model.skip is true";
        return Err(entries.refuse("model.hidden", expected));
    }
    let formulations = [
        ("scan", Formulation::Scan),
        ("convolution", Formulation::Convolution),
        ("standard-single", Formulation::StandardSingle),
        ("standard-multi", Formulation::StandardMulti),
    ];
    let readouts = [
        ("sum", ReadoutReduction::Sum),
        ("max", ReadoutReduction::Max),
    ];
    let beta = |key, default| {
        let valid = |beta: f64| (0.0..=1.0).contains(&beta);
        entries.number(key, default, "a number from 0 to 1", valid)
    };
    Ok(ModelConfig {
        kind: entries.choice(
            "model.kind",
            ModelKind::Linear,
            &[("linear", ModelKind::Linear)],
        )?,
        hidden,
        formulation: entries.choice("model.formulation", Formulation::Scan, &formulations)?,
        readout: entries.choice("model.readout", ReadoutReduction::Sum, &readouts)?,
        skip,
        init_scale: entries.number("model.init_scale", 1.0, POSITIVE, positive)?,
        beta: BetaKeys {
            hidden: beta("model.beta.hidden", 0.904837418)?,
            readout: beta("model.beta.readout", 0.951229425)?,
            per_neuron: entries.boolean("model.beta.per_neuron", true)?,
            trained: entries.boolean("model.beta.trained", true)?,
        },
    })
}

fn train(entries: &Entries) -> Result<TrainConfig> {
    // The defaults belong to 140 epochs; with fewer the later ones are never reached.
    let milestones = entries.integers("train.milestones", &[15, 90, 120], 1..=MANY)?;
    if milestones.windows(2).any(|pair| pair[0] >= pair[1]) {
        let expected = "numbers of finished epochs in increasing order";
        return Err(entries.refuse("train.milestones", expected));
    }
    let gamma = entries.number(
        "train.gamma",
        0.1,
        "a number above 0 and at most 1",
        |gamma| gamma > 0.0 && gamma <= 1.0,
    )?;
    Ok(TrainConfig {
        epochs: entries.integer("train.epochs", 140, 1..=MANY)? as usize,
        batch_size: entries.integer("train.batch_size", 128, 1..=MANY)? as usize,
        learning_rate: entries.number("train.learning_rate", 0.001, POSITIVE, positive)?,
        milestones,
        gamma,
    })
}

const POSITIVE: &str = "a finite number above 0";

fn positive(number: f64) -> bool {
    number > 0.0 && number.is_finite()
}
