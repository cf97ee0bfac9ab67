use block_core::NeuronModel;
use burn::tensor::Tensor;
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
}

/// What is taken of the readout's membrane potential over time.
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
}

impl ReadoutReduction {
    /// Reduces a membrane `[batch, time, class]` to scores `[batch, class]`.
    pub fn reduce(self, membrane: Tensor<3>) -> Tensor<2> {
        match self {
            Self::Sum => membrane.sum_dim(1).squeeze_dim(1),
            Self::Max => membrane.max_dim(1).squeeze_dim(1),
            Self::Last => {
                let last = membrane.dims()[1] - 1;
                membrane.narrow(1, last, 1).squeeze_dim(1)
            }
        }
    }
}
