//! The leaky integrator, which is what every readout is.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::backend::{SpikeOps, has_kernels};
use crate::{LeakyNeurons, SpikeError, check, plain};

/// Membrane potentials `V[t] = β·V[t−1] + I[t]` of neurons that neither spike nor reset.
///
/// Gradients, with M = ∂L/∂V: `D[t] = M[t] + β·D[t+1]`; ∂L/∂I = D; `∂L/∂β = Σ D[t]·V[t−1]`.
///
/// # Shapes
///
/// - `current`, output: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if β or the initial potential do not fit the current in shape or element type, or a
/// dimension is empty.
pub fn integrate(current: Tensor<3>, neurons: &LeakyNeurons) -> Result<Tensor<3>, SpikeError> {
    const NAME: &str = "integrate";
    let [_, _, n] = current.dims();
    check::not_empty(NAME, current.dims())?;
    let decay = neurons.decay(NAME, n, current.dtype())?;
    let current = neurons.inject_initial(NAME, current, &decay)?;
    if !has_kernels(&current.device(), current.dtype()) {
        return Ok(plain::integrate(current, decay));
    }
    let membrane = Dispatch::leaky_integrate(current.into_dispatch(), decay.into_dispatch());
    Ok(Tensor::from_dispatch(membrane))
}
