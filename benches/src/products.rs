use block_core::device::{DeviceError, NamedDevice};
use burn::tensor::{Distribution, Tensor};

use crate::stopwatch::Stopwatch;
use crate::{BATCH, Lap, Passes, Work, Workload};

/// Dense matrix products alone, of random matrices.
pub struct Products {
    forward: Vec<Pair>,
    backward: Vec<Pair>,
    device: NamedDevice,
}

type Pair = (Tensor<2>, Tensor<2>);

impl Products {
    /// Those that a dense implementation of the hidden layers cannot avoid, with x a layer's input, W its
    /// weight and D the gradient of its current: x·W forward, xᵀ·D backward, and D·Wᵀ for each boundary
    /// between hidden layers.
    pub fn of_layers(workload: Workload, device: &NamedDevice) -> Self {
        let sizes = workload.sizes();
        let rows = BATCH * sizes.steps;
        let mut products = Self::none(device);
        let mut inputs = sizes.inputs;
        for (index, &neurons) in sizes.hidden.iter().enumerate() {
            let input = products.random(rows, inputs);
            let gradient = products.random(rows, neurons);
            let weight = products.random(inputs, neurons);
            let transposed = input.clone().transpose();
            products.forward.push((input, weight.clone()));
            products.backward.push((transposed, gradient.clone()));
            if index > 0 {
                products.backward.push((gradient, weight.transpose()));
            }
            inputs = neurons;
        }
        products
    }

    /// D·Wᵀ of the boundaries between hidden layers only: what an event-driven network of several hidden
    /// layers cannot avoid.
    pub fn between_layers(workload: Workload, device: &NamedDevice) -> Self {
        let sizes = workload.sizes();
        let rows = BATCH * sizes.steps;
        let mut products = Self::none(device);
        for pair in sizes.hidden.windows(2) {
            let gradient = products.random(rows, pair[1]);
            let weight = products.random(pair[0], pair[1]);
            products.backward.push((gradient, weight.transpose()));
        }
        products
    }

    fn none(device: &NamedDevice) -> Self {
        Self {
            forward: Vec::new(),
            backward: Vec::new(),
            device: device.clone(),
        }
    }

    fn random(&self, rows: usize, columns: usize) -> Tensor<2> {
        let range = Distribution::Uniform(-1.0, 1.0);
        Tensor::random([rows, columns], range, &self.device.device)
    }
}

fn multiply(pairs: &[Pair]) -> Vec<Tensor<2>> {
    let products = pairs.iter().cloned();
    products.map(|(a, b)| a.matmul(b)).collect()
}

impl Passes for Products {
    fn lap(&mut self) -> Result<Lap, DeviceError> {
        let mut watch = Stopwatch::start(&self.device)?;
        // Kept to the end, as a training step does.
        let kept = multiply(&self.forward);
        let forward = watch.split()?;
        drop((multiply(&self.backward), kept));
        let backward = watch.split()?;
        Ok(Lap { forward, backward })
    }

    fn work(&self) -> Option<Work> {
        None
    }

    fn hidden_spikes(&self) -> Option<f64> {
        None
    }
}
