//! Adam in one pass.

mod cpu;
#[cfg(feature = "cube")]
pub(crate) mod gpu;

use burn::backend::tensor::FloatTensor;
use burn::backend::{AutodiffBackend, Backend, Dispatch, backend_extension};
use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;

use crate::device::has_kernels;
use crate::neuron::wide;

/// Adam (Kingma & Ba 2015, arXiv 1412.6980) without weight decay, as PyTorch computes it: float64 constants and bias
/// corrections, and, where there is a kernel, one pass over parameter and moments, in place. The moments
/// of half-precision parameters are float32, as squares of gradients have no place in float16.
///
/// ```
/// use block_core::FusedAdam;
/// use burn::optim::ModuleOptimizer;
///
/// let optimizer = ModuleOptimizer::from(FusedAdam::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FusedAdam {
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl Default for FusedAdam {
    /// PyTorch's defaults: 0.9, 0.999, 1e-8.
    fn default() -> Self {
        Self {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Moments of one parameter.
#[derive(Debug, Clone)]
pub struct FusedAdamState<const D: usize> {
    /// Steps taken.
    pub time: usize,
    /// Running mean of the gradient.
    pub first: Tensor<D>,
    /// Running mean of the squared gradient.
    pub second: Tensor<D>,
}

impl Optimizer for FusedAdam {
    type State<const D: usize> = FusedAdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let dtype = tensor.dtype();
        let (tensor, gradient) = (tensor.cast(wide(dtype)), gradient.cast(wide(dtype)));
        let FusedAdamState {
            time,
            first,
            second,
        } = state.unwrap_or_else(|| FusedAdamState {
            time: 0,
            first: tensor.zeros_like(),
            second: tensor.zeros_like(),
        });
        // A record may have been written with other ones.
        let (first, second) = (first.cast(wide(dtype)), second.cast(wide(dtype)));
        let time = time + 1;
        let power = |beta: f64| 1.0 - beta.powf(time as f64);
        let step = AdamStep {
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
            step_size: rate / power(self.beta_1),
            correction: power(self.beta_2).sqrt(),
        };
        let (tensor, first, second) = if has_kernels(&tensor.device(), tensor.dtype()) {
            let (tensor, first, second) = Dispatch::adam(
                tensor.into_dispatch(),
                gradient.into_dispatch(),
                first.into_dispatch(),
                second.into_dispatch(),
                step,
            );
            let back = Tensor::from_dispatch;
            (back(tensor), back(first), back(second))
        } else {
            plain(tensor, gradient, first, second, step)
        };
        let state = FusedAdamState {
            time,
            first,
            second,
        };
        (tensor.cast(dtype), Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        FusedAdamState {
            time: state.time,
            first: state.first.to_device(device),
            second: state.second.to_device(device),
        }
    }
}

/// Constants of one step, bias corrections included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AdamStep {
    pub beta_1: f64,
    pub beta_2: f64,
    pub epsilon: f64,
    /// Learning rate / (1 − β₁ᵗ).
    pub step_size: f64,
    /// √(1 − β₂ᵗ).
    pub correction: f64,
}

/// The one pass, which has no gradient.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub(crate) trait AdamOps: Backend {
    /// The next parameter, first and second moment.
    #[fusion(meta = |parameter, _, first, second, _| (parameter.clone(), first.clone(), second.clone()))]
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl<B: AdamOps, C: CheckpointStrategy> AdamOps for Autodiff<B, C> {
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [parameter, gradient, first, second] =
            [parameter, gradient, first, second].map(Self::inner);
        let (parameter, first, second) = B::adam(parameter, gradient, first, second, step);
        let back = Self::from_inner;
        (back(parameter), back(first), back(second))
    }
}

/// One step of Adam in plain tensor operations.
fn plain<const D: usize>(
    tensor: Tensor<D>,
    gradient: Tensor<D>,
    first: Tensor<D>,
    second: Tensor<D>,
    step: AdamStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let first = first * step.beta_1 + gradient.clone() * (1.0 - step.beta_1);
    let second = second * step.beta_2 + gradient.clone() * gradient * (1.0 - step.beta_2);
    let scale = second.clone().sqrt() * step.correction.recip() + step.epsilon;
    (
        tensor - first.clone() * step.step_size / scale,
        first,
        second,
    )
}

impl<const D: usize> RecordState for FusedAdamState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "time", (self.time as u64).into());
        out.push_tensor(prefix, "first", self.first.clone().into_data());
        out.push_tensor(prefix, "second", self.second.clone().into_data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let time = u64::try_from(src.take_scalar(prefix, "time")?).ok()?;
        let mut tensor = |leaf: &str| {
            let data = src.take_tensor(prefix, leaf)?;
            let dtype = data.dtype();
            Some(Tensor::from_data(data, (device, dtype)))
        };
        Some(Self {
            time: usize::try_from(time).ok()?,
            first: tensor("first")?,
            second: tensor("second")?,
        })
    }
}
