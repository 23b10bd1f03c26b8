//! Drawings as SVG: bars, and words on a plane.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::Output;
use crate::vector::algebra;

/// A bar from the middle.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    /// What it is of.
    pub(super) label: String,
    /// Bars of one group have one color.
    pub(super) group: String,
    /// To the right if above 0.
    pub(super) value: f64,
}

/// A word on a plane.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// The word.
    pub(super) label: String,
    /// To the right.
    pub(super) x: f64,
    /// Upward.
    pub(super) y: f64,
}

const COLORS: [&str; 6] = ["#3b6ea5", "#c1553b", "#4f8a4c", "#8a5fa8", "#b08a2e", "#5a5a5a"];
const STYLE: &str = "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\"";

/// Writes a drawing, and says so.
pub(super) fn write(path: &Path, drawing: &str, output: &mut Output) -> Result<()> {
    let problem = |error| Failure::Local(format!("{} cannot be written: {error}", path.display()));
    File::create(path).and_then(|mut file| file.write_all(drawing.as_bytes())).map_err(problem)?;
    output.footer(&format!("  (drawn into {})", path.display()));
    Ok(())
}

/// Bars below one another, in the order given.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 22.0;
    const HALF: f64 = 220.0;
    let widest = bars.iter().map(|bar| width_of(&bar.label)).fold(80.0_f64, f64::max);
    let left = widest + 24.0;
    let most = bars.iter().fold(1e-12_f64, |most, bar| most.max(bar.value.abs()));
    let middle = left + HALF;
    let mut groups: Vec<&str> = Vec::new();
    let rows = bars.iter().enumerate().map(|(i, bar)| {
        let group = groups.iter().position(|group| *group == bar.group).unwrap_or_else(|| {
            groups.push(&bar.group);
            groups.len() - 1
        });
        let (top, length) = (40.0 + i as f64 * ROW, HALF * bar.value.abs() / most);
        let start = if bar.value < 0.0 { middle - length } else { middle };
        format!(
            "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>\
             <rect x=\"{start:.1}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{height}\" \
             fill=\"{color}\"><title>{label} {value:+.4}</title></rect>\n",
            x = left - 8.0,
            y = top + 13.0,
            label = escaped(&bar.label),
            height = ROW - 5.0,
            color = COLORS[group % COLORS.len()],
            value = bar.value,
        )
    });
    let rows: Vec<String> = rows.collect();
    let mut x = left;
    let legend = groups.iter().enumerate().map(|(i, group)| {
        let at = x;
        x += width_of(group) + 24.0;
        let y = 52.0 + bars.len() as f64 * ROW;
        let color = COLORS[i % COLORS.len()];
        format!("<text x=\"{at:.1}\" y=\"{y:.1}\" fill=\"{color}\">{}</text>\n", escaped(group))
    });
    let legend: Vec<String> = legend.collect();
    let height = 70.0 + bars.len() as f64 * ROW;
    let line = format!(
        "<line x1=\"{middle}\" x2=\"{middle}\" y1=\"34\" y2=\"{:.1}\" stroke=\"#888\"/>\n",
        height - 32.0
    );
    let body = [rows.concat(), line, legend.concat()].concat();
    drawing((x.max(left + 2.0 * HALF + 20.0), height), title, &body)
}

/// Words by the first two principal components of their vectors.
pub(super) fn map(words: Vec<String>, vectors: &[Vec<f32>]) -> Vec<Point> {
    let dim = vectors.iter().map(Vec::len).max().unwrap_or(0);
    let mut center = vec![0.0; dim];
    for vector in vectors {
        algebra::add(&mut center, 1.0 / vectors.len() as f64, vector);
    }
    let mut rows: Vec<Vec<f64>> = vectors
        .iter()
        .map(|vector| vector.iter().zip(&center).map(|(&x, mean)| f64::from(x) - mean).collect())
        .collect();
    let mut along = || -> Vec<f64> {
        let Some((axis, _)) = algebra::principal_component(&rows, &|| Ok(())).ok().flatten() else {
            return vec![0.0; rows.len()];
        };
        let places = rows.iter_mut().map(|row| {
            let place: f64 = row.iter().zip(&axis).map(|(x, y)| x * y).sum();
            for (value, component) in row.iter_mut().zip(&axis) {
                *value -= place * component;
            }
            place
        });
        places.collect()
    };
    let (across, upward) = (along(), along());
    let places = across.into_iter().zip(upward);
    words.into_iter().zip(places).map(|(label, (x, y))| Point { label, x, y }).collect()
}

/// Words on a plane; `names` are those of the axes, across and upward.
pub(super) fn points(names: (&str, &str), points: &[Point]) -> String {
    const SIZE: f64 = 640.0;
    const MARGIN: f64 = 60.0;
    let ends = |value: &dyn Fn(&Point) -> f64| {
        let low = points.iter().map(value).fold(0.0_f64, f64::min);
        let high = points.iter().map(value).fold(0.0_f64, f64::max);
        if high - low > 1e-12 { (low, high) } else { (-1.0, 1.0) }
    };
    let (across, upward) = (ends(&|p| p.x), ends(&|p| p.y));
    let place = |value: f64, (low, high): (f64, f64)| (value - low) / (high - low) * SIZE;
    let (zero_x, zero_y) = (MARGIN + place(0.0, across), MARGIN + SIZE - place(0.0, upward));
    let end = MARGIN + SIZE;
    let mut body = vec![format!(
        "<line x1=\"{MARGIN}\" x2=\"{end}\" y1=\"{zero_y:.1}\" y2=\"{zero_y:.1}\" \
         stroke=\"#bbb\"/><line x1=\"{zero_x:.1}\" x2=\"{zero_x:.1}\" y1=\"{MARGIN}\" \
         y2=\"{end}\" stroke=\"#bbb\"/>\n"
    )];
    let mut taken: Vec<Area> = Vec::new();
    let mut right = end + MARGIN;
    for point in points {
        let (x, y) = (MARGIN + place(point.x, across), end - place(point.y, upward));
        let label = label_area((x, y), width_of(&point.label), &taken);
        right = right.max(label.right + 16.0);
        body.push(format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            COLORS[0],
            label.left,
            label.bottom - 3.0,
            escaped(&point.label)
        ));
        taken.push(Area { left: x - 4.0, right: x + 4.0, top: y - 4.0, bottom: y + 4.0 });
        taken.push(label);
    }
    let title = format!("across: {}; upward: {}", names.0, names.1);
    drawing((right, SIZE + 2.0 * MARGIN), &title, &body.concat())
}

/// Where something is drawn.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn meets(&self, other: &Self) -> bool {
        let beside = self.left >= other.right || other.left >= self.right;
        let apart = self.top >= other.bottom || other.top >= self.bottom;
        !beside && !apart
    }
}

/// A place for a point's label that no other drawing has: right of it, left, above, below; else right.
fn label_area((x, y): (f64, f64), width: f64, taken: &[Area]) -> Area {
    const HEIGHT: f64 = 14.0;
    let at = |left: f64, top: f64| Area { left, right: left + width, top, bottom: top + HEIGHT };
    let right = at(x + 6.0, y - 7.0);
    let others = [
        at(x - 6.0 - width, y - 7.0),
        at(x - width / 2.0, y - 6.0 - HEIGHT),
        at(x - width / 2.0, y + 6.0),
    ];
    let is_free = |area: &Area| area.left > 0.0 && !taken.iter().any(|other| area.meets(other));
    [right].into_iter().chain(others).find(is_free).unwrap_or(right)
}

/// About how wide a text is drawn.
fn width_of(text: &str) -> f64 {
    7.5 * text.width() as f64
}

fn drawing((width, height): (f64, f64), title: &str, body: &str) -> String {
    // Bold letters are a little wider.
    let width = width.max(1.1 * width_of(title) + 32.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         {STYLE}>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"22\" font-weight=\"bold\">{}</text>\n{body}</svg>\n",
        escaped(title)
    )
}

/// Text for XML; characters that XML does not have are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_hold_every_word_and_escape_it() {
        let bar = |label: &str, value| Bar { label: label.into(), group: "g&h".into(), value };
        let drawn = bars("a < b", &[bar("<x>", 0.5), bar("y", -0.25), bar("\u{1}z", 0.0)]);
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
        for part in ["a &lt; b", "&lt;x&gt;", "g&amp;h", ">z</text>", "width=\"220.0\""] {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
        let drawn = points(("x", "y"), &[Point { label: "one".into(), x: 0.0, y: 0.0 }]);
        assert!(drawn.contains(">one</text>") && !drawn.contains("NaN"), "{drawn}");
        assert!(!points(("x", "y"), &[]).contains("NaN"));
    }
}
