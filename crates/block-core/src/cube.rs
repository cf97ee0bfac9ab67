//! What every launch of a kernel on a GPU needs: contiguous inputs, outputs, the number of threads; and the tensor
//! operations around the kernels.

use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeBackend;
use burn_cubecl::ops::numeric::{empty_device_contiguous_dtype, zeros_client};
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

pub(crate) use burn_cubecl::kernel::into_contiguous as contiguous;

/// An uninitialised tensor beside another.
pub(crate) fn empty(beside: &CubeTensor, shape: impl Into<Shape>, dtype: DType) -> CubeTensor {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    empty_device_contiguous_dtype(client, device, shape.into(), dtype)
}

/// An uninitialised tensor of another's shape and type.
pub(crate) fn like(tensor: &CubeTensor) -> CubeTensor {
    empty(tensor, tensor.shape(), tensor.dtype)
}

/// A tensor of zeros beside another.
pub(crate) fn zeros(beside: &CubeTensor, shape: impl Into<Shape>, dtype: DType) -> CubeTensor {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    zeros_client(client, device, shape.into(), dtype)
}

/// Cubes and their size for so many threads.
pub(crate) fn over(tensor: &CubeTensor, threads: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new(&tensor.client, threads);
    let count = calculate_cube_count_elemwise(&tensor.client, threads, dim);
    (count, dim)
}

/// How wide an index into so many elements is.
pub(crate) fn address(elements: usize) -> AddressType {
    match u32::try_from(elements) {
        Ok(_) => AddressType::U32,
        Err(_) => AddressType::U64,
    }
}

/// The element type of the tensors that a kernel is compiled for.
pub(crate) fn element(tensor: &CubeTensor) -> ElemType {
    dtype_to_storage_type(tensor.dtype)
}

pub(crate) fn dims<const D: usize>(tensor: &CubeTensor) -> [usize; D] {
    tensor.shape().dims()
}

/// A tensor in another floating-point type.
pub(crate) fn cast(tensor: CubeTensor, dtype: DType) -> CubeTensor {
    match tensor.dtype == dtype {
        true => tensor,
        false => CubeBackend::float_cast(tensor, dtype.into()),
    }
}

/// Sums `[.., n]` over all but the last dimension, in a tensor's type.
pub(crate) fn column_sums(partial: CubeTensor, dtype: DType) -> CubeTensor {
    let n = partial.meta.shape()[partial.meta.num_dims() - 1];
    let rows = partial.meta.num_elements() / n;
    let partial = CubeBackend::float_reshape(partial, [rows, n].into());
    let sum = CubeBackend::float_sum_dim(partial, 0);
    cast(CubeBackend::float_reshape(sum, [n].into()), dtype)
}

/// The last two dimensions' product with a matrix, `[b, t, k]·[k, n]`.
pub(crate) fn project(input: CubeTensor, matrix: CubeTensor) -> CubeTensor {
    let [batch, steps, k] = dims(&input);
    let n = matrix.meta.shape()[1];
    let flat = CubeBackend::float_reshape(input, [batch * steps, k].into());
    let product = CubeBackend::float_matmul(flat, matrix);
    CubeBackend::float_reshape(product, [batch, steps, n].into())
}
