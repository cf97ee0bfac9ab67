//! What a step of the scan must do at least: the roofline's two axes.

use crate::workload::{Closing, Sizes};
use crate::{BATCH, Workload};

const FLOAT: usize = 4;

/// Arithmetic and memory traffic of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Additions, multiplications, comparisons, divisions and roots, each one; so is a multiply-add of a
    /// matrix product.
    pub operations: usize,
    /// Bytes of arrays, each counted once for every pass that reads or writes it.
    pub bytes: usize,
}

/// A neuron-step forward: β·V + bias, V − 1 > 0.
const FORWARD: usize = 4;
/// Backward: the surrogate (5), D = ∂L/∂V + β·D (2), the sums for bias (1) and β (2).
const BACKWARD: usize = 10;
/// The two reverse cumulative sums, a neuron-step, where no readout takes them.
const ORDER: usize = 2;
/// A neuron-step of a sample that closes: the sum of the rows so far, forward and again backward, and the
/// difference from the closing step's ∂L/∂u.
const CLOSING: usize = 3;
/// A readout's step, forward (3) and backward (7, its reverse cumulative sums among them).
const READOUT: usize = 10;
/// Adam, a parameter: two moments (3 + 4), root, quotient and the rest (6).
const ADAM: usize = 13;

impl Work {
    /// Of a network, from the number of spikes in the batch that go into each layer, the readout last. Of
    /// samples that close, the input's last step costs no additions; that a hidden layer's spikes close,
    /// each of its neurons firing, is not counted on.
    pub(crate) fn of_network(workload: Workload, spikes: &[usize], closing: Closing) -> Self {
        let sizes = workload.sizes();
        let rows = BATCH * sizes.steps;
        let last = sizes.hidden.len() - 1;
        let (mut operations, mut floats) = (0, 0);
        let mut inputs = sizes.inputs;
        if closing.samples > 0 {
            let n = sizes.hidden[0];
            // The sum of all rows, forward and backward, and what is added to the gradient of each.
            operations += 3 * inputs * n + closing.samples * sizes.steps * n * CLOSING;
        }
        for (index, (&n, &spikes)) in sizes.hidden.iter().zip(spikes).enumerate() {
            // Each spike outside the closing steps adds a row of the weight forward and again backward, and
            // there one to its gradient.
            let added = match index {
                0 => spikes - closing.spikes,
                _ => spikes,
            };
            operations += 3 * added * n + rows * n * (2 * FORWARD + BACKWARD);
            // Offsets and units, forward and backward; steps and counts of the layer's spikes.
            floats += 2 * (rows + spikes) + 3 * BATCH * n;
            if index == last {
                operations += rows * n * 2 * sizes.classes;
            } else {
                operations += rows * n * ORDER;
                // Dense spikes are written, their gradient is written and read.
                floats += 3 * rows * n;
            }
            if index > 0 {
                // D·Wᵀ; D is written and read.
                operations += rows * n * inputs;
                floats += 2 * rows * n;
            }
            inputs = n;
        }
        let classes = sizes.classes;
        operations += 2 * spikes[last + 1] * classes + READOUT * rows * classes;
        // The trace is written and read twice; its gradient and the layer's upstream are written and read.
        floats += 7 * rows * classes;
        let parameters = parameters(&sizes);
        operations += ADAM * parameters;
        // Read forward and backward, the gradient written; Adam reads four arrays and writes three.
        floats += 10 * parameters;
        Self::floats(operations, floats)
    }

    /// Of the speed benchmark's layer.
    pub(crate) fn of_layer(workload: Workload) -> Self {
        let sizes = workload.sizes();
        let rows = BATCH * sizes.steps;
        let n = sizes.hidden[0];
        let a_step = 2 * sizes.inputs + FORWARD + ORDER + BACKWARD;
        // V and D are written and read, so are the spikes; the input is read twice, for I and for ∂L/∂W.
        let floats = 6 * rows * n + 2 * rows * sizes.inputs + 2 * parameters(&sizes);
        Self::floats(rows * n * a_step, floats)
    }

    fn floats(operations: usize, floats: usize) -> Self {
        Self {
            operations,
            bytes: FLOAT * floats,
        }
    }
}

/// Weights, biases and β of all layers.
fn parameters(sizes: &Sizes) -> usize {
    let readout = (sizes.classes > 0).then_some(sizes.classes);
    let mut inputs = sizes.inputs;
    let mut total = 0;
    for n in sizes.hidden.iter().copied().chain(readout) {
        total += (inputs + 2) * n;
        inputs = n;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_yin_yang() {
        assert_eq!(
            parameters(&Workload::YinYang.sizes()),
            4 * 120 + 240 + 360 + 6
        );
    }

    #[test]
    fn a_closing_step_costs_no_additions() {
        let work = |closing| Work::of_network(Workload::Fmnist, &[784 * BATCH, 0], closing);
        let closing = Workload::Fmnist.closing();
        assert_eq!(closing.samples, BATCH);
        let saved = 3 * 1000 * (closing.spikes - BATCH * 100 - 784);
        let (all, left) = (work(Closing::default()), work(closing));
        assert_eq!(all.operations - left.operations, saved);
        assert_eq!(all.bytes, left.bytes);
    }

    #[test]
    fn dense_products_dominate_the_layer() {
        let workload = Workload::Layer {
            neurons: 100,
            steps: 32,
        };
        let products = 2 * BATCH * 32 * 1000 * 100;
        let operations = Work::of_layer(workload).operations;
        assert_eq!(operations, products + BATCH * 32 * 100 * 16);
    }
}
