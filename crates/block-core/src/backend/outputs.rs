//! Shapes and types of what the operations return, for kernel fusion, which runs them later.

use burn::backend::fusion::custom::TensorSpec;
use burn::tensor::DType;

use super::{
    AdamStep, EventLayerMetadata, LayerGradientMetadata, ReadoutGradientMetadata, ReadoutMetadata,
    UpstreamMetadata,
};
use crate::Surrogate;
use crate::neurons::{NeuronModel, SpikeRule};

fn per_neuron(train: &TensorSpec) -> TensorSpec {
    let [batch, _, n] = train.shape.dims();
    TensorSpec::new([batch, n].into(), DType::I32)
}

pub(super) fn latch(membrane: &TensorSpec, _: &Surrogate) -> (TensorSpec, TensorSpec) {
    (membrane.clone(), per_neuron(membrane))
}

pub(super) fn scan(
    current: &TensorSpec,
    _: &TensorSpec,
    _: &SpikeRule,
) -> (TensorSpec, TensorSpec, TensorSpec) {
    (current.clone(), current.clone(), per_neuron(current))
}

pub(super) fn event_membrane(layer: &EventLayerMetadata, steps: &usize) -> TensorSpec {
    let batch = (layer.offsets.shape[0] - 1) / steps;
    let n = layer.beta.shape[0];
    TensorSpec::new([batch, *steps, n].into(), layer.weight.dtype)
}

pub(super) fn event_spikes(
    layer: &EventLayerMetadata,
    steps: &usize,
    _: &SpikeRule,
) -> (TensorSpec, TensorSpec, TensorSpec) {
    let spikes = event_membrane(layer, steps);
    let each = per_neuron(&spikes);
    (spikes, each.clone(), each)
}

pub(super) fn event_readout(
    layer: &EventLayerMetadata,
    readout: &ReadoutMetadata,
    steps: &usize,
    rule: &SpikeRule,
) -> (TensorSpec, TensorSpec, TensorSpec) {
    let (mut trace, first, counts) = event_spikes(layer, steps, rule);
    trace.shape[2] = readout.beta.shape[0];
    (trace, first, counts)
}

pub(super) fn adam(
    parameter: &TensorSpec,
    _: &TensorSpec,
    first: &TensorSpec,
    second: &TensorSpec,
    _: &AdamStep,
) -> (TensorSpec, TensorSpec, TensorSpec) {
    (parameter.clone(), first.clone(), second.clone())
}

pub(super) fn integrate_backward(
    gradient: &TensorSpec,
    _: &TensorSpec,
    beta: &TensorSpec,
) -> (TensorSpec, TensorSpec) {
    (gradient.clone(), beta.clone())
}

pub(super) fn scan_backward(
    gradient: &TensorSpec,
    _: &TensorSpec,
    _: &TensorSpec,
    beta: &TensorSpec,
    _: &SpikeRule,
) -> (TensorSpec, TensorSpec) {
    (gradient.clone(), beta.clone())
}

pub(super) fn layer_backward(
    layer: &EventLayerMetadata,
    upstream: &UpstreamMetadata,
    _: &usize,
    rule: &SpikeRule,
    through: &bool,
) -> LayerGradientMetadata {
    let nothing = TensorSpec::new([0].into(), layer.weight.dtype);
    LayerGradientMetadata {
        weight: layer.weight.clone(),
        bias: layer.bias.clone(),
        beta: layer.beta.clone(),
        through: match through {
            true => layer.through.clone(),
            false => nothing.clone(),
        },
        readout_weight: match upstream {
            UpstreamMetadata::Readout { weight, .. } if rule.model == NeuronModel::MultiSpike => {
                weight.clone()
            }
            _ => nothing,
        },
    }
}

pub(super) fn readout_backward(
    gradient: &TensorSpec,
    trace: &TensorSpec,
    first: &TensorSpec,
    beta: &TensorSpec,
    model: &NeuronModel,
) -> ReadoutGradientMetadata {
    let [classes] = beta.shape.dims();
    let [_, n] = first.shape.dims();
    ReadoutGradientMetadata {
        weight: TensorSpec::new([n, classes].into(), trace.dtype),
        bias: beta.clone(),
        beta: beta.clone(),
        narrow: match model {
            // Summed over time, in float32 always.
            NeuronModel::Block => TensorSpec::new(gradient.shape.clone(), DType::F32),
            _ => gradient.clone(),
        },
    }
}
