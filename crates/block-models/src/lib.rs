//! Networks of spiking neurons: a serialisable config, `init`, a Burn module.
//!
//! ```
//! use block_core::{LayerInput, SpikeEventsBuilder};
//! use block_models::LinearNetworkConfig;
//!
//! let device = Default::default();
//! let network = LinearNetworkConfig::new(4, vec![120], 3).init(&device)?;
//! let mut input = SpikeEventsBuilder::new(100, 4); // 100 steps, 4 inputs
//! input.push_first_spikes(&[12, 40, 87, 59])?; // a sample: when each input fires
//! let output = network.forward(&LayerInput::from(input.build(&device)))?;
//! assert_eq!(output.logits.dims(), [1, 3]);
//! assert_eq!(output.hidden_spikes[0].dims(), [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod formulation;
mod layer;
mod network;

pub use formulation::{Formulation, ReadoutReduction};
pub use layer::{Hidden, LeakyLinear, LeakyLinearConfig};
pub use network::{
    BetaConfig, ConfigError, LinearNetwork, LinearNetworkConfig, NetworkOutput, NetworkTrace,
};
