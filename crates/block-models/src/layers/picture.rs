//! What layers that take pictures have in common.

use block_core::SpikeError;
use burn::tensor::DType;

use super::hidden::LayerDefaults;
use crate::{ConfigError, Shape, Signal};

/// A square window that moves over a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// The key that sets its size.
    pub key: &'static str,
    /// Rows and columns.
    pub size: usize,
    /// Rows and columns by which it moves on.
    pub stride: usize,
    /// Rows and columns of zeros on each side of the picture.
    pub padding: usize,
}

impl Window {
    /// The places of the window on a picture of channels, rows and columns: rows and columns of them.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the window has no size, does not move, or is larger than the picture.
    pub(super) fn places(self, input: [usize; 3]) -> Result<[usize; 2], ConfigError> {
        for (key, value) in [(self.key, self.size), ("stride", self.stride)] {
            if value == 0 {
                return Err(ConfigError::new(key, 0, "at least 1"));
            }
        }
        let [_, height, width] = input;
        let padded = [height, width].map(|size| size + 2 * self.padding);
        let most = padded[0].min(padded[1]);
        if self.size > most {
            let (size, shape) = (self.size, Shape::from(input));
            let padded = match self.padding {
                0 => String::new(),
                zeros => format!(" with a padding of {zeros}"),
            };
            let found = format!("{size} on an input of {shape}{padded}");
            let expected = format!("at most {most}, or nothing would be left");
            return Err(ConfigError::new(self.key, found, expected));
        }
        Ok(padded.map(|size| (size - self.size) / self.stride + 1))
    }
}

/// Channels, rows and columns of what goes into a layer of a kind.
///
/// # Errors
///
/// [`ConfigError`] if its units are no picture's.
pub(super) fn picture(kind: &str, input: Shape) -> Result<[usize; 3], ConfigError> {
    input.picture().ok_or_else(|| {
        let found = format!("{kind:?} on an input of {input}");
        let expected =
            format!("{kind:?} on an input of channels x rows x columns, as 1x28x28, or \"linear\"");
        ConfigError::new("kind", found, expected)
    })
}

/// Refuses a network's skip connections where a kind of layer has none.
///
/// # Errors
///
/// [`ConfigError`] if there is to be one.
pub(super) fn refuse_skip(kind: &str, defaults: &LayerDefaults) -> Result<(), ConfigError> {
    match defaults.skip {
        false => Ok(()),
        true => {
            let found = format!("{kind:?} beside skip = true");
            let expected = "\"linear\", the only kind with skip connections; or leave the model's skip out, and give \
                            linear layers their own";
            Err(ConfigError::new("kind", found, expected))
        }
    }
}

/// Checks that what goes into a layer are pictures of a shape.
///
/// # Errors
///
/// [`SpikeError`] if they are of another shape, there are none, or, with a `dtype`, dense ones of another element
/// type; events take on any.
pub(super) fn check_pictures(
    operation: &'static str,
    input: &Signal,
    shape: [usize; 3],
    dtype: Option<DType>,
) -> Result<(), SpikeError> {
    const TENSOR: &str = "input";
    let [batch, steps, units] = input.spikes.shape();
    let fits = input.shape == shape.into() && units == input.shape.units();
    if !fits {
        let shape = Shape::from(shape);
        return Err(SpikeError::Shape {
            operation,
            tensor: TENSOR,
            found: input.spikes.shape().to_vec(),
            expected: format!("[batch, time, {}], pictures of {shape}", shape.units()),
        });
    }
    for (what, size) in [("batch", batch), ("time", steps)] {
        if size == 0 {
            return Err(SpikeError::Empty { operation, what });
        }
    }
    if let (Some(found), Some(dtype)) = (input.spikes.dtype(), dtype)
        && found != dtype
    {
        return Err(SpikeError::DataType {
            operation,
            tensor: TENSOR,
            found: found.name(),
            expected: dtype.name(),
        });
    }
    Ok(())
}
