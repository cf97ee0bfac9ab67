//! A linear layer of spiking neurons driven by events.
//!
//! The dense input is never formed. A block of `LANES` neurons keeps its weight columns in cache;
//! each sample's membrane potentials come from adding the weight rows of the units that fire, step
//! by step. Nothing of size batch·time·neuron is kept for the backward pass: it runs the additions
//! again, which costs less than the memory traffic. Where every unit fires once, the rows of the last
//! step, often half of all, are left out: see [`EventRows::closing_steps`].

mod backward;
mod block;
mod columns;
mod forward;

pub(crate) use backward::{Upstream, backward};
pub(crate) use forward::{Fired, forward, membrane};

use rayon::prelude::*;

use super::lanes::LANES;
use super::rows::EventRows;

/// What a layer computes with; weights `[units, n]`, bias and beta `[n]`.
#[derive(Clone, Copy)]
pub(crate) struct EventLayer<'a, F> {
    pub events: EventRows<'a>,
    pub weight: &'a [F],
    pub bias: &'a [F],
    pub beta: &'a [F],
}

impl<F> EventLayer<'_, F> {
    /// Those of the events.
    fn closing_steps(&self) -> Vec<usize> {
        self.events
            .closing_steps(self.weight.len() / self.beta.len())
    }
}

/// First neurons of all blocks of a layer.
fn blocks(n: usize) -> impl IndexedParallelIterator<Item = usize> {
    (0..n.div_ceil(LANES))
        .into_par_iter()
        .map(|block| block * LANES)
}
