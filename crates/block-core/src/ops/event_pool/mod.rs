//! Maximum pooling of spikes, from dense spikes or from events.

mod cpu;

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};

use super::autodiff::{deliver, record};
use super::event_dense::dense_spikes;
use crate::device::{has_kernels, on_host};
use crate::error::{check_not_empty, check_shape};
use crate::spikes::{Form, HostEvents};
use crate::{LayerInput, SpikeError, SpikeEvents};

/// Square windows on pictures: channels, rows and columns of the input and of what is put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    pub input: [usize; 3],
    pub output: [usize; 3],
    pub size: usize,
    pub stride: usize,
}

/// The maximum of spikes in square windows of each channel's picture, at every time step: a unit fires if any unit of
/// its window does. What is left over at the right and at the bottom is dropped.
///
/// The gradient goes to the first maximum of a window in row-major order, even where all values are 0.
///
/// On the CPU events are pooled to events, reading each event once. Dense spikes beside them are not read, and those
/// of the output are formed only when they are asked for. Elsewhere, and for dense spikes alone, Burn's maximum pooling
/// runs; for it, an input of events alone becomes dense in float32.
///
/// # Shapes
///
/// - `input`: `[batch, time, channels · rows · columns]`, pictures of the shape `picture`
/// - output: `[batch, time, channels · windows]`, numbered row by row, channel after channel
///
/// # Errors
///
/// [`SpikeError`] if the input does not fit the picture, a dimension, the window or the stride is 0, or the window
/// is larger than the picture.
pub fn max_pool(
    input: &LayerInput,
    picture: [usize; 3],
    window: usize,
    stride: usize,
) -> Result<LayerInput, SpikeError> {
    const NAME: &str = "max_pool";
    let windows = check(NAME, input, picture, window, stride)?;
    let Some(events) = event_route(input) else {
        return Ok(LayerInput::Dense(dense_route(input, &windows)));
    };
    let pooled = Arc::new(windows.pool(events));
    let listed = SpikeEvents::of_host(pooled.clone(), &input.device());
    let Some(spikes) = input.carrier() else {
        return Ok(listed.into());
    };
    let spikes = spikes.clone().into_dispatch();
    let carrier = Dispatch::event_pool(spikes, events.clone(), pooled.clone(), windows);
    Ok(LayerInput::Both {
        dense: dense_spikes(carrier, pooled),
        events: listed,
    })
}

fn check(
    operation: &'static str,
    input: &LayerInput,
    picture: [usize; 3],
    size: usize,
    stride: usize,
) -> Result<Windows, SpikeError> {
    let [batch, steps, units] = input.shape();
    let [channels, height, width] = picture;
    let expected = channels * height * width;
    check_not_empty(operation, [batch, steps, expected])?;
    for (what, size) in [("window", size), ("stride", stride)] {
        if size == 0 {
            return Err(SpikeError::Empty { operation, what });
        }
    }
    let words = "(batch, time, channels · rows · columns)";
    let (found, expected) = ([batch, steps, units], [batch, steps, expected]);
    check_shape(operation, "input", &found, &expected, words)?;
    if size > height.min(width) {
        return Err(SpikeError::Shape {
            operation,
            tensor: "input",
            found: picture.to_vec(),
            expected: format!("pictures of at least {size} rows and columns, as the window has"),
        });
    }
    let places = |along: usize| (along - size) / stride + 1;
    Ok(Windows {
        input: picture,
        output: [channels, places(height), places(width)],
        size,
        stride,
    })
}

/// The events to run on, if they and the dense spikes beside them lie on the CPU.
fn event_route(input: &LayerInput) -> Option<&Arc<HostEvents>> {
    let events = match input.events()?.form() {
        Form::Host(events) => events,
        Form::Device { .. } => return None,
    };
    let kernels = |dense: &Tensor<3>| {
        let device = dense.device();
        on_host(&device) && has_kernels(&device, dense.dtype())
    };
    input.carrier().is_none_or(kernels).then_some(events)
}

fn dense_route(input: &LayerInput, windows: &Windows) -> Tensor<3> {
    let dense = input.to_dense(&input.device(), DType::F32);
    let [batch, steps, _] = dense.dims();
    let [channels, height, width] = windows.input;
    let pictures = dense.reshape([batch * steps, channels, height, width]);
    let options = MaxPoolOptions::new([windows.size; 2]).with_stride([windows.stride; 2]);
    let units = windows.output.iter().product::<usize>();
    max_pool2d(pictures, options).reshape([batch, steps, units])
}

/// Forward.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait EventPoolOps: Backend {
    /// The carrier of `pooled`, the pooled `events`, `[b, t, windows]`, which hands its gradient to that of the
    /// events, `[b, t, n]`.
    fn event_pool(
        spikes: FloatTensor<Self>,
        events: Arc<HostEvents>,
        pooled: Arc<HostEvents>,
        windows: Windows,
    ) -> FloatTensor<Self>;
}

/// Backward, for backends without autodiff.
#[backend_extension(Flex)]
pub(crate) trait EventPoolGradient: Backend {
    /// The gradient of the input `[b, t, n]` from that of what was put out, `[b, t, windows]`.
    fn event_pool_backward(
        gradient: FloatTensor<Self>,
        events: Arc<HostEvents>,
        windows: Windows,
    ) -> FloatTensor<Self>;
}

impl<B: EventPoolOps + EventPoolGradient, C: CheckpointStrategy> EventPoolOps for Autodiff<B, C> {
    fn event_pool(
        spikes: FloatTensor<Self>,
        events: Arc<HostEvents>,
        pooled: Arc<HostEvents>,
        windows: Windows,
    ) -> FloatTensor<Self> {
        let (spikes, node) = spikes.into_parts();
        let out = B::event_pool(spikes, events.clone(), pooled, windows);
        record!(Pool { windows }, C, [node], events, out)
    }
}

#[derive(Debug)]
struct Pool {
    windows: Windows,
}

impl<B: EventPoolGradient> Backward<B, 1> for Pool {
    type State = Arc<HostEvents>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let gradient = B::event_pool_backward(gradient, ops.state, self.windows);
        deliver!(grads, ops.parents, [gradient]);
    }
}
