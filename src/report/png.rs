//! Figures as PNG, rendered from SVG with built-in fonts.

use std::sync::{Arc, LazyLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use crate::error::{Error, Result};

/// Pixels per CSS pixel, so that prints are sharp.
const DENSITY: f32 = 2.0;

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.load_font_data(dejavu::sans_mono::regular().to_vec());
    fonts.load_font_data(dejavu::sans_mono::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    fonts.set_monospace_family("DejaVu Sans Mono");
    Arc::new(fonts)
});

/// Renders `svg` as PNG, with two pixels per CSS pixel.
///
/// # Errors
/// If the figure is too large.
pub fn bytes(svg: &str) -> Result<Vec<u8>> {
    let options = Options { fontdb: Arc::clone(&FONTS), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(failed)?;
    let size = tree.size().to_int_size().scale_by(DENSITY);
    let mut image = size
        .and_then(|size| Pixmap::new(size.width(), size.height()))
        .ok_or_else(|| failed("the figure is too large"))?;
    resvg::render(&tree, Transform::from_scale(DENSITY, DENSITY), &mut image.as_mut());
    image.encode_png().map_err(failed)
}

fn failed(problem: impl std::fmt::Display) -> Error {
    Error::Write { path: "a figure".into(), source: std::io::Error::other(format!("{problem}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::{Anchor, Canvas};

    #[test]
    fn text_is_rendered() {
        let empty = Canvas::new(60.0, 20.0);
        let mut written = empty.clone();
        written.text((30.0, 15.0), 12.0, "#000000", Anchor::Middle, "L5.H3 ▲");
        let [empty, written] =
            [empty, written].map(|canvas| Pixmap::decode_png(&bytes(&canvas.finish()).unwrap()).unwrap());
        assert_eq!((written.width(), written.height()), (120, 40));
        let dark = |image: &Pixmap| image.pixels().iter().filter(|pixel| pixel.red() < 100).count();
        assert_eq!(dark(&empty), 0);
        assert!(dark(&written) > 100, "{}", dark(&written));
    }

    #[test]
    fn text_is_drawn_in_both_families() {
        let png = |family: &str, text: &str| {
            let text = format!("<text x=\"2\" y=\"14\" font-family=\"{family}\">{text}</text>");
            bytes(&format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60\" height=\"20\">{text}</svg>"))
                .unwrap()
        };
        for family in ["DejaVu Sans, sans-serif", "ui-monospace, 'DejaVu Sans Mono', monospace"] {
            assert!(png(family, "▲ L6.H2").len() > 2 * png(family, "").len(), "{family}");
        }
    }
}
