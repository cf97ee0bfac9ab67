//! One step of Adam in one pass. Decay rates and bias corrections are worked out in float64 on the host.

use burn_cubecl::{CubeBackend, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{AdamOps, AdamStep};
use crate::cube::{address, contiguous, element, like, over};

impl AdamOps for CubeBackend {
    fn adam(
        parameter: CubeTensor,
        gradient: CubeTensor,
        first: CubeTensor,
        second: CubeTensor,
        step: AdamStep,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [parameter, gradient, first, second] =
            [parameter, gradient, first, second].map(contiguous);
        let out = [like(&parameter), like(&parameter), like(&parameter)];
        let (count, dim) = over(&parameter, parameter.meta.num_elements());
        let [p, m, v] = out.clone();
        let dtype = element(&parameter);
        adam::launch(
            &parameter.client.clone(),
            count,
            dim,
            address(parameter.meta.num_elements()),
            parameter.into_buffer_arg(),
            gradient.into_buffer_arg(),
            first.into_buffer_arg(),
            second.into_buffer_arg(),
            p.into_buffer_arg(),
            m.into_buffer_arg(),
            v.into_buffer_arg(),
            step.beta_1 as f32,
            (1.0 - step.beta_1) as f32,
            step.beta_2 as f32,
            (1.0 - step.beta_2) as f32,
            step.step_size as f32,
            step.correction.recip() as f32,
            step.epsilon as f32,
            dtype,
        );
        let [p, m, v] = out;
        (p, m, v)
    }
}

#[cube(launch, address_type = "dynamic")]
pub(crate) fn adam<F: Float>(
    parameter: &[F],
    gradient: &[F],
    first: &[F],
    second: &[F],
    new_parameter: &mut [F],
    new_first: &mut [F],
    new_second: &mut [F],
    beta_1: f32,
    rest_1: f32,
    beta_2: f32,
    rest_2: f32,
    rate: f32,
    correction: f32,
    epsilon: f32,
    #[define(F)] _dtype: ElemType,
) {
    let at = ABSOLUTE_POS;
    if at < parameter.len() {
        let g = f32::cast_from(gradient[at]);
        let m = beta_1 * f32::cast_from(first[at]) + rest_1 * g;
        let v = beta_2 * f32::cast_from(second[at]) + rest_2 * g * g;
        new_first[at] = F::cast_from(m);
        new_second[at] = F::cast_from(v);
        let step = rate * m / (v.sqrt() * correction + epsilon);
        new_parameter[at] = F::cast_from(f32::cast_from(parameter[at]) - step);
    }
}
