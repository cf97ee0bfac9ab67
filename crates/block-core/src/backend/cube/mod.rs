//! GPUs: the operations as CubeCL kernels, for every runtime of Burn's cube backend (CUDA, Vulkan and
//! Metal through WGPU). Tensors may be float32, float16 or bfloat16; state and sums are float32.

// The macro that makes kernels writes functions of its own from them, out of reach of an `expect`.
#![allow(
    clippy::too_many_arguments,
    reason = "a kernel's arguments are its interface"
)]

mod adam;
mod chunked;
mod dense;
mod events;
mod launch;
mod layer;
mod neuron;
mod scan;
#[cfg(feature = "cuda-source")]
mod source;

#[cfg(feature = "cuda-source")]
pub use source::{Source, cuda_sources};

use burn::backend::ops::FloatTensorOps;
use burn::tensor::DType;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

use super::{
    AdamStep, EventLayer, LayerGradient, Readout, ReadoutGradient, SpikeGradients, SpikeOps,
    Upstream,
};
use crate::Surrogate;
use crate::neurons::{NeuronModel, SpikeRule};
use launch::{address, contiguous, dims, element, like, over};

impl SpikeOps for CubeBackend {
    fn leaky_integrate(current: CubeTensor, beta: CubeTensor) -> CubeTensor {
        scan::integrate(contiguous(current), contiguous(beta))
    }

    fn first_spikes(membrane: CubeTensor, _surrogate: Surrogate) -> (CubeTensor, CubeTensor) {
        scan::latch(contiguous(membrane))
    }

    fn scan(
        current: CubeTensor,
        beta: CubeTensor,
        rule: SpikeRule,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        scan::scan(contiguous(current), contiguous(beta), rule.model)
    }

    fn event_spikes(
        layer: EventLayer<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let layer = layer.contiguous();
        layer.forward(
            0..layer.batch(steps),
            steps,
            rule.model,
            events::Output::Spikes,
        )
    }

    fn event_membrane(layer: EventLayer<Self>, steps: usize) -> CubeTensor {
        let layer = layer.contiguous();
        let samples = 0..layer.batch(steps);
        let model = NeuronModel::Block;
        layer
            .forward(samples, steps, model, events::Output::Membrane)
            .0
    }

    fn event_readout(
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        layer::readout_forward(&layer.contiguous(), readout, steps, rule.model)
    }

    fn adam(
        parameter: CubeTensor,
        gradient: CubeTensor,
        first: CubeTensor,
        second: CubeTensor,
        step: AdamStep,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [parameter, gradient, first, second] =
            [parameter, gradient, first, second].map(contiguous);
        let out = [like(&parameter), like(&parameter), like(&parameter)];
        let (count, dim) = over(&parameter, parameter.meta.num_elements());
        let [p, m, v] = out.clone();
        let dtype = element(&parameter);
        adam::adam::launch(
            &parameter.client.clone(),
            count,
            dim,
            address(parameter.meta.num_elements()),
            parameter.into_buffer_arg(),
            gradient.into_buffer_arg(),
            first.into_buffer_arg(),
            second.into_buffer_arg(),
            p.into_buffer_arg(),
            m.into_buffer_arg(),
            v.into_buffer_arg(),
            step.beta_1 as f32,
            (1.0 - step.beta_1) as f32,
            step.beta_2 as f32,
            (1.0 - step.beta_2) as f32,
            step.step_size as f32,
            step.correction.recip() as f32,
            step.epsilon as f32,
            dtype,
        );
        let [p, m, v] = out;
        (p, m, v)
    }
}

impl SpikeGradients for CubeBackend {
    fn leaky_integrate_backward(
        gradient: CubeTensor,
        membrane: CubeTensor,
        beta: CubeTensor,
    ) -> (CubeTensor, CubeTensor) {
        let (d_current, d_beta, _) =
            scan::integrate_backward(contiguous(gradient), contiguous(membrane), contiguous(beta));
        (d_current, d_beta)
    }

    fn first_spikes_backward(
        gradient: CubeTensor,
        membrane: CubeTensor,
        surrogate: Surrogate,
    ) -> CubeTensor {
        scan::latch_backward(contiguous(gradient), contiguous(membrane), surrogate)
    }

    fn scan_backward(
        gradient: CubeTensor,
        membrane: CubeTensor,
        first: CubeTensor,
        beta: CubeTensor,
        rule: SpikeRule,
    ) -> (CubeTensor, CubeTensor) {
        let meaning = neuron::Meaning::Spikes;
        let [gradient, membrane, first, beta] = [gradient, membrane, first, beta].map(contiguous);
        let (d_current, d_beta, _) =
            scan::scan_backward(gradient, membrane, first, beta, rule, meaning);
        (d_current, d_beta)
    }

    fn event_layer_backward(
        layer: EventLayer<Self>,
        upstream: Upstream<Self>,
        steps: usize,
        rule: SpikeRule,
        through: bool,
    ) -> LayerGradient<Self> {
        layer::backward(&layer.contiguous(), upstream, steps, rule, through)
    }

    fn readout_backward(
        gradient: CubeTensor,
        trace: CubeTensor,
        first: CubeTensor,
        beta: CubeTensor,
        model: NeuronModel,
    ) -> ReadoutGradient<Self> {
        layer::readout_backward(
            contiguous(gradient),
            contiguous(trace),
            contiguous(first),
            contiguous(beta),
            model,
        )
    }
}

/// A tensor in another floating-point type.
fn cast(tensor: CubeTensor, dtype: DType) -> CubeTensor {
    match tensor.dtype == dtype {
        true => tensor,
        false => CubeBackend::float_cast(tensor, dtype.into()),
    }
}

/// Sums `[.., n]` over all but the last dimension, in a tensor's type.
fn column_sums(partial: CubeTensor, dtype: DType) -> CubeTensor {
    let n = partial.meta.shape()[partial.meta.num_dims() - 1];
    let rows = partial.meta.num_elements() / n;
    let partial = CubeBackend::float_reshape(partial, [rows, n].into());
    let sum = CubeBackend::float_sum_dim(partial, 0);
    cast(CubeBackend::float_reshape(sum, [n].into()), dtype)
}

/// The last two dimensions' product with a matrix, `[b, t, k]·[k, n]`.
fn project(input: CubeTensor, matrix: CubeTensor) -> CubeTensor {
    let [batch, steps, k] = dims(&input);
    let n = matrix.meta.shape()[1];
    let flat = CubeBackend::float_reshape(input, [batch * steps, k].into());
    let product = CubeBackend::float_matmul(flat, matrix);
    CubeBackend::float_reshape(product, [batch, steps, n].into())
}
