use block_core::device::{DeviceError, NamedDevice};
use block_core::{LayerInput, NeuronModel, convolution, linear_layer};
use block_models::{Formulation, LeakyLinear, LeakyLinearConfig};
use burn::tensor::Tensor;

use crate::stopwatch::Stopwatch;
use crate::{Lap, Passes, Work, Workload};

/// The layer of the paper's speed benchmark: forward; the sum of its spikes, and backward.
pub struct Layer {
    workload: Workload,
    layer: LeakyLinear,
    formulation: Formulation,
    input: LayerInput,
    device: NamedDevice,
}

impl Layer {
    /// A fresh layer on a fixed batch.
    pub fn new(workload: Workload, formulation: Formulation, device: &NamedDevice) -> Self {
        let tracked = &device.device.clone().autodiff();
        let sizes = workload.sizes();
        let config = LeakyLinearConfig::new(sizes.inputs, sizes.hidden[0])
            .with_beta_per_neuron(true)
            .with_beta_trained(true);
        Self {
            workload,
            layer: config.init(tracked),
            formulation,
            input: workload.input(tracked),
            device: device.clone(),
        }
    }

    fn forward(&self) -> Tensor<3> {
        let synapses = self.layer.synapses();
        let model = match self.formulation {
            Formulation::Scan => NeuronModel::Block,
            Formulation::StandardSingle => NeuronModel::SingleSpike,
            Formulation::StandardMulti => NeuronModel::MultiSpike,
            Formulation::Convolution => {
                let current = synapses.current(&self.input);
                let neurons = self.layer.neurons(NeuronModel::Block);
                let spikes = current.and_then(|current| convolution(current, &neurons));
                return spikes.expect("the batch fits the layer").spikes;
            }
        };
        let out = linear_layer(&self.input, &synapses, &self.layer.neurons(model));
        out.expect("the batch fits the layer").spikes()
    }
}

impl Passes for Layer {
    fn lap(&mut self) -> Result<Lap, DeviceError> {
        let mut watch = Stopwatch::start(&self.device)?;
        let spikes = self.forward();
        let forward = watch.split()?;
        drop(spikes.sum().backward());
        let backward = watch.split()?;
        Ok(Lap { forward, backward })
    }

    fn work(&self) -> Option<Work> {
        (self.formulation == Formulation::Scan).then(|| Work::of_layer(self.workload))
    }

    fn hidden_spikes(&self) -> Option<f64> {
        None
    }
}
