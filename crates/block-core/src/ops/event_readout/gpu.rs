//! Event-driven layers with their readout on a GPU: the layer slice by slice, between it and the readout Burn's
//! matrix products.

use burn::backend::TensorMetadata;
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn_cubecl::{CubeBackend, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{EventReadoutGradient, EventReadoutOps, Readout, ReadoutGradient};
use crate::NeuronModel;
use crate::cube::{address, cast, contiguous, dims, element, empty, over, project, zeros};
use crate::neuron::Rule;
use crate::neuron::gpu::Arriving;
use crate::ops::event_layer::EventLayer;
use crate::ops::event_layer::gpu::{Writes, backward, joined, samples, slices};
use crate::ops::scan::Output;
use crate::ops::scan::gpu::{launch_scan, launch_scan_backward, launch_spikes, launch_sum_twice};

/// The readout's neurons. They pass no threshold.
const INTEGRATOR: Rule = Rule {
    model: NeuronModel::Integrator,
    surrogate: crate::Surrogate::FastSigmoid { scale: 1.0 },
};

impl EventReadoutOps for CubeBackend {
    fn event_readout(
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        rule: Rule,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let layer = layer.listed();
        let [n] = dims(&layer.beta);
        let [classes] = dims(&readout.beta);
        let bias = CubeBackend::float_reshape(readout.bias, [1, 1, classes].into());
        let beta = contiguous(readout.beta);
        let (mut traces, mut firsts, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for range in slices(layer.batch(), layer.steps * n) {
            let (spikes, first, count) = layer.forward(range, rule.model, Writes::Spikes);
            let current = project(spikes, readout.weight.clone());
            let current = CubeBackend::float_add(current, bias.clone());
            let (trace, _) = launch_scan(contiguous(current), beta.clone(), INTEGRATOR.model);
            traces.push(trace);
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
}

impl EventReadoutGradient for CubeBackend {
    fn event_readout_backward(
        gradient: CubeTensor,
        membrane: CubeTensor,
        first: CubeTensor,
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        rule: Rule,
        wanted: bool,
    ) -> ReadoutGradient<Self> {
        let [_, _, classes] = dims(&membrane);
        let [batch, _] = dims(&first);
        let dtype = membrane.dtype;
        // An integrator's first steps decide nothing: any steps will do.
        let nothing = empty(&membrane, [batch, classes], burn::tensor::DType::I32);
        let above = launch_scan_backward(
            contiguous(gradient),
            contiguous(membrane),
            nothing,
            contiguous(readout.beta),
            INTEGRATOR,
            Output::Membrane.into(),
        );
        let once = rule.model.fires_once();
        let mut weight = once.then(|| launch_weight(contiguous(first), &above.current));
        let narrow = match rule.model.sums_gradient_over_time() {
            true => launch_sum_twice(above.current),
            false => above.current,
        };
        let layer = backward(
            &layer.listed(),
            rule,
            wanted,
            |range, potential, first, beta| {
                let narrow = samples(&narrow, range);
                if !once {
                    let spikes = launch_spikes(&potential, &first, rule.model);
                    let share = outer(spikes, narrow.clone());
                    weight = Some(match weight.take() {
                        Some(sum) => CubeBackend::float_add(sum, share),
                        None => share,
                    });
                }
                let transposed =
                    CubeBackend::float_transpose(cast(readout.weight.clone(), narrow.dtype));
                let wide = contiguous(project(narrow, transposed));
                launch_scan_backward(wide, potential, first, beta, rule, Arriving::Summed)
            },
        );
        let weight =
            weight.unwrap_or_else(|| zeros(&readout.weight, readout.weight.shape(), dtype));
        ReadoutGradient {
            layer,
            readout: Readout {
                weight: cast(weight, dtype),
                bias: above.bias,
                beta: above.beta,
            },
        }
    }
}

/// ∂L/∂W `[n, classes]` of the readout of neurons that fire once, from their steps `[b, n]` and the readout's
/// ∂L/∂I `[b, t, c]`.
fn launch_weight(first: CubeTensor, d_current: &CubeTensor) -> CubeTensor {
    let [_, steps, classes] = dims(d_current);
    let [batch, n] = dims(&first);
    let weight = empty(d_current, [n, classes], d_current.dtype);
    let (count, dim) = over(&weight, n * classes);
    readout_weight::launch(
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
    weight
}

/// ∂L/∂W = Sᵀ·∂L/∂I, over samples and steps.
fn outer(spikes: CubeTensor, d_current: CubeTensor) -> CubeTensor {
    let [batch, steps, n] = dims(&spikes);
    let [_, _, classes] = dims(&d_current);
    let flat = |tensor, width| CubeBackend::float_reshape(tensor, [batch * steps, width].into());
    let (spikes, d_current) = (flat(spikes, n), flat(d_current, classes));
    CubeBackend::float_matmul(CubeBackend::float_transpose(spikes), d_current)
}

/// ∂L/∂W `[n, classes]` of the readout of neurons that fire once: a sum over samples at their steps.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn readout_weight<F: Float>(
    first: &[i32],
    d_current: &[F],
    d_weight: &mut [F],
    batch: usize,
    n: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < d_weight.len() {
        let classes = d_weight.len() / n;
        let neuron = thread / classes;
        let class = thread % classes;
        let mut sum = 0.0f32;
        for sample in 0..batch {
            let t = first[sample * n + neuron] as usize;
            if t < steps {
                sum += f32::cast_from(d_current[(sample * steps + t) * classes + class]);
            }
        }
        d_weight[thread] = F::cast_from(sum);
    }
}
