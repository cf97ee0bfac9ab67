//! Which places of a convolution an input unit reaches.

/// Sizes of a convolution over pictures: channels, rows and columns of the input and of what it puts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub input: [usize; 3],
    pub output: [usize; 3],
    /// Rows and columns.
    pub kernel: [usize; 2],
    pub stride: usize,
    pub padding: usize,
}

impl Geometry {
    /// Places of a picture that is put out.
    pub(super) fn places(&self) -> usize {
        self.output[1] * self.output[2]
    }

    /// Neurons.
    pub(super) fn neurons(&self) -> usize {
        self.output[0] * self.places()
    }

    /// Input units.
    pub(super) fn units(&self) -> usize {
        self.input.iter().product()
    }

    /// Weights of a neuron.
    pub(super) fn fan_in(&self) -> usize {
        self.input[0] * self.kernel[0] * self.kernel[1]
    }
}

/// The kernel's rows (or columns) that join one row (or column) of the input to the output's: `offset`,
/// `offset + stride` and so on, as they meet the rows `last`, `last - 1` and so on, so many as `count`.
#[derive(Debug, Clone, Copy)]
struct Reach {
    offset: usize,
    last: usize,
    count: usize,
}

/// What every unit of the input reaches.
pub(super) struct Reaches {
    rows: Vec<Reach>,
    columns: Vec<Reach>,
    kernel: [usize; 2],
    stride: usize,
    width: usize,
}

impl Reaches {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let Geometry {
            input,
            output,
            kernel,
            stride,
            padding,
        } = *geometry;
        let along = |axis: usize| {
            let reach = |at: usize| {
                // place · stride + offset = at, with an offset within the kernel.
                let at = at + padding;
                let last = (at / stride).min(output[axis] - 1);
                let lowest = (at + 1).saturating_sub(kernel[axis - 1]).div_ceil(stride);
                Reach {
                    offset: at - last * stride,
                    last,
                    count: (last + 1).saturating_sub(lowest),
                }
            };
            (0..input[axis]).map(reach).collect()
        };
        Self {
            rows: along(1),
            columns: along(2),
            kernel,
            stride,
            width: output[2],
        }
    }

    /// Hands every pair of a weight `[input channel, kernel row, kernel column]` and a place that an input unit
    /// joins to `each`, always in the same order.
    #[inline(always)]
    pub(super) fn of(&self, unit: u32, mut each: impl FnMut(usize, usize)) {
        let unit = unit as usize;
        let (row, column) = (unit / self.columns.len(), unit % self.columns.len());
        let (channel, row) = (row / self.rows.len(), row % self.rows.len());
        let (rows, columns) = (self.rows[row], self.columns[column]);
        for i in 0..rows.count {
            let of_row = channel * self.kernel[0] + rows.offset + i * self.stride;
            let weight = of_row * self.kernel[1] + columns.offset;
            let place = (rows.last - i) * self.width + columns.last;
            for j in 0..columns.count {
                each(weight + j * self.stride, place - j);
            }
        }
    }
}
