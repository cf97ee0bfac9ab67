//! What every launch needs: contiguous inputs, outputs, the number of threads.

use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::{DType, Shape};
use burn_cubecl::ops::numeric::{empty_device_contiguous_dtype, zeros_client};
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

pub(super) use burn_cubecl::kernel::into_contiguous as contiguous;

/// An uninitialised tensor beside another.
pub(super) fn empty(beside: &CubeTensor, shape: impl Into<Shape>, dtype: DType) -> CubeTensor {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    empty_device_contiguous_dtype(client, device, shape.into(), dtype)
}

/// An uninitialised tensor of another's shape and type.
pub(super) fn like(tensor: &CubeTensor) -> CubeTensor {
    empty(tensor, tensor.shape(), tensor.dtype)
}

/// A tensor of zeros beside another.
pub(super) fn zeros(beside: &CubeTensor, shape: impl Into<Shape>, dtype: DType) -> CubeTensor {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    zeros_client(client, device, shape.into(), dtype)
}

/// Cubes and their size for so many threads.
pub(super) fn over(tensor: &CubeTensor, threads: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new(&tensor.client, threads);
    let count = calculate_cube_count_elemwise(&tensor.client, threads, dim);
    (count, dim)
}

/// How wide an index into so many elements is.
pub(super) fn address(elements: usize) -> AddressType {
    match u32::try_from(elements) {
        Ok(_) => AddressType::U32,
        Err(_) => AddressType::U64,
    }
}

/// The element type of the tensors that a kernel is compiled for.
pub(super) fn element(tensor: &CubeTensor) -> ElemType {
    dtype_to_storage_type(tensor.dtype)
}

pub(super) fn dims<const D: usize>(tensor: &CubeTensor) -> [usize; D] {
    tensor.shape().dims()
}
