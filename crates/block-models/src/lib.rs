//! Networks of spiking neurons as Burn modules: a serialisable config, `init`, `forward`.
//!
//! ```
//! use block_core::{LayerInput, SpikeEventsBuilder};
//! use block_models::{NetworkConfig, Shape};
//!
//! let device = Default::default();
//! let network = NetworkConfig::of([120]).init(Shape::Units(4), 3, &device)?;
//! let mut input = SpikeEventsBuilder::new(100, 4); // 100 steps, 4 inputs
//! input.push_first_spikes(&[12, 40, 87, 59])?; // a sample: when each input fires
//! let output = network.forward(&LayerInput::from(input.build(&device)))?;
//! assert_eq!(output.logits.dims(), [1, 3]);
//! assert_eq!(output.hidden_spikes[0].dims(), [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | | |
//! |---|---|
//! | [`NetworkConfig`], [`Network`] | a stack of hidden layers and a readout |
//! | [`LayerConfig`], [`Layer`], [`HiddenLayer`] | the kinds of hidden layers |
//! | [`LinearConfig`], [`SpikingLinear`] | neurons, each connected to every input |
//! | [`ConvConfig`], [`SpikingConv2d`] | neurons driven by a convolution over a picture |
//! | [`PoolConfig`], [`SpikePool2d`]; [`FlattenConfig`], [`Flatten`] | the maximum or mean of windows of a picture; its units in a row |
//! | [`RecurrentConfig`], [`SpikingRecurrent`] | standard neurons that are connected to each other |
//! | [`Readout`], [`ReadoutReduction`] | leaky integrators or spiking neurons, and what is taken of them over time |
//! | [`Penalties`] | what is added to a loss for the spikes and the silence of hidden neurons |
//! | [`Shape`], [`Signal`] | what flows between layers |
//! | [`Adam`], [`draw`] | Adam over a module, with a state that can be saved; initial weights that a seed fixes |
//!
//! With the feature `train` a [`Network`] is a model of Burn's `Learner`: `TrainStep` and `InferenceStep` take the spikes
//! and the classes of a batch, `(LayerInput, Tensor<1, Int>)`, and put out a `ClassificationOutput`.
//!
//! Settings and layers serialise with serde; `schemars` gives their documentation, defaults and ranges.

mod adam;
mod draw;
mod error;
mod formulation;
mod layers;
mod network;
mod parameters;
mod penalty;
mod readout;
mod schema;
mod shape;
#[cfg(feature = "train")]
mod train;

pub use adam::{Adam, Moments, MomentsError};
pub use draw::draw;
pub use error::ConfigError;
pub use formulation::{Formulation, ReadoutReduction};
pub use layers::*;
pub use network::{BetaConfig, LayerSummary, Network, NetworkConfig, NetworkOutput, NetworkTrace};
pub use penalty::Penalties;
pub use readout::{Readout, ReadoutOutput};
pub use shape::{Shape, Signal};
