use burn::tensor::Element;
use num_traits::{Float, NumAssign};

/// A floating-point type that kernels compute in: f32, and f64 for conformance tests.
pub(crate) trait Real: Element + bytemuck::Pod + Float + NumAssign + Send + Sync {
    /// Nearest value to `value`.
    fn of(value: f64) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
}
