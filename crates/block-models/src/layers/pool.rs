use block_core::device::on_host;
use block_core::{LayerInput, NeuronModel, SpikeError, max_pool};
use burn::module::Module;
use burn::tensor::Device;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::hidden::{HiddenLayer, LayerDefaults, LayerOutput};
use super::picture::{Window, check_pictures, picture, refuse_skip};
use crate::schema::MANY;
use crate::{ConfigError, Shape, Signal};

/// What is taken of a window.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PoolReduction {
    /// The maximum; its gradient goes to the first of equal values, row by row.
    #[default]
    Max,
    /// The mean, which makes fractions of spikes: the layer after it takes them densely.
    Average,
}

/// Pooling of each channel of the picture of each time step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// What is taken of a window.
    #[serde(default)]
    pub reduction: PoolReduction,
    /// Rows and columns of the window.
    #[schemars(range(min = 1, max = MANY))]
    pub window: usize,
    /// Rows and columns by which the window moves on; what is left over at the end is dropped. Default: the
    /// window.
    #[schemars(range(min = 1, max = MANY))]
    pub stride: Option<usize>,
}

/// Pooling of spikes. With the maximum, a unit fires at a step if any unit of its window does, so it may fire at
/// several steps even if each unit of its window fires only once.
#[derive(Module, Debug)]
pub struct SpikePool2d {
    #[module(skip)]
    reduction: PoolReduction,
    #[module(skip)]
    window: Window,
    #[module(skip)]
    input: [usize; 3],
    #[module(skip)]
    output: [usize; 3],
}

impl PoolConfig {
    /// Makes the layer, which has no parameters.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the input is no picture, the window larger than it, a size 0, or the network has skip
    /// connections.
    pub fn init(
        &self,
        input: Shape,
        defaults: &LayerDefaults,
        _: &Device,
    ) -> Result<SpikePool2d, ConfigError> {
        const KIND: &str = "pool";
        let input = picture(KIND, input)?;
        refuse_skip(KIND, defaults)?;
        let window = Window {
            key: "window",
            size: self.window,
            stride: self.stride.unwrap_or(self.window),
            padding: 0,
        };
        let [height, width] = window.places(input)?;
        Ok(SpikePool2d {
            reduction: self.reduction,
            window,
            input,
            output: [input[0], height, width],
        })
    }
}

impl HiddenLayer for SpikePool2d {
    fn forward(&self, input: &Signal) -> Result<LayerOutput, SpikeError> {
        check_pictures("SpikePool2d", input, self.input, None)?;
        let (shape, Window { size, stride, .. }) = (self.output(), self.window);
        let spikes = match self.reduction {
            PoolReduction::Max => {
                let by_events = input.spikes.dtype().is_some() || on_host(&input.spikes.device());
                let spikes = match by_events {
                    true => input.spikes.clone(),
                    false => input.to_dense().into(),
                };
                max_pool(&spikes, self.input, size, stride)?
            }
            PoolReduction::Average => {
                let [batch, steps, _] = input.spikes.shape();
                let [channels, height, width] = self.input;
                let pictures = input.to_dense();
                let pictures = pictures.reshape([batch * steps, channels, height, width]);
                let options = AvgPoolOptions::new([size; 2]).with_stride([stride; 2]);
                let means = avg_pool2d(pictures, options);
                LayerInput::from(means.reshape([batch, steps, shape.units()]))
            }
        };
        Ok(LayerOutput {
            signal: input.with(spikes, shape),
            firing: None,
        })
    }

    fn input(&self) -> Shape {
        self.input.into()
    }

    fn output(&self) -> Shape {
        self.output.into()
    }

    fn summary(&self) -> String {
        let name: &str = self.reduction.into();
        let Window { size, stride, .. } = self.window;
        let moves = if stride == size {
            String::new()
        } else {
            format!(", moved by {stride}")
        };
        format!("{name} of {size}x{size}{moves}")
    }

    fn neuron_model(&self) -> Option<NeuronModel> {
        None
    }

    /// What comes out and its gradient; of a maximum of dense spikes also where it was found, in 8 bytes. Of events
    /// that became dense there is a copy.
    fn kept(&self, batch: u128, steps: u128, first: bool) -> u128 {
        let rows = batch * steps;
        let [inputs, outputs] = [self.input(), self.output()].map(|shape| shape.units() as u128);
        let dense = if first { rows * inputs } else { 0 };
        match self.reduction {
            // From events come events alone.
            PoolReduction::Max if first => 0,
            PoolReduction::Max => 4 * rows * outputs,
            PoolReduction::Average => 2 * rows * outputs + dense,
        }
    }
}
