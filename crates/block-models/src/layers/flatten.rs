use block_core::{NeuronModel, SpikeError};
use burn::module::Module;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hidden::{HiddenLayer, LayerDefaults, LayerOutput};
use super::picture::refuse_skip;
use crate::{ConfigError, Shape, Signal};

/// The picture's units in a row: row by row, channel after channel. Linear layers and the readout flatten a
/// picture by themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlattenConfig {}

/// A picture's units in a row; nothing is moved in memory.
#[derive(Module, Debug)]
pub struct Flatten {
    #[module(skip)]
    input: Shape,
}

impl FlattenConfig {
    /// Makes the layer, which has no parameters.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the network has skip connections.
    pub fn init(
        &self,
        input: Shape,
        defaults: &LayerDefaults,
        _: &Device,
    ) -> Result<Flatten, ConfigError> {
        refuse_skip("flatten", defaults)?;
        Ok(Flatten { input })
    }
}

impl HiddenLayer for Flatten {
    fn forward(&self, input: &Signal) -> Result<LayerOutput, SpikeError> {
        Ok(LayerOutput {
            signal: input.with(input.spikes.clone(), self.output()),
            firing: None,
        })
    }

    fn input(&self) -> Shape {
        self.input
    }

    fn output(&self) -> Shape {
        Shape::Units(self.input.units())
    }

    fn summary(&self) -> String {
        "in a row".to_string()
    }

    fn neuron_model(&self) -> Option<NeuronModel> {
        None
    }

    fn kept(&self, _: u128, _: u128, _: bool) -> u128 {
        0
    }
}
