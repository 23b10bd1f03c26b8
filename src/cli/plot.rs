//! Drawings: bars, words on a plane, and matrices of similarities; as SVG, and as PNG made of it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Output, shown};
use crate::cli::png;

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
    /// Points of one group have one color.
    pub(super) group: usize,
    /// The question named it: it is drawn larger and in bold.
    pub(super) is_asked: bool,
}

/// A word on a map of many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'n> {
    /// To the right, from -1 to 1.
    pub(super) x: f64,
    /// Upward, likewise.
    pub(super) y: f64,
    /// Its place in the list of groups.
    pub(super) group: usize,
    /// What may be written beside it.
    pub(super) name: Option<&'n str>,
}

/// Colors of a map's groups, which those who see fewer colors tell apart as well: the page for browsers has them.
const MAP_COLORS: [&str; 8] =
    ["#3251d1", "#9b4879", "#53660e", "#6f1b01", "#a36ef9", "#5a067e", "#b78118", "#3b9ca6"];

const COLORS: [&str; 6] = ["#3b6ea5", "#c1553b", "#4f8a4c", "#8a5fa8", "#b08a2e", "#5a5a5a"];
const STYLE: &str = "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\"";

/// The files into which an answer is drawn.
#[derive(Debug, Default, Args)]
pub(super) struct DrawArgs {
    /// Also draw the answer into this SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Also draw the answer into this PNG file
    #[arg(long, value_name = "FILE", value_parser = png_path)]
    png: Option<PathBuf>,
}

impl DrawArgs {
    /// Whether a drawing is asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.svg.is_some() || self.png.is_some()
    }

    /// Makes a drawing if one is asked for, and writes it.
    pub(super) fn write_if_asked(
        &self,
        drawing: impl FnOnce() -> String,
        output: &mut Output,
    ) -> Result<()> {
        if self.is_asked() { self.write(&drawing(), output) } else { Ok(()) }
    }

    /// Writes a drawing, which is SVG, into the files, and says so.
    pub(super) fn write(&self, drawing: &str, output: &mut Output) -> Result<()> {
        if let Some(path) = &self.svg {
            save(path, drawing.as_bytes(), output)?;
        }
        if let Some(path) = &self.png {
            let picture = png::picture(drawing)
                .map_err(|problem| Failure::Local(format!("{}: {problem}", path.display())))?;
            save(path, &picture.png, output)?;
            if !picture.undrawn.is_empty() {
                let undrawn = shown(&picture.undrawn);
                output.say(&format!("  (no font of this machine has {undrawn}; --svg keeps them)"));
            }
        }
        Ok(())
    }
}

fn save(path: &Path, bytes: &[u8], output: &mut Output) -> Result<()> {
    let problem = |error| Failure::Local(format!("{} cannot be written: {error}", path.display()));
    File::create(path).and_then(|mut file| file.write_all(bytes)).map_err(problem)?;
    output.footer(&format!("  (drawn into {})", path.display()));
    Ok(())
}

/// The path of a PNG file, refused before anything is asked where none can be drawn.
fn png_path(path: &str) -> Result<PathBuf, String> {
    if cfg!(feature = "png") {
        return Ok(path.into());
    }
    Err("this program was built without the feature png, which `cargo install --path . --features \
         png` builds in; --svg draws the same picture"
        .to_owned())
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
    let height = 94.0 + bars.len() as f64 * ROW;
    let line = format!(
        "<line x1=\"{middle}\" x2=\"{middle}\" y1=\"34\" y2=\"{:.1}\" stroke=\"#888\"/>\n",
        height - 56.0
    );
    let ticks = [-most, 0.0, most].map(|value| {
        let (x, y) = (middle + HALF * value / most, 76.0 + bars.len() as f64 * ROW);
        let sign = if value == 0.0 { "0".to_owned() } else { format!("{value:+.3}") };
        format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"11\">{sign}</text>\n")
    });
    let body = [rows.concat(), line, legend.concat(), ticks.concat()].concat();
    drawing((x.max(left + 2.0 * HALF + 20.0), height), title, &body)
}

/// Words on a plane, at one scale across and upward; `links` are lines between two points, by their
/// places in the list. A label that has no room is left out and counted; SVG shows it where the
/// pointer rests.
pub(super) fn points(title: &str, points: &[Point], links: &[[usize; 2]]) -> String {
    const SIZE: f64 = 640.0;
    const MARGIN: f64 = 60.0;
    let ends = |value: &dyn Fn(&Point) -> f64| {
        let low = points.iter().map(value).fold(0.0_f64, f64::min);
        let high = points.iter().map(value).fold(0.0_f64, f64::max);
        (low, high)
    };
    let (across, upward) = (ends(&|p| p.x), ends(&|p| p.y));
    let span = (across.1 - across.0).max(upward.1 - upward.0);
    let scale = if span > 1e-12 { SIZE / span } else { 1.0 };
    // The narrower side is drawn in the middle.
    let spare = |(low, high): (f64, f64)| (SIZE - (high - low) * scale) / 2.0;
    let place_x = |x: f64| MARGIN + spare(across) + (x - across.0) * scale;
    let place_y = |y: f64| MARGIN + SIZE - spare(upward) - (y - upward.0) * scale;
    let (zero_x, zero_y, end) = (place_x(0.0), place_y(0.0), MARGIN + SIZE);
    let mut body = vec![format!(
        "<line x1=\"{MARGIN}\" x2=\"{end}\" y1=\"{zero_y:.1}\" y2=\"{zero_y:.1}\" \
         stroke=\"#ddd\"/><line x1=\"{zero_x:.1}\" x2=\"{zero_x:.1}\" y1=\"{MARGIN}\" \
         y2=\"{end}\" stroke=\"#ddd\"/>\n"
    )];
    let linked = links.iter().filter_map(|[from, to]| points.get(*from).zip(points.get(*to)));
    body.extend(linked.map(|(from, to)| {
        let [(x1, y1), (x2, y2)] = [from, to].map(|p| (place_x(p.x), place_y(p.y)));
        format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
             stroke=\"#888\" stroke-dasharray=\"4 3\"/>\n"
        )
    }));
    let dot = |point: &Point| {
        let (x, y) = (place_x(point.x), place_y(point.y));
        Area { left: x - 4.0, right: x + 4.0, top: y - 4.0, bottom: y + 4.0 }
    };
    let mut taken: Vec<Area> = points.iter().map(dot).collect();
    let (mut right, mut unlabeled) = (end + MARGIN, 0_usize);
    // Words of the question are labeled first, so that they have room.
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by_key(|point| !point.is_asked);
    for point in order {
        let (x, y) = (place_x(point.x), place_y(point.y));
        let (radius, weight) = if point.is_asked { (6.0, "bold") } else { (3.5, "normal") };
        let color = COLORS[point.group % COLORS.len()];
        let name = escaped(&point.label);
        body.push(format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{color}\">\
             <title>{name}</title></circle>"
        ));
        if let Some(label) = label_area((x, y), width_of(&point.label), &taken) {
            right = right.max(label.right + 16.0);
            body.push(format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" font-weight=\"{weight}\">{name}</text>",
                label.left,
                label.bottom - 3.0,
            ));
            taken.push(label);
        } else {
            unlabeled += 1;
        }
        body.push("\n".to_owned());
    }
    if unlabeled > 0 {
        body.push(format!(
            "<text x=\"16\" y=\"{:.0}\" font-size=\"11\">{unlabeled} points have no room for \
             their label</text>\n",
            SIZE + 2.0 * MARGIN - 12.0
        ));
    }
    drawing((right, SIZE + 2.0 * MARGIN), title, &body.concat())
}

/// A map of many words, the most important first: these lie over the others, are larger, and are named first.
pub(super) fn map(title: &str, spots: &[Spot<'_>], groups: &[String]) -> String {
    const SIZE: f64 = 1200.0;
    const MARGIN: f64 = 48.0;
    // Words in one mark: all of these are of one size.
    const BAND: usize = 2_000;
    // One of a thousand may stand so far out that the others would be small: it is drawn at the edge.
    let mut reach: Vec<f64> = spots.iter().map(|spot| spot.x.abs().max(spot.y.abs())).collect();
    reach.sort_by(f64::total_cmp);
    reach.truncate(reach.len() - reach.len() / 1000);
    let most = reach.last().copied().unwrap_or(0.0).max(1e-12);
    let edge = 1.06 * most;
    let place = |spot: &Spot<'_>| {
        let at = |along: f64| MARGIN + SIZE / 2.0 * (1.0 + along.clamp(-edge, edge) / most);
        (at(spot.x), at(-spot.y))
    };
    let mut body = Vec::new();
    for (band, rows) in spots.chunks(BAND).enumerate().rev() {
        let width = if band == 0 { 4.0 } else { 2.6 - 0.2 * (band as f64).min(5.0) };
        for (group, color) in MAP_COLORS.iter().enumerate() {
            let within = rows.iter().filter(|spot| spot.group == group);
            let marks = within.map(|spot| {
                let (x, y) = place(spot);
                format!("M{x:.1} {y:.1}h0")
            });
            let marks = marks.collect::<Vec<_>>().concat();
            if !marks.is_empty() {
                body.push(format!(
                    "<path d=\"{marks}\" stroke=\"{color}\" stroke-width=\"{width:.1}\" \
                     stroke-linecap=\"round\" opacity=\"0.72\"/>\n"
                ));
            }
        }
    }
    body.extend(names(spots, place));
    for (i, (group, color)) in groups.iter().zip(MAP_COLORS).enumerate() {
        let y = 2.0 * MARGIN + SIZE + i as f64 * 20.0;
        body.push(format!(
            "<circle cx=\"22\" cy=\"{:.1}\" r=\"5\" fill=\"{color}\"/>\
             <text x=\"36\" y=\"{y:.1}\">{}</text>\n",
            y - 4.5,
            escaped(group)
        ));
    }
    let height = 2.0 * MARGIN + SIZE + groups.len() as f64 * 20.0;
    drawing((2.0 * MARGIN + SIZE, height), title, &body.concat())
}

/// The names of a map's words that have room, where they stand.
fn names(spots: &[Spot<'_>], place: impl Fn(&Spot<'_>) -> (f64, f64)) -> Vec<String> {
    let mut body = Vec::new();
    let mut taken: Vec<Area> = Vec::new();
    for spot in spots {
        let Some(name) = spot.name else { continue };
        let Some(label) = label_area(place(spot), width_of(name), &taken) else { continue };
        body.push(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" stroke=\"#fff\" stroke-width=\"3\" \
             stroke-linejoin=\"round\" paint-order=\"stroke\">{}</text>\n",
            label.left,
            label.bottom - 3.0,
            escaped(name)
        ));
        // Names need room around them to be read.
        taken.push(Area {
            left: label.left - 14.0,
            right: label.right + 14.0,
            top: label.top - 8.0,
            bottom: label.bottom + 8.0,
        });
    }
    body
}

/// A matrix of similarities from -1 to 1, row by row: blue is near, red is opposite.
pub(super) fn heat(title: &str, rows: &[&str], columns: &[&str], values: &[f32]) -> String {
    const CELL: f64 = 40.0;
    let width = |names: &[&str]| names.iter().map(|name| width_of(name)).fold(0.0_f64, f64::max);
    let (left, top) = (width(rows) + 28.0, width(columns) * 0.75 + 50.0);
    let mut body: Vec<String> = Vec::new();
    for (i, name) in columns.iter().enumerate() {
        let (x, y) = (left + (i as f64 + 0.4) * CELL, top - 6.0);
        body.push(format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" transform=\"rotate(-45 {x:.1} {y:.1})\">{}</text>\n",
            escaped(name)
        ));
    }
    for (i, (name, values)) in rows.iter().zip(values.chunks(columns.len().max(1))).enumerate() {
        let y = top + i as f64 * CELL;
        let (x, middle) = (left - 8.0, y + CELL / 2.0 + 4.0);
        let name = escaped(name);
        body.push(format!(
            "<text x=\"{x:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{name}</text>\n"
        ));
        for (j, value) in values.iter().enumerate() {
            let (x, color) =
                (left + j as f64 * CELL, if *value < 0.0 { COLORS[1] } else { COLORS[0] });
            body.push(format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{CELL}\" height=\"{CELL}\" \
                 fill=\"{color}\" fill-opacity=\"{:.3}\"/><text x=\"{:.1}\" y=\"{middle:.1}\" \
                 text-anchor=\"middle\" font-size=\"11\" fill=\"{ink}\">{value:.2}</text>\n",
                value.abs().min(1.0),
                x + CELL / 2.0,
                ink = if value.abs() > 0.6 { "#fff" } else { "#222" },
            ));
        }
    }
    let size = (left + (columns.len() as f64 + 1.0) * CELL, top + (rows.len() as f64 + 0.5) * CELL);
    drawing(size, title, &body.concat())
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

/// A place for a point's label that nothing else has: beside the point, above or below it, or at a
/// corner.
fn label_area((x, y): (f64, f64), width: f64, taken: &[Area]) -> Option<Area> {
    const HEIGHT: f64 = 14.0;
    let (right, left, middle) = (x + 7.0, x - 7.0 - width, x - width / 2.0);
    let (beside, above, below) = (y - 7.0, y - 7.0 - HEIGHT, y + 7.0);
    let places = [
        (right, beside),
        (left, beside),
        (middle, above),
        (middle, below),
        (right, above),
        (right, below),
        (left, above),
        (left, below),
    ];
    places
        .into_iter()
        .map(|(left, top)| Area { left, right: left + width, top, bottom: top + HEIGHT })
        .find(|area| area.left > 0.0 && !taken.iter().any(|other| area.meets(other)))
}

/// About how wide a text is drawn.
fn width_of(text: &str) -> f64 {
    8.0 * text.width() as f64
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
        let point = |x, is_asked| Point { label: "one".into(), x, y: 0.0, group: 7, is_asked };
        let drawn = points("x", &[point(0.0, false)], &[]);
        assert!(drawn.contains(">one</text>") && !drawn.contains("NaN"), "{drawn}");
        assert!(!points("x", &[], &[[0, 1]]).contains("NaN"));
        // Twenty words on one spot have no room for twenty labels; the asked one has its own.
        let crowd: Vec<_> = (0..20).map(|i| point(0.0, i == 19)).collect();
        let drawn = points("x", &crowd, &[[0, 19]]);
        assert!(
            drawn.matches(">one</text>").count() < 10 && drawn.matches("<circle").count() == 20
        );
        assert_eq!(drawn.matches("\"bold\">one</text>").count(), 1, "{drawn}");
        let drawn = heat("m", &["<a>"], &["b", "c"], &[1.0, -0.5]);
        assert!(drawn.contains("&lt;a&gt;") && drawn.contains(">-0.50</text>"), "{drawn}");
    }

    #[test]
    fn both_axes_of_a_map_have_one_scale() {
        let point = |x, y| Point { label: String::new(), x, y, group: 0, is_asked: false };
        let drawn = points("x", &[point(0.0, 0.0), point(4.0, 0.0), point(0.0, 1.0)], &[]);
        for place in
            ["cx=\"60.0\" cy=\"460.0\"", "cx=\"700.0\" cy=\"460.0\"", "cx=\"60.0\" cy=\"300.0\""]
        {
            assert!(drawn.contains(place), "{place}: {drawn}");
        }
    }
}
