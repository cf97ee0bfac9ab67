//! The dense form of events that a kernel of the CPU has put out, as a step of its own that hands its gradient on.

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

/// Forward.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait EventDenseOps: Backend {
    /// How often each unit fires at each step, `[b, t, n]`, in the carrier's type; the gradient goes to the carrier.
    fn event_dense(carrier: FloatTensor<Self>, events: Arc<HostEvents>) -> FloatTensor<Self>;
}

impl EventDenseOps for Flex {
    fn event_dense(carrier: FlexTensor, events: Arc<HostEvents>) -> FlexTensor {
        with_real!(carrier.dtype(), F => {
            let shape = [events.batch, events.steps, events.inputs];
            float(counts::<F>(&events), shape)
        })
    }
}

impl<B: EventDenseOps, C: CheckpointStrategy> EventDenseOps for Autodiff<B, C> {
    fn event_dense(carrier: FloatTensor<Self>, events: Arc<HostEvents>) -> FloatTensor<Self> {
        let (carrier, node) = carrier.into_parts();
        let out = B::event_dense(carrier, events);
        record!(Identity, C, [node], (), out)
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
