//! CPU kernels over plain slices: no tensor, no allocation that outlives the call but the results.
//!
//! All arrays are row-major `[batch, time, neuron]`. Samples or blocks of neurons are spread over
//! the threads such that every sum has one fixed order: results do not depend on the number of
//! threads, and, as no fused multiply-add is used, not on the instruction set either.
//!
//! The inner loops are plain Rust, compiled for AVX-512, AVX2 and the baseline (which has NEON on
//! 64-bit ARM) and chosen at run time; everything they call must be inlined into them.

mod adam;
mod events;
mod lanes;
mod leaky;
mod readout;
mod real;
mod rows;
mod scan;

pub(crate) use adam::{AdamStep, adam};
pub(crate) use events::{EventLayer, Fired, Upstream, backward, forward, membrane};
pub(crate) use leaky::{integrate, integrate_backward};
pub(crate) use readout::{readout_backward, readout_forward};
pub(crate) use real::Real;
pub(crate) use rows::EventRows;
pub(crate) use scan::{latch, latch_backward, scan, scan_backward, spike_train};
