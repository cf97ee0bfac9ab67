//! Single-spike neurons on [Burn](https://burn.dev): tensor-level operations, any device, autodiff.
//!
//! ```
//! use block_core::{NeuronModel, Neurons, scan};
//! use burn::tensor::{Distribution, Tensor};
//!
//! let device = Default::default();
//! let current = Tensor::random([2, 100, 4], Distribution::Uniform(0.0, 0.3), &device);
//! let neurons = Neurons::new(Tensor::from_floats([0.9], &device), NeuronModel::Block);
//! let out = scan(current, &neurons)?; // [batch, time, neuron]
//! println!("{} at steps {}", out.spikes(), out.first_steps());
//! # Ok::<(), block_core::SpikeError>(())
//! ```
//!
//! Gradients need a device with autodiff, `Device::flex().autodiff()`, and a tensor that requires a gradient.
//!
//! # Contents
//!
//! | | |
//! |---|---|
//! | [`NeuronModel`], [`Neurons`], [`Surrogate`] | the models (block, single-spike, multi-spike, integrator), their parameters, surrogate derivatives |
//! | [`scan`] | neurons driven by a current, in O(t): [`Activity`] holds spikes, membrane, first steps, counts |
//! | [`linear_layer`] | a linear layer of neurons, from events or dense spikes |
//! | [`linear_readout`] | a linear layer and its readout in one operation |
//! | [`conv_layer`], [`max_pool`] | a layer of neurons driven by a convolution over pictures; the maximum of spikes in windows |
//! | [`Neurons::step`] | one time step, to stream events or build recurrent cells |
//! | [`convolution`] | the block model by the paper's two convolutions, O(t²) |
//! | [`mod@reference`] | every model step by step in plain tensor operations: what the kernels compute |
//! | [`LayerInput`], [`SpikeEvents`], [`DenseSpikes`] | what goes into a layer |
//! | [`FusedAdam`] | Adam in one pass |
//! | [`device`], [`simd`] | devices by name; the instruction set of the CPU's kernels |
//!
//! Sequences are `[batch, time, neuron]`, a single step is `[batch, neuron]`; the threshold is 1.
//!
//! # Devices
//!
//! On Burn's flex backend (the CPU) in float32 and float64, fused kernels with hand-written gradients run on
//! all cores with the widest vectors that the processor has. Their results depend neither on the number of
//! threads nor on the width of the vectors. With the feature `cuda` or `wgpu` the operations but for
//! those on pictures are CubeCL kernels on GPUs, in float32, float16 and bfloat16 with float32 sums, also under
//! Burn's kernel fusion. Everywhere else, and in any other type, the same functions run in plain tensor operations.

#[cfg(feature = "cube")]
mod cube;
#[cfg(feature = "cuda-source")]
mod cuda_source;
pub mod device;
mod error;
mod host;
mod neuron;
mod ops;
pub mod simd;
mod spikes;

#[cfg(feature = "cuda-source")]
pub use cuda_source::{Source, cuda_sources};
pub use error::SpikeError;
pub use neuron::{NeuronModel, NeuronState, Neurons, Step, Surrogate, reference};
pub use ops::{
    Activity, ConvSynapses, Convolution, FusedAdam, FusedAdamState, ReadoutTrace, Synapses,
    conv_layer, convolution, linear_layer, linear_readout, max_pool, scan,
};
pub use spikes::{
    DenseSpikes, LayerInput, SpikeEvents, SpikeEventsBuilder, first_spike_steps, spike_counts,
};
