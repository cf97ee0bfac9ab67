use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Lets every parameter draw its initial values now, in the order of the layers.
///
/// Burn draws a parameter when it is first used, so that a seed alone does not fix the values.
pub fn draw(module: &impl Module) {
    struct Draw;
    impl ModuleVisitor for Draw {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            param.val();
        }
    }
    module.visit(&mut Draw);
}
