use super::super::lanes::Lanes;
use super::super::rows::NONE;
use super::super::scan::latch_row;
use super::super::{EventRows, Real};
use super::EventLayer;
use crate::neurons::NeuronModel;

/// The parameters of a block of neurons, packed; lanes beyond the last neuron are zero.
pub(super) struct Block<F> {
    pub weight: Vec<Lanes<F>>,
    /// Sum of the weights over all units.
    pub total: Lanes<F>,
    pub bias: Lanes<F>,
    pub beta: Lanes<F>,
}

impl<F: Real> Default for Block<F> {
    fn default() -> Self {
        Self {
            weight: Vec::new(),
            total: Lanes::zero(),
            bias: Lanes::zero(),
            beta: Lanes::zero(),
        }
    }
}

impl<F: Real> Block<F> {
    /// Takes the neurons from `start` on.
    pub fn load(&mut self, layer: &EventLayer<'_, F>, start: usize) {
        let n = layer.beta.len();
        self.weight.clear();
        let rows = layer.weight.chunks_exact(n);
        self.weight
            .extend(rows.map(|row| Lanes::load(row, start, F::zero())));
        let rows = self.weight.iter();
        self.total = rows.fold(Lanes::zero(), |sum, row| sum.add(*row));
        self.bias = Lanes::load(layer.bias, start, F::zero());
        self.beta = Lanes::load(layer.beta, start, F::zero());
    }

    /// Membrane potentials u of one sample, before any reset or mask, handed to `each` step by step.
    /// Returns the steps of the first spikes (the number of steps for "never"). `closing` is the sample's
    /// of [`EventRows::closing_steps`].
    #[inline(always)]
    pub fn sweep(
        &self,
        events: &EventRows<'_>,
        sample: usize,
        closing: usize,
        model: NeuronModel,
        mut each: impl FnMut(usize, &Lanes<F>),
    ) -> Lanes<i32> {
        let never = events.steps as i32;
        let mut first = Lanes::splat(never);
        let mut v = Lanes::zero();
        let mut before = Lanes::zero();
        for t in 0..events.steps {
            let mut u = self.beta.mul(v).add(self.bias);
            if closing == NONE {
                for &unit in events.at(sample, t) {
                    u = u.add(self.weight[unit as usize]);
                }
            } else if t == closing {
                u = u.add(self.total.sub(before));
            } else {
                let mut sum = Lanes::zero();
                for &unit in events.at(sample, t) {
                    sum = sum.add(self.weight[unit as usize]);
                }
                before = before.add(sum);
                u = u.add(sum);
            }
            for (first, u) in first.groups(&u) {
                latch_row(first, u, t as i32, never);
            }
            each(t, &u);
            v = after(model, &u, &first, t);
        }
        first
    }
}

/// The potential that decays into the next step: after a multi-spike neuron's soft reset, or with the
/// neurons masked that fired before this step.
#[inline(always)]
pub(super) fn after<F: Real>(
    model: NeuronModel,
    u: &Lanes<F>,
    first: &Lanes<i32>,
    t: usize,
) -> Lanes<F> {
    match model {
        NeuronModel::Block => *u,
        NeuronModel::MultiSpike => u.sub(u.above()),
        NeuronModel::SingleSpike => u.mul(first.at_least(t as i32)),
    }
}
