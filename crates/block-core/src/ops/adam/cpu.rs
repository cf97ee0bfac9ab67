//! One pass of Adam on the CPU, in place.

use burn::backend::Flex;
use burn_flex::FlexTensor;
use fearless_simd::Simd;
use fearless_simd::prelude::*;
use rayon::prelude::*;

use super::{AdamOps, AdamStep};
use crate::host::{dense, owned, slice, with_real};
use crate::simd::{InstructionSet, Kernel, Real, Target, Vector, load, store};

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
            set.run(Pass {
                parameter,
                gradient,
                first,
                second,
                step,
            });
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
        let factors = Factors::<S, F>::new(simd, self.step);
        // Whole vectors in a loop of their own, in which the compiler knows the length.
        let mut parameters = self.parameter.chunks_exact_mut(F::LANES);
        let mut gradients = self.gradient.chunks_exact(F::LANES);
        let mut firsts = self.first.chunks_exact_mut(F::LANES);
        let mut seconds = self.second.chunks_exact_mut(F::LANES);
        let moments = firsts.by_ref().zip(seconds.by_ref());
        let all = parameters.by_ref().zip(gradients.by_ref()).zip(moments);
        for ((parameter, gradient), (first, second)) in all {
            factors.update(simd, parameter, gradient, first, second);
        }
        factors.update(
            simd,
            parameters.into_remainder(),
            gradients.remainder(),
            firsts.into_remainder(),
            seconds.into_remainder(),
        );
    }
}

/// The numbers of a step, each in all lanes.
struct Factors<S: Simd, F: Real> {
    beta_1: Vector<S, F>,
    beta_2: Vector<S, F>,
    rest_1: Vector<S, F>,
    rest_2: Vector<S, F>,
    step_size: Vector<S, F>,
    epsilon: Vector<S, F>,
    correction: Vector<S, F>,
}

impl<S: Simd, F: Real> Factors<S, F> {
    #[inline(always)]
    fn new(simd: S, step: AdamStep) -> Self {
        let splat = |value: f64| Vector::<S, F>::splat(simd, F::of(value));
        Self {
            beta_1: splat(step.beta_1),
            beta_2: splat(step.beta_2),
            rest_1: splat(1.0 - step.beta_1),
            rest_2: splat(1.0 - step.beta_2),
            step_size: splat(step.step_size),
            epsilon: splat(step.epsilon),
            correction: splat(step.correction.recip()),
        }
    }

    /// A vector of parameters, or what is left of one at the end.
    #[inline(always)]
    fn update(
        &self,
        simd: S,
        parameter: &mut [F],
        gradient: &[F],
        first: &mut [F],
        second: &mut [F],
    ) {
        let g = load::<S, F>(simd, gradient);
        let m = self.beta_1 * load::<S, F>(simd, first) + self.rest_1 * g;
        let v = self.beta_2 * load::<S, F>(simd, second) + self.rest_2 * g * g;
        let p = load::<S, F>(simd, parameter)
            - self.step_size * m / (v.sqrt() * self.correction + self.epsilon);
        store::<S, F>(m, first);
        store::<S, F>(v, second);
        store::<S, F>(p, parameter);
    }
}
