//! Event-driven layers on a GPU: a thread adds the weight rows of its sample's events, step by step; the weight's
//! gradient is gathered input by input, without atomics and in a fixed order. Samples are worked on in slices, so
//! that nothing of size b·t·n exists beyond a slice but what the caller asked for.

// The macro that makes kernels writes functions of its own from them, out of reach of an `expect`.
#![allow(
    clippy::too_many_arguments,
    reason = "a kernel's arguments are its interface"
)]

use std::ops::Range;

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, Slice};
use burn_cubecl::{CubeBackend, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{EventLayer, EventLayerGradient, EventLayerOps, Events, LayerGradient, Maybe};
use crate::NeuronModel;
use crate::cube::{
    address, cast, column_sums, contiguous, dims, element, empty, over, project, zeros,
};
use crate::neuron::Rule;
use crate::neuron::gpu::{remaining, rounded, spike, unless_fired};
use crate::ops::scan::Output;
use crate::ops::scan::gpu::{Back, launch_scan_backward};

impl EventLayerOps for CubeBackend {
    fn event_spikes(layer: EventLayer<Self>, rule: Rule) -> (CubeTensor, CubeTensor, CubeTensor) {
        let layer = layer.listed();
        layer.forward(0..layer.batch(), rule.model, Writes::Spikes)
    }

    fn event_membrane(layer: EventLayer<Self>, rule: Rule) -> CubeTensor {
        let layer = layer.listed();
        let (membrane, ..) =
            layer.forward(0..layer.batch(), rule.model, Writes::membrane(rule.model));
        membrane
    }
}

impl EventLayerGradient for CubeBackend {
    fn event_layer_backward(
        gradient: CubeTensor,
        layer: EventLayer<Self>,
        rule: Rule,
        output: Output,
        wanted: bool,
    ) -> LayerGradient<Self> {
        backward(
            &layer.listed(),
            rule,
            wanted,
            |range, potential, first, beta| {
                let gradient = contiguous(samples(&gradient, range));
                launch_scan_backward(gradient, potential, first, beta, rule, output.into())
            },
        )
    }
}

/// Elements of one `[samples, t, n]` tensor of a slice.
const SLICE: usize = 1 << 24;

/// What a forward pass writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Writes {
    /// The spikes.
    Spikes,
    /// The potentials before reset and mask.
    Potential,
    /// The potentials after the mask.
    Masked,
}

impl Writes {
    /// The membrane of a model.
    pub(crate) fn membrane(model: NeuronModel) -> Self {
        match model.masks_membrane() {
            true => Self::Masked,
            false => Self::Potential,
        }
    }
}

impl EventLayer<CubeBackend> {
    /// The layer as the kernels read it.
    pub(in crate::ops) fn listed(self) -> Listed {
        let Events::Device {
            steps,
            offsets,
            units,
            unit_offsets,
            unit_rows,
        } = self.events
        else {
            unreachable!("event_route() brings a layer on a GPU events in that GPU's memory");
        };
        Listed {
            steps,
            offsets: contiguous(offsets),
            units: contiguous(units),
            unit_offsets: contiguous(unit_offsets),
            unit_rows: contiguous(unit_rows),
            weight: contiguous(self.weight),
            bias: contiguous(self.bias),
            beta: contiguous(self.beta),
        }
    }
}

/// Events in a GPU's memory and the layer that they drive, everything contiguous.
pub(in crate::ops) struct Listed {
    pub steps: usize,
    offsets: CubeTensor,
    units: CubeTensor,
    unit_offsets: CubeTensor,
    unit_rows: CubeTensor,
    pub weight: CubeTensor,
    pub bias: CubeTensor,
    pub beta: CubeTensor,
}

impl Listed {
    pub(in crate::ops) fn batch(&self) -> usize {
        (self.offsets.meta.num_elements() - 1) / self.steps
    }

    /// Spikes or potentials `[samples, t, n]`, first-spike steps and spike counts `[samples, n]`.
    pub(in crate::ops) fn forward(
        &self,
        samples: Range<usize>,
        model: NeuronModel,
        writes: Writes,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let ([n], steps) = (dims(&self.beta), self.steps);
        let out = empty(&self.weight, [samples.len(), steps, n], self.weight.dtype);
        let [first, counts] = [(); 2].map(|()| empty(&self.weight, [samples.len(), n], DType::I32));
        let (count, dim) = over(&self.weight, samples.len() * n);
        forward::launch(
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
            writes,
            element(&self.weight),
        );
        (out, first, counts)
    }

    /// Adds a slice's share to the weight's gradient.
    pub(in crate::ops) fn gather(
        &self,
        d_current: &CubeTensor,
        d_weight: &CubeTensor,
        from: usize,
    ) {
        let [samples, steps, n] = dims(d_current);
        let (from, to) = (from * steps, (from + samples) * steps);
        let (count, dim) = over(d_weight, d_weight.meta.num_elements());
        gather::launch(
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

/// The batch in slices of samples.
pub(in crate::ops) fn slices(batch: usize, sample: usize) -> impl Iterator<Item = Range<usize>> {
    let samples = (SLICE / sample).clamp(1, batch);
    (0..batch)
        .step_by(samples)
        .map(move |from| from..batch.min(from + samples))
}

/// Samples of a tensor whose first dimension they are.
pub(in crate::ops) fn samples(tensor: &CubeTensor, range: &Range<usize>) -> CubeTensor {
    if *range == (0..tensor.meta.shape()[0]) {
        return tensor.clone();
    }
    let mut slices = vec![Slice::full(); tensor.rank()];
    slices[0] = Slice::from(range.clone());
    contiguous(CubeBackend::float_slice(tensor.clone(), &slices))
}

/// Slices one after the other.
pub(in crate::ops) fn joined(
    mut parts: Vec<CubeTensor>,
    cat: impl Fn(Vec<CubeTensor>) -> CubeTensor,
) -> CubeTensor {
    match parts.len() {
        1 => parts.remove(0),
        _ => cat(parts),
    }
}

/// Gradients of a layer, slice by slice: `reverse` gets a slice's samples, potentials and first-spike steps, and β.
pub(in crate::ops) fn backward(
    layer: &Listed,
    rule: Rule,
    wanted: bool,
    mut reverse: impl FnMut(&Range<usize>, CubeTensor, CubeTensor, CubeTensor) -> Back,
) -> LayerGradient<CubeBackend> {
    let [inputs, n] = dims(&layer.weight);
    let dtype = layer.weight.dtype;
    let d_weight = zeros(&layer.weight, [inputs, n], DType::F32);
    let (mut biases, mut betas, mut inputs_d) = (Vec::new(), Vec::new(), Vec::new());
    for range in slices(layer.batch(), layer.steps * n) {
        let (potential, first, _) = layer.forward(range.clone(), rule.model, Writes::Potential);
        let back = reverse(&range, potential, first, layer.beta.clone());
        layer.gather(&back.current, &d_weight, range.start);
        biases.push(back.bias);
        betas.push(back.beta);
        if wanted {
            let transposed = CubeBackend::float_transpose(layer.weight.clone());
            inputs_d.push(project(back.current, transposed));
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
    LayerGradient {
        weight: cast(d_weight, dtype),
        bias: sum(biases),
        beta: sum(betas),
        dense: match wanted {
            true => Maybe::Tensor(joined(inputs_d, |parts| CubeBackend::float_cat(parts, 0))),
            false => Maybe::Nothing,
        },
    }
}

/// Samples from `sample` on: `out` is `[samples, t, n]`, `first` and `counts` are `[samples, n]`.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn forward<F: Float>(
    offsets: &[i32],
    units: &[i32],
    weight: &[F],
    bias: &[F],
    beta: &[F],
    out: &mut [F],
    first: &mut [i32],
    counts: &mut [i32],
    sample: usize,
    steps: usize,
    #[comptime] model: NeuronModel,
    #[comptime] writes: Writes,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < first.len() {
        let never = steps as i32;
        let neuron = thread % n;
        let decay = f32::cast_from(beta[neuron]);
        let constant = f32::cast_from(bias[neuron]);
        let row = (sample + thread / n) * steps;
        let mut at = (thread / n) * steps * n + neuron;
        let mut v = 0.0f32;
        let mut when = never;
        let mut count = 0i32;
        let mut event = offsets[row] as usize;
        for t in 0..steps {
            let mut sum = constant;
            let end = offsets[row + t + 1] as usize;
            while event < end {
                sum += f32::cast_from(weight[units[event] as usize * n + neuron]);
                event += 1;
            }
            let u = decay * v + sum;
            let s = spike(rounded::<F>(u), when, never, model);
            if s > 0.0f32 {
                count += 1;
                if when == never {
                    when = t as i32;
                }
            }
            v = remaining(u, s, when, t as i32, model);
            out[at] = match writes {
                Writes::Spikes => F::cast_from(s),
                Writes::Potential => F::cast_from(u),
                Writes::Masked => F::cast_from(unless_fired(u, when, t as i32)),
            };
            at += n;
        }
        first[thread] = when;
        counts[thread] = count;
    }
}

/// Adds to the weight's gradient the events of rows `from..to`, which is what `d_current` holds.
/// Events are listed by unit: those of unit `u` are `rows[offsets[u]..offsets[u + 1]]`, ascending.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn gather<F: Float>(
    offsets: &[i32],
    rows: &[i32],
    d_current: &[F],
    d_weight: &mut [f32],
    n: usize,
    from: i32,
    to: i32,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < d_weight.len() {
        let unit = thread / n;
        let neuron = thread % n;
        let mut sum = d_weight[thread];
        let end = offsets[unit + 1] as usize;
        let mut event = offsets[unit] as usize;
        while event < end {
            let row = rows[event];
            if row >= from && row < to {
                sum += f32::cast_from(d_current[(row - from) as usize * n + neuron]);
            }
            event += 1;
        }
        d_weight[thread] = sum;
    }
}
