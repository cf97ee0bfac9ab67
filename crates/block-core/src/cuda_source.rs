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
use strum::VariantArray;

use crate::neuron::gpu::Arriving;
use crate::neuron::{Curve, Rule};
use crate::ops::adam::gpu as adam;
use crate::ops::event_layer::gpu as events;
use crate::ops::event_layer::gpu::Writes;
use crate::ops::event_readout::gpu as readout;
use crate::ops::scan::gpu as scan;
use crate::ops::scan::gpu::{curve, reverses_in_chunks};
use crate::ops::scan::gpu_chunked as chunked;
use crate::{NeuronModel, Surrogate};

/// One kernel's name and CUDA C++.
#[derive(Debug, Clone)]
pub struct Source {
    /// The kernel and what it is compiled for.
    pub name: String,
    /// CUDA C++.
    pub code: String,
}

const BUFFER: BufferCompilationArg = BufferCompilationArg { inplace: None };

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
        scans(&mut sources, element);
        scans_in_chunks(&mut sources, element);
        layers(&mut sources, element);
    }
    push!(
        sources,
        chunked::earliest::Earliest,
        [BUFFER, BUFFER, (), (), ()],
    );
    // Parameters and moments are float32 at least; see `FusedAdam`.
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
        ElemType::Float(FloatKind::F32)
    );
    sources
}

/// The backward passes that operations ask for, each with the formulas of the surrogates that it is compiled for.
fn ways_back() -> Vec<(NeuronModel, Arriving, Vec<Curve>)> {
    let mut all = Vec::new();
    for model in NeuronModel::ALL {
        for arriving in [Arriving::Spikes, Arriving::Membrane, Arriving::Summed] {
            let curves = Curve::VARIANTS.iter().map(|curve| {
                let surrogate: Surrogate = curve.with_scale(1.0);
                self::curve(Rule { model, surrogate }, arriving).0
            });
            let mut curves: Vec<Curve> = curves.collect();
            curves.dedup();
            all.push((model, arriving, curves));
        }
    }
    all
}

fn scans(sources: &mut Vec<Source>, f: ElemType) {
    for model in NeuronModel::ALL {
        push!(
            sources,
            scan::scan::Scan,
            [BUFFER, BUFFER, BUFFER, BUFFER, ()],
            model,
            f
        );
    }
    for once in [true, false] {
        push!(
            sources,
            scan::spikes::Spikes,
            [BUFFER, BUFFER, BUFFER, (), ()],
            once,
            f
        );
    }
    push!(
        sources,
        scan::masked::Masked,
        [BUFFER, BUFFER, BUFFER, (), ()],
        f
    );
    push!(
        sources,
        scan::sum_twice::SumTwice,
        [BUFFER, BUFFER, (), (), ()],
        f
    );
    for (model, arriving, curves) in ways_back() {
        // What is summed over time is float32.
        let gradient = match arriving {
            Arriving::Summed if model.sums_gradient_over_time() => ElemType::Float(FloatKind::F32),
            Arriving::Summed | Arriving::Spikes | Arriving::Membrane => f,
        };
        for curve in curves {
            push!(
                sources,
                scan::scan_backward::ScanBackward,
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
                arriving,
                [f, gradient]
            );
        }
    }
}

fn scans_in_chunks(sources: &mut Vec<Source>, f: ElemType) {
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
        let ways = ways_back().into_iter();
        let mut curves: Vec<Curve> = ways
            .filter(|(model, arriving, _)| reverses_in_chunks(*model, *arriving) == Some(spiking))
            .flat_map(|(_, _, curves)| curves)
            .collect();
        // Different models share these kernels.
        curves.dedup();
        for curve in curves {
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

fn layers(sources: &mut Vec<Source>, f: ElemType) {
    for model in NeuronModel::ALL {
        let mut writes = vec![Writes::Spikes, Writes::Potential, Writes::membrane(model)];
        writes.dedup();
        for writes in writes {
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
                writes,
                f
            );
        }
    }
    push!(
        sources,
        events::gather::Gather,
        [BUFFER, BUFFER, BUFFER, BUFFER, (), (), ()],
        f
    );
    push!(
        sources,
        readout::readout_weight::ReadoutWeight,
        [BUFFER, BUFFER, BUFFER, (), (), ()],
        f
    );
}

fn settings() -> KernelSettings {
    KernelSettings::new(
        *CubeDim::new_1d(256),
        ExecutionMode::Checked,
        AddressType::U32,
    )
}

/// The properties of a GPU in general: the kernels ask for nothing special.
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
