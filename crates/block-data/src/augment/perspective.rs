//! An image seen from another side, with torchvision's conventions.

use rand::{Rng, RngExt};

/// A random perspective: each corner moves inwards by a whole number of pixels, from 0 to
/// trunc(distortion · ⌊size/2⌋) along each axis.
///
/// Source: torchvision's `RandomPerspective`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomPerspective {
    /// How far the corners may move, 0 (not at all) to 1 (to the middle).
    pub distortion: f64,
    /// The probability that an image is changed at all.
    pub probability: f64,
}

impl RandomPerspective {
    /// Draws where the corners of an image of `shape` rows and columns go, as `[x, y]`: top left,
    /// top right, bottom right, bottom left.
    pub fn draw(&self, shape: [usize; 2], rng: &mut impl Rng) -> [[f64; 2]; 4] {
        let [rows, columns] = shape;
        let mut inwards = |size: usize| {
            let most = (self.distortion * (size / 2) as f64) as usize;
            rng.random_range(0..=most.min(size - 1)) as f64
        };
        let mut corner = |right: bool, bottom: bool| {
            let (x, y) = (inwards(columns), inwards(rows));
            [
                if right { (columns - 1) as f64 - x } else { x },
                if bottom { (rows - 1) as f64 - y } else { y },
            ]
        };
        [
            corner(false, false),
            corner(true, false),
            corner(true, true),
            corner(false, true),
        ]
    }
}

/// Draws an image so that its corners (the centres' indices, `[x, y]`: top left, top right, bottom
/// right, bottom left) come to lie at `corners`.
///
/// As torchvision does it: the map is taken at the pixels' centres, at half-integer places,
/// although the corners are given as indices; values are interpolated bilinearly, with 0 outside,
/// and then multiplied by the weight of the neighbours that lie inside, so that edges fade twice.
///
/// # Shapes
///
/// - image: `[rows · columns]`
/// - output: `[rows · columns]`
pub fn warp_perspective(image: &[f32], shape: [usize; 2], corners: [[f64; 2]; 4]) -> Vec<f32> {
    let [rows, columns] = shape;
    let map = to_source(shape, corners).map(|row| row.map(|c| c as f32));
    let padded = pad(image, shape);
    let (width, height) = (columns as f32, rows as f32);

    let mut out = Vec::with_capacity(image.len());
    for row in 0..rows {
        let y = row as f32 + 0.5;
        let base = map.map(|[_, b, c]| b * y + c);
        out.extend((0..columns).map(|column| {
            let x = column as f32 + 0.5;
            let scale = 1.0 / (map[2][0] * x + base[2]);
            let x_source = (map[0][0] * x + base[0]) * scale - 0.5;
            let y_source = (map[1][0] * x + base[1]) * scale - 0.5;
            let inside = inside(x_source, width) * inside(y_source, height);
            // Above −1 on both axes where this holds: adding 1 makes a floor of the cast.
            if inside > 0.0 {
                let (x, y) = (x_source + 1.0, y_source + 1.0);
                let (left, top) = (x as usize, y as usize);
                let (dx, dy) = (x - left as f32, y - top as f32);
                let at = top * (columns + 2) + left;
                let across = |at: usize| padded[at] + dx * (padded[at + 1] - padded[at]);
                let (upper, lower) = (across(at), across(at + columns + 2));
                ((upper + dy * (lower - upper)) * inside).clamp(0.0, 1.0)
            } else {
                0.0
            }
        }));
    }
    out
}

/// The weight of the two neighbours of a place that lie within 0 .. size − 1; 0 for NaN.
fn inside(place: f32, size: f32) -> f32 {
    (place + 1.0).min(size - place).clamp(0.0, 1.0).max(0.0)
}

/// The image with a border of zeros, and some more at the end: a place just inside of the lower edge
/// may round onto it, and then reads there with weight 0.
fn pad(image: &[f32], shape: [usize; 2]) -> Vec<f32> {
    let [rows, columns] = shape;
    let stride = columns + 2;
    let mut padded = vec![0.0; (rows + 3) * stride + 1];
    for (row, pixels) in image.chunks_exact(columns).enumerate() {
        padded[(row + 1) * stride + 1..][..columns].copy_from_slice(pixels);
    }
    padded
}

/// The projective map, row by row, that takes the corners back to those of the image.
///
/// The map from the unit square to a quadrilateral has a closed form (P. Heckbert, "Fundamentals of
/// texture mapping and image warping", 1989); its adjugate is the inverse but for a factor, which
/// makes the last coefficient 1.
fn to_source(shape: [usize; 2], corners: [[f64; 2]; 4]) -> [[f64; 3]; 3] {
    let [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = corners;
    let (sx, sy) = (x0 - x1 + x2 - x3, y0 - y1 + y2 - y3);
    let (ux, uy, vx, vy) = (x1 - x2, y1 - y2, x3 - x2, y3 - y2);
    let area = ux * vy - vx * uy;
    let (g, h) = ((sx * vy - vx * sy) / area, (ux * sy - sx * uy) / area);
    let (a, b, c) = (x1 - x0 + g * x1, x3 - x0 + h * x3, x0);
    let (d, e, f) = (y1 - y0 + g * y1, y3 - y0 + h * y3, y0);

    let last = a * e - b * d;
    let [height, width] = shape.map(|size| (size - 1) as f64);
    [
        [e - f * h, c * h - b, b * f - c * e].map(|v| v * width / last),
        [f * g - d, a - c * g, c * d - a * f].map(|v| v * height / last),
        [d * h - e * g, b * g - a * h, last].map(|v| v / last),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    const SQUARE: [[f64; 2]; 4] = [[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [0.0, 3.0]];

    fn ramp() -> Vec<f32> {
        (1..=16).map(|v| v as f32 / 16.0).collect()
    }

    fn moved(corners: [[f64; 2]; 4], x: f64, y: f64) -> [[f64; 2]; 4] {
        corners.map(|corner| [corner[0] + x, corner[1] + y])
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-6, "{found:?}\n{expected:?}");
        }
    }

    #[test]
    fn unmoved_corners_change_nothing() {
        assert_eq!(warp_perspective(&ramp(), [4, 4], SQUARE), ramp());
    }

    #[test]
    fn corners_moved_together_shift_the_image() {
        let found = warp_perspective(&ramp(), [4, 4], moved(SQUARE, 1.0, -1.0));
        assert_close(&found, &crate::augment::shift(&ramp(), [4, 4], [-1, 1]));
    }

    #[test]
    fn half_a_pixel_interpolates_and_fades_twice_at_the_edge() {
        let image = [0.0, 1.0, 0.0, 0.5].repeat(4);
        let found = warp_perspective(&image, [4, 4], moved(SQUARE, 0.5, 0.0));
        // Left edge: half the weight is inside, of a pixel that is 0; the last column is between
        // 0 and 0.5.
        assert_close(&found, &[0.0, 0.5, 0.5, 0.25].repeat(4));
        let found = warp_perspective(&image, [4, 4], moved(SQUARE, -0.5, 0.0));
        // Right edge: half of 0.5 is inside, times the weight inside, one half.
        assert_close(&found, &[0.5, 0.5, 0.25, 0.125].repeat(4));
    }

    #[test]
    fn a_smaller_square_is_taken_at_the_pixels_centres() {
        // Corners 0..2 of a 3x3 image go to 0..1: place p + ½ of the output is 2·(p + ½) of the
        // input, so that column 0 shows index ½, column 1 index 2½ (half outside) and column 2
        // index 4½ (outside).
        let image = [0.0, 0.4, 0.8].repeat(3);
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]];
        let found = warp_perspective(&image, [3, 3], corners);
        assert_close(&found, &[0.2, 0.2, 0.0].repeat(3));
    }

    #[test]
    fn outside_is_zero() {
        let far = moved(SQUARE, 10.0, 0.0);
        assert_eq!(warp_perspective(&ramp(), [4, 4], far), [0.0; 16]);
        // Corners on one line: no such map.
        let line = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]];
        let found = warp_perspective(&ramp(), [4, 4], line);
        assert!(found.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    }

    #[test]
    fn corners_move_inwards_by_the_stated_number_of_pixels() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for (distortion, most) in [(0.1, 1.0), (0.4, 5.0)] {
            let perspective = RandomPerspective {
                distortion,
                probability: 1.0,
            };
            let mut reached = [0.0_f64; 8];
            for _ in 0..300 {
                let [tl, tr, br, bl] = perspective.draw([28, 28], &mut rng);
                let inwards = [
                    tl[0],
                    tl[1],
                    27.0 - tr[0],
                    tr[1],
                    27.0 - br[0],
                    27.0 - br[1],
                    bl[0],
                    27.0 - bl[1],
                ];
                for (reached, inwards) in reached.iter_mut().zip(inwards) {
                    assert!(inwards >= 0.0 && inwards.fract() == 0.0);
                    *reached = reached.max(inwards);
                }
            }
            assert_eq!(reached, [most; 8]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_map_takes_corners_to_corners(seed in any::<u64>(), rows in 2usize..40, columns in 2usize..40) {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let perspective = RandomPerspective { distortion: 0.5, probability: 1.0 };
            let corners = perspective.draw([rows, columns], &mut rng);
            let map = to_source([rows, columns], corners);
            let (right, bottom) = ((columns - 1) as f64, (rows - 1) as f64);
            let targets = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
            for ([x, y], target) in corners.into_iter().zip(targets) {
                let [u, v, w] = map.map(|[a, b, c]| a * x + b * y + c);
                prop_assert!((u / w - target[0]).abs() < 1e-8);
                prop_assert!((v / w - target[1]).abs() < 1e-8);
            }
        }
    }
}
