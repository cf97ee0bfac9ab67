use block_core::NeuronModel;
use serde::{Deserialize, Serialize};

/// How the hidden neurons are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formulation {
    /// The block model as an O(t) scan.
    Scan,
    /// The block model as the paper's two convolutions, O(t²).
    Convolution,
    /// Standard single-spike neurons.
    StandardSingle,
    /// Standard multi-spike neurons with a soft reset.
    StandardMulti,
}

impl Formulation {
    /// The neurons of formulations that have an event-driven kernel.
    pub(crate) fn model(self) -> Option<NeuronModel> {
        match self {
            Self::Scan => Some(NeuronModel::Block),
            Self::StandardSingle => Some(NeuronModel::SingleSpike),
            Self::StandardMulti => Some(NeuronModel::MultiSpike),
            Self::Convolution => None,
        }
    }
}

/// What is taken of the readout's membrane potential over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadoutReduction {
    /// Its sum.
    Sum,
    /// Its maximum; the first of equal ones receives the gradient.
    Max,
}
