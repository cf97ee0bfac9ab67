//! Layers and readouts beside the same computed number by number, in float64 without tensors.

mod first_spikes;
mod penalties;
mod plain;
mod recurrent;
