//! The kernels as CUDA C++, as the CUDA runtime would hand them to NVRTC: so that they can be compiled
//! where there is no GPU.

use std::sync::Arc;

use cubecl::Compiler;
use cubecl::ir::features::Features;
use cubecl::ir::{
    DeviceIdentity, DeviceProperties, ElemType, FloatKind, HardwareProperties,
    MemoryDeviceProperties, TargetProperties,
};
use cubecl::prelude::*;
use cubecl_cpp::shared::{CompilationOptions, CppCompiler};
use cubecl_cpp::target::Cuda;

use super::neuron::{Curve, Meaning};
use super::{adam, chunked, dense, events};
use crate::neurons::NeuronModel;

/// One kernel's name and CUDA C++.
#[derive(Debug, Clone)]
pub struct Source {
    /// The kernel and what it is compiled for.
    pub name: String,
    /// CUDA C++.
    pub code: String,
}

const BUFFER: BufferCompilationArg = BufferCompilationArg { inplace: None };

const MODELS: [NeuronModel; 3] = [
    NeuronModel::Block,
    NeuronModel::SingleSpike,
    NeuronModel::MultiSpike,
];

const CURVES: [Curve; 4] = [
    Curve::FastSigmoid,
    Curve::Sigmoid,
    Curve::Arctan,
    Curve::Triangular,
];

/// A kernel's source, by its struct, compilation arguments and constants.
macro_rules! push {
    ($sources:expr, $kernel:ident :: $name:ident :: $of:ident, [$($argument:expr),*], $($constant:expr),*) => {{
        let kernel = $kernel::$name::$of::new(
            settings(),
            properties(),
            Arc::new(TargetProperties::default()),
            $($argument,)*
            $($constant),*
        );
        let code = CppCompiler::<Cuda>::default()
            .compile(kernel.define(), &CompilationOptions::default())
            .expect("the kernel has a translation")
            .source;
        #[allow(unused_mut, reason = "a kernel without constants")]
        let mut name = stringify!($kernel::$name).replace(' ', "");
        $(name = format!("{name} {:?}", $constant);)*
        $sources.push(Source { name, code });
    }};
}

/// Every kernel in every variant and floating-point type that a launch can ask for, with 32-bit indices:
/// those of 64 bits are for tensors of more than 2³² elements.
pub fn cuda_sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for kind in [FloatKind::F32, FloatKind::F16, FloatKind::BF16] {
        let element = ElemType::Float(kind);
        sequential(&mut sources, element);
        in_chunks(&mut sources, element);
    }
    push!(
        sources,
        chunked::earliest::Earliest,
        [BUFFER, BUFFER, (), (), ()],
    );
    sources
}

fn sequential(sources: &mut Vec<Source>, f: ElemType) {
    push!(
        sources,
        dense::integrate::Integrate,
        [BUFFER, BUFFER, BUFFER, (), ()],
        f
    );
    push!(
        sources,
        dense::integrate_backward::IntegrateBackward,
        [BUFFER, BUFFER, BUFFER, BUFFER, BUFFER, BUFFER, ()],
        f
    );
    push!(
        sources,
        dense::latch::Latch,
        [BUFFER, BUFFER, BUFFER, (), ()],
        f
    );
    push!(
        sources,
        dense::sum_twice::SumTwice,
        [BUFFER, BUFFER, (), (), ()],
        f
    );
    push!(
        sources,
        events::gather::Gather,
        [BUFFER, BUFFER, BUFFER, BUFFER, (), (), ()],
        f
    );
    push!(
        sources,
        events::readout_weight::ReadoutWeight,
        [BUFFER, BUFFER, BUFFER, (), (), ()],
        f
    );
    push!(
        sources,
        adam::adam::Adam,
        [
            BUFFER,
            BUFFER,
            BUFFER,
            BUFFER,
            BUFFER,
            BUFFER,
            BUFFER,
            (),
            (),
            (),
            (),
            (),
            (),
            ()
        ],
        f
    );
    for curve in CURVES {
        push!(
            sources,
            dense::latch_backward::LatchBackward,
            [BUFFER, BUFFER, BUFFER, (), (), (), ()],
            curve,
            f
        );
    }
    for model in MODELS {
        push!(
            sources,
            dense::scan::Scan,
            [BUFFER, BUFFER, BUFFER, BUFFER, BUFFER, ()],
            model,
            f
        );
        push!(
            sources,
            dense::spike_train::SpikeTrain,
            [BUFFER, BUFFER, BUFFER, (), ()],
            model,
            f
        );
        for output in [events::Output::Spikes, events::Output::Membrane] {
            push!(
                sources,
                events::forward::Forward,
                [
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    (),
                    ()
                ],
                model,
                output,
                f
            );
        }
        for curve in CURVES {
            let wide = ElemType::Float(FloatKind::F32);
            for (meaning, gradient) in [(Meaning::Spikes, f), (Meaning::Faulty, wide)] {
                push!(
                    sources,
                    dense::scan_backward::ScanBackward,
                    [
                        BUFFER,
                        BUFFER,
                        BUFFER,
                        BUFFER,
                        BUFFER,
                        BUFFER,
                        BUFFER,
                        (),
                        ()
                    ],
                    curve,
                    model,
                    meaning,
                    [f, gradient]
                );
            }
        }
    }
}

fn in_chunks(sources: &mut Vec<Source>, f: ElemType) {
    push!(
        sources,
        chunked::ends::Ends,
        [BUFFER, BUFFER, BUFFER, (), (), ()],
        f
    );
    push!(
        sources,
        chunked::starts::Starts,
        [BUFFER, BUFFER, BUFFER, (), (), ()],
        f
    );
    push!(
        sources,
        chunked::membrane::Membrane,
        [BUFFER, BUFFER, BUFFER, BUFFER, BUFFER, (), (), ()],
        f
    );
    for spiking in [false, true] {
        push!(
            sources,
            chunked::reverse_starts::ReverseStarts,
            [BUFFER, BUFFER, BUFFER, (), (), (), (), ()],
            spiking,
            f
        );
        for curve in CURVES {
            push!(
                sources,
                chunked::reverse_ends::ReverseEnds,
                [BUFFER, BUFFER, BUFFER, BUFFER, (), (), (), (), ()],
                curve,
                spiking,
                f
            );
            push!(
                sources,
                chunked::reverse_all::ReverseAll,
                [
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    BUFFER,
                    (),
                    (),
                    (),
                    ()
                ],
                curve,
                spiking,
                f
            );
        }
    }
}

fn settings() -> KernelSettings {
    KernelSettings::new(
        *CubeDim::new_1d(256),
        ExecutionMode::Checked,
        AddressType::U32,
    )
}

/// Of a GPU in general: the kernels ask for nothing special.
fn properties() -> Arc<DeviceProperties> {
    let hardware = HardwareProperties {
        load_width: 128,
        vector_register_count: None,
        plane_size_min: 32,
        plane_size_max: 32,
        max_bindings: 32,
        max_shared_memory_size: 48 * 1024,
        max_cube_count: (i32::MAX as u32, u16::MAX.into(), u16::MAX.into()),
        max_units_per_cube: 1024,
        max_cube_dim: (1024, 1024, 64),
        num_streaming_multiprocessors: None,
        num_tensor_cores: None,
        min_tensor_cores_dim: None,
        num_cpu_cores: None,
        last_level_cache_size: None,
        max_vector_size: VectorSize::MAX,
        cube_mma_reserved_shared_memory: 0,
    };
    let identity = DeviceIdentity {
        name: "none".to_owned(),
        fingerprint: "none".to_owned(),
        physical: None,
    };
    Arc::new(DeviceProperties::new(
        Features::default(),
        MemoryDeviceProperties::new(u64::MAX, 256),
        hardware,
        cubecl::profile::TimingMethod::Device,
        identity,
    ))
}
