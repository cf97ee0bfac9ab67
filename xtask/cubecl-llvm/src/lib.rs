//! The part of `cubecl-llvm`'s interface that the CUDA runtime links to, without LLVM. Kernels are then
//! compiled by NVRTC (`cubecl/cuda-cpp`), which never comes here.

use cubecl_core::Compiler;
use cubecl_core::ir::nvidia::SmArch;
use cubecl_core::prelude::KernelDefinition;
use cubecl_environment::backtrace::BackTrace;
use cubecl_runtime::compiler::CompilationError;
use cubecl_runtime::kernel::BufferIOAttr;

/// Where code would run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlvmTarget {
    /// NVIDIA GPUs.
    #[default]
    Nvptx,
}

/// A compiler that says that it is none.
#[derive(Clone, Debug, Default)]
pub struct PlironCompiler {
    /// Where code would run.
    pub target: LlvmTarget,
}

/// What the compiler would be told.
#[derive(Clone, Debug, Default)]
pub struct PlironOptions {
    /// Of AMD GPUs.
    pub arch: Option<()>,
    /// Of NVIDIA GPUs.
    pub sm_arch: Option<SmArch>,
    /// PTX version.
    pub ptx_version: Option<nvptx::ptx_version::PtxVersion>,
    /// How parameters are passed.
    pub grid_constants: bool,
    /// Keeps the struct open, as the one that it stands in for is.
    pub other: (),
}

/// A compiled kernel.
#[derive(Clone, Debug)]
pub struct NvptxModule {
    /// PTX, with a final NUL.
    pub ptx: Vec<core::ffi::c_char>,
    /// Name of the kernel.
    pub entrypoint: String,
    /// Text for logs.
    pub ir: String,
    /// Bytes.
    pub shared_memory_size: usize,
    /// How buffers are used.
    pub io: Vec<BufferIOAttr>,
}

/// What the compiler would return.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PlironArtifact {
    /// For NVIDIA GPUs.
    NvptxCode(NvptxModule),
}

impl core::fmt::Display for PlironArtifact {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NvptxCode(module) => f.write_str(&module.ir),
        }
    }
}

impl Compiler for PlironCompiler {
    type Representation = PlironArtifact;
    type CompilationOptions = PlironOptions;

    fn compile(
        &mut self,
        _: KernelDefinition,
        _: &PlironOptions,
    ) -> Result<PlironArtifact, CompilationError> {
        Err(CompilationError::Generic {
            reason: "this program was built without LLVM; CUDA kernels go through NVRTC".to_owned(),
            backtrace: BackTrace::capture(),
        })
    }

    fn extension(&self) -> &'static str {
        "ll"
    }

    fn lang_tag(&self) -> &'static str {
        "llvm"
    }
}

/// NVIDIA GPUs.
pub mod nvptx {
    /// Versions of PTX.
    pub mod ptx_version {
        /// None is known here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct PtxVersion(());

        impl PtxVersion {
            /// Left to the compiler.
            pub fn for_driver(_: i32) -> Option<Self> {
                None
            }
        }

        impl core::fmt::Display for PtxVersion {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("unknown")
            }
        }
    }
}

/// All targets.
pub mod shared {
    /// What LLVM would lower.
    pub mod lowered_features {
        use cubecl_core::prelude::DeviceProperties;

        /// A GPU.
        pub enum GpuTarget {
            /// NVIDIA's.
            Nvptx,
        }

        /// Nothing to restrict: NVRTC compiles.
        pub fn restrict_features(_: &mut DeviceProperties, _: GpuTarget) {}
    }
}
