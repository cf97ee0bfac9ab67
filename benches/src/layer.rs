use block_core::device::{DeviceError, NamedDevice};
use block_core::{LayerInput, convolution, linear_layer};
use block_models::{Formulation, LinearConfig, NetworkConfig, Shape, SpikingLinear};
use burn::tensor::Tensor;

use crate::stopwatch::Stopwatch;
use crate::{Lap, Passes, Work, Workload};

/// The layer of the paper's speed benchmark: forward; the sum of its spikes, and backward.
pub struct Layer {
    workload: Workload,
    layer: SpikingLinear,
    formulation: Formulation,
    input: LayerInput,
    device: NamedDevice,
}

impl Layer {
    /// A fresh layer on a fixed batch.
    pub fn new(workload: Workload, formulation: Formulation, device: &NamedDevice) -> Self {
        let tracked = &device.device.clone().autodiff();
        let sizes = workload.sizes();
        let config = LinearConfig {
            beta: Some(0.9),
            ..LinearConfig::new(sizes.hidden[0])
        };
        let defaults = NetworkConfig::default().layer_defaults(true);
        let layer = config.init(Shape::Units(sizes.inputs), &defaults, tracked);
        Self {
            workload,
            layer: layer.expect("the sizes make a layer"),
            formulation,
            input: workload.input(tracked),
            device: device.clone(),
        }
    }

    fn forward(&self) -> Tensor<3> {
        let synapses = self.layer.synapses();
        let neurons = self.layer.neurons(self.formulation.model());
        let spikes = if self.formulation.has_kernels() {
            linear_layer(&self.input, &synapses, &neurons).map(|out| out.spikes())
        } else {
            let current = synapses.current(&self.input);
            current.and_then(|current| Ok(convolution(current, &neurons)?.spikes))
        };
        spikes.expect("the batch fits the layer")
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
