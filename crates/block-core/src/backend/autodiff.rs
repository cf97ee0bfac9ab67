//! Autodiff of [`SpikeOps`]: what each operation keeps for its backward pass, and to which parents
//! the gradients go. An operation has one differentiable output; its others are detached.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{AutodiffBackend, Backend};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};

use super::{AdamStep, EventLayer, LayerGradient, Readout, SpikeGradients, SpikeOps, Upstream};
use crate::Surrogate;
use crate::neurons::{NeuronModel, SpikeRule};

type Tracked<B, C> = FloatTensor<Autodiff<B, C>>;

/// Registers `$step` with `$state` for `$nodes` and returns the tracked output.
macro_rules! record {
    ($step:expr, $strategy:ty, $nodes:expr, $state:expr, $output:expr) => {
        match $step
            .prepare::<$strategy>($nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish($state, $output),
            OpsKind::UnTracked(prep) => prep.finish($output),
        }
    };
}

impl<B: SpikeOps + SpikeGradients, C: CheckpointStrategy> SpikeOps for Autodiff<B, C> {
    fn leaky_integrate(current: Tracked<B, C>, beta: Tracked<B, C>) -> Tracked<B, C> {
        let (current, current_node) = current.into_parts();
        let (beta, beta_node) = beta.into_parts();
        let membrane = B::leaky_integrate(current, beta.clone());
        let state = (membrane.clone(), beta);
        record!(
            LeakyIntegrate,
            C,
            [current_node, beta_node],
            state,
            membrane
        )
    }

    fn first_spikes(
        membrane: Tracked<B, C>,
        surrogate: Surrogate,
    ) -> (Tracked<B, C>, IntTensor<B>) {
        let (membrane, node) = membrane.into_parts();
        let (spikes, first) = B::first_spikes(membrane.clone(), surrogate);
        let spikes = record!(FirstSpikes(surrogate), C, [node], membrane, spikes);
        (spikes, first)
    }

    fn scan(
        current: Tracked<B, C>,
        beta: Tracked<B, C>,
        rule: SpikeRule,
    ) -> (Tracked<B, C>, Tracked<B, C>, IntTensor<B>) {
        let (current, current_node) = current.into_parts();
        let (beta, beta_node) = beta.into_parts();
        let (spikes, membrane, first) = B::scan(current, beta.clone(), rule);
        let state = (membrane.clone(), first.clone(), beta);
        let nodes = [current_node, beta_node];
        let spikes = record!(Scan(rule), C, nodes, state, spikes);
        (spikes, Self::from_inner(membrane), first)
    }

    fn event_spikes(
        layer: EventLayer<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (Tracked<B, C>, IntTensor<B>, IntTensor<B>) {
        let (layer, nodes) = untrack(layer);
        let (spikes, first, counts) = B::event_spikes(layer.clone(), steps, rule);
        let step = EventSpikes { steps, rule };
        (record!(step, C, nodes, layer, spikes), first, counts)
    }

    fn event_membrane(layer: EventLayer<Self>, steps: usize) -> Tracked<B, C> {
        let (layer, nodes) = untrack(layer);
        let membrane = B::event_membrane(layer.clone(), steps);
        record!(EventMembrane { steps }, C, nodes, layer, membrane)
    }

    fn event_readout(
        layer: EventLayer<Self>,
        readout: Readout<Self>,
        steps: usize,
        rule: SpikeRule,
    ) -> (Tracked<B, C>, IntTensor<B>, IntTensor<B>) {
        let (layer, [through, weight, bias, beta]) = untrack(layer);
        let (readout_weight, weight_node) = readout.weight.into_parts();
        let (readout_bias, bias_node) = readout.bias.into_parts();
        let (readout_beta, beta_node) = readout.beta.into_parts();
        let readout = Readout {
            weight: readout_weight,
            bias: readout_bias,
            beta: readout_beta,
        };
        let nodes = [
            through,
            weight,
            bias,
            beta,
            weight_node,
            bias_node,
            beta_node,
        ];
        let (trace, first, counts) = B::event_readout(layer.clone(), readout.clone(), steps, rule);
        let state = (layer, readout, trace.clone(), first.clone());
        let step = EventReadout { steps, rule };
        (record!(step, C, nodes, state, trace), first, counts)
    }

    fn adam(
        parameter: Tracked<B, C>,
        gradient: Tracked<B, C>,
        first: Tracked<B, C>,
        second: Tracked<B, C>,
        step: AdamStep,
    ) -> (Tracked<B, C>, Tracked<B, C>, Tracked<B, C>) {
        let [parameter, gradient, first, second] =
            [parameter, gradient, first, second].map(Self::inner);
        let (parameter, first, second) = B::adam(parameter, gradient, first, second, step);
        let back = Self::from_inner;
        (back(parameter), back(first), back(second))
    }
}

/// The inner tensors of a layer, and the nodes of through, weight, bias and β.
fn untrack<B: Backend, C: CheckpointStrategy>(
    layer: EventLayer<Autodiff<B, C>>,
) -> (EventLayer<B>, [NodeGuard; 4]) {
    let (through, through_node) = layer.through.into_parts();
    let (weight, weight_node) = layer.weight.into_parts();
    let (bias, bias_node) = layer.bias.into_parts();
    let (beta, beta_node) = layer.beta.into_parts();
    let inner = EventLayer {
        offsets: layer.offsets,
        units: layer.units,
        unit_offsets: layer.unit_offsets,
        unit_rows: layer.unit_rows,
        through,
        weight,
        bias,
        beta,
    };
    (inner, [through_node, weight_node, bias_node, beta_node])
}

/// Hands each parent that wants one its gradient.
macro_rules! deliver {
    ($grads:expr, $parents:expr, [$($gradient:expr),+ $(,)?]) => {{
        let mut parents = $parents.into_iter();
        $(
            if let Some(node) = parents.next().flatten() {
                $grads.register::<B>(node.id, $gradient);
            }
        )+
    }};
}

/// [`deliver`] for the four parents of an event-driven layer and those that follow.
macro_rules! deliver_layer {
    ($grads:expr, $parents:expr, $layer:expr, [$($more:expr),*]) => {{
        let LayerGradient { weight, bias, beta, through, .. } = $layer;
        deliver!($grads, $parents, [through, weight, bias, beta $(, $more)*]);
    }};
}

#[derive(Debug)]
struct LeakyIntegrate;

impl<B: SpikeGradients> Backward<B, 2> for LeakyIntegrate {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (membrane, beta) = ops.state;
        let (current, beta) = B::leaky_integrate_backward(gradient, membrane, beta);
        deliver!(grads, ops.parents, [current, beta]);
    }
}

#[derive(Debug)]
struct FirstSpikes(Surrogate);

impl<B: SpikeGradients> Backward<B, 1> for FirstSpikes {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let membrane = B::first_spikes_backward(gradient, ops.state, self.0);
        deliver!(grads, ops.parents, [membrane]);
    }
}

#[derive(Debug)]
struct Scan(SpikeRule);

impl<B: SpikeGradients> Backward<B, 2> for Scan {
    type State = (FloatTensor<B>, IntTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (membrane, first, beta) = ops.state;
        let (current, beta) = B::scan_backward(gradient, membrane, first, beta, self.0);
        deliver!(grads, ops.parents, [current, beta]);
    }
}

#[derive(Debug)]
struct EventSpikes {
    steps: usize,
    rule: SpikeRule,
}

impl<B: SpikeGradients> Backward<B, 4> for EventSpikes {
    type State = EventLayer<B>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = Upstream::Spikes(grads.consume::<B>(&ops.node));
        let through = ops.parents[0].is_some();
        let layer = B::event_layer_backward(ops.state, upstream, self.steps, self.rule, through);
        deliver_layer!(grads, ops.parents, layer, []);
    }
}

#[derive(Debug)]
struct EventMembrane {
    steps: usize,
}

impl<B: SpikeGradients> Backward<B, 4> for EventMembrane {
    type State = EventLayer<B>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = Upstream::Membrane(grads.consume::<B>(&ops.node));
        let through = ops.parents[0].is_some();
        // A membrane without reset is the block model's; no threshold, no surrogate.
        let rule = SpikeRule {
            model: NeuronModel::Block,
            surrogate: Surrogate::default(),
        };
        let layer = B::event_layer_backward(ops.state, upstream, self.steps, rule, through);
        deliver_layer!(grads, ops.parents, layer, []);
    }
}

#[derive(Debug)]
struct EventReadout {
    steps: usize,
    rule: SpikeRule,
}

impl<B: SpikeGradients> Backward<B, 7> for EventReadout {
    type State = (EventLayer<B>, Readout<B>, FloatTensor<B>, IntTensor<B>);

    fn backward(self, ops: Ops<Self::State, 7>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (layer, readout, trace, first) = ops.state;
        let above = B::readout_backward(gradient, trace, first, readout.beta, self.rule.model);
        let upstream = Upstream::Readout {
            weight: readout.weight,
            narrow: above.narrow,
        };
        let through = ops.parents[0].is_some();
        let layer = B::event_layer_backward(layer, upstream, self.steps, self.rule, through);
        let weight = match self.rule.model {
            NeuronModel::MultiSpike => layer.readout_weight.clone(),
            _ => above.weight,
        };
        deliver_layer!(grads, ops.parents, layer, [weight, above.bias, above.beta]);
    }
}
