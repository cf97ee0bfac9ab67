//! SVG to PNG. The letters are of a font within this program, so that it looks the same everywhere.

use anyhow::{Context, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");
const FAMILY: &str = "DejaVu Sans";
/// Pixels for a unit of the picture, each way.
const SCALE: f32 = 2.0;

/// The picture in PNG.
///
/// # Errors
///
/// If it is no SVG.
pub(crate) fn of(svg: &str) -> Result<Vec<u8>> {
    let mut options = Options {
        font_family: FAMILY.to_string(),
        ..Options::default()
    };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    let tree = Tree::from_str(svg, &options).context("drawing")?;
    let pixels = |units: f32| (SCALE * units).round() as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut pixmap = Pixmap::new(width, height).context("drawing: a picture without pixels")?;
    let transform = Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    pixmap.encode_png().context("drawing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dark(text: &str) -> usize {
        let svg = format!(
            "<svg width=\"60\" height=\"40\" viewBox=\"0 0 60 40\" xmlns=\"http://www.w3.org/2000/svg\">\
             <rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\
             <text x=\"5\" y=\"25\" font-family=\"sans-serif\" font-size=\"20\" fill=\"#000000\">{text}</text></svg>"
        );
        let picture = Pixmap::decode_png(&of(&svg).unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (120, 80));
        picture.pixels().iter().filter(|p| p.red() < 100).count()
    }

    #[test]
    fn letters_are_drawn() {
        assert_eq!(dark(""), 0);
        for letter in ["V", "β", "±", "×", "√", "–", "−", "S\u{303}", "5"] {
            assert!(dark(letter) > 5, "nothing drawn of {letter}");
        }
        assert!(of("no picture").is_err());
    }
}
