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

/// Marks a sample without a closing step.
pub(crate) const NONE: usize = usize::MAX;

impl EventRows<'_> {
    /// The closing step of every sample, or [`NONE`]: of `inputs` units each fires exactly once, and at
    /// this step, the last one with spikes, more fire than it takes to leave their rows out.
    ///
    /// Codes of images close so, as all black pixels fire last. The sum of the closing step's weight rows
    /// is that of all rows less those before, which are known by then.
    pub fn closing_steps(&self, inputs: usize) -> Vec<usize> {
        let mut seen = vec![NONE; inputs];
        (0..self.batch)
            .map(|sample| {
                let rows = &self.offsets[sample * self.steps..=(sample + 1) * self.steps];
                let (from, to) = (rows[0] as usize, rows[self.steps] as usize);
                if to - from != inputs {
                    return NONE;
                }
                let last = (0..self.steps).rfind(|&step| !self.at(sample, step).is_empty());
                let Some(last) = last.filter(|&step| self.at(sample, step).len() > self.steps)
                else {
                    return NONE;
                };
                for &unit in &self.units[from..to] {
                    if std::mem::replace(&mut seen[unit as usize], sample) == sample {
                        return NONE;
                    }
                }
                last
            })
            .collect()
    }
}
