//! Single-spike neurons on [Burn](https://burn.dev): tensor-level kernels, any device, autodiff.
//!
//! ```
//! use block_core::{LeakyNeurons, block};
//! use burn::tensor::{Distribution, Tensor};
//!
//! let device = Default::default();
//! let current = Tensor::random([2, 100, 4], Distribution::Uniform(0.0, 0.3), &device);
//! let neurons = LeakyNeurons::new(Tensor::from_floats([0.9], &device));
//! let out = block::scan(current, &neurons)?; // [batch, time, neuron]
//! println!("{} at steps {}", out.spikes, out.first_steps);
//! # Ok::<(), block_core::SpikeError>(())
//! ```
//!
//! Gradients need a device with autodiff, `Device::flex().autodiff()`, and a tensor that requires one.
//!
//! # What is here
//!
//! | function | computes |
//! |---|---|
//! | [`block::scan`] | the block model (Taylor, King & Harper 2022) in O(t): leaky scan and latch |
//! | [`block::convolution`] | the same by the paper's two convolutions, O(t²) |
//! | [`block::first_spikes`], [`integrate`] | the latch, and the leaky integrator (every readout) |
//! | [`spikes`] | the spikes of a current by any model, in one fused pass |
//! | [`spiking_linear`], [`linear_membrane`] | linear layers, from events or dense spikes |
//! | [`spiking_readout`] | a linear layer and its readout in one operation |
//! | [`standard`] | the baselines: single-spike, multi-spike and integrator, step by step |
//! | [`Surrogate`] | surrogate derivatives of the threshold |
//! | [`FusedAdam`] | Adam in one pass |
//! | [`plain`] | what the kernels compute, in plain tensor operations |
//!
//! All tensors are `[batch, time, neuron]`; the threshold is 1.
//!
//! # Devices
//!
//! On Burn's flex backend (the CPU) in float32 and float64, fused kernels with hand-written gradients
//! run on all cores, vectorised for the machine at hand; results do not depend on the number of threads.
//! With the feature `cuda` or `wgpu` the same operations are CubeCL kernels on GPUs, in float32, float16 and
//! bfloat16 with float32 sums, also under Burn's kernel fusion. Everywhere else, and in any other type,
//! the same functions run in plain tensor operations.

mod adam;
mod backend;
pub mod block;
mod check;
mod error;
mod events;
mod integrate;
mod kernels;
mod linear;
mod neurons;
pub mod plain;
mod spikes;
pub mod standard;
mod surrogate;
mod train;

pub use adam::{FusedAdam, FusedAdamState};
#[cfg(feature = "cuda-source")]
pub use backend::{Source, cuda_sources};
pub use error::SpikeError;
pub use events::{SpikeEvents, SpikeEventsBuilder};
pub use integrate::integrate;
pub use linear::{ReadoutTrace, Synapses, linear_membrane, spiking_linear, spiking_readout};
pub use neurons::{LeakyNeurons, NeuronModel};
pub use spikes::{LayerSpikes, spikes};
pub use surrogate::Surrogate;
pub use train::{SpikeTrain, first_spike_steps, spike_counts};
