/// Spike events of a batch in compressed rows, as [`SpikeEvents`](crate::SpikeEvents) stores them.
#[derive(Clone, Copy)]
pub(crate) struct EventRows<'a> {
    /// `[batch · steps + 1]`.
    pub offsets: &'a [i32],
    /// `[spikes]`.
    pub units: &'a [i32],
    pub batch: usize,
    pub steps: usize,
}

impl<'a> EventRows<'a> {
    /// The units that fire at `step` of `sample`.
    #[inline(always)]
    pub fn at(&self, sample: usize, step: usize) -> &'a [i32] {
        let row = sample * self.steps + step;
        &self.units[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}
