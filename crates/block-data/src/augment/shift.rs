//! Flips and shifts by whole pixels.

/// Mirrors every row.
///
/// # Shapes
///
/// - image: `[rows · columns]`, with at least one column
pub fn flip_horizontally(image: &mut [f32], columns: usize) {
    image.chunks_exact_mut(columns).for_each(<[f32]>::reverse);
}

/// Moves an image by whole pixels, `[down, right]`; what comes in is 0. This is a crop of the
/// original size after zero padding.
///
/// # Shapes
///
/// - image: `[rows · columns]`
/// - output: `[rows · columns]`
pub fn shift(image: &[f32], shape: [usize; 2], by: [isize; 2]) -> Vec<f32> {
    let [rows, columns] = shape;
    let [(from_row, to_row, rows), (from, to, width)] =
        [(rows, by[0]), (columns, by[1])].map(|(size, by)| overlap(size, by));
    let mut out = vec![0.0; image.len()];
    for row in 0..rows {
        let (source, target) = ((from_row + row) * columns, (to_row + row) * columns);
        out[target + to..][..width].copy_from_slice(&image[source + from..][..width]);
    }
    out
}

/// Where the part that stays begins before and after, and its length.
fn overlap(size: usize, by: isize) -> (usize, usize, usize) {
    let distance = by.unsigned_abs().min(size);
    let length = size - distance;
    // An empty part begins at 0, within the image.
    let start = if length == 0 { 0 } else { distance };
    if by < 0 {
        (start, 0, length)
    } else {
        (0, start, length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IMAGE: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    #[test]
    fn by_hand() {
        let shifted = |down, right| shift(&IMAGE, [2, 3], [down, right]);
        assert_eq!(shifted(0, 0), IMAGE);
        assert_eq!(shifted(1, 0), [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(shifted(-1, -1), [5.0, 6.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(shifted(0, 2), [0.0, 0.0, 1.0, 0.0, 0.0, 4.0]);
        assert_eq!(shifted(5, 0), [0.0; 6]);
        assert_eq!(shifted(0, -3), [0.0; 6]);

        let mut flipped = IMAGE;
        flip_horizontally(&mut flipped, 3);
        assert_eq!(flipped, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_pixel_comes_from_its_place(
            rows in 1usize..6, columns in 1usize..6, down in -7isize..7, right in -7isize..7,
        ) {
            let image: Vec<f32> = (1..=rows * columns).map(|v| v as f32).collect();
            let out = shift(&image, [rows, columns], [down, right]);
            for row in 0..rows {
                for column in 0..columns {
                    let (r, c) = (row as isize - down, column as isize - right);
                    let inside = (0..rows as isize).contains(&r) && (0..columns as isize).contains(&c);
                    let expected = if inside { image[r as usize * columns + c as usize] } else { 0.0 };
                    prop_assert_eq!(out[row * columns + column], expected);
                }
            }
        }
    }
}
