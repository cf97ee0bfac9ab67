//! Surrogate gradients: what stands in for the derivative of the threshold.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::kernels::Real;

/// The surrogate for the derivative of a spike `s = [v − 1 > 0]` with respect to the membrane
/// potential `v`. Below, `u = v − 1` is the distance to the threshold.
///
/// The forward pass is the same step function for all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
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

impl Surrogate {
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

    /// Multiplies `gradient` by the derivative at `membrane`, neuron by neuron.
    #[inline(always)]
    pub(crate) fn scale_row<F: Real>(&self, gradient: &mut [F], membrane: &[F]) {
        let one = F::one();
        match *self {
            Self::FastSigmoid { scale } => {
                let scale = F::of(scale);
                each(gradient, membrane, |g, v| {
                    let d = scale * (v - one).abs() + one;
                    g / (d * d)
                });
            }
            Self::Sigmoid { scale } => {
                let scale = F::of(scale);
                each(gradient, membrane, |g, v| {
                    let s = one / (one + (-(scale * (v - one))).exp());
                    g * (scale * s * (one - s))
                });
            }
            Self::Arctan { scale } => {
                let half = F::of(scale / 2.0);
                let slope = F::of(std::f64::consts::FRAC_PI_2 * scale);
                each(gradient, membrane, |g, v| {
                    let w = slope * (v - one);
                    g * (half / (one + w * w))
                });
            }
            Self::Triangular { scale } => {
                let scale = F::of(scale);
                each(gradient, membrane, |g, v| {
                    g * (one - scale * (v - one).abs()).max(F::zero())
                });
            }
        }
    }
}

/// Replaces every gradient by `f` of it and its membrane potential, a register's width at a time.
#[inline(always)]
fn each<F: Real>(gradient: &mut [F], membrane: &[F], f: impl Fn(F, F) -> F) {
    let (chunks, rest) = gradient.as_chunks_mut::<8>();
    let (v_chunks, v_rest) = membrane.as_chunks::<8>();
    for (g, v) in chunks.iter_mut().zip(v_chunks) {
        *g = std::array::from_fn(|i| f(g[i], v[i]));
    }
    for (g, &v) in rest.iter_mut().zip(v_rest) {
        *g = f(*g, v);
    }
}
