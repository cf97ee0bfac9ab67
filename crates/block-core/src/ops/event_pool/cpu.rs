//! Maximum pooling of events on the CPU, samples spread over the threads.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::{EventPoolGradient, EventPoolOps, Windows};
use crate::host::{carrier, dense, float, slice, with_real, zeros};
use crate::simd::Real;
use crate::spikes::HostEvents;

impl EventPoolOps for Flex {
    fn event_pool(
        spikes: FlexTensor,
        _: Arc<HostEvents>,
        pooled: Arc<HostEvents>,
        _: Windows,
    ) -> FlexTensor {
        with_real!(spikes.dtype(), F => {
            carrier::<F>([pooled.batch, pooled.steps, pooled.inputs])
        })
    }
}

impl EventPoolGradient for Flex {
    fn event_pool_backward(
        gradient: FlexTensor,
        events: Arc<HostEvents>,
        windows: Windows,
    ) -> FlexTensor {
        with_real!(gradient.dtype(), F => {
            let gradient = dense(&gradient);
            let shape = [events.batch, events.steps, events.inputs];
            float(windows.back::<F>(slice(&gradient), &events), shape)
        })
    }
}

impl Windows {
    /// The events of the maxima.
    pub(super) fn pool(&self, events: &HostEvents) -> HostEvents {
        let HostEvents { batch, steps, .. } = *events;
        let outputs = self.output.iter().product();
        let lists: Vec<Vec<Vec<u32>>> = (0..batch)
            .into_par_iter()
            .map_init(
                || (Counts::new(events.inputs), Counts::new(outputs)),
                |(counts, most), sample| {
                    let step = |t| {
                        let mut list = Vec::new();
                        for &unit in events.at(sample, t) {
                            let count = counts.add(unit as usize);
                            self.of(unit as usize, |window| {
                                if most.of[window] < count {
                                    most.add(window);
                                    list.push(window as u32);
                                }
                            });
                        }
                        counts.clear();
                        most.clear();
                        list
                    };
                    (0..steps).map(step).collect()
                },
            )
            .collect();
        let mut offsets = vec![0];
        let mut units = Vec::new();
        for list in lists.iter().flatten() {
            units.extend(list);
            offsets.push(units.len() as u32);
        }
        HostEvents::new([batch, steps, outputs], offsets, units)
    }

    /// The gradient of the input, `[batch, steps, units]`, from that of the maxima.
    fn back<F: Real>(&self, gradient: &[F], events: &HostEvents) -> Vec<F> {
        let outputs = self.output.iter().product::<usize>();
        let corners: Vec<u32> = (0..outputs).map(|window| self.corner(window)).collect();
        let mut d_input = zeros::<F>(events.batch * events.steps * events.inputs);
        let rows = d_input.par_chunks_mut(events.inputs);
        let rows = rows.zip(gradient.par_chunks(outputs)).enumerate();
        rows.for_each_init(
            || {
                (
                    Counts::new(events.inputs),
                    Counts::new(outputs),
                    corners.clone(),
                )
            },
            |(counts, most, first), (row, (d_input, gradient))| {
                for &unit in events.at(row / events.steps, row % events.steps) {
                    let count = counts.add(unit as usize);
                    self.of(unit as usize, |window| {
                        // Of a window's units the lower number comes first.
                        let earlier = unit < first[window];
                        if most.of[window] < count {
                            most.add(window);
                            first[window] = unit;
                        } else if most.of[window] == count && earlier {
                            first[window] = unit;
                        }
                    });
                }
                for (&unit, &gradient) in first.iter().zip(gradient) {
                    d_input[unit as usize] += gradient;
                }
                for &window in &most.touched {
                    first[window] = corners[window];
                }
                counts.clear();
                most.clear();
            },
        );
        d_input
    }

    /// The first unit of a window.
    fn corner(&self, window: usize) -> u32 {
        let [_, height, width] = self.input;
        let [_, rows, columns] = self.output;
        let (of_row, column) = (window / columns, window % columns);
        let (channel, row) = (of_row / rows, of_row % rows);
        let row = channel * height + row * self.stride;
        (row * width + column * self.stride) as u32
    }

    /// Hands the windows that a unit lies in to `each`.
    fn of(&self, unit: usize, mut each: impl FnMut(usize)) {
        let [_, height, width] = self.input;
        let [_, rows, columns] = self.output;
        let (of_row, column) = (unit / width, unit % width);
        let (channel, row) = (of_row / height, of_row % height);
        for row in self.along(row, rows) {
            for column in self.along(column, columns) {
                each((channel * rows + row) * columns + column);
            }
        }
    }

    /// The windows along one axis in which a row or column lies.
    fn along(&self, at: usize, places: usize) -> Range<usize> {
        let first = (at + 1).saturating_sub(self.size).div_ceil(self.stride);
        first..places.min(at / self.stride + 1)
    }
}

/// Counts that are 0 but for a few.
struct Counts {
    of: Vec<u32>,
    touched: Vec<usize>,
}

impl Counts {
    fn new(len: usize) -> Self {
        Self {
            of: vec![0; len],
            touched: Vec::new(),
        }
    }

    /// The count with one more.
    fn add(&mut self, at: usize) -> u32 {
        if self.of[at] == 0 {
            self.touched.push(at);
        }
        self.of[at] += 1;
        self.of[at]
    }

    fn clear(&mut self) {
        for at in self.touched.drain(..) {
            self.of[at] = 0;
        }
    }
}
