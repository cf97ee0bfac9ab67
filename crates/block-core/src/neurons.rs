//! Parameters of a layer of leaky neurons.

use burn::tensor::{DType, Tensor};

use crate::{SpikeError, Surrogate, check};

/// What a neuron does at its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeuronModel {
    /// The block model: fires once, the potential runs on; see [`block`](crate::block).
    Block,
    /// Standard single-spike: fires once, is silent ever after; see
    /// [`standard::single_spike`](crate::standard::single_spike).
    SingleSpike,
    /// Standard multi-spike with a soft reset; see
    /// [`standard::multi_spike`](crate::standard::multi_spike).
    MultiSpike,
}

/// A model and the surrogate of its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SpikeRule {
    pub model: NeuronModel,
    pub surrogate: Surrogate,
}

/// Leaky neurons with threshold 1: `V[t] = β·V[t−1] + I[t]`, V before the first step
/// being the initial potential.
///
/// ```
/// use block_core::{LeakyNeurons, Surrogate};
/// use burn::tensor::{DType, Tensor};
///
/// let device = Default::default();
/// let shared = LeakyNeurons::new(Tensor::from_floats([0.9], &device));
/// let own = LeakyNeurons::new(Tensor::from_floats([0.9, 0.8, 0.95], &device))
///     .with_initial(Tensor::zeros([16, 3], &device))
///     .with_surrogate(Surrogate::Arctan { scale: 2.0 });
/// ```
#[derive(Debug, Clone)]
pub struct LeakyNeurons {
    pub(crate) beta: Tensor<1>,
    pub(crate) initial: Option<Tensor<2>>,
    pub(crate) surrogate: Surrogate,
}

impl LeakyNeurons {
    /// Neurons that decay by β a step: `[1]`, shared (homogeneous), or `[neurons]`, one each
    /// (heterogeneous).
    ///
    /// β is clamped to [0, 1] whenever it is read; outside, both ends excluded, no gradient passes.
    /// It is trainable if the tensor requires a gradient.
    pub fn new(beta: Tensor<1>) -> Self {
        Self {
            beta,
            initial: None,
            surrogate: Surrogate::default(),
        }
    }

    /// Sets the potential before the first step, `[batch, neurons]`; it decays by β in that step.
    pub fn with_initial(mut self, potential: Tensor<2>) -> Self {
        self.initial = Some(potential);
        self
    }

    /// Sets the surrogate derivative of the threshold.
    pub fn with_surrogate(mut self, surrogate: Surrogate) -> Self {
        self.surrogate = surrogate;
        self
    }

    pub(crate) fn rule(&self, model: NeuronModel) -> SpikeRule {
        SpikeRule {
            model,
            surrogate: self.surrogate,
        }
    }

    /// Whether all neurons share one β.
    pub(crate) fn shared(&self) -> bool {
        self.beta.dims() == [1]
    }

    /// β clamped, `[n]`, for currents of a type.
    pub(crate) fn decay(
        &self,
        operation: &'static str,
        n: usize,
        dtype: DType,
    ) -> Result<Tensor<1>, SpikeError> {
        check::dtype(operation, "beta", self.beta.dtype(), dtype)?;
        if let Some(initial) = &self.initial {
            check::dtype(operation, "initial", initial.dtype(), dtype)?;
        }
        if !self.shared() {
            check::shape(operation, "beta", &self.beta.dims(), &[n], "or [1]")?;
        }
        let (low, high) = (
            self.beta.clone().lower_elem(0),
            self.beta.clone().greater_elem(1),
        );
        let clamped = self.beta.clone().mask_fill(low, 0.0).mask_fill(high, 1.0);
        Ok(clamped.expand([n]))
    }

    /// The current `[b, t, n]` with the decayed initial potential added to its first step.
    pub(crate) fn inject_initial(
        &self,
        operation: &'static str,
        current: Tensor<3>,
        decay: &Tensor<1>,
    ) -> Result<Tensor<3>, SpikeError> {
        let Some(initial) = &self.initial else {
            return Ok(current);
        };
        let [batch, steps, n] = current.dims();
        check::shape(
            operation,
            "initial",
            &initial.dims(),
            &[batch, n],
            "(batch, neurons)",
        )?;
        let start = (initial.clone() * decay.clone().unsqueeze()).unsqueeze_dim(1);
        let first = current.clone().narrow(1, 0, 1) + start;
        if steps == 1 {
            return Ok(first);
        }
        Ok(Tensor::cat(vec![first, current.narrow(1, 1, steps - 1)], 1))
    }
}
