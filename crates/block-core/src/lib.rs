//! Tensor-level spike kernels.
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
mod plain;
pub mod standard;
mod surrogate;
mod train;

pub use adam::{FusedAdam, FusedAdamState};
pub use error::SpikeError;
pub use events::{SpikeEvents, SpikeEventsBuilder};
pub use integrate::integrate;
pub use linear::{
    LayerSpikes, ReadoutTrace, Synapses, linear_membrane, spiking_linear, spiking_readout,
};
pub use neurons::LeakyNeurons;
pub use surrogate::Surrogate;
pub use train::{SpikeTrain, first_spike_steps, spike_counts};
