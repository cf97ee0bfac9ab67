use block_core::{
    Activity, ConvSynapses, LayerInput, NeuronModel, Neurons, SpikeError, SpikeEvents, Surrogate,
    conv_layer, convolution,
};
use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{Initializer, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hidden::{Firing, HiddenLayer, LayerDefaults, LayerOutput};
use super::picture::{Window, check_pictures, picture, refuse_skip};
use crate::parameters::Decay;
use crate::schema::{self, MANY};
use crate::{ConfigError, Formulation, Shape, Signal};

/// Which neurons of a convolution share a β.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BetaOf {
    /// None: each neuron has its own.
    Neuron,
    /// The neurons of a channel.
    Channel,
    /// All neurons of the layer.
    Layer,
}

/// What a convolution's initial weights are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConvInit {
    /// Uniform up to 1/√(kernel² · input channels): the inputs of a neuron.
    #[default]
    FanIn,
    /// Uniform up to 1/kernel, whatever the number of input channels.
    Kernel,
    /// Normal, with variance 2/(kernel² · (input channels + channels)).
    GlorotNormal,
}

impl ConvInit {
    /// The initial weights `[channels, input channels, kernel, kernel]`, multiplied by a scale.
    fn weight(self, shape: [usize; 4], scale: f64, device: &Device) -> Param<Tensor<4>> {
        let [channels, inputs, rows, columns] = shape;
        let kernel = rows * columns;
        let (fan_in, fan_out) = (kernel * inputs, kernel * channels);
        let uniform = |fan: usize| {
            let bound = scale / (fan as f64).sqrt();
            let (min, max) = (-bound, bound);
            Initializer::Uniform { min, max }
        };
        let draw = match self {
            Self::FanIn => uniform(fan_in),
            Self::Kernel => uniform(kernel),
            Self::GlorotNormal => Initializer::XavierNormal { gain: scale },
        };
        draw.init_with(shape, Some(fan_in), Some(fan_out), device)
    }
}

/// Spiking neurons driven by a convolution over the picture of each time step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvConfig {
    /// Channels that the layer puts out.
    #[schemars(range(min = 1, max = MANY))]
    pub channels: usize,
    /// Rows and columns of the kernel.
    #[schemars(range(min = 1, max = 4096))]
    pub kernel: usize,
    /// Rows and columns by which the kernel moves on.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 4096))]
    pub stride: usize,
    /// Rows and columns of zeros on each side of the input.
    #[serde(default)]
    #[schemars(range(max = 4096))]
    pub padding: usize,
    /// How the neurons are computed. Default: the model's.
    pub formulation: Option<Formulation>,
    /// Initial decay β of the membrane potential a step. Default: `model.beta.hidden`.
    #[schemars(range(min = 0, max = 1))]
    pub beta: Option<f64>,
    /// What has a β of its own: each neuron, each channel, or the layer. Default: each neuron if the model's
    /// `beta.per_neuron` is true, else the layer.
    pub beta_of: Option<BetaOf>,
    /// Whether β is trained. Default: the model's.
    pub beta_trained: Option<bool>,
    /// What initial weights are drawn from. "fan-in": uniform up to 1/√(kernel² · input channels); "kernel":
    /// uniform up to 1/kernel; "glorot-normal": normal with variance 2/(kernel² · (input channels + channels)).
    #[serde(default)]
    pub init: ConvInit,
    /// Multiplies the initial weights. Default: `model.init_scale` for the first layer, 1 for the others.
    #[schemars(range(min = 1e-30, max = 1e30))]
    pub init_scale: Option<f64>,
    /// What stands in for the derivative of the threshold. Default: the model's.
    #[serde(default)]
    #[schemars(schema_with = "schema::layer_surrogate")]
    pub surrogate: Option<Surrogate>,
}

fn one() -> usize {
    1
}

/// The default density, in spikes a unit and step, up to which a convolution runs on events. Measured on the second
/// convolution of the paper's network for MNIST, on two cores with AVX2: 0.86 of the dense route's time at 0.5.
const DENSEST: f64 = 0.5;

/// A convolution over space at every time step, and spiking neurons that it drives, one a place and channel.
///
/// On the CPU sparse events drive the neurons without a dense convolution; see [`conv_layer`].
#[derive(Module, Debug)]
pub struct SpikingConv2d {
    /// Weight `[channels, input channels, kernel, kernel]` and bias `[channels]`. Stride and padding are the same on all
    /// sides; dilation and groups are 1 and are not read.
    pub conv: Conv2d,
    /// The decay β: `[channels · rows · columns]`, `[channels]` or, shared, `[1]`.
    pub beta: Param<Tensor<1>>,
    #[module(skip)]
    input: [usize; 3],
    #[module(skip)]
    output: [usize; 3],
    #[module(skip)]
    surrogate: Surrogate,
    #[module(skip)]
    formulation: Formulation,
    #[module(skip)]
    densest: f64,
}

impl ConvConfig {
    /// A layer with the network's own settings, a stride of 1 and no padding.
    pub fn new(channels: usize, kernel: usize) -> Self {
        Self {
            channels,
            kernel,
            stride: 1,
            padding: 0,
            formulation: None,
            beta: None,
            beta_of: None,
            beta_trained: None,
            init: ConvInit::default(),
            init_scale: None,
            surrogate: None,
        }
    }

    /// Makes the layer. Its weight is drawn as [`init`](Self::init) says, its bias is 0.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the input is no picture, the kernel larger than it with its padding, a size 0, the
    /// layer too large for any machine, or the network has skip connections.
    pub fn init(
        &self,
        input: Shape,
        defaults: &LayerDefaults,
        device: &Device,
    ) -> Result<SpikingConv2d, ConfigError> {
        const KIND: &str = "conv";
        let input = picture(KIND, input)?;
        refuse_skip(KIND, defaults)?;
        let channels = self.channels;
        if channels == 0 {
            return Err(ConfigError::new("channels", 0, "at least 1"));
        }
        let window = Window {
            key: "kernel",
            size: self.kernel,
            stride: self.stride,
            padding: self.padding,
        };
        let [height, width] = window.places(input)?;
        let output = [channels, height, width];
        let weights = [channels, input[0], self.kernel, self.kernel];
        // As many as the largest linear layer has.
        let many = MANY as u128;
        for (what, sizes, most) in [
            ("neurons", &output[..], many),
            ("weights", &weights[..], many * many),
        ] {
            let number = sizes.iter().map(|&size| size as u128).product::<u128>();
            if number > most {
                let found = format!("{channels}, which makes {number} {what}");
                let expected = format!("a number that makes {most} at most");
                return Err(ConfigError::new("channels", found, expected));
            }
        }
        let scale = self.init_scale.unwrap_or(defaults.init_scale);
        let usual = match defaults.beta_per_neuron {
            true => BetaOf::Neuron,
            false => BetaOf::Layer,
        };
        let betas = match self.beta_of.unwrap_or(usual) {
            BetaOf::Neuron => Shape::from(output).units(),
            BetaOf::Channel => channels,
            BetaOf::Layer => 1,
        };
        let decay = Decay {
            beta: self.beta.unwrap_or(defaults.beta),
            per_neuron: true,
            trained: self.beta_trained.unwrap_or(defaults.beta_trained),
        };
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding);
        Ok(SpikingConv2d {
            conv: Conv2d {
                weight: self.init.weight(weights, scale, device),
                bias: Some(Initializer::Zeros.init([channels], device)),
                stride: [stride; 2],
                kernel_size: [kernel; 2],
                dilation: [1; 2],
                groups: 1,
                padding: PaddingConfig2d::Explicit(padding, padding, padding, padding),
            },
            beta: decay.init(betas, device),
            input,
            output,
            surrogate: self.surrogate.unwrap_or(defaults.surrogate),
            formulation: self.formulation.unwrap_or(defaults.formulation),
            densest: DENSEST,
        })
    }
}

impl SpikingConv2d {
    /// Sets the density, in spikes a unit and step, up to which the layer runs on events. Above it the dense
    /// convolution runs. The default is 0.5. Both compute the same up to rounding.
    pub fn with_events_up_to(mut self, densest: f64) -> Self {
        self.densest = densest;
        self
    }

    /// Weight and bias as the operation takes them.
    pub fn synapses(&self) -> ConvSynapses {
        let weight = self.conv.weight.val();
        let [channels, _, rows, _] = weight.dims();
        let bias = match &self.conv.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([channels], (&weight.device(), weight.dtype())),
        };
        let padding = match self.conv.padding {
            PaddingConfig2d::Explicit(zeros, ..) => zeros,
            PaddingConfig2d::Same => rows / 2,
            PaddingConfig2d::Valid => 0,
        };
        ConvSynapses {
            weight,
            bias,
            input: self.input,
            stride: self.conv.stride[0],
            padding,
        }
    }

    /// The input where the weight is, without events if there are too many.
    fn entering(&self, input: &Signal) -> Result<LayerInput, SpikeError> {
        let weight = self.conv.weight.val();
        let (device, dtype) = (weight.device(), weight.dtype());
        check_pictures("SpikingConv2d", input, self.input, Some(dtype))?;
        let entries: usize = input.spikes.shape().iter().product();
        let few = |events: &SpikeEvents| events.spikes() as f64 <= self.densest * entries as f64;
        Ok(match input.spikes.events().is_some_and(few) {
            true => input.spikes.clone(),
            false => input.spikes.to_dense(&device, dtype).into(),
        })
    }

    /// The neurons' input current: the convolution of every step's picture.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch, time, channels · rows · columns]`, the layer's input
    /// - output: `[batch, time, channels · rows · columns]`, one a neuron
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    pub fn current(&self, input: &Signal) -> Result<Tensor<3>, SpikeError> {
        self.synapses().current(&self.entering(input)?)
    }

    /// Runs the neurons.
    ///
    /// # Shapes
    ///
    /// As [`current`](Self::current).
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the input does not fit the layer.
    pub fn spikes(&self, input: &Signal) -> Result<Firing, SpikeError> {
        let neurons = self.neurons(self.formulation.model());
        if self.formulation.has_kernels() {
            let activity = conv_layer(&self.entering(input)?, &self.synapses(), &neurons)?;
            return Ok(Firing {
                spikes: activity.to_input()?,
                activity,
            });
        }
        let activity = Activity::from(convolution(self.current(input)?, &neurons)?);
        let spikes = LayerInput::from(activity.spikes());
        Ok(Firing { spikes, activity })
    }

    /// Neurons of a model, with the layer's β and surrogate.
    pub fn neurons(&self, model: NeuronModel) -> Neurons {
        let beta = self.beta.val();
        let [channels, height, width] = self.output;
        let of_channels = beta.dims() == [channels] && channels > 1;
        let beta = match of_channels {
            true => {
                let places = beta
                    .unsqueeze_dim::<2>(1)
                    .expand([channels, height * width]);
                places.reshape([channels * height * width])
            }
            false => beta,
        };
        Neurons::new(beta, model).with_surrogate(self.surrogate)
    }
}

impl HiddenLayer for SpikingConv2d {
    fn forward(&self, input: &Signal) -> Result<LayerOutput, SpikeError> {
        let firing = self.spikes(input)?;
        let (spikes, shape) = (firing.spikes.clone(), self.output());
        Ok(LayerOutput {
            signal: input.with(spikes, shape),
            firing: Some(firing),
        })
    }

    fn input(&self) -> Shape {
        self.input.into()
    }

    fn output(&self) -> Shape {
        self.output.into()
    }

    fn summary(&self) -> String {
        let name: &str = self.formulation.into();
        let [rows, columns] = self.conv.kernel_size;
        format!("{name} spikes of a {rows}x{columns} convolution")
    }

    fn neuron_model(&self) -> Option<NeuronModel> {
        Some(self.formulation.model())
    }

    /// With kernels, by events: the gradient of the spikes. By the dense route also the spikes, the current, which becomes
    /// the potential, and its gradient. Inputs that fire once are sparse over so many steps; of others, a hidden layer's
    /// too, nobody knows beforehand, so this is the most that it may be. Convolutions over time keep all that lies on Burn's tape, and a Toeplitz matrix
    /// and its gradient for each β. Of events that became dense there is a copy.
    fn kept(&self, batch: u128, steps: u128, first: bool) -> u128 {
        let rows = batch * steps;
        let [inputs, neurons] = [self.input(), self.output()].map(|shape| shape.units() as u128);
        let dense = if first { rows * inputs } else { 0 };
        if self.formulation.has_kernels() {
            return match first && steps as f64 * self.densest >= 1.0 {
                true => rows * neurons,
                false => 4 * rows * neurons + dense,
            };
        }
        let betas = self.beta.lazy_shape().num_elements() as u128;
        let matrices = if betas > 1 { neurons } else { 1 };
        6 * rows * neurons + dense + 2 * matrices * steps * steps
    }
}

#[cfg(test)]
mod tests {
    use block_core::{LayerInput, SpikeEventsBuilder};
    use burn::tensor::{DType, Device};

    use super::ConvConfig;
    use crate::{NetworkConfig, Shape, Signal};

    #[test]
    fn the_density_of_the_events_decides_the_route() {
        const PICTURE: [usize; 3] = [1, 4, 4];
        let device = Device::flex();
        let defaults = NetworkConfig::default().layer_defaults(true);
        let layer = ConvConfig::new(2, 3).init(PICTURE.into(), &defaults, &device);
        let layer = layer.unwrap();
        // Two steps of 16 units: half of their places are 16.
        for (spikes, by_events) in [(0, true), (16, true), (17, false), (32, false)] {
            let all: Vec<(u32, u32)> = (0..spikes).map(|at| (at / 16, at % 16)).collect();
            let mut builder = SpikeEventsBuilder::new(2, 16);
            builder.push_sample(&all).unwrap();
            let events = builder.build(&device);
            let alone = LayerInput::from(events.clone());
            let both = LayerInput::from(events.to_dense())
                .with_events(events)
                .unwrap();
            for (form, spikes, dense) in [("alone", alone, false), ("both", both, true)] {
                let signal = Signal {
                    spikes,
                    shape: Shape::from(PICTURE),
                    dtype: DType::F32,
                };
                let entering = layer.entering(&signal).unwrap();
                let found = (entering.events().is_some(), entering.dense().is_some());
                let expected = (by_events, dense || !by_events);
                assert_eq!(found, expected, "{} spikes, {form}", all.len());
                let dense = entering.to_dense(&device, DType::F32).into_data();
                assert_eq!(dense, signal.to_dense().into_data());
            }
        }
    }
}
