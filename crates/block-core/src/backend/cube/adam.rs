//! One step of Adam in one pass. Decay rates and bias corrections are worked out in float64 on the host.

use cubecl::prelude::*;

#[cube(launch, address_type = "dynamic")]
pub(super) fn adam<F: Float>(
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
