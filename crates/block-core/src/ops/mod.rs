//! The operations, a folder each: public function, the trait that backends implement, gradient, kernels.

mod activity;
pub(crate) mod adam;
mod autodiff;
mod convolution;
pub(crate) mod event_layer;
pub(crate) mod event_readout;
pub(crate) mod scan;

pub use activity::Activity;
pub use adam::{FusedAdam, FusedAdamState};
pub use convolution::{Convolution, convolution};
pub use event_layer::{Synapses, linear_layer};
pub use event_readout::{ReadoutTrace, linear_readout};
pub use scan::scan;
