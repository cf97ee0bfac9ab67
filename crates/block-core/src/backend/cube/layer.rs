//! Event-driven layers and their readout on a GPU. Samples are worked on in slices, so that nothing of
//! size b·t·n exists beyond a slice but what the caller asked for.

use std::ops::Range;

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, Slice};
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

use super::launch::{address, contiguous, dims, element, empty, over, zeros};
use super::neuron::Meaning;
use super::{cast, column_sums, events, project, scan};
use crate::backend::{EventLayer, LayerGradient, Readout, ReadoutGradient, Upstream};
use crate::neurons::{NeuronModel, SpikeRule};

/// Elements of one `[samples, t, n]` tensor of a slice.
const SLICE: usize = 1 << 24;

impl EventLayer<CubeBackend> {
    pub(super) fn contiguous(self) -> Self {
        Self {
            offsets: contiguous(self.offsets),
            units: contiguous(self.units),
            unit_offsets: contiguous(self.unit_offsets),
            unit_rows: contiguous(self.unit_rows),
            through: self.through,
            weight: contiguous(self.weight),
            bias: contiguous(self.bias),
            beta: contiguous(self.beta),
        }
    }

    pub(super) fn batch(&self, steps: usize) -> usize {
        (self.offsets.meta.num_elements() - 1) / steps
    }

    /// Spikes or potentials `[samples, t, n]`, first-spike steps and spike counts `[samples, n]`.
    pub(super) fn forward(
        &self,
        samples: Range<usize>,
        steps: usize,
        model: NeuronModel,
        output: events::Output,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [n] = dims(&self.beta);
        let out = empty(&self.weight, [samples.len(), steps, n], self.weight.dtype);
        let [first, counts] = [(); 2].map(|()| empty(&self.weight, [samples.len(), n], DType::I32));
        let (count, dim) = over(&self.weight, samples.len() * n);
        events::forward::launch(
            &self.weight.client,
            count,
            dim,
            address((samples.len() * steps * n).max(self.weight.meta.num_elements())),
            self.offsets.clone().into_buffer_arg(),
            listed(&self.units, &self.offsets).into_buffer_arg(),
            self.weight.clone().into_buffer_arg(),
            self.bias.clone().into_buffer_arg(),
            self.beta.clone().into_buffer_arg(),
            out.clone().into_buffer_arg(),
            first.clone().into_buffer_arg(),
            counts.clone().into_buffer_arg(),
            samples.start,
            steps,
            model,
            output,
            element(&self.weight),
        );
        (out, first, counts)
    }

    /// Adds a slice's share to the weight's gradient.
    fn gather(&self, d_current: &CubeTensor, d_weight: &CubeTensor, from: usize) {
        let [samples, steps, n] = dims(d_current);
        let (from, to) = (from * steps, (from + samples) * steps);
        let (count, dim) = over(d_weight, d_weight.meta.num_elements());
        events::gather::launch(
            &d_weight.client,
            count,
            dim,
            address((samples * steps * n).max(d_weight.meta.num_elements())),
            self.unit_offsets.clone().into_buffer_arg(),
            listed(&self.unit_rows, &self.unit_offsets).into_buffer_arg(),
            d_current.clone().into_buffer_arg(),
            d_weight.clone().into_buffer_arg(),
            n,
            from as i32,
            to as i32,
            element(d_current),
        );
    }
}

/// A list of events, or if there are none any other buffer, which is then not read: a GPU binds no
/// empty one.
fn listed(events: &CubeTensor, instead: &CubeTensor) -> CubeTensor {
    match events.meta.num_elements() {
        0 => instead.clone(),
        _ => events.clone(),
    }
}

fn slices(batch: usize, sample: usize) -> impl Iterator<Item = Range<usize>> {
    let samples = (SLICE / sample).clamp(1, batch);
    (0..batch)
        .step_by(samples)
        .map(move |from| from..batch.min(from + samples))
}

/// Samples of a tensor whose first dimension they are.
fn samples(tensor: &CubeTensor, range: &Range<usize>) -> CubeTensor {
    if *range == (0..tensor.meta.shape()[0]) {
        return tensor.clone();
    }
    let mut slices = vec![Slice::full(); tensor.rank()];
    slices[0] = Slice::from(range.clone());
    contiguous(CubeBackend::float_slice(tensor.clone(), &slices))
}

/// Slices one after the other.
fn joined(mut parts: Vec<CubeTensor>, cat: impl Fn(Vec<CubeTensor>) -> CubeTensor) -> CubeTensor {
    match parts.len() {
        1 => parts.remove(0),
        _ => cat(parts),
    }
}

pub(super) fn readout_forward(
    layer: &EventLayer<CubeBackend>,
    readout: Readout<CubeBackend>,
    steps: usize,
    model: NeuronModel,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    use burn::backend::ops::IntTensorOps;

    let [n] = dims(&layer.beta);
    let classes = readout.beta.meta.num_elements();
    let bias = CubeBackend::float_reshape(readout.bias, [1, 1, classes].into());
    let beta = contiguous(readout.beta);
    let (mut traces, mut firsts, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for range in slices(layer.batch(steps), steps * n) {
        let (spikes, first, count) = layer.forward(range, steps, model, events::Output::Spikes);
        let current = project(spikes, readout.weight.clone());
        let current = CubeBackend::float_add(current, bias.clone());
        traces.push(scan::integrate(contiguous(current), beta.clone()));
        firsts.push(first);
        counts.push(count);
    }
    let ints = |parts| CubeBackend::int_cat(parts, 0);
    (
        joined(traces, |parts| CubeBackend::float_cat(parts, 0)),
        joined(firsts, ints),
        joined(counts, ints),
    )
}

/// ∂L/∂trace → gradients of the readout.
pub(super) fn readout_backward(
    gradient: CubeTensor,
    trace: CubeTensor,
    first: CubeTensor,
    beta: CubeTensor,
    model: NeuronModel,
) -> ReadoutGradient<CubeBackend> {
    let [_, steps, classes] = dims(&trace);
    let [batch, n] = dims(&first);
    let (d_current, beta, bias) = scan::integrate_backward(gradient, trace, beta);
    let weight = empty(&d_current, [n, classes], d_current.dtype);
    let (count, dim) = over(&weight, n * classes);
    events::readout_weight::launch(
        &weight.client,
        count,
        dim,
        address((batch * steps * classes).max(n * classes).max(batch * n)),
        first.into_buffer_arg(),
        d_current.clone().into_buffer_arg(),
        weight.clone().into_buffer_arg(),
        batch,
        n,
        steps,
        element(&weight),
    );
    let narrow = match model {
        NeuronModel::Block => scan::sum_twice(d_current),
        _ => d_current,
    };
    ReadoutGradient {
        weight,
        bias,
        beta,
        narrow,
    }
}

pub(super) fn backward(
    layer: &EventLayer<CubeBackend>,
    upstream: Upstream<CubeBackend>,
    steps: usize,
    rule: SpikeRule,
    through: bool,
) -> LayerGradient<CubeBackend> {
    let [inputs, n] = dims(&layer.weight);
    let dtype = layer.weight.dtype;
    let d_weight = zeros(&layer.weight, [inputs, n], DType::F32);
    let (mut biases, mut betas, mut inputs_d) = (Vec::new(), Vec::new(), Vec::new());
    let mut readout_weight: Option<CubeTensor> = None;
    for range in slices(layer.batch(steps), steps * n) {
        let from = range.start;
        let (u, first, _) =
            layer.forward(range.clone(), steps, rule.model, events::Output::Membrane);
        let (d_current, d_beta, d_bias) = match &upstream {
            Upstream::Membrane(gradient) => {
                let gradient = samples(gradient, &range);
                scan::integrate_backward(contiguous(gradient), u, layer.beta.clone())
            }
            Upstream::Spikes(gradient) => {
                let gradient = contiguous(samples(gradient, &range));
                scan::scan_backward(
                    gradient,
                    u,
                    first,
                    layer.beta.clone(),
                    rule,
                    Meaning::Spikes,
                )
            }
            Upstream::Readout { weight, narrow } => {
                let narrow = samples(narrow, &range);
                if rule.model == NeuronModel::MultiSpike {
                    let spikes = scan::spike_train(&u, &first, rule.model);
                    let share = outer(spikes, narrow.clone());
                    readout_weight = Some(match readout_weight.take() {
                        Some(sum) => CubeBackend::float_add(sum, share),
                        None => share,
                    });
                }
                let meaning = match rule.model {
                    NeuronModel::Block => Meaning::Faulty,
                    _ => Meaning::Spikes,
                };
                let weight = cast(weight.clone(), narrow.dtype);
                let wide = project(narrow, CubeBackend::float_transpose(weight));
                scan::scan_backward(
                    contiguous(wide),
                    u,
                    first,
                    layer.beta.clone(),
                    rule,
                    meaning,
                )
            }
        };
        layer.gather(&d_current, &d_weight, from);
        biases.push(d_bias);
        betas.push(d_beta);
        if through {
            let back = CubeBackend::float_transpose(layer.weight.clone());
            inputs_d.push(project(d_current, back));
        }
    }
    let sum = |parts: Vec<CubeTensor>| {
        let parts = parts
            .into_iter()
            .map(|part| CubeBackend::float_reshape(part, [1, n].into()))
            .collect();
        let rows = joined(parts, |parts| CubeBackend::float_cat(parts, 0));
        column_sums(rows, dtype)
    };
    let nothing = || empty(&layer.weight, [0], dtype);
    LayerGradient {
        weight: cast(d_weight, dtype),
        bias: sum(biases),
        beta: sum(betas),
        through: match through {
            true => joined(inputs_d, |parts| CubeBackend::float_cat(parts, 0)),
            false => nothing(),
        },
        readout_weight: readout_weight.unwrap_or_else(nothing),
    }
}

/// ∂L/∂W = Sᵀ·∂L/∂I, over samples and steps.
fn outer(spikes: CubeTensor, d_current: CubeTensor) -> CubeTensor {
    let [batch, steps, n] = dims(&spikes);
    let [_, _, classes] = dims(&d_current);
    let flat = |tensor, width| CubeBackend::float_reshape(tensor, [batch * steps, width].into());
    let (spikes, d_current) = (flat(spikes, n), flat(d_current, classes));
    CubeBackend::float_matmul(CubeBackend::float_transpose(spikes), d_current)
}
