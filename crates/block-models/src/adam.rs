//! Adam over a whole module, with a state that a checkpoint can hold.
//!
//! Burn's own module optimizer keys its state by parameter ids, which are random in every process,
//! and restores it on the default device, which may not exist. Here the key is the parameter's
//! path in the module, and the device is the parameter's.

use std::any::Any;
use std::collections::BTreeMap;

use block_core::{FusedAdam, FusedAdamState};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{DType, Tensor, TensorData};
use thiserror::Error;

/// Adam with betas 0.9 and 0.999 and epsilon 1e-8, over the parameters of any module.
///
/// ```
/// use block_models::{Adam, NetworkConfig, Shape};
/// use burn::optim::GradientsParams;
/// use burn::tensor::Device;
///
/// let device = Device::flex().autodiff();
/// let network = NetworkConfig::of([5]).init(Shape::Units(4), 3, &device)?;
/// let loss = network.readout.linear.weight.val().powi_scalar(2).sum();
/// let gradients = GradientsParams::from_grads(loss.backward(), &network);
/// let mut adam = Adam::default();
/// let network = adam.step(0.001, network, gradients);
/// assert_eq!(adam.moments()["readout.linear.weight"].steps, 1);
/// # Ok::<(), block_models::ConfigError>(())
/// ```
#[derive(Default)]
pub struct Adam {
    rule: FusedAdam,
    states: BTreeMap<String, Box<dyn ParameterState>>,
}

/// Adam's state of one parameter on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Steps taken.
    pub steps: usize,
    /// The parameter's shape.
    pub shape: Vec<usize>,
    /// The mean of the gradients.
    pub first: Vec<f32>,
    /// The mean of the squared gradients.
    pub second: Vec<f32>,
}

/// Why moments do not fit a module.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MomentsError {
    /// No parameter has this path.
    #[error("Adam's moments of `{path}` belong to no parameter")]
    Unknown {
        /// The path.
        path: String,
    },
    /// The parameter has another shape than its moments, or the moments do not fill their shape.
    #[error(
        "Adam's moments of `{path}` have shape {found:?} with {numbers:?} numbers, expected {expected:?}"
    )]
    Shape {
        /// The parameter's path.
        path: String,
        /// The moments' shape.
        found: Vec<usize>,
        /// The numbers of the first and of the second moments.
        numbers: [usize; 2],
        /// The parameter's shape.
        expected: Vec<usize>,
    },
}

impl Adam {
    /// Changes every parameter that has a gradient.
    pub fn step<M: Module>(&mut self, rate: f64, module: M, gradients: GradientsParams) -> M {
        module.map(&mut Step {
            adam: self,
            rate,
            gradients,
            path: Path::default(),
        })
    }

    /// The state by the parameters' paths, on the host. Variants of enums are no part of a path.
    pub fn moments(&self) -> BTreeMap<String, Moments> {
        let states = self.states.iter();
        states
            .map(|(path, state)| (path.clone(), state.moments()))
            .collect()
    }

    /// Adam with the state that [`moments`](Self::moments) gave, for a module of the same parameters.
    ///
    /// # Errors
    ///
    /// [`MomentsError`] if moments fit no parameter.
    pub fn from_moments(
        moments: BTreeMap<String, Moments>,
        module: &impl Module,
    ) -> Result<Self, MomentsError> {
        let mut restore = Restore {
            adam: Self::default(),
            moments,
            path: Path::default(),
            error: None,
        };
        module.visit(&mut restore);
        let unknown = restore.moments.into_keys().next();
        match (restore.error, unknown) {
            (Some(error), _) => Err(error),
            (None, Some(path)) => Err(MomentsError::Unknown { path }),
            (None, None) => Ok(restore.adam),
        }
    }
}

/// Where in a module a visitor is. The path leaves out the variants of enums, so that it equals the one in a file
/// of weights.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn enter(&mut self, name: &str, container_type: &str) {
        if !is_enum(container_type) {
            self.0.push(name.to_string());
        }
    }

    fn exit(&mut self, container_type: &str) {
        if !is_enum(container_type) {
            self.0.pop();
        }
    }

    fn join(&self) -> String {
        self.0.join(".")
    }
}

/// Whether Burn's name of a container is that of an enum.
fn is_enum(container_type: &str) -> bool {
    container_type.starts_with("Enum:")
}

/// A `FusedAdamState` of any number of dimensions.
trait ParameterState: Any {
    fn moments(&self) -> Moments;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<const D: usize> ParameterState for FusedAdamState<D> {
    fn moments(&self) -> Moments {
        Moments {
            steps: self.time,
            shape: self.first.dims().to_vec(),
            first: host(self.first.clone()),
            second: host(self.second.clone()),
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

struct Restore {
    adam: Adam,
    moments: BTreeMap<String, Moments>,
    path: Path,
    error: Option<MomentsError>,
}

impl ModuleVisitor for Restore {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join();
        let Some(moments) = self.moments.remove(&path) else {
            return;
        };
        let expected = param.lazy_shape();
        let numbers = [moments.first.len(), moments.second.len()];
        if moments.shape != expected.to_vec() || numbers != [expected.num_elements(); 2] {
            self.error.get_or_insert(MomentsError::Shape {
                path,
                found: moments.shape,
                numbers,
                expected: expected.to_vec(),
            });
            return;
        }
        let device = param.val().device().inner();
        let tensor = |values: Vec<f32>| {
            let data = TensorData::new(values, moments.shape.clone());
            Tensor::<D>::from_data(data, (&device, DType::F32))
        };
        let state = FusedAdamState {
            time: moments.steps,
            first: tensor(moments.first),
            second: tensor(moments.second),
        };
        self.adam.states.insert(path, Box::new(state));
    }
}

struct Step<'a> {
    adam: &'a mut Adam,
    rate: f64,
    gradients: GradientsParams,
    path: Path,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let path = self.path.join();
        // A state of other dimensions belongs to another module: begin anew.
        let state = self.adam.states.remove(&path);
        let state = state.and_then(|state| state.into_any().downcast::<FusedAdamState<D>>().ok());
        let state = state.map(|state| *state);
        let inner = tensor.inner();
        let (inner, state) = self.adam.rule.step(self.rate, inner, gradient, state);
        if let Some(state) = state {
            self.adam.states.insert(path, Box::new(state));
        }
        let tensor = Tensor::from_inner(inner).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Initializer;
    use burn::nn::Linear;
    use burn::optim::ModuleOptimizer;
    use burn::tensor::Device;

    use super::*;
    use crate::{Network, NetworkConfig, Shape, draw};

    fn network(device: &Device) -> Network {
        device.seed(3);
        let config = NetworkConfig::of([4]);
        let network = config.init(Shape::Units(3), 2, &device.clone().autodiff());
        let network = network.unwrap();
        draw(&network);
        network
    }

    fn linear(network: &Network) -> &Linear {
        network.hidden[0].fused().unwrap().linear
    }

    fn weight(network: &Network) -> Tensor<2> {
        linear(network).weight.val()
    }

    fn gradients(network: &Network) -> GradientsParams {
        let bias = linear(network).bias.as_ref().unwrap().val();
        let loss = weight(network).powi_scalar(2).sum() + bias.exp().sum();
        GradientsParams::from_grads(loss.backward(), network)
    }

    #[test]
    fn a_module_steps_as_with_burns_module_optimizer_and_after_a_restart() {
        let device = Device::flex();
        let mut theirs = network(&device);
        let mut ours = theirs.clone();
        let mut reference = ModuleOptimizer::from(FusedAdam::default());
        let mut adam = Adam::default();
        for _ in 0..5 {
            let step = gradients(&theirs);
            theirs = reference.step(0.01, theirs, step);
            let step = gradients(&ours);
            ours = adam.step(0.01, ours, step);
            let moments = adam.moments();
            assert_eq!(moments.len(), 2, "only parameters with a gradient");
            adam = Adam::from_moments(moments, &ours).unwrap();
        }
        assert_eq!(adam.moments()["hidden.0.linear.weight"].steps, 5);
        let weights = [theirs, ours].map(|network| host(weight(&network)));
        assert_eq!(weights[0], weights[1]);
    }

    #[test]
    fn moments_of_another_network_are_refused() {
        let network = network(&Device::flex());
        let moments = |path: &str, shape: &[usize]| {
            let numbers = vec![0.0; shape.iter().product()];
            let moments = Moments {
                steps: 1,
                shape: shape.to_vec(),
                first: numbers.clone(),
                second: numbers,
            };
            let moments = BTreeMap::from([(path.to_string(), moments)]);
            Adam::from_moments(moments, &network).err()
        };
        assert_eq!(moments("readout.beta", &[2]), None);
        let shape = moments("readout.beta", &[2, 1]).unwrap().to_string();
        assert!(
            shape.contains("`readout.beta` have shape [2, 1]"),
            "{shape}"
        );
        let unknown = moments("readout.gamma", &[2]).unwrap().to_string();
        assert!(
            unknown.contains("`readout.gamma` belong to no"),
            "{unknown}"
        );
    }

    #[derive(Module, Debug)]
    struct Filter {
        kernel: Param<Tensor<4>>,
    }

    #[test]
    fn parameters_of_four_dimensions_have_moments_too() {
        let device = Device::flex().autodiff();
        let kernel = Initializer::Ones.init([2, 1, 3, 3], &device);
        let filter = Filter { kernel };
        let loss = filter.kernel.val().powi_scalar(2).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &filter);
        let mut adam = Adam::default();
        let filter = adam.step(0.01, filter, gradients);
        let moments = adam.moments();
        assert_eq!(moments["kernel"].shape, [2, 1, 3, 3]);
        let restored = Adam::from_moments(moments.clone(), &filter).unwrap();
        assert_eq!(restored.moments(), moments);
    }
}
