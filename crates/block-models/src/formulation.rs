use serde::{Deserialize, Serialize};

/// How the hidden neurons are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formulation {
    /// The block model as an O(t) scan; event-driven where the input is events.
    Scan,
    /// The block model as the paper's two convolutions, O(t²).
    Convolution,
    /// Standard single-spike neurons, step by step.
    StandardSingle,
    /// Standard multi-spike neurons with a soft reset, step by step.
    StandardMulti,
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
