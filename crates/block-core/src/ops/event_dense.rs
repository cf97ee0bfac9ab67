//! The dense form and the number of events that a kernel of the CPU has put out, steps of their own that hand their gradient
//! on.

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::autodiff::{deliver, record};
use crate::host::{float, with_real, zeros};
use crate::simd::Real;
use crate::spikes::{DenseSpikes, HostEvents};

/// Events' dense spikes, which are formed when they are asked for; `carrier` receives their gradient.
pub(super) fn dense_spikes(carrier: FloatTensor<Dispatch>, events: Arc<HostEvents>) -> DenseSpikes {
    DenseSpikes::new(Tensor::from_dispatch(carrier), |carrier| {
        let carrier = carrier.into_dispatch();
        Tensor::from_dispatch(Dispatch::event_dense(carrier, events))
    })
}

/// The number of events, `[1]`; `carrier` receives the gradient of the sum of their dense spikes.
pub(super) fn total(carrier: &Tensor<3>, events: Arc<HostEvents>) -> Tensor<1> {
    let carrier = carrier.clone().into_dispatch();
    Tensor::from_dispatch(Dispatch::event_total(carrier, events))
}

/// Forward.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait EventDenseOps: Backend {
    /// How often each unit fires at each step, `[b, t, n]`, in the carrier's type; the gradient goes to the carrier.
    fn event_dense(carrier: FloatTensor<Self>, events: Arc<HostEvents>) -> FloatTensor<Self>;

    /// How many events there are, `[1]`, in the carrier's type; the gradient goes to every entry of the carrier.
    fn event_total(carrier: FloatTensor<Self>, events: Arc<HostEvents>) -> FloatTensor<Self>;
}

impl EventDenseOps for Flex {
    fn event_dense(carrier: FlexTensor, events: Arc<HostEvents>) -> FlexTensor {
        with_real!(carrier.dtype(), F => {
            let shape = [events.batch, events.steps, events.inputs];
            float(counts::<F>(&events), shape)
        })
    }

    fn event_total(carrier: FlexTensor, events: Arc<HostEvents>) -> FlexTensor {
        with_real!(carrier.dtype(), F => {
            float(vec![F::of(events.units.len() as f64)], [1])
        })
    }
}

impl<B: EventDenseOps, C: CheckpointStrategy> EventDenseOps for Autodiff<B, C> {
    fn event_dense(carrier: FloatTensor<Self>, events: Arc<HostEvents>) -> FloatTensor<Self> {
        let (carrier, node) = carrier.into_parts();
        let out = B::event_dense(carrier, events);
        record!(Identity, C, [node], (), out)
    }

    fn event_total(carrier: FloatTensor<Self>, events: Arc<HostEvents>) -> FloatTensor<Self> {
        let (carrier, node) = carrier.into_parts();
        let shape = [events.batch, events.steps, events.inputs];
        let out = B::event_total(carrier, events);
        record!(Total, C, [node], shape, out)
    }
}

#[derive(Debug)]
struct Identity;

impl<B: Backend> Backward<B, 1> for Identity {
    type State = ();

    fn backward(self, ops: Ops<(), 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        deliver!(grads, ops.parents, [gradient]);
    }
}

#[derive(Debug)]
struct Total;

impl<B: Backend> Backward<B, 1> for Total {
    /// The carrier's shape.
    type State = [usize; 3];

    fn backward(self, ops: Ops<[usize; 3], 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let everywhere = B::float_reshape(gradient, [1, 1, 1].into());
        let everywhere = B::float_expand(everywhere, ops.state.into());
        deliver!(grads, ops.parents, [everywhere]);
    }
}

/// How often each unit fires, `[batch, steps, units]`.
fn counts<F: Real>(events: &HostEvents) -> Vec<F> {
    let mut counts = zeros::<F>(events.batch * events.steps * events.inputs);
    let rows = counts.par_chunks_mut(events.inputs).enumerate();
    rows.for_each(|(row, counts)| {
        for &unit in events.at(row / events.steps, row % events.steps) {
            counts[unit as usize] += F::of(1.0);
        }
    });
    counts
}
