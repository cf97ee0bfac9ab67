use block_core::device::{DeviceError, NamedDevice};
use burn::tensor::{Distribution, Tensor};

use crate::stopwatch::Stopwatch;
use crate::workload::Product;
use crate::{Lap, Passes, Work, Workload};

/// Dense matrix products alone, of random matrices.
pub struct Products {
    forward: Vec<Pair>,
    backward: Vec<Pair>,
    device: NamedDevice,
}

type Pair = (Tensor<2>, Tensor<2>);

impl Products {
    /// The products that a dense implementation of the hidden layers cannot avoid, with x a layer's input, W its
    /// weight and D the gradient of its current: x·W forward, xᵀ·D backward, and D·Wᵀ for each boundary
    /// between hidden layers. A convolution's x has a row for each place of the kernel.
    pub fn of_layers(workload: Workload, device: &NamedDevice) -> Self {
        let mut products = Self::none(device);
        for (index, product) in workload.products().into_iter().enumerate() {
            let Product {
                rows,
                inputs,
                outputs,
            } = product;
            let input = products.random(rows, inputs);
            let gradient = products.random(rows, outputs);
            let weight = products.random(inputs, outputs);
            let transposed = input.clone().transpose();
            products.forward.push((input, weight.clone()));
            products.backward.push((transposed, gradient.clone()));
            if index > 0 {
                products.backward.push((gradient, weight.transpose()));
            }
        }
        products
    }

    /// D·Wᵀ of the boundaries between hidden layers only: what an event-driven network of several hidden
    /// layers cannot avoid.
    pub fn between_layers(workload: Workload, device: &NamedDevice) -> Self {
        let mut products = Self::none(device);
        for product in workload.products().into_iter().skip(1) {
            let gradient = products.random(product.rows, product.outputs);
            let weight = products.random(product.inputs, product.outputs);
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
