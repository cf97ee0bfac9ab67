//! Parameters of a layer of leaky neurons, and one step of them.

use burn::tensor::{DType, Tensor};

use super::{NeuronModel, Surrogate};
use crate::SpikeError;
use crate::error::{check_dtype, check_shape};

/// A model and the surrogate of its threshold: all that a kernel needs to know of a layer but its tensors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rule {
    pub model: NeuronModel,
    pub surrogate: Surrogate,
}

/// Leaky neurons with threshold 1: `u[t] = β·V[t−1] + I[t]`, where V before the first step is the initial
/// potential. The [model](NeuronModel) says what becomes of u at the threshold.
///
/// ```
/// use block_core::{NeuronModel, Neurons, Surrogate};
/// use burn::tensor::Tensor;
///
/// let device = Default::default();
/// let shared = Neurons::new(Tensor::from_floats([0.9], &device), NeuronModel::Block);
/// let own = Neurons::new(Tensor::from_floats([0.9, 0.8, 0.95], &device), NeuronModel::MultiSpike)
///     .with_initial(Tensor::zeros([16, 3], &device))
///     .with_surrogate(Surrogate::Arctan { scale: 2.0 });
/// ```
#[derive(Debug, Clone)]
pub struct Neurons {
    pub(crate) beta: Tensor<1>,
    pub(crate) initial: Option<Tensor<2>>,
    pub(crate) model: NeuronModel,
    pub(crate) surrogate: Surrogate,
}

impl Neurons {
    /// Neurons that decay by β a step: `[1]`, shared (homogeneous), or `[neurons]`, one each
    /// (heterogeneous).
    ///
    /// β is clamped to [0, 1] whenever it is read. Its gradient is 0 outside of this interval; both ends belong to the
    /// interval. β is trainable if the tensor requires a gradient.
    pub fn new(beta: Tensor<1>, model: NeuronModel) -> Self {
        Self {
            beta,
            initial: None,
            model,
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

    /// The model.
    pub fn model(&self) -> NeuronModel {
        self.model
    }

    /// The surrogate derivative of the threshold.
    pub fn surrogate(&self) -> Surrogate {
        self.surrogate
    }

    pub(crate) fn rule(&self) -> Rule {
        Rule {
            model: self.model,
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
        check_dtype(operation, "beta", self.beta.dtype(), dtype)?;
        if let Some(initial) = &self.initial {
            check_dtype(operation, "initial", initial.dtype(), dtype)?;
        }
        if !self.shared() {
            check_shape(operation, "beta", &self.beta.dims(), &[n], "or [1]")?;
        }
        let (low, high) = (
            self.beta.clone().lower_elem(0),
            self.beta.clone().greater_elem(1),
        );
        let clamped = self.beta.clone().mask_fill(low, 0.0).mask_fill(high, 1.0);
        Ok(clamped.expand([n]))
    }

    pub(crate) fn check_initial(
        &self,
        operation: &'static str,
        batch: usize,
        n: usize,
    ) -> Result<(), SpikeError> {
        let Some(initial) = &self.initial else {
            return Ok(());
        };
        let words = "(batch, neurons)";
        check_shape(operation, "initial", &initial.dims(), &[batch, n], words)
    }

    /// The current `[b, t, n]` with the decayed initial potential added to its first step.
    pub(crate) fn inject_initial(
        &self,
        operation: &'static str,
        current: Tensor<3>,
        decay: &Tensor<1>,
    ) -> Result<Tensor<3>, SpikeError> {
        let [batch, steps, n] = current.dims();
        self.check_initial(operation, batch, n)?;
        let Some(initial) = &self.initial else {
            return Ok(current);
        };
        let start = (initial.clone() * decay.clone().unsqueeze()).unsqueeze_dim(1);
        let first = current.clone().narrow(1, 0, 1) + start;
        if steps == 1 {
            return Ok(first);
        }
        Ok(Tensor::cat(vec![first, current.narrow(1, 1, steps - 1)], 1))
    }

    /// One time step in plain tensor operations, for those who stream events or build recurrent cells. A loop
    /// over it computes what [`scan`](crate::scan) does in one pass. Start with no state, which is the initial
    /// potential or rest, and hand each state on to the next step.
    ///
    /// ```
    /// use block_core::{NeuronModel, Neurons};
    /// use burn::tensor::Tensor;
    ///
    /// let device = Default::default();
    /// let neurons = Neurons::new(Tensor::from_floats([0.5], &device), NeuronModel::Block);
    /// let current = Tensor::<2>::full([1, 3], 0.75, &device);
    /// let (first, state) = neurons.step(current.clone(), None)?;
    /// let (second, _state) = neurons.step(current, Some(state))?;
    /// assert_eq!(first.spikes.sum().into_scalar::<f32>(), 0.0);
    /// assert_eq!(second.spikes.sum().into_scalar::<f32>(), 3.0); // 0.5 · 0.75 + 0.75 > 1
    /// # Ok::<(), block_core::SpikeError>(())
    /// ```
    ///
    /// # Shapes
    ///
    /// - `current`, outputs: `[batch, neuron]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if β, the initial potential or the state do not fit the current in shape or element
    /// type, if the state is that of another model, or a dimension is empty.
    pub fn step(
        &self,
        current: Tensor<2>,
        state: Option<NeuronState>,
    ) -> Result<(Step, NeuronState), SpikeError> {
        const NAME: &str = "Neurons::step";
        let [batch, n] = current.dims();
        crate::error::check_not_empty(NAME, [batch, 1, n])?;
        let decay = self.decay(NAME, n, current.dtype())?;
        let state = match state {
            None => self.start(NAME, &current)?,
            Some(state) => {
                let words = "(batch, neurons)";
                let found = state.potential.dims();
                check_shape(NAME, "state", &found, &[batch, n], words)?;
                if state.model != self.model {
                    return Err(SpikeError::Model {
                        operation: NAME,
                        argument: "state",
                        found: state.model.name(),
                        expected: self.model.name(),
                    });
                }
                state
            }
        };
        Ok(self.advance(&decay, current, state))
    }

    /// The state before the first step of a current `[batch, neuron]`.
    pub(super) fn start(
        &self,
        operation: &'static str,
        current: &Tensor<2>,
    ) -> Result<NeuronState, SpikeError> {
        let [batch, n] = current.dims();
        self.check_initial(operation, batch, n)?;
        let zeros = current.zeros_like().cast(wide(current.dtype()));
        let potential = match &self.initial {
            Some(initial) => initial.clone().cast(zeros.dtype()),
            None => zeros.clone(),
        };
        let memory = match self.model {
            NeuronModel::Block => Memory::Order {
                crossings: zeros.clone(),
                order: zeros,
            },
            NeuronModel::SingleSpike | NeuronModel::Integrator => Memory::Mask(zeros),
            NeuronModel::MultiSpike => Memory::Nothing,
        };
        Ok(NeuronState {
            potential,
            memory,
            model: self.model,
        })
    }

    /// [`step`](Self::step) with the clamped β `[n]`, after all checks.
    pub(super) fn advance(
        &self,
        decay: &Tensor<1>,
        current: Tensor<2>,
        state: NeuronState,
    ) -> (Step, NeuronState) {
        let dtype = current.dtype();
        // Half precision would lose small currents on the way.
        let decay = decay.clone().cast(wide(dtype)).unsqueeze::<2>();
        let u = state.potential * decay + current.cast(wide(dtype));
        let crossing = self.surrogate.spike(u.clone());
        let (spikes, membrane, potential, memory) = match state.memory {
            Memory::Order { crossings, order } => {
                // c ← c + S̃, z ← z + c: the count of crossings, summed again, is the order z.
                let crossings = crossings + crossing;
                let order = order + crossings.clone();
                let value = order.clone().detach();
                let first = value.clone().equal_elem(1).float().cast(value.dtype());
                // S = [z = 1] passes its gradient to every z.
                let spikes = first + (order.clone() - value);
                let memory = Memory::Order { crossings, order };
                (spikes, u.clone(), u, memory)
            }
            Memory::Mask(fired) => {
                let silent = -fired.clone() + 1.0;
                let spikes = crossing * silent.clone();
                let membrane = match self.model.masks_membrane() {
                    true => u * silent,
                    false => u,
                };
                // max(m, s) with half of a tie's gradient to each side.
                let gap = (fired.clone() - spikes.clone()).abs();
                let fired = (fired + spikes.clone() + gap) * 0.5;
                (spikes, membrane.clone(), membrane, Memory::Mask(fired))
            }
            Memory::Nothing => {
                let reset = u.clone() - crossing.clone();
                (crossing, u, reset, Memory::Nothing)
            }
        };
        let step = Step {
            spikes: spikes.cast(dtype),
            membrane: membrane.cast(dtype),
        };
        let state = NeuronState {
            potential,
            memory,
            model: self.model,
        };
        (step, state)
    }
}

/// What one time step puts out, each `[batch, neuron]` and differentiable.
#[derive(Debug, Clone)]
pub struct Step {
    /// Spikes, 0 or 1.
    pub spikes: Tensor<2>,
    /// Membrane potential: before the reset of multi-spike neurons, after the mask of single-spike ones.
    pub membrane: Tensor<2>,
}

/// What neurons carry from one time step to the next, in float32 at least.
#[derive(Debug, Clone)]
pub struct NeuronState {
    /// The potential that decays into the next step, `[batch, neuron]`.
    potential: Tensor<2>,
    memory: Memory,
    model: NeuronModel,
}

impl NeuronState {
    /// The potential that decays into the next step: after reset and mask, `[batch, neuron]`.
    pub fn potential(&self) -> Tensor<2> {
        self.potential.clone()
    }
}

/// What a model remembers beside the potential, each `[batch, neuron]`.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "a handful of tensor handles, moved once a step"
)]
enum Memory {
    /// Block: how often the threshold was crossed, c, and the order z = Σ c.
    Order {
        crossings: Tensor<2>,
        order: Tensor<2>,
    },
    /// Single-spike and integrator: 1 where a neuron has fired.
    Mask(Tensor<2>),
    /// Multi-spike: the potential is all there is.
    Nothing,
}

/// The type of sums over time, and of the order of crossings and its gradient: at least float32.
pub(crate) fn wide(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        other => other,
    }
}
