use block_core::{FusedAdam, SpikeTrain};
use block_models::{Formulation, LinearNetwork, LinearNetworkConfig, NetworkOutput};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Int, Tensor, TensorData};
use runner::device::NamedDevice;

use crate::stopwatch::Stopwatch;
use crate::workload::Sizes;
use crate::{BATCH, Lap, Passes, Work, Workload};

/// A network in training: forward and cross entropy; backward and Adam.
pub struct Training {
    workload: Workload,
    formulation: Formulation,
    network: Option<LinearNetwork>,
    optimizer: ModuleOptimizer,
    loss: CrossEntropyLoss,
    input: SpikeTrain,
    targets: Tensor<1, Int>,
    device: NamedDevice,
}

impl Training {
    /// A fresh network on a fixed batch.
    pub fn new(workload: Workload, formulation: Formulation, device: &NamedDevice) -> Self {
        let tracked = &device.device.clone().autodiff();
        let Sizes {
            inputs,
            hidden,
            classes,
            ..
        } = workload.sizes();
        let config =
            LinearNetworkConfig::new(inputs, hidden, classes).with_formulation(formulation);
        let targets: Vec<i32> = (0..BATCH).map(|i| (i % classes) as i32).collect();
        Self {
            workload,
            formulation,
            network: Some(config.init(tracked).expect("the sizes make a network")),
            optimizer: ModuleOptimizer::from(FusedAdam::default()),
            loss: CrossEntropyLossConfig::new().init(tracked),
            input: workload.input(tracked),
            targets: Tensor::from_data(TensorData::new(targets, [BATCH]), tracked),
            device: device.clone(),
        }
    }

    /// The batch's loss.
    pub fn forward(&self) -> Tensor<1> {
        let logits = self.output().logits;
        self.loss.forward(logits, self.targets.clone())
    }

    /// The gradients of [`forward`](Self::forward)'s loss, and with them a step of Adam.
    pub fn backward(&mut self, loss: Tensor<1>) {
        let network = self.network.take().expect("put back below");
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.optimizer.step(0.001, network, gradients));
    }

    fn output(&self) -> NetworkOutput {
        let network = self.network.as_ref().expect("always there between steps");
        network
            .forward(&self.input)
            .expect("the batch fits the network")
    }
}

impl Passes for Training {
    fn lap(&mut self) -> runner::Result<Lap> {
        let device = self.device.clone();
        let mut watch = Stopwatch::start(&device)?;
        let loss = self.forward();
        let forward = watch.split()?;
        self.backward(loss);
        let backward = watch.split()?;
        Ok(Lap { forward, backward })
    }

    fn work(&self) -> Option<Work> {
        if self.formulation != Formulation::Scan {
            return None;
        }
        let hidden = self.output().hidden_spikes.into_iter();
        let hidden = hidden.map(|counts| counts.sum().into_scalar::<i64>() as usize);
        let input = self.input.events()?.spikes();
        let spikes: Vec<usize> = std::iter::once(input).chain(hidden).collect();
        let closing = self.workload.closing();
        Some(Work::of_network(self.workload, &spikes, closing))
    }
}
