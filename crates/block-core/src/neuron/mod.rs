//! Neurons: parameters and models, and their dynamics written once a target, for tensors
//! ([`reference`]), for vectors of the CPU ([`cpu`]) and for GPUs ([`gpu`]).

pub(crate) mod cpu;
#[cfg(feature = "cube")]
pub(crate) mod gpu;
mod model;
mod neurons;
pub mod reference;
mod surrogate;

pub use model::NeuronModel;
pub use neurons::{NeuronState, Neurons, Step};
pub(crate) use neurons::{Rule, wide};
#[cfg(feature = "cube")]
pub(crate) use surrogate::Curve;
pub use surrogate::Surrogate;
