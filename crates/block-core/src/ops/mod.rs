//! The operations, a folder each: public function, the trait that backends implement, gradient, kernels.

mod activity;
pub(crate) mod adam;
mod autodiff;
mod convolution;
mod event_conv;
mod event_dense;
pub(crate) mod event_layer;
mod event_pool;
pub(crate) mod event_readout;
pub(crate) mod scan;

pub use activity::Activity;
pub use adam::{FusedAdam, FusedAdamState};
pub use convolution::{Convolution, convolution};
pub use event_conv::{ConvSynapses, conv_layer};
pub use event_layer::{Synapses, linear_layer};
pub use event_pool::max_pool;
pub use event_readout::{ReadoutTrace, linear_readout};
pub use scan::scan;
