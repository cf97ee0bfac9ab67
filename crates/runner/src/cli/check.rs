//! `check`: a plan for people to read.

use std::fmt::Write;

use super::arguments::CheckArguments;
use super::commands::load;
use crate::config::Validation;
use crate::error::Result;
use crate::plan::Plan;
use block_core::device;

/// Says what a config would do.
pub(super) fn check(arguments: &CheckArguments) -> Result<String> {
    let config = load(&arguments.config, &arguments.set.values, &arguments.place)?;
    let device = device::select(arguments.place.device())?;
    let plan = Plan::prepare(config)?;
    plan.check_memory(&device)?;
    let (name, threads) = (&device.name, device.threads());
    let mut text = format!("device       {name}, threads {threads}\n");
    describe(&plan, &mut text).unwrap_or_else(|error| unreachable!("text grows: {error}"));
    Ok(text)
}

fn describe(plan: &Plan, text: &mut String) -> std::fmt::Result {
    let (config, doubts) = (&plan.config, plan.doubts());
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
    writeln!(text, "training     {train} samples{augmented}")?;
    match config.data.validation {
        Validation::Test => writeln!(text, "validation   the test split, after every epoch")?,
        Validation::None => writeln!(text, "validation   none")?,
        Validation::Fraction(_) => writeln!(
            text,
            "validation   {validation} samples held out, after every epoch"
        )?,
    }
    writeln!(
        text,
        "test         {test} samples, {} classes",
        source.classes()
    )?;
    let (units, steps) = (source.units(), config.encode.steps);
    writeln!(text, "input        {units} units, {steps} time steps")?;
    let keys = toml::Table::try_from(&config.model).unwrap_or_default();
    let key = |name: &str| keys.get(name).and_then(toml::Value::as_str).unwrap_or("");
    let (formulation, readout) = (key("formulation"), key("readout"));
    let layers = plan.layers();
    for (index, layer) in layers.iter().enumerate() {
        let how = if index + 1 == layers.len() {
            format!("membrane, {readout} over time")
        } else {
            format!("{formulation} spikes")
        };
        writeln!(
            text,
            "{:<12} {} -> {}, {how}, {} parameters",
            layer.name, layer.inputs, layer.neurons, layer.parameters
        )?;
    }
    if config.model.skip && layers.len() > 2 {
        writeln!(
            text,
            "skip         every hidden layer's input is added to its output"
        )?;
    }
    writeln!(text, "parameters   {}", plan.parameters())?;
    let mebibytes = plan.memory_bytes() as f64 / f64::from(1 << 20);
    writeln!(text, "memory       about {mebibytes:.0} MiB")?;
    let plan = &config.train;
    let (epochs, size, rate) = (plan.epochs, plan.batch_size, plan.learning_rate);
    let batches = train.div_ceil(size);
    writeln!(
        text,
        "epochs       {epochs} of {batches} batches of {size}, learning rate {rate}"
    )?;
    let reached: Vec<_> = plan.milestones.iter().filter(|&&at| at < epochs).collect();
    if !reached.is_empty() {
        writeln!(
            text,
            "milestones   after {reached:?} epochs: rate times {}, best model, Adam afresh",
            plan.gamma
        )?;
    }
    for doubt in doubts {
        writeln!(text, "doubtful     {doubt}")?;
    }
    writeln!(text, "seed         {}\nnothing was run", config.seed)
}
