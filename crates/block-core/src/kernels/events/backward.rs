use multiversion::multiversion;
use rayon::prelude::*;

use super::super::lanes::{LANES, Lanes};
use super::super::{EventRows, Real};
use super::block::{Block, after};
use super::columns::Columns;
use super::{EventLayer, blocks};
use crate::neurons::{NeuronModel, SpikeRule};

/// The gradient that arrives at a layer's output.
#[derive(Clone, Copy)]
pub(crate) enum Upstream<'a, F> {
    /// ∂L/∂S, `[batch, steps, n]`.
    Spikes(&'a [F]),
    /// ∂L/∂V, `[batch, steps, n]`: the layer's output was its membrane.
    Membrane(&'a [F]),
    /// `narrow` · `weight`ᵀ with `narrow` `[batch, steps, classes]`, the gradient of the readout above,
    /// and its `weight` `[n, classes]`: ∂L/∂S, or for the block model ∂L/∂S̃, `narrow` then
    /// being summed twice over time already.
    Readout { narrow: &'a [F], weight: &'a [F] },
}

/// Gradients of a layer's parameters, shaped as the parameters.
pub(crate) struct LayerGradient<F> {
    pub weight: Vec<F>,
    pub bias: Vec<F>,
    pub beta: Vec<F>,
    /// ∂L/∂W of the readout above, `[n, classes]`, where only this pass knows the spikes: for
    /// multi-spike neurons. Else empty.
    pub readout_weight: Vec<F>,
}

/// Gradients of the parameters and, into `d_current` when it is given, ∂L/∂I `[batch, steps, n]`.
pub(crate) fn backward<F: Real>(
    layer: EventLayer<'_, F>,
    rule: SpikeRule,
    upstream: Upstream<'_, F>,
    d_current: Option<&mut [F]>,
) -> LayerGradient<F> {
    let n = layer.beta.len();
    let classes = match (upstream, rule.model) {
        (Upstream::Readout { weight, .. }, NeuronModel::MultiSpike) => weight.len() / n,
        _ => 0,
    };
    let mut gradient = LayerGradient {
        weight: vec![F::zero(); layer.weight.len()],
        bias: vec![F::zero(); n],
        beta: vec![F::zero(); n],
        readout_weight: Vec::new(),
    };
    // By class, as blocks of neurons write columns.
    let mut by_class = vec![F::zero(); classes * n];
    let mut current = d_current.map(|d| Columns::split(d, n).into_iter());
    let outputs: Vec<_> = Columns::split(&mut gradient.weight, n)
        .into_iter()
        .zip(Columns::split(&mut gradient.bias, n))
        .zip(Columns::split(&mut gradient.beta, n))
        .zip(Columns::split(&mut by_class, n))
        .map(|(((weight, bias), beta), readout)| Out {
            weight,
            bias,
            beta,
            readout,
            current: current.as_mut().and_then(Iterator::next),
        })
        .collect();
    let closing = layer.closing_steps();
    let memory = || (Block::default(), Scratch::default());
    let work = blocks(n).zip(outputs);
    work.for_each_init(memory, |(block, scratch), (start, out)| {
        block.load(&layer, start);
        let source = Source::load(upstream, n, start);
        backward_block(block, &layer.events, &closing, rule, &source, scratch, out);
    });
    let neurons = 0..n;
    gradient.readout_weight = neurons
        .flat_map(|i| (0..classes).map(move |c| (c, i)))
        .map(|(c, i)| by_class[c * n + i])
        .collect();
    gradient
}

struct Out<'a, F> {
    weight: Columns<'a, F>,
    bias: Columns<'a, F>,
    beta: Columns<'a, F>,
    readout: Columns<'a, F>,
    current: Option<Columns<'a, F>>,
}

/// Memory of one block's backward pass, used again by the next block of the same thread.
struct Scratch<F> {
    /// ∂L/∂W, `[units]`.
    weight: Vec<Lanes<F>>,
    /// u of one sample, `[steps]`.
    membrane: Vec<Lanes<F>>,
    /// ∂L/∂W of the readout, `[classes]`.
    readout: Vec<Lanes<F>>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self {
            weight: Vec::new(),
            membrane: Vec::new(),
            readout: Vec::new(),
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn backward_block<F: Real>(
    block: &Block<F>,
    events: &EventRows<'_>,
    closing: &[usize],
    rule: SpikeRule,
    source: &Source<'_, F>,
    scratch: &mut Scratch<F>,
    mut out: Out<'_, F>,
) {
    let zero = Lanes::zero();
    let steps = events.steps;
    let readout_trained = rule.model == NeuronModel::MultiSpike;
    scratch.weight.clear();
    scratch.weight.resize(block.weight.len(), zero);
    scratch.membrane.resize(steps, zero);
    scratch.readout.clear();
    scratch.readout.resize(source.weight.len(), zero);
    let (d_weight, membrane) = (&mut scratch.weight, &mut scratch.membrane);
    let (mut d_bias, mut d_beta, mut to_all) = (zero, zero, zero);
    for (sample, &closing) in closing.iter().enumerate() {
        let first = block.sweep(events, sample, closing, rule.model, |t, u| membrane[t] = *u);
        let mut last = zero;
        let mut reverse = Reverse::new(rule, source.summed());
        for t in (0..steps).rev() {
            let row = sample * steps + t;
            let u = membrane[t];
            let d = reverse.step(source.at(row), &u, block.beta, &first, t);
            d_bias = d_bias.add(d);
            if t > 0 {
                let before = after(rule.model, &membrane[t - 1], &first, t - 1);
                d_beta = d_beta.add(d.mul(before));
            }
            if t == closing {
                // To all units; those that fired before get it back.
                last = d;
                to_all = to_all.add(d);
            } else {
                let d = d.sub(last);
                for &unit in events.at(sample, t) {
                    let row = &mut d_weight[unit as usize];
                    *row = row.add(d);
                }
            }
            if readout_trained {
                source.add_readout(row, u.above(), &mut scratch.readout);
            }
            if let Some(out) = &mut out.current {
                out.write(row, &d);
            }
        }
    }
    for (unit, row) in d_weight.iter().enumerate() {
        out.weight.write(unit, &row.add(to_all));
    }
    if readout_trained {
        for (class, row) in scratch.readout.iter().enumerate() {
            out.readout.write(class, row);
        }
    }
    out.bias.write(0, &d_bias);
    out.beta.write(0, &d_beta);
}

/// The upstream gradient of a block's lanes.
struct Source<'a, F> {
    upstream: Upstream<'a, F>,
    n: usize,
    start: usize,
    /// Readout: the block's weights by class.
    weight: Vec<Lanes<F>>,
}

impl<'a, F: Real> Source<'a, F> {
    fn load(upstream: Upstream<'a, F>, n: usize, start: usize) -> Self {
        let mut packed = Vec::new();
        if let Upstream::Readout { weight, .. } = upstream {
            let classes = weight.len() / n;
            packed.resize(classes, Lanes::zero());
            let rows = weight[start * classes..].chunks_exact(classes);
            for (lane, row) in rows.take(LANES).enumerate() {
                for (class, &w) in row.iter().enumerate() {
                    packed[class].set(lane, w);
                }
            }
        }
        Self {
            upstream,
            n,
            start,
            weight: packed,
        }
    }

    /// How the rows are to be understood.
    fn summed(&self) -> Meaning {
        match self.upstream {
            Upstream::Spikes(_) => Meaning::Spikes,
            Upstream::Membrane(_) => Meaning::Membrane,
            Upstream::Readout { .. } => Meaning::Summed,
        }
    }

    /// The gradient of one row (sample and step).
    #[inline(always)]
    fn at(&self, row: usize) -> Lanes<F> {
        match self.upstream {
            Upstream::Membrane(gradient) | Upstream::Spikes(gradient) => {
                let row = &gradient[row * self.n..][..self.n];
                Lanes::load(row, self.start, F::zero())
            }
            Upstream::Readout { narrow, .. } => {
                let classes = self.weight.len();
                let mut sum = Lanes::zero();
                for (weight, &e) in self.weight.iter().zip(&narrow[row * classes..][..classes]) {
                    sum = sum.add(weight.scale(e));
                }
                sum
            }
        }
    }

    /// Adds one row's share of the readout weight's gradient.
    #[inline(always)]
    fn add_readout(&self, row: usize, spikes: Lanes<F>, sums: &mut [Lanes<F>]) {
        if let Upstream::Readout { narrow, .. } = self.upstream {
            let classes = sums.len();
            for (sum, &d) in sums.iter_mut().zip(&narrow[row * classes..][..classes]) {
                *sum = sum.add(spikes.scale(d));
            }
        }
    }
}

/// What upstream rows are the gradient of.
#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    Spikes,
    Membrane,
    /// The block model: of the faulty spikes, sums over time included. Else: of the spikes.
    Summed,
}

/// A neuron's backward dynamics, step by step from the last: closed forms of the gradients that
/// `standard` and `plain` get from autodiff.
struct Reverse<F> {
    rule: SpikeRule,
    meaning: Meaning,
    /// ∂L/∂I of the step after, which is ∂L/∂u.
    d: Lanes<F>,
    /// Block model: the gradient of the spikes summed once and twice over time.
    once: Lanes<F>,
    twice: Lanes<F>,
    /// Single-spike: the gradient of the mask.
    mask: Lanes<F>,
}

impl<F: Real> Reverse<F> {
    #[inline(always)]
    fn new(rule: SpikeRule, meaning: Meaning) -> Self {
        Self {
            rule,
            meaning,
            d: Lanes::zero(),
            once: Lanes::zero(),
            twice: Lanes::zero(),
            mask: Lanes::zero(),
        }
    }

    /// ∂L/∂I of step `t` from the upstream row `e`, the potential `u` before reset or mask and the steps
    /// of the first spikes.
    #[inline(always)]
    fn step(
        &mut self,
        e: Lanes<F>,
        u: &Lanes<F>,
        beta: Lanes<F>,
        first: &Lanes<i32>,
        t: usize,
    ) -> Lanes<F> {
        let carried = beta.mul(self.d);
        self.d = match self.rule.model {
            NeuronModel::Block => match self.meaning {
                Meaning::Membrane => e.add(carried),
                Meaning::Summed => self.surrogate(e, u).add(carried),
                Meaning::Spikes => {
                    self.once = self.once.add(e);
                    self.twice = self.twice.add(self.once);
                    self.surrogate(self.twice, u).add(carried)
                }
            },
            NeuronModel::MultiSpike => self.surrogate(e.sub(carried), u).add(carried),
            NeuronModel::SingleSpike => {
                // Before the first spike m and s tie at 0 and share the maximum's gradient; at it all
                // goes to s, after it all to m.
                let silent = first.at_least::<F>(t as i32);
                let before = first.at_least::<F>(t as i32 + 1);
                let to_spike = silent.sub(before.scale(F::of(0.5)));
                let spike = e.add(self.mask.mul(to_spike));
                let kept = self.mask.sub(self.mask.mul(to_spike));
                self.mask = kept.sub(spike.mul(u.above())).sub(carried.mul(*u));
                silent.mul(self.surrogate(spike, u).add(carried))
            }
        };
        self.d
    }

    #[inline(always)]
    fn surrogate(&self, mut gradient: Lanes<F>, u: &Lanes<F>) -> Lanes<F> {
        for (gradient, u) in gradient.groups(u) {
            self.rule.surrogate.scale_row(gradient, u);
        }
        gradient
    }
}
