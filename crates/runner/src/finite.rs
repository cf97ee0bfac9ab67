//! Whether a network still consists of numbers.

use block_models::Network;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Whether every parameter's sum is finite: at a fraction of the cost of looking at each number. Where it is not, the numbers
/// must be looked at, for finite ones may have an infinite sum.
pub(crate) fn sums_are_finite(network: &Network) -> bool {
    let mut sums = Sums { finite: true };
    network.visit(&mut sums);
    sums.finite
}

struct Sums {
    finite: bool,
}

impl ModuleVisitor for Sums {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let sum: f32 = param.val().detach().sum().into_scalar();
        self.finite &= sum.is_finite();
    }
}

#[cfg(test)]
mod tests {
    use block_models::{NetworkConfig, Shape};
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn one_number_that_is_none_shows() {
        let device = Device::flex().autodiff();
        let config = NetworkConfig::of([3]);
        let mut network = config.init(Shape::Units(2), 2, &device).unwrap();
        assert!(sums_are_finite(&network));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let beta = Tensor::from_floats([0.5, bad], &device);
            network.readout.beta = Param::from_tensor(beta);
            assert!(!sums_are_finite(&network), "{bad}");
        }
    }
}
