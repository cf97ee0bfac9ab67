//! The CPU: fused kernels on the memory of Burn's flex tensors.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

use super::{
    AdamStep, EventLayer, LayerGradient, Readout, ReadoutGradient, SpikeGradients, SpikeOps,
    Upstream,
};
use crate::Surrogate;
use crate::kernels::{self, EventRows, Real};
use crate::neurons::{NeuronModel, SpikeRule};

/// Runs a block with the element type of a data type bound to `$real`.
macro_rules! with_real {
    ($dtype:expr, $real:ident => $body:block) => {
        match $dtype {
            DType::F32 => {
                type $real = f32;
                $body
            }
            DType::F64 => {
                type $real = f64;
                $body
            }
            other => unreachable!("has_kernels() admits no {other:?}"),
        }
    };
}

impl SpikeOps for Flex {
    fn leaky_integrate(current: FlexTensor, beta: FlexTensor) -> FlexTensor {
        let [_, steps, _] = dims(&current);
        with_real!(current.dtype(), F => {
            let mut membrane = owned::<F>(current);
            kernels::integrate(membrane.storage_mut::<F>(), slice(&dense(&beta)), steps);
            membrane
        })
    }

    fn first_spikes(membrane: FlexTensor, _surrogate: Surrogate) -> (FlexTensor, FlexTensor) {
        let [batch, steps, n] = dims(&membrane);
        with_real!(membrane.dtype(), F => {
            let (spikes, first) = kernels::latch::<F>(slice(&dense(&membrane)), n, steps);
            (float(spikes, [batch, steps, n]), int(first, [batch, n]))
        })
    }

    fn scan(
        current: FlexTensor,
        beta: FlexTensor,
        rule: SpikeRule,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [batch, steps, n] = dims(&current);
        with_real!(current.dtype(), F => {
            let mut membrane = owned::<F>(current);
            let (spikes, first) =
                kernels::scan(membrane.storage_mut::<F>(), slice(&dense(&beta)), steps, rule.model);
            (float(spikes, [batch, steps, n]), membrane, int(first, [batch, n]))
        })
    }

    fn event_spikes(
        layer: EventLayer<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let layer = layer.dense();
        with_real!(layer.weight.dtype(), F => {
            let view = layer.view::<F>(steps);
            let (batch, n) = (view.events.batch, view.beta.len());
            let fired = kernels::forward(view, rule.model);
            let spikes = float(fired.spike_train::<F>(n, steps), [batch, steps, n]);
            (spikes, int(fired.first, [batch, n]), int(fired.counts, [batch, n]))
        })
    }

    fn event_membrane(layer: EventLayer<Self>, steps: usize) -> FlexTensor {
        let layer = layer.dense();
        with_real!(layer.weight.dtype(), F => {
            let view = layer.view::<F>(steps);
            let shape = [view.events.batch, steps, view.beta.len()];
            float(kernels::membrane(view), shape)
        })
    }

    fn event_readout(
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let layer = layer.dense();
        with_real!(layer.weight.dtype(), F => {
            let view = layer.view::<F>(steps);
            let (batch, n) = (view.events.batch, view.beta.len());
            let fired = kernels::forward(view, rule.model);
            let (weight, bias, beta) =
                (dense(&readout.weight), dense(&readout.bias), dense(&readout.beta));
            let beta = slice::<F>(&beta);
            let trace =
                kernels::readout_forward(&fired, slice(&weight), slice(&bias), beta, steps);
            let trace = float(trace, [batch, steps, beta.len()]);
            (trace, int(fired.first, [batch, n]), int(fired.counts, [batch, n]))
        })
    }

    fn adam(
        parameter: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        with_real!(parameter.dtype(), F => {
            let mut parameter = owned::<F>(parameter);
            let mut first = owned::<F>(first);
            let mut second = owned::<F>(second);
            kernels::adam::<F>(
                parameter.storage_mut(),
                slice(&dense(&gradient)),
                first.storage_mut(),
                second.storage_mut(),
                step,
            );
            (parameter, first, second)
        })
    }
}

impl SpikeGradients for Flex {
    fn leaky_integrate_backward(
        gradient: FlexTensor,
        membrane: FlexTensor,
        beta: FlexTensor,
    ) -> (FlexTensor, FlexTensor) {
        let [_, steps, n] = dims(&membrane);
        with_real!(membrane.dtype(), F => {
            let mut gradient = owned::<F>(gradient);
            let d_beta = kernels::integrate_backward::<F>(
                gradient.storage_mut(),
                slice(&dense(&membrane)),
                slice(&dense(&beta)),
                steps,
            );
            (gradient, float(d_beta, [n]))
        })
    }

    fn first_spikes_backward(
        gradient: FlexTensor,
        membrane: FlexTensor,
        surrogate: Surrogate,
    ) -> FlexTensor {
        let [_, steps, n] = dims(&membrane);
        with_real!(membrane.dtype(), F => {
            let mut gradient = owned::<F>(gradient);
            let membrane = dense(&membrane);
            let membrane = slice::<F>(&membrane);
            kernels::latch_backward(gradient.storage_mut(), membrane, n, steps, surrogate);
            gradient
        })
    }

    fn scan_backward(
        gradient: FlexTensor,
        membrane: FlexTensor,
        first: FlexTensor,
        beta: FlexTensor,
        rule: SpikeRule,
    ) -> (FlexTensor, FlexTensor) {
        let [_, steps, n] = dims(&membrane);
        with_real!(membrane.dtype(), F => {
            let mut gradient = owned::<F>(gradient);
            let d_beta = kernels::scan_backward::<F>(
                gradient.storage_mut(),
                slice(&dense(&membrane)),
                slice(&first),
                slice(&dense(&beta)),
                steps,
                rule,
            );
            (gradient, float(d_beta, [n]))
        })
    }

    fn event_layer_backward(
        layer: EventLayer<Self>,
        upstream: Upstream<Self>,
        steps: usize,
        rule: SpikeRule,
        through: bool,
    ) -> LayerGradient<Self> {
        let layer = layer.dense();
        with_real!(layer.weight.dtype(), F => {
            let view = layer.view::<F>(steps);
            let (batch, n) = (view.events.batch, view.beta.len());
            let inputs = view.weight.len() / n;
            let mut d_current = through.then(|| vec![0.0 as F; batch * steps * n]);
            let (gradient, narrow);
            let source = match upstream {
                Upstream::Spikes(g) => {
                    gradient = dense(&g);
                    kernels::Upstream::Spikes(slice(&gradient))
                }
                Upstream::Membrane(g) => {
                    gradient = dense(&g);
                    kernels::Upstream::Membrane(slice(&gradient))
                }
                Upstream::Readout { weight, narrow: g } => {
                    gradient = dense(&weight);
                    narrow = dense(&g);
                    kernels::Upstream::Readout {
                        narrow: slice(&narrow),
                        weight: slice(&gradient),
                    }
                }
            };
            let out = kernels::backward(view, rule, source, d_current.as_deref_mut());
            let classes = out.readout_weight.len() / n;
            LayerGradient {
                weight: float(out.weight, [inputs, n]),
                bias: float(out.bias, [n]),
                beta: float(out.beta, [n]),
                through: match d_current {
                    Some(d) => through_weight(d, &layer.weight, [batch, steps, inputs]),
                    None => float(Vec::<F>::new(), [0]),
                },
                readout_weight: match classes {
                    0 => float(Vec::<F>::new(), [0]),
                    _ => float(out.readout_weight, [n, classes]),
                },
            }
        })
    }

    fn readout_backward(
        gradient: FlexTensor,
        trace: FlexTensor,
        first: FlexTensor,
        beta: FlexTensor,
        model: NeuronModel,
    ) -> ReadoutGradient<Self> {
        let [batch, steps, classes] = dims(&trace);
        let n = first.shape()[1];
        with_real!(trace.dtype(), F => {
            let out = kernels::readout_backward::<F>(
                slice(&dense(&gradient)),
                slice(&dense(&trace)),
                slice(&first),
                slice(&dense(&beta)),
                n,
                steps,
                model,
            );
            ReadoutGradient {
                weight: float(out.weight, [n, classes]),
                bias: float(out.bias, [classes]),
                beta: float(out.beta, [classes]),
                narrow: float(out.narrow, [batch, steps, classes]),
            }
        })
    }
}

impl EventLayer<Flex> {
    fn dense(&self) -> Self {
        Self {
            offsets: dense(&self.offsets),
            units: dense(&self.units),
            unit_offsets: self.unit_offsets.clone(),
            unit_rows: self.unit_rows.clone(),
            through: self.through.clone(),
            weight: dense(&self.weight),
            bias: dense(&self.bias),
            beta: dense(&self.beta),
        }
    }

    fn view<F: Real>(&self, steps: usize) -> kernels::EventLayer<'_, F> {
        let offsets = slice::<i32>(&self.offsets);
        kernels::EventLayer {
            events: EventRows {
                offsets,
                units: slice(&self.units),
                batch: (offsets.len() - 1) / steps,
                steps,
            },
            weight: slice(&self.weight),
            bias: slice(&self.bias),
            beta: slice(&self.beta),
        }
    }
}

/// ∂L/∂x = ∂L/∂I · Wᵀ, the one dense product of an event-driven layer.
fn through_weight<F: Real>(
    d_current: Vec<F>,
    weight: &FlexTensor,
    [batch, steps, inputs]: [usize; 3],
) -> FloatTensor<Flex> {
    use burn::backend::ops::FloatTensorOps;

    let n = weight.shape()[1];
    let d_current = float(d_current, [batch * steps, n]);
    let out = Flex::float_matmul(d_current, Flex::float_transpose(weight.clone()));
    out.reshape(Shape::from([batch, steps, inputs]))
}

fn dims(tensor: &FlexTensor) -> [usize; 3] {
    tensor.shape().dims()
}

/// The same tensor, contiguous.
fn dense(tensor: &FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// The elements of a contiguous tensor.
fn slice<E: burn::tensor::Element + bytemuck::Pod>(tensor: &FlexTensor) -> &[E] {
    tensor
        .as_slice()
        .expect("the tensor is contiguous and of its operation's data type")
}

/// A contiguous tensor whose memory is its own, so that a kernel may work in place; copies only
/// when it is shared.
fn owned<F: Real>(tensor: FlexTensor) -> FlexTensor {
    let whole = tensor.is_contiguous()
        && tensor.bytes().len() == tensor.shape().num_elements() * size_of::<F>();
    if whole && tensor.is_unique() {
        return tensor;
    }
    let shape = tensor.shape();
    float(slice::<F>(&dense(&tensor)).to_vec(), shape)
}

fn float<F: Real>(values: Vec<F>, shape: impl Into<Shape>) -> FloatTensor<Flex> {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape.into()),
        F::dtype(),
    )
}

fn int(values: Vec<i32>, shape: impl Into<Shape>) -> IntTensor<Flex> {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape.into()),
        DType::I32,
    )
}
