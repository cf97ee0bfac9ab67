//! The paper's own formulation of the block model.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::activity::Activity;
use crate::error::check_not_empty;
use crate::neuron::wide;
use crate::{NeuronModel, Neurons, SpikeError};

/// What [`convolution`] returns, each `[batch, time, neuron]` and differentiable.
#[derive(Debug, Clone)]
pub struct Convolution {
    /// Spikes S, 0 or 1, at most one a neuron.
    pub spikes: Tensor<3>,
    /// Membrane potentials V without reset.
    pub membrane: Tensor<3>,
    /// Faulty spikes S̃: 1 wherever V is above threshold.
    pub faulty: Tensor<3>,
    /// The order z of the faulty spikes: 0 before the first, 1 at the first, more later. At least
    /// float32, as it reaches t(t + 1)/2.
    pub order: Tensor<3>,
}

impl From<Convolution> for Activity {
    fn from(found: Convolution) -> Self {
        Self::from_steps(NeuronModel::Block, found.spikes, found.membrane)
    }
}

/// The block model as two causal convolutions over time, the paper's formulation and the baseline of
/// its speed claims: V = I ∗ (1, β, β², …) and z = S̃ ∗ (1, 2, 3, …), each as a product with a
/// lower-triangular Toeplitz matrix. O(t²) a neuron, and, with one β a neuron, memory for n·t²
/// values. [`scan`](crate::scan) gives the same spikes in O(t).
///
/// # Shapes
///
/// - `current`, all outputs: `[batch, time, neuron]`
///
/// # Errors
///
/// [`SpikeError`] if the neurons are of another model, β or the initial potential do not fit the current, or
/// a dimension is empty.
pub fn convolution(current: Tensor<3>, neurons: &Neurons) -> Result<Convolution, SpikeError> {
    const NAME: &str = "convolution";
    let [_, steps, n] = current.dims();
    if neurons.model != NeuronModel::Block {
        return Err(SpikeError::Model {
            operation: NAME,
            argument: "neurons",
            found: neurons.model.name(),
            expected: NeuronModel::Block.name(),
        });
    }
    check_not_empty(NAME, current.dims())?;
    let decay = neurons.decay(NAME, n, current.dtype())?;
    let current = neurons.inject_initial(NAME, current, &decay)?;
    let device = current.device();

    let membrane = if neurons.shared() {
        let kernel = toeplitz(powers(decay.narrow(0, 0, 1), steps));
        kernel.matmul(current)
    } else {
        // One matrix a neuron: [n, t, t] · [n, t, b].
        let kernel = toeplitz(powers(decay, steps));
        kernel.matmul(current.permute([2, 1, 0])).permute([2, 1, 0])
    };
    // z reaches t(t + 1)/2: too much for half precision.
    let dtype = membrane.dtype();
    let faulty = membrane.clone().cast(wide(dtype));
    let faulty = neurons.surrogate.spike(faulty);
    let ramp = Tensor::<1, Int>::arange(1..steps as i64 + 1, &device)
        .float()
        .cast(faulty.dtype());
    let order = toeplitz(ramp.unsqueeze_dim(1)).matmul(faulty.clone());
    let first = order.clone().equal_elem(1).float().cast(order.dtype());
    // g(z) = [z = 1] passes its gradient to every z.
    let spikes = first + (order.clone() - order.clone().detach());
    Ok(Convolution {
        spikes: spikes.cast(dtype),
        membrane,
        faulty: faulty.cast(dtype),
        order,
    })
}

/// β⁰, β¹, …, by repeated products, which unlike a power function have a gradient at β = 0: `[t, n]`.
fn powers(beta: Tensor<1>, steps: usize) -> Tensor<2> {
    let mut power = beta.ones_like();
    let mut rows = vec![power.clone()];
    for _ in 1..steps {
        power = power * beta.clone();
        rows.push(power.clone());
    }
    Tensor::stack(rows, 0)
}

/// Kernels `[t, n]` → lower-triangular Toeplitz matrices `[n, t, t]`: entry (i, j) is kernel[i − j].
fn toeplitz(kernel: Tensor<2>) -> Tensor<3> {
    let [steps, n] = kernel.dims();
    let zero = Tensor::zeros_like(&kernel.clone().narrow(0, 0, 1));
    let padded = Tensor::cat(vec![kernel.clone(), zero], 0);
    let entries = padded.select(0, lags(steps, &kernel.device()));
    entries.reshape([steps, steps, n]).permute([2, 0, 1])
}

/// Row-major i − j of a `steps` × `steps` matrix; above the diagonal `steps`, the padding.
fn lags(steps: usize, device: &Device) -> Tensor<1, Int> {
    let lag = |i: usize, j: usize| i.checked_sub(j).unwrap_or(steps) as i32;
    let lags: Vec<i32> = (0..steps)
        .flat_map(|i| (0..steps).map(move |j| lag(i, j)))
        .collect();
    Tensor::from_data(TensorData::new(lags, [steps * steps]), device)
}
