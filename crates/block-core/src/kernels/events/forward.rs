use multiversion::multiversion;
use rayon::prelude::*;

use super::super::lanes::{LANES, Lanes};
use super::super::{EventRows, Real};
use super::block::Block;
use super::columns::Columns;
use super::{EventLayer, blocks};
use crate::neurons::NeuronModel;

/// The spikes of a layer, compact.
pub(crate) struct Fired {
    /// Steps of the first spikes, `[batch, n]`; the number of steps for "never".
    pub first: Vec<i32>,
    /// Number of spikes, `[batch, n]`.
    pub counts: Vec<i32>,
    /// Multi-spike neurons: one bit a neuron, `[blocks, batch · steps]`, a block being `LANES`
    /// neurons. Empty for neurons that fire once.
    pub masks: Vec<u32>,
}

/// Spikes of a layer.
pub(crate) fn forward<F: Real>(layer: EventLayer<'_, F>, model: NeuronModel) -> Fired {
    let EventRows { batch, steps, .. } = layer.events;
    let n = layer.beta.len();
    let closing = layer.closing_steps();
    let rows = batch * steps;
    let mut first = vec![0; batch * n];
    let mut counts = vec![0; batch * n];
    let many = model == NeuronModel::MultiSpike;
    let mut masks = vec![0_u32; if many { n.div_ceil(LANES) * rows } else { 0 }];
    let outputs = Columns::split(&mut first, n)
        .into_par_iter()
        .zip(Columns::split(&mut counts, n));
    let work = blocks(n).zip(outputs);
    if many {
        let work = work.zip(masks.par_chunks_mut(rows));
        work.for_each_init(Block::default, |block, ((start, outputs), masks)| {
            block.load(&layer, start);
            many_block(block, &layer.events, &closing, outputs, masks);
        });
    } else {
        work.for_each_init(Block::default, |block, (start, outputs)| {
            block.load(&layer, start);
            once_block(block, &layer.events, &closing, model, outputs);
        });
    }
    Fired {
        first,
        counts,
        masks,
    }
}

/// First-spike steps and counts, `[batch, n]`.
type Outputs<'a> = (Columns<'a, i32>, Columns<'a, i32>);

/// Membrane potentials `[batch, steps, n]` of a layer that does not spike.
pub(crate) fn membrane<F: Real>(layer: EventLayer<'_, F>) -> Vec<F> {
    let EventRows { batch, steps, .. } = layer.events;
    let n = layer.beta.len();
    let closing = layer.closing_steps();
    let mut out = vec![F::zero(); batch * steps * n];
    let work = blocks(n).zip(Columns::split(&mut out, n));
    work.for_each_init(Block::default, |block, (start, out)| {
        block.load(&layer, start);
        membrane_block(block, &layer.events, &closing, out);
    });
    out
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn once_block<F: Real>(
    block: &Block<F>,
    events: &EventRows<'_>,
    closing: &[usize],
    model: NeuronModel,
    (mut first_out, mut counts_out): Outputs<'_>,
) {
    for (sample, &closing) in closing.iter().enumerate() {
        let first = block.sweep(events, sample, closing, model, |_, _| ());
        first_out.write(sample, &first);
        let fired = first.below(events.steps as i32);
        counts_out.write(sample, &fired);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn many_block<F: Real>(
    block: &Block<F>,
    events: &EventRows<'_>,
    closing: &[usize],
    (mut first_out, mut counts_out): Outputs<'_>,
    masks: &mut [u32],
) {
    for (sample, &closing) in closing.iter().enumerate() {
        let masks = &mut masks[sample * events.steps..][..events.steps];
        let mut counts = Lanes::zero();
        let first = block.sweep(events, sample, closing, NeuronModel::MultiSpike, |t, u| {
            let spikes = u.above();
            counts = counts.add(spikes);
            masks[t] = spikes.bits();
        });
        first_out.write(sample, &first);
        counts_out.write(sample, &counts.to_i32());
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn membrane_block<F: Real>(
    block: &Block<F>,
    events: &EventRows<'_>,
    closing: &[usize],
    mut out: Columns<'_, F>,
) {
    for (sample, &closing) in closing.iter().enumerate() {
        block.sweep(events, sample, closing, NeuronModel::Block, |t, v| {
            out.write(sample * events.steps + t, v);
        });
    }
}

impl Fired {
    /// The spike train `[batch, steps, n]`.
    pub fn spike_train<F: Real>(&self, n: usize, steps: usize) -> Vec<F> {
        if self.masks.is_empty() {
            return super::super::spike_train(&self.first, n, steps);
        }
        let rows = self.first.len() / n * steps;
        let mut spikes = vec![F::zero(); rows * n];
        for (block, masks) in self.masks.chunks_exact(rows).enumerate() {
            for (row, &mask) in spikes.chunks_exact_mut(n).zip(masks) {
                for lane in bits(mask) {
                    row[block * LANES + lane] = F::one();
                }
            }
        }
        spikes
    }

    /// Hands the neurons that fire at `step` of `sample` to `each`, in order. For neurons that fire
    /// many times only.
    #[inline]
    pub fn at(&self, row: usize, rows: usize, mut each: impl FnMut(usize)) {
        for (block, masks) in self.masks.chunks_exact(rows).enumerate() {
            bits(masks[row]).for_each(|lane| each(block * LANES + lane));
        }
    }
}

/// Positions of the set bits, from the lowest.
fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (lane < u32::BITS).then_some(lane as usize)
    })
}
