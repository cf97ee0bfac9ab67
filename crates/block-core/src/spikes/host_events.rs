//! Events in the host's memory, with the lists that the CPU's event-driven layers work from.

use std::ops::Range;
use std::sync::OnceLock;

use rayon::prelude::*;

/// Rows (sample and step) of a [`Group`]: so many that a unit has a handful of events in it, and so few that
/// the gradients of a tile's neurons at all rows stay in the second-level cache.
const ROWS: usize = 800;

/// Steps of a sample whose sums of weights stay in the first-level cache.
pub(crate) const CHUNK: usize = 64;

/// Rows of a [`Stretch`] at most, as many as stay in the second-level cache.
const STRETCH: usize = 1024;

/// A batch of events in compressed rows, and what follows from them for linear layers, once one asks for it.
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
    lists: OnceLock<Listed>,
}

/// The lists that linear layers work from.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Of every sample, the last step with events, if every input fires exactly once and more inputs fire at it
    /// than there are time steps. That step's rows need not be added: their sum is that of all rows minus
    /// those added so far. In the codes of images all black pixels fire there, often half of all.
    pub closing: Vec<Option<u32>>,
    /// The units that fire at each step of every sample, but for closing steps, [`CHUNK`] steps at a time.
    pub by_step: Vec<Vec<Lists<u32>>>,
    /// The events by unit, group by group of samples.
    pub groups: Vec<Group>,
}

/// The events of a few neighbouring samples by unit, but for those at closing steps.
#[derive(Debug)]
pub(crate) struct Group {
    /// Samples, from the first of them on.
    pub samples: Range<usize>,
    /// The rows in stretches: one, unless there are very many steps.
    pub stretches: Vec<Stretch>,
}

/// Some rows of a group; a row is (sample within the group) · steps + step.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub first_row: usize,
    /// The rows of each unit's events, from the first row on, ascending. They are read once for each tile of
    /// neurons: half the bytes count.
    pub by_unit: Lists<u16>,
}

/// Lists of numbers, those of equal length together, so that a loop over one has a predictable length.
#[derive(Debug)]
pub(crate) struct Lists<T> {
    /// The length of a list, and how many lists in turn have it.
    buckets: Vec<(u32, u32)>,
    /// What each list is of, in the order of the buckets.
    keys: Vec<u32>,
    /// Each list in turn.
    entries: Vec<T>,
}

impl<T: Copy + Default> Lists<T> {
    /// The lists of keys and entries, each in the order of `pairs`: of all keys, or only of those that have entries.
    /// There is a place in `next` for every key.
    fn new(pairs: impl Iterator<Item = (u32, T)> + Clone, next: &mut [u32], of_all: bool) -> Self {
        next.fill(0);
        for (key, _) in pairs.clone() {
            next[key as usize] += 1;
        }
        // Counting sort of the keys by the length of their lists.
        let longest = next.iter().max().map_or(0, |&longest| longest as usize);
        let mut alike = vec![0_u32; longest + 1];
        next.iter().for_each(|&len| alike[len as usize] += 1);
        if !of_all {
            alike[0] = 0;
        }
        let (mut first_key, mut first_entry) = (vec![0_u32], vec![0_u32]);
        for (len, &keys) in alike.iter().enumerate() {
            first_key.push(first_key[len] + keys);
            first_entry.push(first_entry[len] + keys * len as u32);
        }
        let mut keys = vec![0_u32; first_key[longest + 1] as usize];
        let mut entries = vec![T::default(); first_entry[longest + 1] as usize];
        let mut placed = vec![0_u32; longest + 1];
        for (key, next) in next.iter_mut().enumerate() {
            let len = *next as usize;
            if len > 0 || of_all {
                keys[(first_key[len] + placed[len]) as usize] = key as u32;
                *next = first_entry[len] + placed[len] * len as u32;
                placed[len] += 1;
            }
        }
        for (key, entry) in pairs {
            let next = &mut next[key as usize];
            entries[*next as usize] = entry;
            *next += 1;
        }
        let buckets = (0..).zip(alike).filter(|(_, lists)| *lists > 0);
        Self {
            buckets: buckets.collect(),
            keys,
            entries,
        }
    }

    /// Hands every list to `each`, with what it is of.
    #[inline(always)]
    pub(crate) fn for_each(&self, mut each: impl FnMut(usize, &[T])) {
        let (mut keys, mut entries) = (self.keys.as_slice(), self.entries.as_slice());
        for &(len, count) in &self.buckets {
            let now;
            (now, keys) = keys.split_at(count as usize);
            if len == 0 {
                // Of most steps of a small network nothing but this is left.
                now.iter().for_each(|&key| each(key as usize, &[]));
                continue;
            }
            for &key in now {
                let list;
                (list, entries) = entries.split_at(len as usize);
                each(key as usize, list);
            }
        }
    }
}

impl HostEvents {
    pub(crate) fn new(
        [batch, steps, inputs]: [usize; 3],
        offsets: Vec<u32>,
        units: Vec<u32>,
    ) -> Self {
        Self {
            batch,
            steps,
            inputs,
            offsets,
            units,
            lists: OnceLock::new(),
        }
    }

    /// The lists, made by all threads when they are first asked for: not from within a loop over samples, whose threads
    /// would wait for each other.
    pub(crate) fn lists(&self) -> &Listed {
        self.lists.get_or_init(|| self.list())
    }

    fn list(&self) -> Listed {
        let (batch, steps, inputs) = (self.batch, self.steps, self.inputs);
        let closing: Vec<_> = (0..batch)
            .into_par_iter()
            .map_init(
                || vec![usize::MAX; inputs],
                |seen, sample| self.closing_step(sample, seen),
            )
            .collect();
        let by_step = (0..batch)
            .into_par_iter()
            .map(|sample| {
                let starts = (0..steps).step_by(CHUNK);
                let lists = starts.map(|start| self.chunk(sample, start, closing[sample]));
                lists.collect()
            })
            .collect();
        let samples = (ROWS / steps).clamp(1, 8);
        let groups = (0..batch.div_ceil(samples))
            .into_par_iter()
            .map_init(
                || vec![0; inputs],
                |counts, group| {
                    let first = group * samples;
                    self.group(first..batch.min(first + samples), &closing, counts)
                },
            )
            .collect();
        Listed {
            closing,
            by_step,
            groups,
        }
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

    /// The units that fire at `step` of `sample`; none at its closing step.
    fn to_add(&self, sample: usize, step: usize, closing: Option<u32>) -> &[u32] {
        match closing == Some(step as u32) {
            true => &[],
            false => self.at(sample, step),
        }
    }

    /// The units of each of a few steps, from `start` on.
    fn chunk(&self, sample: usize, start: usize, closing: Option<u32>) -> Lists<u32> {
        let steps = start..self.steps.min(start + CHUNK);
        let events = steps.clone().flat_map(|step| {
            let units = self.to_add(sample, step, closing).iter();
            units.map(move |&unit| ((step - start) as u32, unit))
        });
        Lists::new(events, &mut [0; CHUNK][..steps.len()], true)
    }

    /// `next` has a place for every unit.
    fn group(&self, samples: Range<usize>, closing: &[Option<u32>], next: &mut [u32]) -> Group {
        let rows = samples.len() * self.steps;
        let stretches = (0..rows).step_by(STRETCH).map(|first_row| {
            let rows = first_row..rows.min(first_row + STRETCH);
            let events = rows.enumerate().flat_map(|(at, row)| {
                let (sample, step) = (samples.start + row / self.steps, row % self.steps);
                let units = self.to_add(sample, step, closing[sample]).iter();
                units.map(move |&unit| (unit, at as u16))
            });
            Stretch {
                first_row,
                by_unit: Lists::new(events, next, false),
            }
        });
        Group {
            stretches: stretches.collect(),
            samples,
        }
    }
}
