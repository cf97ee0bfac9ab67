//! Surrogate gradients: what stands in for the derivative of the threshold.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, VariantArray};

/// The surrogate for the derivative of a spike `s = [v − 1 > 0]` with respect to the membrane
/// potential `v`. Below, `u = v − 1` is the distance to the threshold.
///
/// The forward pass is the same step function for all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[strum_discriminants(name(Curve), vis(pub(crate)), derive(Hash, VariantArray))]
#[strum_discriminants(doc = "A surrogate's formula, without its scale.")]
pub enum Surrogate {
    /// `1 / (scale·|u| + 1)²` (Zenke & Ganguli 2018). The paper's, with scale 10; peak 1.
    FastSigmoid {
        /// Steepness.
        scale: f64,
    },
    /// `scale · σ(scale·u) · (1 − σ(scale·u))`, the derivative of the logistic function
    /// `σ(scale·u)`; peak `scale/4`.
    Sigmoid {
        /// Steepness.
        scale: f64,
    },
    /// `(scale/2) / (1 + (π/2 · scale · u)²)`, the derivative of `arctan(π/2 · scale · u) / π`
    /// (Fang et al. 2021); peak `scale/2`.
    Arctan {
        /// Steepness.
        scale: f64,
    },
    /// `max(0, 1 − scale·|u|)` (Esser et al. 2016; Bellec et al. 2018); peak 1.
    Triangular {
        /// Inverse of half the base's width.
        scale: f64,
    },
}

impl Default for Surrogate {
    /// The paper's fast sigmoid with scale 10.
    fn default() -> Self {
        Self::FastSigmoid { scale: 10.0 }
    }
}

impl Curve {
    /// The surrogate of this formula and steepness.
    pub(crate) fn with_scale(self, scale: f64) -> Surrogate {
        match self {
            Self::FastSigmoid => Surrogate::FastSigmoid { scale },
            Self::Sigmoid => Surrogate::Sigmoid { scale },
            Self::Arctan => Surrogate::Arctan { scale },
            Self::Triangular => Surrogate::Triangular { scale },
        }
    }
}

impl Surrogate {
    /// Every surrogate, with the same steepness.
    pub fn all(scale: f64) -> Vec<Self> {
        let curves = Curve::VARIANTS.iter();
        curves.map(|curve| curve.with_scale(scale)).collect()
    }

    /// The steepness.
    pub fn scale(&self) -> f64 {
        match *self {
            Self::FastSigmoid { scale }
            | Self::Sigmoid { scale }
            | Self::Arctan { scale }
            | Self::Triangular { scale } => scale,
        }
    }

    /// The surrogate derivative at every membrane potential.
    ///
    /// # Shapes
    ///
    /// - `membrane`, output: any, the same
    pub fn derivative<const D: usize>(&self, membrane: Tensor<D>) -> Tensor<D> {
        let u = membrane - 1.0;
        match *self {
            Self::FastSigmoid { scale } => (u.abs() * scale + 1.0).powi_scalar(2).recip(),
            Self::Sigmoid { scale } => {
                let s = activation::sigmoid(u * scale);
                s.clone() * (-s + 1.0) * scale
            }
            Self::Arctan { scale } => {
                let w = u * (std::f64::consts::FRAC_PI_2 * scale);
                (w.powi_scalar(2) + 1.0).recip() * (scale / 2.0)
            }
            Self::Triangular { scale } => (-(u.abs() * scale) + 1.0).clamp_min(0.0),
        }
    }

    /// Spikes, 1 where v − 1 > 0, of a membrane potential, with this surrogate as their derivative.
    ///
    /// # Shapes
    ///
    /// - `membrane`, output: any, the same
    pub fn spike<const D: usize>(&self, membrane: Tensor<D>) -> Tensor<D> {
        let value = membrane.clone().detach();
        let spikes = (value.clone() - 1.0)
            .greater_elem(0)
            .float()
            .cast(value.dtype());
        // Zero, with the surrogate as its gradient.
        let zero = membrane - value.clone();
        spikes + zero * self.derivative(value)
    }
}
