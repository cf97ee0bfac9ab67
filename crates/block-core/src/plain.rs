//! The block model in plain tensor operations, step by step: what the kernels compute, readable, and
//! the route on devices that have no kernels yet. Gradients come from Burn's autodiff.
//!
//! Arguments are taken as they are: a wrong or empty shape panics where Burn's own operations do.

use burn::tensor::{DType, Int, Tensor};

use crate::block::BlockSpikes;
use crate::{SpikeEvents, Surrogate};

/// `V[t] = β·V[t−1] + I[t]`, in float32 at least.
///
/// # Shapes
///
/// - `current`, output: `[batch, time, neuron]`
/// - `beta`: `[neuron]`, within [0, 1]
pub fn integrate(current: Tensor<3>, beta: Tensor<1>) -> Tensor<3> {
    let dtype = current.dtype();
    let beta = beta.cast(wide(dtype)).unsqueeze::<2>();
    let mut membrane: Option<Tensor<2>> = None;
    let steps = unbind(current.cast(wide(dtype)))
        .into_iter()
        .map(|current| {
            let next = match membrane.take() {
                Some(v) => v * beta.clone() + current,
                None => current,
            };
            membrane = Some(next.clone());
            next
        });
    Tensor::stack(steps.collect(), 1).cast(dtype)
}

/// The latch, through z: the running count of faulty spikes, summed again, is their order z. Returns
/// spikes and first-spike steps.
///
/// # Shapes
///
/// - `membrane`, spikes: `[batch, time, neuron]`
/// - first-spike steps: `[batch, neuron]`
pub fn first_spikes(membrane: Tensor<3>, surrogate: Surrogate) -> (Tensor<3>, Tensor<2, Int>) {
    let dtype = membrane.dtype();
    // z reaches t(t + 1)/2, and its gradient's sum grows as fast: too much for half precision.
    let wide = wide(dtype);
    let faulty = unbind(surrogate.spike(membrane.cast(wide)));
    let zero = faulty[0].zeros_like();
    let (mut once, mut z) = (zero.clone(), zero.clone());
    let mut silent = zero;
    let mut spikes = Vec::with_capacity(faulty.len());
    for faulty in faulty {
        once = once + faulty;
        z = z + once.clone();
        silent = silent + z.clone().detach().equal_elem(0).float().cast(wide);
        let first = z.clone().equal_elem(1).float().cast(wide);
        spikes.push((first + (z.clone() - z.clone().detach())).cast(dtype));
    }
    (Tensor::stack(spikes, 1), silent.int())
}

/// The type of sums over time, and of the order of faulty spikes and its gradient: at least float32.
pub(crate) fn wide(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        other => other,
    }
}

/// Both: the block model of a current.
///
/// # Shapes
///
/// - `current`: `[batch, time, neuron]`
/// - `beta`: `[neuron]`, within [0, 1]
pub fn block(current: Tensor<3>, beta: Tensor<1>, surrogate: Surrogate) -> BlockSpikes {
    let membrane = integrate(current, beta);
    let (spikes, first_steps) = first_spikes(membrane.clone(), surrogate);
    BlockSpikes {
        spikes,
        membrane: membrane.detach(),
        first_steps,
    }
}

/// The current of dense or event inputs: x·W + bias, `[b, t, in]` → `[b, t, n]`.
pub(crate) fn project(input: Tensor<3>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<3> {
    let [batch, steps, inputs] = input.dims();
    let n = bias.dims()[0];
    let current = input.reshape([batch * steps, inputs]).matmul(weight);
    (current + bias.unsqueeze()).reshape([batch, steps, n])
}

/// Splits `[b, t, n]` into t times `[b, n]`.
///
/// By halves, because the gradient of a slice is as large as the whole: slicing every step out of the
/// full tensor costs O(t²) in the backward pass, this O(t·log t).
pub(crate) fn unbind(tensor: Tensor<3>) -> Vec<Tensor<2>> {
    let steps = tensor.dims()[1];
    if steps == 1 {
        return vec![tensor.squeeze_dim(1)];
    }
    let half = steps / 2;
    let mut parts = unbind(tensor.clone().narrow(1, 0, half));
    parts.extend(unbind(tensor.narrow(1, half, steps - half)));
    parts
}

/// The spike counts of events, `[b, t, units]`.
pub(crate) fn dense(events: &SpikeEvents, like: &Tensor<2>) -> Tensor<3> {
    events
        .to_dense()
        .to_device(&like.device())
        .cast(like.dtype())
}
