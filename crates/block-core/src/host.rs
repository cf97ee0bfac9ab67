//! The memory of tensors on the CPU, for the kernels there.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Bytes, DType, Element, Shape};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

use crate::simd::Real;

/// Runs `$body` with `$real` bound to the element type of a data type.
macro_rules! with_real {
    ($dtype:expr, $real:ident => $body:block) => {
        match $dtype {
            burn::tensor::DType::F32 => {
                type $real = f32;
                $body
            }
            burn::tensor::DType::F64 => {
                type $real = f64;
                $body
            }
            other => unreachable!("has_kernels() admits no {other:?}"),
        }
    };
}
pub(crate) use with_real;

pub(crate) fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    tensor.shape().dims()
}

/// The same tensor, contiguous.
pub(crate) fn dense(tensor: &FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// The elements of a contiguous tensor.
pub(crate) fn slice<E: Element + bytemuck::Pod>(tensor: &FlexTensor) -> &[E] {
    tensor
        .as_slice()
        .expect("the tensor is contiguous and of its operation's data type")
}

/// A contiguous tensor whose memory is its own, so that a kernel may work in place; copies only
/// when it is shared.
pub(crate) fn owned<F: Real>(tensor: FlexTensor) -> FlexTensor {
    let whole = tensor.is_contiguous()
        && tensor.bytes().len() == tensor.shape().num_elements() * size_of::<F>();
    if whole && tensor.is_unique() {
        return tensor;
    }
    let shape = tensor.shape();
    float(slice::<F>(&dense(&tensor)).to_vec(), shape)
}

/// So many zeros, written by all threads.
pub(crate) fn zeros<F: Real>(len: usize) -> Vec<F> {
    const BLOCK: usize = 16;
    let blocks = rayon::iter::repeat_n([F::of(0.0); BLOCK], len.div_ceil(BLOCK));
    let mut zeros = blocks.collect::<Vec<_>>().into_flattened();
    zeros.truncate(len);
    zeros
}

pub(crate) fn float<F: Real>(values: Vec<F>, shape: impl Into<Shape>) -> FloatTensor<Flex> {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape.into()),
        F::dtype(),
    )
}

/// A carrier of a gradient: a tensor of a shape whose memory is a single zero.
pub(crate) fn carrier<F: Real>(shape: impl Into<Shape>) -> FloatTensor<Flex> {
    let shape = shape.into();
    let zero = float(vec![F::of(0.0)], vec![1; shape.num_dims()]);
    Flex::float_expand(zero, shape)
}

pub(crate) fn int(values: Vec<i32>, shape: impl Into<Shape>) -> IntTensor<Flex> {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape.into()),
        DType::I32,
    )
}
