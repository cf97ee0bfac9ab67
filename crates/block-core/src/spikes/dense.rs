//! Dense spikes whose values are formed when they are asked for.

use std::fmt;
use std::sync::{Arc, LazyLock};

use burn::tensor::Tensor;

/// A value that is computed when it is first asked for.
pub(crate) type Lazy<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

pub(crate) fn lazy<T>(value: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
    Arc::new(LazyLock::new(Box::new(value)))
}

/// Dense spikes `[batch, time, unit]` beside their events, which carry the gradient.
///
/// Layers that run on the events need no dense values. Where a kernel has put out the events, the values are
/// formed when they are first asked for.
#[derive(Clone)]
pub struct DenseSpikes {
    /// Has the shape, the type and the gradient of the spikes, but not always their values.
    carrier: Tensor<3>,
    values: Lazy<Tensor<3>>,
}

impl From<Tensor<3>> for DenseSpikes {
    /// Spikes whose values are there.
    fn from(values: Tensor<3>) -> Self {
        Self {
            carrier: values.clone(),
            values: lazy(|| values),
        }
    }
}

impl DenseSpikes {
    /// Spikes with the gradient of a carrier; `form` makes their values, differentiably.
    pub(crate) fn new(
        carrier: Tensor<3>,
        form: impl FnOnce(Tensor<3>) -> Tensor<3> + Send + 'static,
    ) -> Self {
        Self {
            carrier: carrier.clone(),
            values: lazy(|| form(carrier)),
        }
    }

    /// The spikes. Burn's backward pass uses a graph up: what has a loss of its own is asked for before it.
    pub fn values(&self) -> &Tensor<3> {
        &self.values
    }

    /// What an operation on events hands the gradient of the spikes to; its values mean nothing.
    pub(crate) fn carrier(&self) -> &Tensor<3> {
        &self.carrier
    }
}

impl fmt::Debug for DenseSpikes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DenseSpikes")
            .field("shape", &self.carrier.dims())
            .field("dtype", &self.carrier.dtype())
            .finish_non_exhaustive()
    }
}
