//! Adam over a whole module, with a state that a checkpoint can hold.
//!
//! Burn's own module optimizer keys its state by parameter ids, which are random in every process,
//! and restores it on the default device, which may not exist. Here the key is the parameter's
//! path in the module, and the device is the parameter's.

use std::any::Any;
use std::collections::BTreeMap;

use block_core::{FusedAdam, FusedAdamState};
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Adam with betas 0.9 and 0.999 and epsilon 1e-8.
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
    /// The mean of their squares.
    pub second: Vec<f32>,
}

impl Adam {
    /// Changes every parameter that has a gradient.
    pub fn step<M: Module>(&mut self, rate: f64, module: M, gradients: GradientsParams) -> M {
        module.map(&mut Step {
            adam: self,
            rate,
            gradients,
            path: Vec::new(),
        })
    }

    /// The state by the parameters' paths, on the host.
    pub fn moments(&self) -> BTreeMap<String, Moments> {
        let states = self.states.iter();
        states
            .map(|(path, state)| (path.clone(), state.moments()))
            .collect()
    }

    /// Adam with such a state. What is no shape of a parameter is an error: its path.
    ///
    /// # Errors
    ///
    /// The path of a parameter of other than one or two dimensions, or of another size.
    pub fn from_moments(
        moments: BTreeMap<String, Moments>,
        device: &Device,
    ) -> Result<Self, String> {
        let mut adam = Self::default();
        for (path, moments) in moments {
            let size: usize = moments.shape.iter().product();
            let fits = moments.first.len() == size && moments.second.len() == size;
            let state: Box<dyn ParameterState> = match moments.shape.len() {
                1 if fits => Box::new(state::<1>(moments, device)),
                2 if fits => Box::new(state::<2>(moments, device)),
                _ => return Err(path),
            };
            adam.states.insert(path, state);
        }
        Ok(adam)
    }
}

fn state<const D: usize>(moments: Moments, device: &Device) -> FusedAdamState<D> {
    let tensor = |values: Vec<f32>| {
        let data = TensorData::new(values, moments.shape.clone());
        Tensor::<D>::from_data(data, (device, DType::F32))
    };
    FusedAdamState {
        time: moments.steps,
        first: tensor(moments.first),
        second: tensor(moments.second),
    }
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

struct Step<'a> {
    adam: &'a mut Adam,
    rate: f64,
    gradients: GradientsParams,
    path: Vec<String>,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let path = self.path.join(".");
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
    use block_models::{LinearNetwork, LinearNetworkConfig};
    use burn::optim::ModuleOptimizer;

    use super::*;

    fn network(device: &Device) -> LinearNetwork {
        device.seed(3);
        let config = LinearNetworkConfig::new(3, vec![4], 2);
        let network = config.init(&device.clone().autodiff()).unwrap();
        crate::weights::draw(&network);
        network
    }

    fn gradients(network: &LinearNetwork) -> GradientsParams {
        let layer = &network.hidden[0];
        let loss = layer.weight.val().powi_scalar(2).sum() + layer.bias.val().exp().sum();
        GradientsParams::from_grads(loss.backward(), network)
    }

    #[test]
    fn a_module_steps_as_with_burns_module_optimizer_and_after_a_restart() {
        let device = Device::flex();
        let mut theirs = network(&device);
        let mut ours = network(&device);
        let mut reference = ModuleOptimizer::from(FusedAdam::default());
        let mut adam = Adam::default();
        for _ in 0..5 {
            let step = gradients(&theirs);
            theirs = reference.step(0.01, theirs, step);
            let step = gradients(&ours);
            ours = adam.step(0.01, ours, step);
            let moments = adam.moments();
            assert_eq!(moments.len(), 2, "only parameters with a gradient");
            adam = Adam::from_moments(moments, &device).unwrap();
        }
        assert_eq!(adam.moments()["hidden.0.weight"].steps, 5);
        let weights = [theirs, ours].map(|network| host(network.hidden[0].weight.val()));
        assert_eq!(weights[0], weights[1]);
    }
}
