use block_core::{
    Activity, LayerInput, NeuronModel, Neurons, SpikeError, Surrogate, Synapses, linear_layer,
};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor};

use crate::parameters::{self, Decay};
use crate::{Formulation, ReadoutReduction, Shape};

/// A linear layer, of which class scores are taken: of leaky integrators, which never spike or reset,
/// `V[t] = β·V[t−1] + x[t]·W + bias`, or for [`ReadoutReduction::TimeToFirstSpike`] of spiking neurons.
#[derive(Module, Debug)]
pub struct Readout {
    /// Weight `[inputs, classes]` and bias `[classes]`.
    pub linear: Linear,
    /// The decay β of the membrane potential a step: `[classes]` or, shared, `[1]`.
    pub beta: Param<Tensor<1>>,
    #[module(skip)]
    rule: ReadoutRule,
}

/// What is taken of a readout, and how its neurons are computed if they spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ReadoutRule {
    pub reduction: ReadoutReduction,
    pub formulation: Formulation,
    pub surrogate: Surrogate,
    /// Time steps by which a time to the first spike is divided; a tenth of all steps if there is none.
    pub tau: Option<f64>,
}

/// What a readout computes, all differentiable but the last.
#[derive(Debug, Clone)]
pub struct ReadoutOutput {
    /// Spikes, if the readout's neurons spike: `[batch, time, classes]`.
    pub spikes: Option<Tensor<3>>,
    /// The membrane: `[batch, time, classes]`.
    pub membrane: Tensor<3>,
    /// The class scores: `[batch, classes]`.
    pub logits: Tensor<2>,
    /// What decides between classes of equal score, if anything does but their order: `[batch, classes]`. With
    /// times to the first spike it is the potential at the spike or, for a silent neuron, at the last step.
    pub decider: Option<Tensor<2>>,
}

impl Readout {
    pub(crate) fn init(
        inputs: Shape,
        classes: usize,
        scale: f64,
        decay: Decay,
        rule: ReadoutRule,
        device: &Device,
    ) -> Self {
        Self {
            linear: parameters::linear(inputs.units(), classes, scale, device),
            beta: decay.init(classes, device),
            rule,
        }
    }

    /// Runs the readout.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, inputs]`
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    pub fn forward(&self, input: &LayerInput) -> Result<ReadoutOutput, SpikeError> {
        let (synapses, neurons) = (self.synapses(), self.neurons());
        Ok(match self.rule.spiking() {
            None => self.of_membrane(linear_layer(input, &synapses, &neurons)?.membrane()),
            Some(_) => self.of_spikes(&self.rule.formulation.run(input, &synapses, &neurons)?),
        })
    }

    /// What follows from the membrane `[batch, time, classes]` of integrators.
    pub(crate) fn of_membrane(&self, membrane: Tensor<3>) -> ReadoutOutput {
        let over_time = membrane.clone();
        let reduced = match self.rule.reduction {
            ReadoutReduction::Sum => over_time.sum_dim(1),
            ReadoutReduction::Max => over_time.max_dim(1),
            ReadoutReduction::Last => {
                let last = over_time.dims()[1] - 1;
                over_time.narrow(1, last, 1)
            }
            ReadoutReduction::TimeToFirstSpike => {
                unreachable!("its neurons are no integrators")
            }
        };
        ReadoutOutput {
            spikes: None,
            membrane,
            logits: reduced.squeeze_dim(1),
            decider: None,
        }
    }

    /// Scores −t/τ of neurons that fire once: t = T + Σ_k (k − T)·S\[k\] is the step of the spike, or the number of
    /// steps T without one, so that ∂t/∂S\[k\] = k − T. The rest of the gradient is the neurons' own.
    fn of_spikes(&self, activity: &Activity) -> ReadoutOutput {
        let [_, steps, _] = activity.shape();
        let (spikes, membrane) = (activity.spikes(), activity.membrane());
        let before_end = Tensor::<1, Int>::arange(-(steps as i64)..0, &spikes.device());
        let before_end = before_end.float().cast(spikes.dtype());
        let weighted = spikes.clone() * before_end.reshape([1, steps, 1]);
        let times = weighted.sum_dim(1).squeeze_dim::<2>(1) + steps as f64;
        let tau = self.rule.tau.unwrap_or(steps as f64 / 10.0);
        let at = activity.first_steps().clamp_max(steps as i64 - 1);
        let potential = membrane.clone().detach().gather(1, at.unsqueeze_dim(1));
        ReadoutOutput {
            spikes: Some(spikes),
            membrane,
            // Burn's gradient of a division by a number is rounded to float32.
            logits: times * (-1.0 / tau),
            decider: Some(potential.squeeze_dim(1)),
        }
    }

    /// Weight and bias.
    pub fn synapses(&self) -> Synapses {
        parameters::synapses(&self.linear)
    }

    /// The neurons, with the layer's β.
    pub fn neurons(&self) -> Neurons {
        let model = self.spiking().unwrap_or(NeuronModel::Integrator);
        Neurons::new(self.beta.val(), model).with_surrogate(self.rule.surrogate)
    }

    /// The model of the neurons if they spike; `None` if they are integrators.
    pub fn spiking(&self) -> Option<NeuronModel> {
        self.rule.spiking()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        parameters::sizes(&self.linear)[1]
    }

    /// What is taken over time.
    pub fn reduction(&self) -> ReadoutReduction {
        self.rule.reduction
    }

    /// What the readout puts out, in a few words for a table.
    pub(crate) fn summary(&self) -> String {
        let reduction: &str = self.rule.reduction.into();
        match self.spiking() {
            None => format!("membrane, {reduction} over time"),
            Some(_) => {
                let formulation: &str = self.rule.formulation.into();
                format!("time to the first of {formulation} spikes")
            }
        }
    }

    /// The numbers that a training step keeps for the backward pass: of integrators the potential, its gradient, and
    /// intermediate results; with spikes these too, their gradient, and both weighted by time.
    pub(crate) fn kept(&self, batch: u128, steps: u128) -> u128 {
        let each = if self.spiking().is_some() { 8 } else { 4 };
        each * batch * steps * self.classes() as u128
    }
}

impl ReadoutRule {
    /// The model of the neurons if they spike.
    pub(crate) fn spiking(self) -> Option<NeuronModel> {
        match self.reduction {
            ReadoutReduction::Sum | ReadoutReduction::Max | ReadoutReduction::Last => None,
            ReadoutReduction::TimeToFirstSpike => Some(self.formulation.model()),
        }
    }
}
