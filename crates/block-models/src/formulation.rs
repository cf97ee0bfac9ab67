use block_core::{
    Activity, LayerInput, NeuronModel, Neurons, SpikeError, Synapses, convolution, linear_layer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// How the hidden neurons are computed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Formulation {
    /// The block model as an O(t) scan.
    #[default]
    Scan,
    /// The block model as the paper's two convolutions, O(t²).
    Convolution,
    /// Standard single-spike neurons.
    StandardSingle,
    /// Standard multi-spike neurons with a soft reset.
    StandardMulti,
}

impl Formulation {
    /// The model of the neurons.
    pub fn model(self) -> NeuronModel {
        match self {
            Self::Scan | Self::Convolution => NeuronModel::Block,
            Self::StandardSingle => NeuronModel::SingleSpike,
            Self::StandardMulti => NeuronModel::MultiSpike,
        }
    }

    /// Whether it runs on the kernels of `block-core`, rather than on plain tensor operations.
    pub fn has_kernels(self) -> bool {
        match self {
            Self::Scan | Self::StandardSingle | Self::StandardMulti => true,
            Self::Convolution => false,
        }
    }

    /// Runs neurons of the formulation's model, driven by spikes through synapses.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if input, synapses and neurons do not fit each other.
    pub(crate) fn run(
        self,
        input: &LayerInput,
        synapses: &Synapses,
        neurons: &Neurons,
    ) -> Result<Activity, SpikeError> {
        match self.has_kernels() {
            true => linear_layer(input, synapses, neurons),
            false => Ok(convolution(synapses.current(input)?, neurons)?.into()),
        }
    }
}

/// What is taken of the readout over time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ReadoutReduction {
    /// The sum.
    #[default]
    Sum,
    /// The maximum; the first of equal potentials receives the gradient.
    Max,
    /// The potential at the last step.
    Last,
    /// The time of the first spike t, as −t/τ: the readout's neurons spike as hidden ones do, and the earliest
    /// class is the answer.
    TimeToFirstSpike,
}
