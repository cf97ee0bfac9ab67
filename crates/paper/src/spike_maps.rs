//! What the neurons of a run's best model do on one sample, drawn as maps over time.

use std::path::Path;

use anyhow::{Context, Result, bail};
use block_core::LayerInput;
use burn::tensor::{Device, Tensor};
use runner::BestModel;

use crate::draw::spikes::{Row, SpikeMaps, Spikes};
use crate::draw::style;
use crate::files;

/// Draws the spikes of all layers of a run's best model on a sample of its test split, and writes them as SVG.
///
/// # Errors
///
/// A folder that is no run, a sample that is not there, or a picture that cannot be written.
pub fn write(run: &Path, sample: usize, out: &Path) -> Result<()> {
    let device = Device::flex();
    let BestModel { plan, network } = BestModel::load(run, &device)?;
    let [_, _, samples] = plan.samples();
    if sample >= samples {
        bail!("sample {sample}: the test split has {samples}, expected a number from 0 below that");
    }
    let size = plan.config.train.batch_size;
    let loader = plan.test_loader(&device)?;
    let batch = loader.epoch(0).nth(sample / size);
    let batch = batch.with_context(|| format!("sample {sample} is in no batch"))??;
    let (input, targets) = batch.into();
    let index = sample % size;
    let trace = network.trace(&input)?;
    let answers = trace.answers();
    let one = |all: Tensor<3>| all.narrow(0, index, 1);
    let steps = input.shape()[1];
    let shape = network.input();
    let name_of = |name: &str, shape: &dyn std::fmt::Display| format!("{name}, {shape}");
    let mut rows = vec![row(
        name_of("input", &shape),
        shape.picture(),
        one(dense(&input)),
    )];
    let spiking = network.layers().into_iter();
    let spiking = spiking.filter(|layer| layer.spiking.is_some());
    for (layer, spikes) in spiking.zip(trace.hidden) {
        let shape = layer.output;
        rows.push(row(
            name_of(&layer.name, &shape),
            shape.picture(),
            one(spikes),
        ));
    }
    let names = plan.source.class_names();
    let name = |class: usize| names.get(class).cloned().unwrap_or(class.to_string());
    let targets: Vec<i64> = targets.into_data().iter().collect();
    let (target, answer) = (name(targets[index] as usize), name(answers[index]));
    let title = format!(
        "{}, test sample {sample}: {target}, taken for {answer}",
        plan.source.name()
    );
    let maps = SpikeMaps {
        title: &title,
        steps,
        rows,
    };
    files::write_whole(out, style::on_white(&maps.draw()?).as_bytes())
}

fn dense(input: &LayerInput) -> Tensor<3> {
    match (input.dense(), input.events()) {
        (Some(dense), _) => dense.clone(),
        (None, Some(events)) => events.to_dense(),
        (None, None) => unreachable!("an input has one form at least"),
    }
}

/// What one sample's layer does, `[1, time, neurons]`, whose neurons are a picture's or have no place.
fn row(name: String, picture: Option<[usize; 3]>, spikes: Tensor<3>) -> Row {
    let [_, steps, units] = spikes.dims();
    let fires: Vec<bool> = spikes.into_data().iter::<f32>().map(|x| x != 0.0).collect();
    let of_steps = (0..steps).map(|step| &fires[step * units..][..units]);
    let spikes = match picture {
        Some([channels, height, width]) => Spikes::Map {
            height,
            width,
            channels,
            counts: of_steps
                .map(|fires| channels_that_fire(fires, height * width))
                .collect(),
        },
        None => Spikes::Units {
            units,
            counts: of_steps
                .map(|fires| fires.iter().map(|&fires| u32::from(fires)).sum())
                .collect(),
        },
    };
    Row { name, spikes }
}

/// How many channels fire at each place.
fn channels_that_fire(fires: &[bool], places: usize) -> Vec<u32> {
    let mut counts = vec![0; places];
    for channel in fires.chunks_exact(places) {
        for (count, &fires) in counts.iter_mut().zip(channel) {
            *count += u32::from(fires);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_counted_by_place_and_step() {
        let device = Device::flex();
        // Two steps of two channels of 1 x 2.
        let spikes = [[[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]]];
        let spikes = || Tensor::<3>::from_floats(spikes, &device);
        let maps = row("hidden.0".into(), Some([2, 1, 2]), spikes());
        let Spikes::Map { counts, .. } = maps.spikes else {
            panic!("a map")
        };
        assert_eq!(counts, [[2, 0], [0, 1]]);
        let units = row("hidden.1".into(), None, spikes());
        let Spikes::Units { counts, units } = units.spikes else {
            panic!("units")
        };
        assert_eq!((counts, units), (vec![2, 1], 4));
    }
}
