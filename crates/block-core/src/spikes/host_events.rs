//! Events in the host's memory, with the lists that the CPU's event-driven layers work from.

use std::ops::Range;

use rayon::prelude::*;

/// Rows (sample and step) of a [`Group`]: so many that a unit has a handful of events in it, and so few that
/// the gradients of a tile's neurons at all rows stay in the second-level cache.
const ROWS: usize = 800;

/// A batch of events in compressed rows, and what follows from them.
#[derive(Debug)]
pub(crate) struct HostEvents {
    pub batch: usize,
    pub steps: usize,
    /// Input units.
    pub inputs: usize,
    /// `[batch · steps + 1]`: the events of sample b at step t are
    /// `units[offsets[b·steps + t]..offsets[b·steps + t + 1]]`.
    pub offsets: Vec<u32>,
    pub units: Vec<u32>,
    /// Of every sample, the last step with events, if every input fires exactly once and more inputs fire at it
    /// than there are time steps. That step's rows need not be added: their sum is that of all rows minus
    /// those added so far. In the codes of images all black pixels fire there, often half of all.
    pub closing: Vec<Option<u32>>,
    /// The events by unit, group by group of samples.
    pub groups: Vec<Group>,
}

/// The events of a few neighbouring samples by unit, but for those at closing steps.
#[derive(Debug)]
pub(crate) struct Group {
    /// Samples, from the first of them on.
    pub samples: Range<usize>,
    /// The rows in stretches that a u16 can number: one, unless there are very many steps.
    pub stretches: Vec<Stretch>,
}

/// Some rows of a group; a row is (sample within the group) · steps + step. Units with equally many events stand
/// together, so that a loop over a unit's events has a predictable length.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub first_row: usize,
    /// Events of a unit, at least 1, and how many units in turn have so many.
    pub buckets: Vec<(u32, u32)>,
    /// The units, in the order of the buckets.
    pub units: Vec<u32>,
    /// The rows of each unit's events in turn, from the first row on, ascending. They are read once for each tile
    /// of neurons: half the bytes count.
    pub rows: Vec<u16>,
}

impl HostEvents {
    pub(crate) fn new(
        [batch, steps, inputs]: [usize; 3],
        offsets: Vec<u32>,
        units: Vec<u32>,
    ) -> Self {
        let mut events = Self {
            batch,
            steps,
            inputs,
            offsets,
            units,
            closing: Vec::new(),
            groups: Vec::new(),
        };
        events.closing = (0..batch)
            .into_par_iter()
            .map_init(
                || vec![usize::MAX; inputs],
                |seen, sample| events.closing_step(sample, seen),
            )
            .collect();
        let samples = (ROWS / steps).clamp(1, 8);
        events.groups = (0..batch.div_ceil(samples))
            .into_par_iter()
            .map_init(
                || vec![0; inputs],
                |counts, group| {
                    let first = group * samples;
                    events.group(first..batch.min(first + samples), counts)
                },
            )
            .collect();
        events
    }

    /// The units that fire at `step` of `sample`.
    #[inline(always)]
    pub(crate) fn at(&self, sample: usize, step: usize) -> &[u32] {
        let row = sample * self.steps + step;
        &self.units[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// `seen` holds for each unit the last sample that it was seen in.
    fn closing_step(&self, sample: usize, seen: &mut [usize]) -> Option<u32> {
        let rows = &self.offsets[sample * self.steps..=(sample + 1) * self.steps];
        let (from, to) = (rows[0] as usize, rows[self.steps] as usize);
        if to - from != self.inputs {
            return None;
        }
        let last = (0..self.steps).rfind(|&step| !self.at(sample, step).is_empty())?;
        if self.at(sample, last).len() <= self.steps {
            return None;
        }
        for &unit in &self.units[from..to] {
            if std::mem::replace(&mut seen[unit as usize], sample) == sample {
                return None;
            }
        }
        Some(last as u32)
    }

    /// `next` has an entry a unit: it counts the unit's events, then says where the next one's row goes.
    fn group(&self, samples: Range<usize>, next: &mut [u32]) -> Group {
        const STRETCH: usize = u16::MAX as usize + 1;
        let rows = samples.len() * self.steps;
        let stretches = (0..rows).step_by(STRETCH).map(|first_row| {
            let rows = first_row..rows.min(first_row + STRETCH);
            self.stretch(samples.start, rows, next)
        });
        Group {
            stretches: stretches.collect(),
            samples,
        }
    }

    fn stretch(&self, first_sample: usize, of: Range<usize>, next: &mut [u32]) -> Stretch {
        // The units of every row but closing steps.
        let events = of.clone().map(|row| {
            let (sample, step) = (first_sample + row / self.steps, row % self.steps);
            match self.closing[sample] == Some(step as u32) {
                true => &[],
                false => self.at(sample, step),
            }
        });
        next.fill(0);
        for &unit in events.clone().flatten() {
            next[unit as usize] += 1;
        }
        // Counting sort of the units by their number of events.
        let most = next.iter().max().map_or(0, |&most| most as usize);
        let mut alike = vec![0_u32; most + 1];
        next.iter().for_each(|&count| alike[count as usize] += 1);
        alike[0] = 0;
        let (mut first_unit, mut first_row) = (vec![0_u32], vec![0_u32]);
        for (count, &units) in alike.iter().enumerate() {
            first_unit.push(first_unit[count] + units);
            first_row.push(first_row[count] + units * count as u32);
        }
        let mut units = vec![0_u32; first_unit[most + 1] as usize];
        let mut rows = vec![0_u16; first_row[most + 1] as usize];
        let mut placed = vec![0_u32; most + 1];
        for (unit, next) in next.iter_mut().enumerate() {
            let count = *next as usize;
            if count > 0 {
                units[(first_unit[count] + placed[count]) as usize] = unit as u32;
                *next = first_row[count] + placed[count] * count as u32;
                placed[count] += 1;
            }
        }
        for (row, units) in events.enumerate() {
            for &unit in units {
                let next = &mut next[unit as usize];
                rows[*next as usize] = row as u16;
                *next += 1;
            }
        }
        let buckets = (0..).zip(alike).filter(|(_, units)| *units > 0);
        Stretch {
            first_row: of.start,
            buckets: buckets.collect(),
            units,
            rows,
        }
    }
}
