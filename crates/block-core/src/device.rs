//! Devices by name, and which of them have kernels for which element types.

use burn::backend::DispatchDevice;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
use burn::tensor::DeviceType;
use burn::tensor::{DType, Device};
use thiserror::Error;

/// Why a device cannot be used, or how it failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The name is not one of a device, or the device is not compiled in or not there.
    #[error("device {request}: {problem}; {remedy}")]
    Unavailable {
        /// The name asked for.
        request: String,
        /// What is wrong with the name.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The device failed during the work.
    #[error("device {device} failed: {problem}")]
    Failed {
        /// The device.
        device: String,
        /// The device's own message.
        problem: String,
    },
}

/// Whether the fused kernels cover a device and element type.
pub(crate) fn has_kernels(device: &Device, dtype: DType) -> bool {
    match device.clone().inner().as_dispatch() {
        DispatchDevice::Flex(_) => matches!(dtype, DType::F32 | DType::F64),
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(_) => matches!(dtype, DType::F32 | DType::F16 | DType::BF16),
        _ => false,
    }
}

/// Whether a device works in the host's memory, so that what is made on the host is at hand there.
pub fn on_host(device: &Device) -> bool {
    matches!(
        device.clone().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    )
}

/// A device and what it is called.
#[derive(Debug, Clone)]
pub struct NamedDevice {
    /// The device, without autodiff.
    pub device: Device,
    /// `cpu`, `cuda:0`, `wgpu:0`.
    pub name: String,
}

/// The kinds of GPU in the order of preference, each with its devices on this machine; none of a
/// kind that is not compiled in.
///
/// Burn's default device is a GPU of a kind that is compiled in even where there is none, so it is
/// never asked for.
const GPUS: [(&str, Listing); 2] = [("cuda", cuda), ("wgpu", wgpu)];

type Listing = fn() -> Option<Vec<Device>>;

fn cuda() -> Option<Vec<Device>> {
    #[cfg(feature = "cuda")]
    {
        Some(Device::enumerate(DeviceType::Cuda).into_vec())
    }
    #[cfg(not(feature = "cuda"))]
    {
        None
    }
}

fn wgpu() -> Option<Vec<Device>> {
    #[cfg(feature = "wgpu")]
    {
        Some(Device::enumerate(DeviceType::Wgpu).into_vec())
    }
    #[cfg(not(feature = "wgpu"))]
    {
        None
    }
}

/// The device of this name: `auto`, `cpu`, `cuda`, `cuda:N`, `wgpu` or `wgpu:N`. `auto` is the
/// best that is compiled in and present.
///
/// # Errors
///
/// [`DeviceError::Unavailable`] for any other name, and for a GPU that is not compiled in or not there.
pub fn select(request: &str) -> Result<NamedDevice, DeviceError> {
    if request == "auto" {
        return Ok(best());
    }
    if request == "cpu" {
        return Ok(cpu());
    }
    let refuse = |problem: String, remedy: &str| DeviceError::Unavailable {
        request: request.to_string(),
        problem,
        remedy: remedy.to_string(),
    };
    let (kind, index) = request.split_once(':').unwrap_or((request, "0"));
    let listing = GPUS.iter().find(|(name, _)| *name == kind);
    let (Some((_, list)), Ok(index)) = (listing, index.parse::<usize>()) else {
        let remedy = "expected auto, cpu, cuda, cuda:N, wgpu or wgpu:N";
        return Err(refuse("unknown".to_string(), remedy));
    };
    let Some(devices) = list() else {
        let remedy = format!("build it with `--features {kind}`, or use --device cpu");
        return Err(refuse(
            format!("this program is built without {kind}"),
            &remedy,
        ));
    };
    let present = devices.len();
    let Some(device) = devices.into_iter().nth(index) else {
        return Err(refuse(
            format!("found {present} such devices, expected more than {index}"),
            "choose another, or use --device cpu",
        ));
    };
    Ok(NamedDevice {
        device,
        name: format!("{kind}:{index}"),
    })
}

fn best() -> NamedDevice {
    GPUS.iter()
        .find_map(|(kind, list)| {
            let device = list()?.into_iter().next()?;
            let name = format!("{kind}:0");
            Some(NamedDevice { device, name })
        })
        .unwrap_or_else(cpu)
}

fn cpu() -> NamedDevice {
    NamedDevice {
        device: Device::flex(),
        name: "cpu".to_string(),
    }
}

impl NamedDevice {
    /// Waits until the device has done all that it was given.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Failed`] when it could not.
    pub fn sync(&self) -> Result<(), DeviceError> {
        self.device.sync().map_err(|error| self.failed(&error))
    }

    /// The error of a device that failed with a message.
    pub fn failed(&self, error: &impl std::fmt::Display) -> DeviceError {
        DeviceError::Failed {
            device: self.name.clone(),
            problem: error.to_string().replace('\n', ", "),
        }
    }

    /// The number of threads that work for the device: the pool's for the CPU, else one.
    pub fn threads(&self) -> usize {
        match self.name.as_str() {
            "cpu" => rayon::current_num_threads(),
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        assert_eq!(select("cpu").unwrap().name, "cpu");
        assert!(select("cpu").unwrap().threads() >= 1);
    }

    #[test]
    fn names_that_are_no_device() {
        for name in ["", "gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "CUDA"] {
            let message = select(name).unwrap_err().to_string();
            assert!(message.contains("unknown; expected auto, cpu"), "{message}");
        }
    }
}
