//! The hidden layers that a network can consist of, each in a file of its own.

mod conv;
mod flatten;
mod hidden;
mod linear;
mod picture;
mod pool;
mod recurrent;

use std::ops::Deref;

use burn::module::Module;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ConfigError, Shape};

pub use conv::{BetaOf, ConvConfig, ConvInit, SpikingConv2d};
pub use flatten::{Flatten, FlattenConfig};
pub(crate) use hidden::a_sample;
pub use hidden::{Firing, FusedLayer, HiddenLayer, LayerDefaults, LayerOutput};
pub use linear::{LinearConfig, SpikingLinear};
pub use pool::{PoolConfig, PoolReduction, SpikePool2d};
pub use recurrent::{RecurrentConfig, SpikingRecurrent};

/// Makes the enums of configs and of modules from one list.
macro_rules! layers {
    ($($(#[$doc:meta])* $name:ident($config:ident, $module:ident),)*) => {
        /// A hidden layer's config; in a file `kind` names it.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum LayerConfig {
            $($(#[$doc])* $name($config),)*
        }

        /// A hidden layer.
        ///
        /// In Burn's records the variant is a part of a parameter's path, `hidden.0.Linear.beta`. In the
        /// runner's files, and for [`Adam`](crate::Adam), it is not: `hidden.0.beta`.
        #[derive(Module, Debug)]
        pub enum Layer {
            $($(#[$doc])* $name($module),)*
        }

        $(impl From<$config> for LayerConfig {
            fn from(config: $config) -> Self {
                Self::$name(config)
            }
        })*

        impl LayerConfig {
            /// Makes the layer.
            ///
            /// # Errors
            ///
            /// [`ConfigError`] if it cannot take such an input.
            pub fn init(
                &self,
                input: Shape,
                defaults: &LayerDefaults,
                device: &Device,
            ) -> Result<Layer, ConfigError> {
                Ok(match self {
                    $(Self::$name(config) => {
                        Layer::$name(config.init(input, defaults, device)?)
                    })*
                })
            }
        }

        impl Deref for Layer {
            type Target = dyn HiddenLayer;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$name(layer) => layer,)*
                }
            }
        }
    };
}

layers! {
    /// Spiking neurons, each connected to every input.
    Linear(LinearConfig, SpikingLinear),
    /// Spiking neurons driven by a convolution over the picture of each time step.
    Conv(ConvConfig, SpikingConv2d),
    /// The maximum or the mean of the spikes in each window.
    Pool(PoolConfig, SpikePool2d),
    /// The picture's units in a row.
    Flatten(FlattenConfig, Flatten),
    /// Standard neurons, each connected to every input and to the spikes of all of them one step before.
    Recurrent(RecurrentConfig, SpikingRecurrent),
}
