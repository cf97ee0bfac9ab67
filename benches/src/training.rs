use block_core::LayerInput;
use block_core::device::{DeviceError, NamedDevice};
use block_models::{Adam, Formulation, Layer, Network, NetworkConfig, NetworkOutput};
use burn::module::Param;
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor, TensorData};

use crate::stopwatch::Stopwatch;
use crate::workload::Sizes;
use crate::{Lap, Passes, Work, Workload};

/// Batches that take turns, so that none is still in a cache when its turn comes.
const BATCHES: usize = 12;

/// A network in training: forward and cross entropy; backward and Adam.
pub struct Training {
    workload: Workload,
    formulation: Formulation,
    network: Option<Network>,
    adam: Adam,
    inputs: Vec<LayerInput>,
    /// The batch of the next step.
    next: usize,
    targets: Tensor<1, Int>,
    device: NamedDevice,
}

impl Training {
    /// A fresh network and a dozen batches that take turns, of `long` two.
    pub fn new(workload: Workload, formulation: Formulation, device: &NamedDevice) -> Self {
        let tracked = &device.device.clone().autodiff();
        let Sizes { classes, batch, .. } = workload.sizes();
        let (config, input) = workload.network();
        let config = NetworkConfig {
            formulation,
            ..config
        };
        let targets: Vec<i32> = (0..batch).map(|i| (i % classes) as i32).collect();
        let batches = if workload == Workload::Long {
            2
        } else {
            BATCHES
        };
        let inputs = workload.batches(batches, tracked);
        let network = config.init(input, classes, tracked);
        let mut network = network.expect("the sizes make a network");
        if workload == Workload::FmnistFiring {
            network = firing(network, formulation, &inputs[0]);
        }
        Self {
            workload,
            formulation,
            network: Some(network),
            adam: Adam::default(),
            inputs,
            next: 0,
            targets: Tensor::from_data(TensorData::new(targets, [batch]), tracked),
            device: device.clone(),
        }
    }

    /// The loss of the batch whose turn it is.
    pub fn forward(&mut self) -> Tensor<1> {
        let output = self.output(self.next);
        self.next = (self.next + 1) % self.inputs.len();
        output.cross_entropy(self.targets.clone())
    }

    /// The gradients of [`forward`](Self::forward)'s loss, and with them a step of Adam.
    pub fn backward(&mut self, loss: Tensor<1>) {
        let network = self.network.take().expect("put back below");
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.adam.step(0.001, network, gradients));
    }

    fn output(&self, batch: usize) -> NetworkOutput {
        let network = self.network.as_ref().expect("always there between steps");
        network
            .forward(&self.inputs[batch])
            .expect("the batch fits the network")
    }
}

impl Passes for Training {
    fn lap(&mut self) -> Result<Lap, DeviceError> {
        let device = self.device.clone();
        let mut watch = Stopwatch::start(&device)?;
        let loss = self.forward();
        let forward = watch.split()?;
        self.backward(loss);
        let backward = watch.split()?;
        Ok(Lap { forward, backward })
    }

    fn work(&self) -> Option<Work> {
        // Of convolutions nothing is counted.
        if self.formulation != Formulation::Scan || self.workload.is_of_pictures() {
            return None;
        }
        let hidden = self.output(0).hidden_spikes.into_iter();
        let hidden = hidden.map(|counts| counts.sum().into_scalar::<i64>() as usize);
        let input = self.inputs[0].events()?.spikes();
        let spikes: Vec<usize> = std::iter::once(input).chain(hidden).collect();
        let closing = self.workload.closing();
        Some(Work::of_network(self.workload, &spikes, closing))
    }

    fn hidden_spikes(&self) -> Option<f64> {
        Some(hidden_spikes(&self.output(0)))
    }
}

/// Spikes of all hidden layers, a sample.
fn hidden_spikes(output: &NetworkOutput) -> f64 {
    let layers = output.hidden_spikes.iter();
    let spikes = layers.map(|counts| counts.clone().sum().into_scalar::<i64>());
    let batch = output.logits.dims()[0];
    spikes.sum::<i64>() as f64 / batch as f64
}

/// A network whose hidden weights are scaled until its neurons fire as often on a batch as trained ones do on
/// Fashion-MNIST: some 250 spikes a sample, of multi-spike neurons 350.
fn firing(mut network: Network, formulation: Formulation, input: &LayerInput) -> Network {
    let wanted = match formulation {
        Formulation::StandardMulti => 350.0,
        _ => 250.0,
    };
    let weight = &mut first_linear(&mut network).weight;
    let (id, fresh) = (weight.id, weight.val().detach());
    let (mut low, mut high) = (1.0, 64.0);
    for _ in 0..16 {
        let scale = (low + high) / 2.0;
        let weight = (fresh.clone() * scale).detach().require_grad();
        first_linear(&mut network).weight = Param::initialized(id, weight);
        let output = network.forward(input).expect("the batch fits the network");
        match hidden_spikes(&output) < wanted {
            true => low = scale,
            false => high = scale,
        }
    }
    network
}

/// Weight and bias of the first hidden layer.
fn first_linear(network: &mut Network) -> &mut Linear {
    let Layer::Linear(layer) = &mut network.hidden[0] else {
        unreachable!("the workloads have linear layers");
    };
    &mut layer.linear
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firing_networks_fire_as_often_as_trained_ones() {
        let device = block_core::device::select("cpu").unwrap();
        device.device.seed(1);
        let workload = Workload::FmnistFiring;
        for (formulation, wanted) in [
            (Formulation::Scan, 250.0),
            (Formulation::StandardMulti, 350.0),
        ] {
            let spikes = Training::new(workload, formulation, &device).hidden_spikes();
            let spikes = spikes.unwrap();
            assert!((spikes - wanted).abs() < 20.0, "{formulation:?}: {spikes}");
        }
    }
}
