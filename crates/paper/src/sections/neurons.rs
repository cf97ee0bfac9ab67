//! Figures 1 and 2: one neuron of each model, with the paper's inputs and weights.

use anyhow::Result;
use block_core::{
    LayerInput, NeuronModel, Neurons, SpikeError, SpikeEventsBuilder, Synapses, convolution,
    reference,
};
use burn::tensor::{Device, Tensor};

use crate::draw::traces::{self, Kind, Panel};
use crate::page::content::{Figure, Section};
use crate::prose::paragraphs;

const STEPS: usize = 100;

/// A neuron's weights, its decay, and the spikes of its inputs as (step, unit).
struct Neuron {
    weights: &'static [f32],
    beta: f32,
    inputs: &'static [(u32, u32)],
}

const SINGLE: Neuron = Neuron {
    weights: &[0.6, 0.5, 1.0],
    beta: 0.9,
    inputs: &[(23, 0), (62, 1), (50, 2)],
};

#[rustfmt::skip]
const MULTI: Neuron = Neuron {
    weights: &[0.4, 0.5, 0.6],
    beta: 0.8,
    inputs: &[
        (26, 0), (51, 0), (69, 0), (74, 0), (75, 0), (81, 0),
        (0, 1), (13, 1), (40, 1), (42, 1), (70, 1), (72, 1),
        (21, 2), (33, 2), (76, 2),
    ],
};

#[rustfmt::skip]
const BLOCK: Neuron = Neuron {
    weights: &[1.0; 10],
    beta: 0.9,
    inputs: &[
        (6, 8), (20, 8), (21, 2), (30, 5), (30, 9), (32, 3), (37, 3), (51, 0), (52, 4), (52, 5),
        (61, 8), (64, 8), (71, 4), (72, 9), (76, 7), (78, 7), (85, 3),
    ],
};

/// The part of the report.
pub(crate) fn section() -> Result<Section> {
    Ok(Section {
        name: "figures".to_string(),
        title: "Single neurons (figures 1 and 2)".to_string(),
        paragraphs: paragraphs(include_str!("../../prose/neurons.md")),
        figures: figures()?.into(),
        tables: Vec::new(),
    })
}

fn figures() -> Result<[Figure; 3]> {
    let [current, neurons] = [SINGLE.current()?, MULTI.current()?];
    let single = reference::scan(current.clone(), &SINGLE.neurons(NeuronModel::SingleSpike))?;
    let multi = reference::scan(neurons.clone(), &MULTI.neurons(NeuronModel::MultiSpike))?;
    let driven = BLOCK.current()?;
    // The scan never makes z.
    let block = convolution(driven.clone(), &BLOCK.neurons(NeuronModel::Block))?;
    let clipped = |membrane: Tensor<3>| line("V, at most 1", membrane.clamp_max(1.0), Some(1.0));
    let figure = |name, title: &str, panels: &[Panel], alt: &str| {
        anyhow::Ok(Figure {
            name,
            svg: traces::draw(title, STEPS, panels)?,
            alt: format!("{title}. {alt}"),
            caption: format!("Figure {name}. {title}."),
        })
    };
    Ok([
        figure(
            "1a",
            "Standard single-spike neuron: silent after its spike",
            &[
                clipped(single.membrane),
                line("I", current, None),
                SINGLE.raster(),
            ],
            "The potential climbs with each input, reaches the threshold at step 50 and is 0 from then on; the current \
             shows three inputs, at steps 23, 50 and 62.",
        )?,
        figure(
            "1b",
            "Standard multi-spike neuron: loses 1 at each spike",
            &[
                clipped(multi.membrane),
                line("I", neurons, None),
                MULTI.raster(),
            ],
            "Fifteen inputs; the potential reaches the threshold at steps 72 and 76 and falls by 1 each time.",
        )?,
        figure(
            "2",
            "Block model: of the faulty spikes S̃ only the first, z = 1, goes out",
            &[
                stems("S", block.spikes),
                line("z", block.order, None),
                stems("S̃", block.faulty),
                line("V", block.membrane, Some(1.0)),
                line("I", driven, None),
                BLOCK.raster(),
            ],
            "The potential is never reset and stays above the threshold at 71 steps from step 20 on; z is 1 at \
             step 20 and grows to 3001; one spike goes out, at step 20.",
        )?,
    ])
}

impl Neuron {
    /// `[1, time, 1]`.
    fn current(&self) -> Result<Tensor<3>, SpikeError> {
        let device = Device::flex();
        let units = self.weights.len();
        let mut events = SpikeEventsBuilder::new(STEPS, units);
        events.push_sample(self.inputs)?;
        let synapses = Synapses {
            weight: Tensor::<1>::from_floats(self.weights, &device).reshape([units, 1]),
            bias: Tensor::zeros([1], &device),
        };
        synapses.current(&LayerInput::from(events.build(&device)))
    }

    fn neurons(&self, model: NeuronModel) -> Neurons {
        Neurons::new(Tensor::from_floats([self.beta], &Device::flex()), model)
    }

    fn raster(&self) -> Panel {
        let spikes = self.inputs.iter();
        Panel {
            name: "input unit",
            kind: Kind::Raster {
                spikes: spikes
                    .map(|&(t, unit)| (t as usize, unit as usize))
                    .collect(),
                units: self.weights.len(),
            },
        }
    }
}

fn line(name: &'static str, values: Tensor<3>, threshold: Option<f32>) -> Panel {
    let values = floats(values);
    let kind = Kind::Line { values, threshold };
    Panel { name, kind }
}

fn stems(name: &'static str, values: Tensor<3>) -> Panel {
    let kind = Kind::Stems(floats(values));
    Panel { name, kind }
}

fn floats(values: Tensor<3>) -> Vec<f32> {
    let values = values.into_data();
    values.iter::<f32>().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(spikes: Tensor<3>) -> Vec<usize> {
        let spikes = floats(spikes).into_iter().enumerate();
        spikes.filter(|&(_, s)| s > 0.0).map(|(t, _)| t).collect()
    }

    #[test]
    fn figure_1_fires_when_the_papers_does() {
        let single = reference::scan(
            SINGLE.current().unwrap(),
            &SINGLE.neurons(NeuronModel::SingleSpike),
        )
        .unwrap();
        assert_eq!(steps(single.spikes), [50]);
        let multi = reference::scan(
            MULTI.current().unwrap(),
            &MULTI.neurons(NeuronModel::MultiSpike),
        )
        .unwrap();
        assert_eq!(steps(multi.spikes), [72, 76]);
    }

    #[test]
    fn figure_2_has_the_papers_faulty_spikes() {
        let current = BLOCK.current().unwrap();
        let block = convolution(current.clone(), &BLOCK.neurons(NeuronModel::Block)).unwrap();
        assert_eq!(steps(block.spikes), [20]);
        let faulty: Vec<usize> = (20..=28).chain(30..=47).chain(51..=94).collect();
        assert_eq!(faulty.len(), 71);
        assert_eq!(steps(block.faulty), faulty);
        assert_eq!(floats(block.order)[99], 3001.0);
        let scan = block_core::scan(current, &BLOCK.neurons(NeuronModel::Block)).unwrap();
        assert_eq!(steps(scan.spikes()), [20]);
    }

    #[test]
    fn the_figures_can_be_drawn() {
        let section = section().unwrap();
        section.check().unwrap();
        for figure in section.figures {
            assert!(figure.svg.contains("time step"), "{}", figure.name);
        }
    }
}
