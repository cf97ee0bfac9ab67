use block_core::device::{DeviceError, NamedDevice};
use block_core::{LayerInput, NeuronModel, SpikeError, convolution, linear_layer, reference};
use block_models::{LinearConfig, NetworkConfig, Shape, SpikingLinear};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::Lap;
use crate::dense::INPUTS;
use crate::stopwatch::Stopwatch;

/// How a layer of the speed benchmark is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// The standard single-spike model step by step on autodiff, what the paper compares with: a matrix
    /// product, then some ten tensor operations a time step.
    Standard,
    /// The block model as the paper's two convolutions over time, after the same matrix product.
    Convolution,
    /// The block model as this library computes it: a matrix product and one fused scan; between layers
    /// events, on the CPU.
    Scan,
    /// The standard single-spike model with all that the scan has but the block model: one fused
    /// sequential kernel, the gradient in closed form, events between layers.
    FusedStandard,
}

impl Pace {
    /// All paces.
    pub const ALL: [Self; 4] = [
        Self::Standard,
        Self::Convolution,
        Self::Scan,
        Self::FusedStandard,
    ];
}

/// What the neurons' decay is: 0.9 in all cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BetaKind {
    /// One a neuron, trained.
    TrainedPerNeuron,
    /// One a neuron, without a gradient.
    FixedPerNeuron,
    /// One for all, without a gradient.
    FixedShared,
}

/// Layers of neurons without a readout on the speed benchmark's dense spikes, the same weights for every
/// [`Pace`].
pub struct Stack {
    layers: Vec<SpikingLinear>,
    device: NamedDevice,
}

impl Stack {
    /// Fresh layers of so many neurons each.
    pub fn new(layers: usize, neurons: usize, beta: BetaKind, device: &NamedDevice) -> Self {
        let tracked: Device = device.device.clone().autodiff();
        let config = LinearConfig {
            beta: Some(0.9),
            beta_per_neuron: Some(beta != BetaKind::FixedShared),
            beta_trained: Some(beta == BetaKind::TrainedPerNeuron),
            ..LinearConfig::new(neurons)
        };
        let defaults = NetworkConfig::default().layer_defaults(true);
        let layer = |index: usize| {
            let inputs = if index == 0 { INPUTS } else { neurons };
            let layer = config.init(Shape::Units(inputs), &defaults, &tracked);
            layer.expect("the sizes make a layer")
        };
        Self {
            layers: (0..layers).map(layer).collect(),
            device: device.clone(),
        }
    }

    /// The last layer's spikes.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not have the benchmark's units.
    pub fn spikes(&self, input: &LayerInput, pace: Pace) -> Result<Tensor<3>, SpikeError> {
        let mut spikes = input.clone();
        for layer in &self.layers {
            spikes = through(layer, &spikes, pace)?;
        }
        Ok(spikes.dense().expect("layers put out dense spikes").clone())
    }

    /// The share of neurons that fire, by layer, the same for every [`Pace`].
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not have the benchmark's units.
    pub fn firing(&self, input: &LayerInput) -> Result<Vec<f64>, SpikeError> {
        let mut input = input.clone();
        let mut shares = Vec::new();
        for layer in &self.layers {
            input = through(layer, &input, Pace::Scan)?;
            let spikes = input.dense().expect("layers put out dense spikes").clone();
            let [batch, _, neurons] = spikes.dims();
            // A neuron fires at most once, so spikes are neurons.
            let fired: f64 = spikes.sum().into_data().iter::<f64>().sum();
            shares.push(fired / (batch * neurons) as f64);
        }
        Ok(shares)
    }

    /// Times the layers forward, then the sum of the last one's spikes and backward.
    ///
    /// # Errors
    ///
    /// If the device fails.
    ///
    /// # Panics
    ///
    /// If the input does not have the benchmark's units.
    pub fn lap(&self, input: &LayerInput, pace: Pace) -> Result<Lap, DeviceError> {
        let mut watch = Stopwatch::start(&self.device)?;
        let spikes = self.spikes(input, pace).expect("the batch fits the layer");
        let forward = watch.split()?;
        drop(spikes.sum().backward());
        let backward = watch.split()?;
        Ok(Lap { forward, backward })
    }
}

/// A layer's spikes.
fn through(
    layer: &SpikingLinear,
    input: &LayerInput,
    pace: Pace,
) -> Result<LayerInput, SpikeError> {
    let synapses = layer.synapses();
    let fused = |model| linear_layer(input, &synapses, &layer.neurons(model))?.to_input();
    match pace {
        Pace::Scan => fused(NeuronModel::Block),
        Pace::FusedStandard => fused(NeuronModel::SingleSpike),
        Pace::Convolution => {
            let neurons = layer.neurons(NeuronModel::Block);
            let out = convolution(synapses.current(input)?, &neurons)?;
            Ok(out.spikes.into())
        }
        Pace::Standard => {
            let neurons = layer.neurons(NeuronModel::SingleSpike);
            let out = reference::scan(synapses.current(input)?, &neurons)?;
            Ok(out.spikes.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense_spikes;

    #[test]
    fn all_paces_give_the_same_spikes() {
        let device = block_core::device::select("cpu").unwrap();
        device.device.seed(1);
        let stack = Stack::new(1, 50, BetaKind::TrainedPerNeuron, &device);
        let tracked = device.device.clone().autodiff();
        let input = LayerInput::from(dense_spikes([3, 16, INPUTS], 5, &tracked));
        let sums = Pace::ALL.map(|pace| {
            let spikes = stack.spikes(&input, pace).unwrap();
            let counts = spikes.sum_dim(2).into_data();
            counts.iter::<f32>().collect::<Vec<_>>()
        });
        assert!(sums[0].iter().sum::<f32>() > 0.0);
        let firing = stack.firing(&input).unwrap();
        let share = f64::from(sums[0].iter().sum::<f32>()) / (3 * 50) as f64;
        assert_eq!(firing, [share]);
        for other in &sums[1..] {
            assert_eq!(other, &sums[0]);
        }
    }
}
