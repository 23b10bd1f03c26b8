//! Pictures as PNG: resvg draws an SVG with the two fonts of this folder (Latin, Greek and Cyrillic), and
//! with those of the machine where they lack a character. Without the feature `png` there are none.

/// A drawn picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// The file.
    pub(super) png: Vec<u8>,
    /// Characters for which no font has a form, each once.
    pub(super) undrawn: String,
}

/// Draws an SVG, with two pixels for one of its units where that is not too large.
#[cfg(not(feature = "png"))]
pub(super) fn picture(_svg: &str) -> Result<Picture, String> {
    Err("this program was built without the feature png".to_owned())
}

#[cfg(feature = "png")]
pub(super) use drawn::picture;

#[cfg(feature = "png")]
mod drawn {
    use std::collections::BTreeSet;

    use resvg::tiny_skia::{Pixmap, Transform};
    use resvg::usvg::{Group, Node, Options, Tree};

    use super::Picture;
    use crate::limits;

    /// `DejaVu` Sans, without the scripts that need more than a form for each character.
    const FONTS: [&[u8]; 2] = [include_bytes!("sans.ttf"), include_bytes!("bold.ttf")];
    const FAMILY: &str = "DejaVu Sans";

    /// Draws an SVG, with two pixels for one of its units where that is not too large.
    pub(in crate::cli) fn picture(svg: &str) -> Result<Picture, String> {
        let mut options = Options { font_family: FAMILY.to_owned(), ..Options::default() };
        let fonts = options.fontdb_mut();
        for font in FONTS {
            fonts.load_font_data(font.to_vec());
        }
        fonts.load_system_fonts();
        // The same picture on every machine, as far as the fonts of this folder go.
        fonts.set_sans_serif_family(FAMILY);
        let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
        let scale = scale(tree.size().width(), tree.size().height())?;
        let size = tree.size().to_int_size().scale_by(scale).ok_or("the picture has no size")?;
        let mut pixels =
            Pixmap::new(size.width(), size.height()).ok_or("the picture has no size")?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        let mut undrawn = BTreeSet::new();
        note_undrawn(tree.root(), &mut undrawn);
        let png = pixels.encode_png().map_err(|error| error.to_string())?;
        Ok(Picture { png, undrawn: undrawn.into_iter().collect() })
    }

    /// Pixels for one unit across and upward.
    fn scale(width: f32, height: f32) -> Result<f32, String> {
        let fits = |scale: f32| {
            f64::from(width * scale) * f64::from(height * scale)
                <= limits::PICTURE_PIXELS_MAX as f64
        };
        [2.0, 1.0].into_iter().find(|&scale| fits(scale)).ok_or_else(|| {
            format!(
                "the picture of {width:.0} x {height:.0} pixels is larger than PICTURE_PIXELS_MAX, \
                 {}: --svg draws it, or ask for fewer words",
                limits::PICTURE_PIXELS_MAX
            )
        })
    }

    /// The characters of texts that were drawn as an empty box.
    fn note_undrawn(group: &Group, undrawn: &mut BTreeSet<char>) {
        for node in group.children() {
            match node {
                Node::Group(group) => note_undrawn(group, undrawn),
                Node::Text(text) => {
                    let glyphs = text.layouted().iter().flat_map(|span| &span.positioned_glyphs);
                    undrawn.extend(
                        glyphs.filter(|glyph| glyph.id.0 == 0).flat_map(|glyph| glyph.text.chars()),
                    );
                }
                Node::Path(_) | Node::Image(_) => {}
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn text(text: &str) -> String {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60\" height=\"30\">\
                 <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
                 <text x=\"4\" y=\"20\" font-family=\"sans-serif\">{text}</text></svg>"
            )
        }

        #[test]
        fn letters_are_drawn_and_missing_ones_are_told() {
            let drawn = |svg: &str| {
                let picture = picture(svg).unwrap();
                let pixels = Pixmap::decode_png(&picture.png).unwrap();
                let dark = pixels.pixels().iter().filter(|pixel| pixel.red() < 128).count();
                ((pixels.width(), pixels.height()), dark, picture.undrawn)
            };
            let (size, dark, undrawn) = drawn(&text("caf\u{e9} \u{436}\u{3c9}"));
            assert_eq!((size, undrawn.as_str()), ((120, 60), ""));
            assert!((100..2_000).contains(&dark), "{dark} dark pixels");
            // No font has a private character of the last plane.
            assert_eq!(drawn(&text("a\u{10fff0}")).2, "\u{10fff0}");
            assert!(picture("<svg").is_err());
            let large = text("x").replace("\"60\"", "\"60000\"").replace("\"30\"", "\"30000\"");
            let refused = picture(&large).unwrap_err();
            assert!(refused.contains("PICTURE_PIXELS_MAX"), "{refused}");
        }
    }
}
