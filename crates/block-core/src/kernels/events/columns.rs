use std::marker::PhantomData;

use super::super::lanes::{LANES, Lanes};

/// The columns of a row-major matrix that belong to one block of neurons.
pub(super) struct Columns<'a, T> {
    data: *mut T,
    width: usize,
    rows: usize,
    /// The first column.
    start: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it is an exclusive borrow of plain numbers; no two of them share a column.
unsafe impl<T: Send> Send for Columns<'_, T> {}

impl<'a, T: Copy> Columns<'a, T> {
    /// Splits a matrix of `width` columns into blocks of `LANES`, the last one narrower.
    pub fn split(data: &'a mut [T], width: usize) -> Vec<Self> {
        let (rows, data) = (data.len() / width, data.as_mut_ptr());
        (0..width)
            .step_by(LANES)
            .map(|start| Self {
                data,
                width,
                rows,
                start,
                borrow: PhantomData,
            })
            .collect()
    }

    /// Writes the lanes that have a column to `row`.
    #[inline(always)]
    pub fn write(&mut self, row: usize, values: &Lanes<T>) {
        assert!(row < self.rows);
        let count = LANES.min(self.width - self.start);
        // SAFETY: the row was just checked and `start + count <= width`, so this stays within the
        // matrix, which is borrowed for 'a; its columns from `start` on are this block's alone.
        unsafe {
            let to = self.data.add(row * self.width + self.start);
            std::ptr::copy_nonoverlapping(values.as_slice().as_ptr(), to, count);
        }
    }
}
