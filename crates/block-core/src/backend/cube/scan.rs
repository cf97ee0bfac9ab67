//! Launches of the kernels over dense currents, one thread a neuron or one a chunk of its time.

use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{address, dims, element, empty, like, over};
use super::neuron::{Curve, Meaning};
use super::{chunked, column_sums, dense};
use crate::Surrogate;
use crate::neurons::{NeuronModel, SpikeRule};

/// Fewer neurons than this leave a GPU idle.
const FEW: usize = 1 << 14;

/// Below this a sequence is not worth the two further launches.
const LONG: usize = 256;

/// The least steps of a chunk.
const CHUNK: usize = 32;

/// How time is cut for few neurons and long sequences: chunks and their length.
#[derive(Clone, Copy)]
struct Cut {
    chunks: usize,
    length: usize,
}

impl Cut {
    fn of(neurons: usize, steps: usize) -> Option<Self> {
        if neurons >= FEW || steps < LONG {
            return None;
        }
        let chunks = (FEW / neurons).clamp(2, steps / CHUNK);
        let length = steps.div_ceil(chunks);
        // So that none is empty.
        let chunks = steps.div_ceil(length);
        Some(Self { chunks, length })
    }
}

pub(super) fn integrate(current: CubeTensor, beta: CubeTensor) -> CubeTensor {
    let [batch, steps, n] = dims(&current);
    if let Some(cut) = Cut::of(batch * n, steps) {
        return membrane_by_chunks(current, beta, cut).0;
    }
    let membrane = like(&current);
    let (count, dim) = over(&current, batch * n);
    let dtype = element(&current);
    dense::integrate::launch(
        &current.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        current.into_buffer_arg(),
        beta.into_buffer_arg(),
        membrane.clone().into_buffer_arg(),
        batch * n,
        steps,
        dtype,
    );
    membrane
}

pub(super) fn latch(membrane: CubeTensor) -> (CubeTensor, CubeTensor) {
    let [batch, steps, n] = dims(&membrane);
    let spikes = like(&membrane);
    let first = empty(&membrane, [batch, n], DType::I32);
    let (count, dim) = over(&membrane, batch * n);
    let dtype = element(&membrane);
    dense::latch::launch(
        &membrane.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        membrane.into_buffer_arg(),
        spikes.clone().into_buffer_arg(),
        first.clone().into_buffer_arg(),
        n,
        steps,
        dtype,
    );
    (spikes, first)
}

pub(super) fn latch_backward(
    gradient: CubeTensor,
    membrane: CubeTensor,
    surrogate: Surrogate,
) -> CubeTensor {
    let [batch, steps, n] = dims(&membrane);
    let d_membrane = like(&membrane);
    let (count, dim) = over(&membrane, batch * n);
    let dtype = element(&membrane);
    let (curve, scale) = Curve::of(surrogate);
    dense::latch_backward::launch(
        &membrane.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        gradient.into_buffer_arg(),
        membrane.into_buffer_arg(),
        d_membrane.clone().into_buffer_arg(),
        batch * n,
        n,
        steps,
        scale,
        curve,
        dtype,
    );
    d_membrane
}

/// Spikes, potentials before reset or mask, first-spike steps.
pub(super) fn scan(
    current: CubeTensor,
    beta: CubeTensor,
    model: NeuronModel,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [batch, steps, n] = dims(&current);
    let cut = Cut::of(batch * n, steps).filter(|_| model == NeuronModel::Block);
    if let Some(cut) = cut {
        let (membrane, first) = membrane_by_chunks(current, beta, cut);
        return (spike_train(&membrane, &first, model), membrane, first);
    }
    let (spikes, membrane) = (like(&current), like(&current));
    let first = empty(&current, [batch, n], DType::I32);
    let (count, dim) = over(&current, batch * n);
    let dtype = element(&current);
    dense::scan::launch(
        &current.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        current.into_buffer_arg(),
        beta.into_buffer_arg(),
        spikes.clone().into_buffer_arg(),
        membrane.clone().into_buffer_arg(),
        first.clone().into_buffer_arg(),
        steps,
        model,
        dtype,
    );
    (spikes, membrane, first)
}

/// The spike train `[b, t, n]` of potentials, or for models that fire once of first-spike steps.
pub(super) fn spike_train(
    membrane: &CubeTensor,
    first: &CubeTensor,
    model: NeuronModel,
) -> CubeTensor {
    let [batch, steps, n] = dims(membrane);
    let spikes = like(membrane);
    let (count, dim) = over(membrane, batch * steps * n);
    dense::spike_train::launch(
        &membrane.client,
        count,
        dim,
        address(batch * steps * n),
        membrane.clone().into_buffer_arg(),
        first.clone().into_buffer_arg(),
        spikes.clone().into_buffer_arg(),
        n,
        steps,
        model,
        element(membrane),
    );
    spikes
}

/// Potentials and first-spike steps.
fn membrane_by_chunks(
    current: CubeTensor,
    beta: CubeTensor,
    Cut { chunks, length }: Cut,
) -> (CubeTensor, CubeTensor) {
    let [batch, steps, n] = dims(&current);
    let client = current.client.clone();
    let dtype = element(&current);
    let cut = [batch, chunks, n];
    let ends = empty(&current, cut, DType::F32);
    let (count, dim) = over(&current, batch * chunks * n);
    chunked::ends::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        current.clone().into_buffer_arg(),
        beta.clone().into_buffer_arg(),
        ends.clone().into_buffer_arg(),
        chunks,
        length,
        steps,
        dtype,
    );
    let starts = empty(&current, cut, DType::F32);
    let (count, dim) = over(&current, batch * n);
    chunked::starts::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        beta.clone().into_buffer_arg(),
        ends.into_buffer_arg(),
        starts.clone().into_buffer_arg(),
        batch * n,
        chunks,
        length,
        dtype,
    );
    let membrane = like(&current);
    let chunk_first = empty(&current, cut, DType::I32);
    let (count, dim) = over(&current, batch * chunks * n);
    chunked::membrane::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        current.clone().into_buffer_arg(),
        beta.into_buffer_arg(),
        starts.into_buffer_arg(),
        membrane.clone().into_buffer_arg(),
        chunk_first.clone().into_buffer_arg(),
        chunks,
        length,
        steps,
        dtype,
    );
    let first = empty(&current, [batch, n], DType::I32);
    let (count, dim) = over(&current, batch * n);
    chunked::earliest::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        chunk_first.into_buffer_arg(),
        first.clone().into_buffer_arg(),
        n,
        chunks,
        steps,
    );
    (membrane, first)
}

/// ∂L/∂V → ∂L/∂I, ∂L/∂β, ∂L/∂bias.
pub(super) fn integrate_backward(
    gradient: CubeTensor,
    membrane: CubeTensor,
    beta: CubeTensor,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [batch, steps, n] = dims(&membrane);
    if let Some(cut) = Cut::of(batch * n, steps) {
        return reverse_by_chunks(gradient, membrane, beta, None, cut);
    }
    let (d_current, dtype) = (like(&membrane), membrane.dtype);
    let [d_beta, d_bias] = [(); 2].map(|()| empty(&membrane, [batch, n], DType::F32));
    let (count, dim) = over(&membrane, batch * n);
    dense::integrate_backward::launch(
        &membrane.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        gradient.into_buffer_arg(),
        membrane.clone().into_buffer_arg(),
        beta.into_buffer_arg(),
        d_current.clone().into_buffer_arg(),
        d_beta.clone().into_buffer_arg(),
        d_bias.clone().into_buffer_arg(),
        steps,
        element(&membrane),
    );
    (
        d_current,
        column_sums(d_beta, dtype),
        column_sums(d_bias, dtype),
    )
}

/// ∂L/∂S (or ∂L/∂S̃) → ∂L/∂I, ∂L/∂β, ∂L/∂bias.
pub(super) fn scan_backward(
    gradient: CubeTensor,
    membrane: CubeTensor,
    first: CubeTensor,
    beta: CubeTensor,
    rule: SpikeRule,
    meaning: Meaning,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [batch, steps, n] = dims(&membrane);
    let block = rule.model == NeuronModel::Block && meaning == Meaning::Spikes;
    if let Some(cut) = Cut::of(batch * n, steps).filter(|_| block) {
        return reverse_by_chunks(gradient, membrane, beta, Some(rule.surrogate), cut);
    }
    let (d_current, dtype) = (like(&membrane), membrane.dtype);
    let [d_beta, d_bias] = [(); 2].map(|()| empty(&membrane, [batch, n], DType::F32));
    let (count, dim) = over(&membrane, batch * n);
    let (curve, scale) = Curve::of(rule.surrogate);
    let dtypes = [element(&membrane), element(&gradient)];
    dense::scan_backward::launch(
        &membrane.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        gradient.into_buffer_arg(),
        membrane.clone().into_buffer_arg(),
        first.into_buffer_arg(),
        beta.into_buffer_arg(),
        d_current.clone().into_buffer_arg(),
        d_beta.clone().into_buffer_arg(),
        d_bias.clone().into_buffer_arg(),
        steps,
        scale,
        curve,
        rule.model,
        meaning,
        dtypes,
    );
    (
        d_current,
        column_sums(d_beta, dtype),
        column_sums(d_bias, dtype),
    )
}

/// The backward pass of the block model, or without a surrogate of the integrator.
fn reverse_by_chunks(
    gradient: CubeTensor,
    membrane: CubeTensor,
    beta: CubeTensor,
    surrogate: Option<Surrogate>,
    Cut { chunks, length }: Cut,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [batch, steps, n] = dims(&membrane);
    let client = membrane.client.clone();
    let (dtype, element) = (membrane.dtype, element(&membrane));
    let threads = batch * chunks * n;
    let spiking = surrogate.is_some();
    let (curve, scale) = Curve::of(surrogate.unwrap_or_default());
    let values = |of: usize| match spiking {
        true => of,
        false => 1,
    };
    let carries = empty(&membrane, [values(5), threads], DType::F32);
    let (count, dim) = over(&membrane, threads);
    chunked::reverse_ends::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        gradient.clone().into_buffer_arg(),
        membrane.clone().into_buffer_arg(),
        beta.clone().into_buffer_arg(),
        carries.clone().into_buffer_arg(),
        threads,
        chunks,
        length,
        steps,
        scale,
        curve,
        spiking,
        element,
    );
    let taken = empty(&membrane, [values(3), threads], DType::F32);
    let (count, dim) = over(&membrane, batch * n);
    chunked::reverse_starts::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        beta.clone().into_buffer_arg(),
        carries.into_buffer_arg(),
        taken.clone().into_buffer_arg(),
        batch * n,
        threads,
        chunks,
        length,
        steps,
        spiking,
        element,
    );
    let d_current = like(&membrane);
    let [d_beta, d_bias] = [(); 2].map(|()| empty(&membrane, [batch, chunks, n], DType::F32));
    let (count, dim) = over(&membrane, threads);
    chunked::reverse_all::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        gradient.into_buffer_arg(),
        membrane.into_buffer_arg(),
        beta.into_buffer_arg(),
        taken.into_buffer_arg(),
        d_current.clone().into_buffer_arg(),
        d_beta.clone().into_buffer_arg(),
        d_bias.clone().into_buffer_arg(),
        chunks,
        length,
        steps,
        scale,
        curve,
        spiking,
        element,
    );
    (
        d_current,
        column_sums(d_beta, dtype),
        column_sums(d_bias, dtype),
    )
}

/// Both reverse sums over time, in float32.
pub(super) fn sum_twice(gradient: CubeTensor) -> CubeTensor {
    let [batch, steps, n] = dims(&gradient);
    let summed = empty(&gradient, [batch, steps, n], DType::F32);
    let (count, dim) = over(&gradient, batch * n);
    let dtype = element(&gradient);
    dense::sum_twice::launch(
        &gradient.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        gradient.into_buffer_arg(),
        summed.clone().into_buffer_arg(),
        batch * n,
        n,
        steps,
        dtype,
    );
    summed
}
