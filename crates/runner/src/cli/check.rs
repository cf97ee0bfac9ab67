//! `check`: a plan for people to read.

use std::fmt::Write;
use std::iter::repeat;

use super::arguments::CheckArguments;
use super::load::load;
use crate::config::{Code, Validation, keys};
use crate::error::Result;
use crate::memory::Work;
use crate::plan::Plan;
use crate::room::Room;
use crate::splits::{Split, Surveys};
use block_core::device;
use block_data::counted;
use block_models::LayerConfig;
use burn::module::Module;

/// Says what a config would do.
pub(super) fn check(arguments: &CheckArguments) -> Result<String> {
    let config = load(
        &arguments.config,
        &arguments.set.values,
        arguments.place.data_dir(),
    )?;
    let device = device::select(arguments.place.device())?;
    let plan = Plan::prepare(config)?;
    let surveys = plan.survey(&Split::ALL)?;
    plan.check_memory(&device, &surveys, Work::Training)?;
    let (name, threads) = (&device.name, device.threads());
    let mut text = format!("device       {name}, threads {threads}\n");
    describe(&plan, &surveys, &mut text)
        .unwrap_or_else(|error| unreachable!("text grows: {error}"));
    Ok(text)
}

fn describe(plan: &Plan, surveys: &Surveys, text: &mut String) -> std::fmt::Result {
    let (config, doubts) = (&plan.config, plan.doubts(surveys));
    let [train, validation, test] = plan.samples();
    let source = &plan.source;
    let place = match source.folder() {
        Some(folder) => format!("in {}", folder.display()),
        None => "made on the spot".to_string(),
    };
    writeln!(text, "data         {}, {place}", source.name())?;
    let augmented = if config.data.augment {
        ", augmented"
    } else {
        ""
    };
    writeln!(text, "training     {}{augmented}", counted(train, "sample"))?;
    match config.data.validation {
        Validation::Test => writeln!(text, "validation   the test split, after every epoch")?,
        Validation::None => writeln!(text, "validation   none")?,
        Validation::Fraction(_) => writeln!(
            text,
            "validation   {} held out, after every epoch",
            counted(validation, "sample")
        )?,
    }
    writeln!(
        text,
        "test         {}, {}",
        counted(test, "sample"),
        counted(source.classes(), "class")
    )?;
    for (split, survey) in surveys.iter() {
        let split = format!("{split}:");
        writeln!(text, "  {split:<12}{}", survey.account)?;
    }
    let (units, steps) = (source.units(), config.encode.steps);
    let (units, steps) = (counted(units, "unit"), counted(steps, "time step"));
    let frames = match config.encode.code {
        Some(Code::Frames) => ", frames",
        _ => "",
    };
    writeln!(text, "input        {units}, {steps}{frames}")?;
    let own = config.model.layers.iter().flatten().map(own_settings);
    let mut own = own.chain(repeat(String::new()));
    for layer in plan.network.layers() {
        let (name, input, output) = (&layer.name, layer.input, layer.output);
        let (summary, parameters) = (&layer.summary, counted(layer.parameters, "parameter"));
        writeln!(
            text,
            "{name:<12} {input} -> {output}, {summary}, {parameters}"
        )?;
        if let Some(own) = own.next().filter(|own| !own.is_empty()) {
            writeln!(text, "             of its own: {own}")?;
        }
    }
    writeln!(text, "parameters   {}", plan.network.num_params())?;
    let mebibytes = |bytes: u64| (bytes as f64 / f64::from(1 << 20)).round();
    let takes = mebibytes(plan.memory_bytes(surveys, Work::Training));
    write!(text, "memory       about {takes} MiB")?;
    match Room::now() {
        Some(Room { left, total, limit }) => {
            let (left, total) = (mebibytes(left), mebibytes(total));
            writeln!(
                text,
                "; {left} MiB are available of the {total} MiB of {limit}"
            )?;
        }
        None => writeln!(text)?,
    }
    let plan = &config.train;
    let (epochs, size, rate) = (plan.epochs, plan.batch_size, plan.learning_rate);
    let batches = train.div_ceil(size);
    writeln!(
        text,
        "epochs       {epochs} of {} of {size}, learning rate {rate:?}",
        counted(batches, "batch")
    )?;
    let reached: Vec<_> = plan.milestones.iter().filter(|&&at| at < epochs).collect();
    if !reached.is_empty() {
        writeln!(
            text,
            "milestones   after {reached:?} epochs: rate times {:?}, back to the best model, new Adam state",
            plan.gamma
        )?;
    }
    for doubt in doubts {
        writeln!(text, "doubtful     {doubt}")?;
    }
    writeln!(text, "seed         {}\nnothing was run", config.seed)
}

/// What a layer's config says beyond what every layer must: the settings that take precedence over the model's.
fn own_settings(layer: &LayerConfig) -> String {
    let table = toml::Table::try_from(layer).unwrap_or_default();
    let keys = keys();
    let required = |name: &str| {
        let path = format!("model.layers.N.{name}");
        keys.iter().any(|key| key.required && key.path == path)
    };
    let own = table.iter().filter(|(name, _)| !required(name));
    let own = own.map(|(name, value)| format!("{name} = {value}"));
    own.collect::<Vec<_>>().join(", ")
}
