use strum::EnumCount;

/// What a neuron does at its threshold.
///
/// The facts that the operations need are methods, so that no operation asks which model it has: a model
/// that is added must answer them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumCount)]
pub enum NeuronModel {
    /// The block model (Taylor, King & Harper 2022, arXiv 2205.15286). The membrane never resets; only the
    /// first crossing of the threshold is a spike. The spike's gradient passes to the order z of every
    /// crossing, also of neurons that never fire, which is why a silent network still learns.
    ///
    /// ```text
    /// V[t] = β·V[t−1] + I[t]
    /// S̃[t] = 1 if V[t] − 1 > 0 else 0    faulty spikes: every step above threshold
    /// z[t] = Σ_{k≤t} (t−k+1)·S̃[k]        their order
    /// S[t] = 1 if z[t] = 1 else 0        only the first
    /// ```
    Block,
    /// The standard single-spike model: with m the mask of neurons that have fired, `s = (V − 1 > 0)·(1 − m)`,
    /// `V ← V·(1 − m)`, then `m ← max(m, s)`. Gradients flow through s, V and m; where m and s tie, each gets
    /// half.
    SingleSpike,
    /// The standard multi-spike model with a soft reset: `u = β·V + I[t]`, s = 1 if u − 1 > 0, `V ← u − s`. The
    /// gradient flows through the reset.
    MultiSpike,
    /// The leaky integrator, which every readout is: `V[t] = β·V[t−1] + I[t]`, neither reset nor masked. Its
    /// spikes, which a readout does not use, are those of [`SingleSpike`](Self::SingleSpike).
    Integrator,
}

impl NeuronModel {
    /// All models.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Block,
        Self::SingleSpike,
        Self::MultiSpike,
        Self::Integrator,
    ];

    /// The name in errors and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::SingleSpike => "single-spike",
            Self::MultiSpike => "multi-spike",
            Self::Integrator => "integrator",
        }
    }

    /// Whether a neuron fires at most once, so that its first-spike step says all.
    pub fn fires_once(self) -> bool {
        match self {
            Self::Block | Self::SingleSpike | Self::Integrator => true,
            Self::MultiSpike => false,
        }
    }

    /// Whether the membrane of a neuron that has fired is held at 0 from the next step on.
    pub fn masks_membrane(self) -> bool {
        match self {
            Self::SingleSpike => true,
            Self::Block | Self::MultiSpike | Self::Integrator => false,
        }
    }

    /// Whether the membrane is linear in the current, so that a chunk of time can be computed before the
    /// steps that lead to it, and the same holds for the gradient.
    pub fn is_linear_in_time(self) -> bool {
        match self {
            Self::Block | Self::Integrator => true,
            Self::SingleSpike | Self::MultiSpike => false,
        }
    }

    /// Whether the gradient of the membrane flows through the threshold, by a reset or a mask.
    pub fn feeds_spikes_back(self) -> bool {
        match self {
            Self::SingleSpike | Self::MultiSpike => true,
            Self::Block | Self::Integrator => false,
        }
    }

    /// Whether neurons of the model can be connected to each other: what they do at a step then depends on the spikes of
    /// the step before. The block model computes all steps at once; integrators hand on no spikes.
    pub fn can_recur(self) -> bool {
        match self {
            Self::SingleSpike | Self::MultiSpike => true,
            Self::Block | Self::Integrator => false,
        }
    }

    /// Whether a layer of the model is read by its membrane, as a readout is, and not by its spikes.
    pub fn is_readout(self) -> bool {
        match self {
            Self::Integrator => true,
            Self::Block | Self::SingleSpike | Self::MultiSpike => false,
        }
    }

    /// Whether the gradient of the spikes is summed twice over all later steps before it meets the surrogate:
    /// `∂L/∂S̃[k] = Σ_{t≥k} (t−k+1)·∂L/∂S[t]`.
    pub fn sums_gradient_over_time(self) -> bool {
        match self {
            Self::Block => true,
            Self::SingleSpike | Self::MultiSpike | Self::Integrator => false,
        }
    }
}
