//! Every model step by step in plain tensor operations: what the kernels compute, readable, on any device,
//! and the route where there are no kernels. Gradients come from Burn's autodiff.

use burn::tensor::Tensor;

use super::{Neurons, Step, wide};
use crate::SpikeError;
use crate::error::check_not_empty;

/// What a layer's neurons do over time, each `[batch, time, neuron]` and differentiable.
#[derive(Debug, Clone)]
pub struct Steps {
    /// Spikes, 0 or 1.
    pub spikes: Tensor<3>,
    /// Membrane potentials: before the reset of multi-spike neurons, after the mask of single-spike ones.
    pub membrane: Tensor<3>,
}

/// A loop of [`Neurons::step`] over a current, from the initial potential on.
///
/// # Shapes
///
/// - `current`, outputs: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn scan(current: Tensor<3>, neurons: &Neurons) -> Result<Steps, SpikeError> {
    const NAME: &str = "reference::scan";
    let [_, _, n] = current.dims();
    check_not_empty(NAME, current.dims())?;
    let decay = neurons.decay(NAME, n, current.dtype())?;
    // Wide here, not in every step, so that the gradients of all steps are summed wide.
    let decay = decay.cast(wide(current.dtype()));
    let currents = unbind(current);
    let mut state = neurons.start(NAME, &currents[0])?;
    let (mut spikes, mut membrane) = (Vec::new(), Vec::new());
    for current in currents {
        let (step, next) = neurons.advance(&decay, current, state);
        let Step {
            spikes: s,
            membrane: v,
        } = step;
        spikes.push(s);
        membrane.push(v);
        state = next;
    }
    Ok(Steps {
        spikes: Tensor::stack(spikes, 1),
        membrane: Tensor::stack(membrane, 1),
    })
}

/// The current of dense inputs: x·W + bias, `[b, t, in]` → `[b, t, n]`.
pub(crate) fn project(input: Tensor<3>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<3> {
    let [batch, steps, inputs] = input.dims();
    let n = bias.dims()[0];
    let current = input.reshape([batch * steps, inputs]).matmul(weight);
    (current + bias.unsqueeze()).reshape([batch, steps, n])
}

/// Splits `[batch, time, neuron]` into steps `[batch, neuron]`.
///
/// By halves, because the gradient of a slice is as large as the whole: slicing every step out of the
/// full tensor costs O(t²) in the backward pass, this O(t·log t).
pub fn unbind(tensor: Tensor<3>) -> Vec<Tensor<2>> {
    let steps = tensor.dims()[1];
    match steps {
        0 => return Vec::new(),
        1 => return vec![tensor.squeeze_dim(1)],
        _ => (),
    }
    let half = steps / 2;
    let mut parts = unbind(tensor.clone().narrow(1, 0, half));
    parts.extend(unbind(tensor.narrow(1, half, steps - half)));
    parts
}
