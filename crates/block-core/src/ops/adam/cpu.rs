//! One pass of Adam on the CPU, in place.

use burn::backend::Flex;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;
use rayon::prelude::*;

use super::{AdamOps, AdamStep};
use crate::host::{dense, owned, slice, with_real};
use crate::simd::{InstructionSet, Kernel, Real, Vector, load, run, store};

impl AdamOps for Flex {
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
            let gradient = dense(&gradient);
            adam::<F>(
                parameter.storage_mut(),
                slice(&gradient),
                first.storage_mut(),
                second.storage_mut(),
                step,
            );
            (parameter, first, second)
        })
    }
}

fn adam<F: Real>(
    parameter: &mut [F],
    gradient: &[F],
    first: &mut [F],
    second: &mut [F],
    step: AdamStep,
) {
    const CHUNK: usize = 1 << 14;
    let set = InstructionSet::current();
    parameter
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(first.par_chunks_mut(CHUNK))
        .zip(second.par_chunks_mut(CHUNK))
        .for_each(|(((parameter, gradient), first), second)| {
            run(
                set,
                Pass {
                    parameter,
                    gradient,
                    first,
                    second,
                    step,
                },
            );
        });
}

struct Pass<'a, F> {
    parameter: &'a mut [F],
    gradient: &'a [F],
    first: &'a mut [F],
    second: &'a mut [F],
    step: AdamStep,
}

impl<F: Real> Kernel for Pass<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let splat = |value: f64| Vector::<S, F>::splat(simd, F::of(value));
        let step = self.step;
        let (beta_1, beta_2) = (splat(step.beta_1), splat(step.beta_2));
        let (rest_1, rest_2) = (splat(1.0 - step.beta_1), splat(1.0 - step.beta_2));
        let (step_size, epsilon) = (splat(step.step_size), splat(step.epsilon));
        let correction = splat(step.correction.recip());
        let moments = self
            .first
            .chunks_mut(F::LANES)
            .zip(self.second.chunks_mut(F::LANES));
        let gradients = self.gradient.chunks(F::LANES);
        let all = self
            .parameter
            .chunks_mut(F::LANES)
            .zip(gradients)
            .zip(moments);
        for ((parameter, gradient), (first, second)) in all {
            let g = load::<S, F>(simd, gradient);
            let m = beta_1 * load::<S, F>(simd, first) + rest_1 * g;
            let v = beta_2 * load::<S, F>(simd, second) + rest_2 * g * g;
            let p =
                load::<S, F>(simd, parameter) - step_size * m / (v.sqrt() * correction + epsilon);
            store::<S, F>(m, first);
            store::<S, F>(v, second);
            store::<S, F>(p, parameter);
        }
    }
}
