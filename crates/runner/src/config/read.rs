//! Known keys to a config: defaults, types and ranges.

use std::path::Path;

use block_data::encode::MAX_STEPS;
use block_data::{DATA_SETS, has_augmentation};
use block_models::{Formulation, ReadoutReduction};

use super::parse::Entries;
use super::{
    BetaKeys, Config, DataConfig, EncodeConfig, ModelConfig, ModelKind, TrainConfig, Validation,
    absolute_folder,
};
use crate::error::Result;

/// More neurons of a layer, or samples of a batch, than any machine here could hold.
const MANY: u64 = 1 << 24;

pub(super) fn config(entries: &Entries) -> Result<Config> {
    Ok(Config {
        // TOML's integers end there.
        seed: entries.integer("seed", 0, 0..=i64::MAX as u64)?,
        data: data(entries)?,
        encode: EncodeConfig {
            steps: entries.integer("encode.steps", 100, 1..=MAX_STEPS as u64)? as usize,
        },
        model: model(entries)?,
        train: train(entries)?,
    })
}

fn data(entries: &Entries) -> Result<DataConfig> {
    let names = DATA_SETS.map(|name| (name, name));
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
    // A data set without an augmentation has none by default.
    let augments = has_augmentation(name);
    let augment = entries.boolean("data.augment", augments)?;
    if augment && !augments {
        let expected = format!("false: the data set {name} has no augmentation");
        return Err(entries.refuse("data.augment", &expected));
    }
    Ok(DataConfig {
        name: name.to_string(),
        augment,
        validation,
        dir: data_dir(entries)?,
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
