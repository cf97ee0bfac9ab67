//! The scan on a GPU: one thread a neuron of a sample, time inside. Neighbouring threads hold neighbouring neurons,
//! so that every step reads one stretch of memory. Few neurons over a long time take a thread for each chunk of
//! it: see [`gpu_chunked`](super::gpu_chunked). Sums are float32 whatever the tensors' type.

// The macro that makes kernels writes functions of its own from them, out of reach of an `expect`.
#![allow(
    clippy::too_many_arguments,
    reason = "a kernel's arguments are its interface"
)]

use burn::tensor::DType;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{Output, ScanGradient, ScanOps, gpu_chunked};
use crate::NeuronModel;
use crate::cube::{address, column_sums, contiguous, dims, element, empty, like, over};
use crate::neuron::gpu::{
    Arriving, Reverse, above, remaining, reverse_step, rounded, spike, unless_fired,
};
use crate::neuron::{Curve, Rule};

impl ScanOps for CubeBackend {
    fn scan(current: CubeTensor, beta: CubeTensor, model: NeuronModel) -> (CubeTensor, CubeTensor) {
        launch_scan(contiguous(current), contiguous(beta), model)
    }

    fn scan_output(
        potential: CubeTensor,
        first: CubeTensor,
        _beta: CubeTensor,
        rule: Rule,
        output: Output,
    ) -> CubeTensor {
        match output {
            Output::Spikes => launch_spikes(&potential, &first, rule.model),
            Output::Membrane if rule.model.masks_membrane() => launch_masked(&potential, &first),
            Output::Membrane => potential,
        }
    }
}

impl ScanGradient for CubeBackend {
    fn scan_backward(
        gradient: CubeTensor,
        potential: CubeTensor,
        first: CubeTensor,
        beta: CubeTensor,
        rule: Rule,
        output: Output,
    ) -> (CubeTensor, CubeTensor) {
        let [gradient, potential, first, beta] = [gradient, potential, first, beta].map(contiguous);
        let arriving = output.into();
        let out = launch_scan_backward(gradient, potential, first, beta, rule, arriving);
        (out.current, out.beta)
    }
}

impl From<Output> for Arriving {
    fn from(output: Output) -> Self {
        match output {
            Output::Spikes => Self::Spikes,
            Output::Membrane => Self::Membrane,
        }
    }
}

/// What the backward pass makes of a gradient.
pub(crate) struct Back {
    /// ∂L/∂I, `[b, t, n]`.
    pub current: CubeTensor,
    /// ∂L/∂β, `[n]`.
    pub beta: CubeTensor,
    /// ∂L/∂bias of a layer with this current, `[n]`.
    pub bias: CubeTensor,
}

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

/// Whether the backward pass is linear in what a chunk of time takes over: then with the surrogate in it (`true`) or
/// without.
pub(crate) fn reverses_in_chunks(model: NeuronModel, arriving: Arriving) -> Option<bool> {
    match arriving {
        Arriving::Membrane if model.is_linear_in_time() => Some(false),
        Arriving::Spikes if model.sums_gradient_over_time() => Some(true),
        _ => None,
    }
}

/// The formula and scale that a kernel is compiled and launched with; one formula for all where none is needed.
pub(crate) fn curve(rule: Rule, arriving: Arriving) -> (Curve, f32) {
    match arriving.needs_slope(rule.model) {
        true => (rule.surrogate.into(), rule.surrogate.scale() as f32),
        false => (Curve::FastSigmoid, 1.0),
    }
}

/// Potentials before reset and mask `[b, t, n]`, first-spike steps `[b, n]`.
pub(crate) fn launch_scan(
    current: CubeTensor,
    beta: CubeTensor,
    model: NeuronModel,
) -> (CubeTensor, CubeTensor) {
    let [batch, steps, n] = dims(&current);
    let cut = Cut::of(batch * n, steps).filter(|_| model.is_linear_in_time());
    if let Some(cut) = cut {
        return scan_by_chunks(current, beta, cut);
    }
    let potential = like(&current);
    let first = empty(&current, [batch, n], DType::I32);
    let (count, dim) = over(&current, batch * n);
    let dtype = element(&current);
    scan::launch(
        &current.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        current.into_buffer_arg(),
        beta.into_buffer_arg(),
        potential.clone().into_buffer_arg(),
        first.clone().into_buffer_arg(),
        steps,
        model,
        dtype,
    );
    (potential, first)
}

/// Spikes `[b, t, n]` of potentials and first-spike steps.
pub(crate) fn launch_spikes(
    potential: &CubeTensor,
    first: &CubeTensor,
    model: NeuronModel,
) -> CubeTensor {
    let [batch, steps, n] = dims(potential);
    let out = like(potential);
    let (count, dim) = over(potential, batch * steps * n);
    spikes::launch(
        &potential.client,
        count,
        dim,
        address(batch * steps * n),
        potential.clone().into_buffer_arg(),
        first.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        n,
        steps,
        model.fires_once(),
        element(potential),
    );
    out
}

/// The membrane `[b, t, n]` of neurons that are masked after their spike.
fn launch_masked(potential: &CubeTensor, first: &CubeTensor) -> CubeTensor {
    let [batch, steps, n] = dims(potential);
    let out = like(potential);
    let (count, dim) = over(potential, batch * steps * n);
    masked::launch(
        &potential.client,
        count,
        dim,
        address(batch * steps * n),
        potential.clone().into_buffer_arg(),
        first.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        n,
        steps,
        element(potential),
    );
    out
}

/// Potentials and first-spike steps.
fn scan_by_chunks(
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
    gpu_chunked::ends::launch(
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
    gpu_chunked::starts::launch(
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
    let potential = like(&current);
    let chunk_first = empty(&current, cut, DType::I32);
    let (count, dim) = over(&current, batch * chunks * n);
    gpu_chunked::membrane::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        current.clone().into_buffer_arg(),
        beta.into_buffer_arg(),
        starts.into_buffer_arg(),
        potential.clone().into_buffer_arg(),
        chunk_first.clone().into_buffer_arg(),
        chunks,
        length,
        steps,
        dtype,
    );
    let first = empty(&current, [batch, n], DType::I32);
    let (count, dim) = over(&current, batch * n);
    gpu_chunked::earliest::launch(
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
    (potential, first)
}

/// The scan's gradients, from the gradient `[b, t, n]` that arrives at an output.
pub(crate) fn launch_scan_backward(
    gradient: CubeTensor,
    potential: CubeTensor,
    first: CubeTensor,
    beta: CubeTensor,
    rule: Rule,
    arriving: Arriving,
) -> Back {
    let [batch, steps, n] = dims(&potential);
    let (curve, scale) = curve(rule, arriving);
    let in_chunks = reverses_in_chunks(rule.model, arriving);
    if let Some((spiking, cut)) = in_chunks.zip(Cut::of(batch * n, steps)) {
        return reverse_by_chunks(gradient, potential, beta, curve, scale, spiking, cut);
    }
    let (d_current, dtype) = (like(&potential), potential.dtype);
    let [d_beta, d_bias] = [(); 2].map(|()| empty(&potential, [batch, n], DType::F32));
    let (count, dim) = over(&potential, batch * n);
    let dtypes = [element(&potential), element(&gradient)];
    scan_backward::launch(
        &potential.client.clone(),
        count,
        dim,
        address(batch * steps * n),
        gradient.into_buffer_arg(),
        potential.clone().into_buffer_arg(),
        first.into_buffer_arg(),
        beta.into_buffer_arg(),
        d_current.clone().into_buffer_arg(),
        d_beta.clone().into_buffer_arg(),
        d_bias.clone().into_buffer_arg(),
        steps,
        scale,
        curve,
        rule.model,
        arriving,
        dtypes,
    );
    Back {
        current: d_current,
        beta: column_sums(d_beta, dtype),
        bias: column_sums(d_bias, dtype),
    }
}

/// The backward pass of the block model's spikes (`spiking`), or of a membrane that is linear in the current.
fn reverse_by_chunks(
    gradient: CubeTensor,
    potential: CubeTensor,
    beta: CubeTensor,
    curve: Curve,
    scale: f32,
    spiking: bool,
    Cut { chunks, length }: Cut,
) -> Back {
    let [batch, steps, n] = dims(&potential);
    let client = potential.client.clone();
    let (dtype, element) = (potential.dtype, element(&potential));
    let threads = batch * chunks * n;
    let values = |of: usize| match spiking {
        true => of,
        false => 1,
    };
    let carries = empty(&potential, [values(5), threads], DType::F32);
    let (count, dim) = over(&potential, threads);
    gpu_chunked::reverse_ends::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        gradient.clone().into_buffer_arg(),
        potential.clone().into_buffer_arg(),
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
    let taken = empty(&potential, [values(3), threads], DType::F32);
    let (count, dim) = over(&potential, batch * n);
    gpu_chunked::reverse_starts::launch(
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
    let d_current = like(&potential);
    let [d_beta, d_bias] = [(); 2].map(|()| empty(&potential, [batch, chunks, n], DType::F32));
    let (count, dim) = over(&potential, threads);
    gpu_chunked::reverse_all::launch(
        &client,
        count,
        dim,
        address(batch * steps * n),
        gradient.into_buffer_arg(),
        potential.into_buffer_arg(),
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
    Back {
        current: d_current,
        beta: column_sums(d_beta, dtype),
        bias: column_sums(d_bias, dtype),
    }
}

/// Both reverse sums over time, in float32.
pub(crate) fn launch_sum_twice(gradient: CubeTensor) -> CubeTensor {
    let [batch, steps, n] = dims(&gradient);
    let summed = empty(&gradient, [batch, steps, n], DType::F32);
    let (count, dim) = over(&gradient, batch * n);
    let dtype = element(&gradient);
    sum_twice::launch(
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

/// Potentials before reset and mask, and first-spike steps of a current.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn scan<F: Float>(
    current: &[F],
    beta: &[F],
    potential: &mut [F],
    first: &mut [i32],
    steps: usize,
    #[comptime] model: NeuronModel,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < first.len() {
        let never = steps as i32;
        let decay = f32::cast_from(beta[thread % n]);
        let mut at = (thread / n) * steps * n + thread % n;
        let mut v = 0.0f32;
        let mut when = never;
        for t in 0..steps {
            let u = decay * v + f32::cast_from(current[at]);
            let s = spike(rounded::<F>(u), when, never, model);
            if s > 0.0f32 && when == never {
                when = t as i32;
            }
            v = remaining(u, s, when, t as i32, model);
            potential[at] = F::cast_from(u);
            at += n;
        }
        first[thread] = when;
    }
}

/// The gradient of an output → ∂L/∂I, and sums over time `[b, n]`: of ∂L/∂I·V for ∂L/∂β, of ∂L/∂I for ∂L/∂bias.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn scan_backward<F: Float, G: Float>(
    gradient: &[G],
    potential: &[F],
    first: &[i32],
    beta: &[F],
    d_current: &mut [F],
    d_beta: &mut [f32],
    d_bias: &mut [f32],
    steps: usize,
    scale: f32,
    #[comptime] curve: Curve,
    #[comptime] model: NeuronModel,
    #[comptime] arriving: Arriving,
    #[define(F, G)] _dtypes: [ElemType; 2],
) {
    let thread = ABSOLUTE_POS;
    let n = beta.len();
    if thread < d_beta.len() {
        let decay = f32::cast_from(beta[thread % n]);
        let when = first[thread];
        let start = (thread / n) * steps * n + thread % n;
        let mut state = Reverse::new();
        let mut u = f32::cast_from(potential[start + (steps - 1) * n]);
        let mut beta_sum = 0.0f32;
        let mut bias_sum = 0.0f32;
        for k in 0..steps {
            let t = steps - 1 - k;
            let at = start + t * n;
            let e = f32::cast_from(gradient[at]);
            let d = reverse_step(
                &mut state, e, u, decay, when, t as i32, scale, curve, model, arriving,
            );
            d_current[at] = F::cast_from(d);
            bias_sum += d;
            if t > 0 {
                u = f32::cast_from(potential[at - n]);
                beta_sum += d * remaining(u, above(u), when, t as i32 - 1, model);
            }
        }
        d_beta[thread] = beta_sum;
        d_bias[thread] = bias_sum;
    }
}

/// Spikes: of neurons that fire once at their first-spike steps, else where the potential is above threshold.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn spikes<F: Float>(
    potential: &[F],
    first: &[i32],
    spikes: &mut [F],
    n: usize,
    steps: usize,
    #[comptime] once: bool,
    #[define(F)] _dtype: ElemType,
) {
    let at = ABSOLUTE_POS;
    if at < spikes.len() {
        let row = at / n;
        let s = if once {
            let when = first[(row / steps) * n + at % n];
            select(when == (row % steps) as i32, 1.0f32, 0.0f32)
        } else {
            above(f32::cast_from(potential[at]))
        };
        spikes[at] = F::cast_from(s);
    }
}

/// Potentials up to the step of the first spike, zeros after it.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn masked<F: Float>(
    potential: &[F],
    first: &[i32],
    membrane: &mut [F],
    n: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let at = ABSOLUTE_POS;
    if at < membrane.len() {
        let row = at / n;
        let when = first[(row / steps) * n + at % n];
        let v = unless_fired(f32::cast_from(potential[at]), when, (row % steps) as i32);
        membrane[at] = F::cast_from(v);
    }
}

/// Both reverse sums over time, which turn ∂L/∂S into ∂L/∂S̃. They grow with the square of time, too
/// much for half precision.
#[cube(launch, address_type = "dynamic")]
pub(crate) fn sum_twice<F: Float>(
    gradient: &[F],
    summed: &mut [f32],
    neurons: usize,
    n: usize,
    steps: usize,
    #[define(F)] _dtype: ElemType,
) {
    let thread = ABSOLUTE_POS;
    if thread < neurons {
        let start = (thread / n) * steps * n + thread % n;
        let mut once = 0.0f32;
        let mut twice = 0.0f32;
        for k in 0..steps {
            let at = start + (steps - 1 - k) * n;
            once += f32::cast_from(gradient[at]);
            twice += once;
            summed[at] = twice;
        }
    }
}
