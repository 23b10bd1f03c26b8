//! The graph as a container, both ways. Codes are not stored: they follow from the table and the rotation.
//!
//! | section | holds |
//! | --- | --- |
//! | `head` | rows u64, components u64, then u32: m, ef_construction, links of a row in the bottom layer, head of the rotation |
//! | `bottom` | for each row its links, u32 each; 2^32 - 1 in the slots behind the last link; of a row that follows an equal one, itself and that one |
//! | `lists` | for each row its 32 nearest, nearest first, or 2^32 - 1; no such section if they are not known |
//! | `upper` | number of layers u32, then from the lowest: number of rows u32, the rows, ascending, for each row 2 m links, as places in this list |
//! | `measures` | a spread for each ef_search measured, then a recall for each, f32; for each component its part in each axis of the rotation, f32: none for more than 512 components |

use std::io::Write;
use std::sync::Arc;

use crate::container::{CHUNK_BYTES, Container, Kind, Writer};
use crate::error::Result;
use crate::index::calibrate::{Calibration, EFS};
use crate::index::codes::Codes;
use crate::index::equals::Followers;
use crate::index::graph::Graph;
use crate::index::hnsw::BuildParams;
use crate::index::links::{Hierarchy, Layer, Links, NONE};
use crate::index::lists::LIST;
use crate::table::Table;
use crate::vector::rotation::Rotation;

/// A graph's container.
pub const KIND: Kind =
    Kind { name: "graph", version: 4, advice: "the graph is built again from the table" };

const WORD: usize = size_of::<u32>();
/// Words converted at once.
const WORDS_AT_ONCE: usize = 16_384;

/// Writes a graph.
///
/// # Errors
///
/// If the output fails.
pub fn write<W: Write>(graph: &Graph, out: &mut Writer<W>) -> Result<()> {
    let hierarchy = graph.hierarchy();
    let rotation = graph.codes().rotation();
    let calibration = graph.calibration();
    let params = graph.params();
    out.section("head", CHUNK_BYTES)?;
    out.write(&(graph.table().len() as u64).to_le_bytes())?;
    out.write(&(graph.table().dim() as u64).to_le_bytes())?;
    let (stride, turned) = (hierarchy.bottom.stride(), rotation.head());
    let numbers = [params.m, params.ef_construction, stride, turned].map(word);
    out.write(&bytes_of(&numbers))?;
    let measured = calibration.spreads.iter().chain(&calibration.recalls).chain(rotation.values());
    let measured: Vec<u32> = measured.map(|value| value.to_bits()).collect();
    write_words("bottom", hierarchy.bottom.values(), out)?;
    if let Some(lists) = graph.lists() {
        write_words("lists", lists.values(), out)?;
    }
    write_words("upper", &upper_words(&hierarchy.upper), out)?;
    write_words("measures", &measured, out)
}

fn write_words<W: Write>(section: &str, words: &[u32], out: &mut Writer<W>) -> Result<()> {
    out.section(section, CHUNK_BYTES)?;
    words.chunks(WORDS_AT_ONCE).try_for_each(|words| out.write(&bytes_of(words)))
}

/// The graph of this table. Its bytes are copied to memory: a mapped file that the disk cannot give
/// would end the process.
///
/// # Errors
///
/// If the container is damaged, or of other rows.
pub fn read(table: Arc<Table>, from: &Container) -> Result<Graph> {
    let header = Header::read(from)?;
    if header.rows != table.len() as u64 || header.dim != table.dim() as u64 {
        return Err(from.senseless());
    }
    let words = |section: &str| from.section(section)?.numbers(u32::from_le_bytes);
    let lists = |section: &str, stride: usize| {
        let values = words(section)?;
        let is_right = table.len().checked_mul(stride) == Some(values.len())
            && are_lists(&values, stride, header.rows);
        if is_right { Ok(Links::from_values(stride, values)) } else { Err(from.senseless()) }
    };
    let bottom = lists("bottom", header.stride)?;
    let nearest = from.has("lists").then(|| lists("lists", LIST)).transpose()?;
    let upper = layers_of(&words("upper")?, &header).ok_or_else(|| from.senseless())?;
    let measured: Vec<f32> = words("measures")?.into_iter().map(f32::from_bits).collect();
    let (calibration, rotation) =
        measures_of(&measured, &header).ok_or_else(|| from.senseless())?;
    let params = BuildParams { m: header.m, ef_construction: header.ef_construction, threads: 0 };
    let codes = Codes::turned(&table, rotation)?;
    let followers = Followers::read(&bottom).ok_or_else(|| from.senseless())?;
    let parts = (Hierarchy { bottom, upper }, followers);
    let mut graph = Graph::new(table, params, codes, parts, nearest);
    graph.set_calibration(calibration);
    Ok(graph)
}

fn measures_of(values: &[f32], header: &Header) -> Option<(Calibration, Rotation)> {
    let (spreads, rest) = values.split_first_chunk::<{ EFS.len() }>()?;
    let (recalls, rotation) = rest.split_first_chunk::<{ EFS.len() }>()?;
    let is_right = !spreads.iter().chain(recalls).any(|value| value.is_nan())
        && rotation.iter().all(|value| value.abs() <= 1.001);
    let calibration = Calibration { spreads: *spreads, recalls: *recalls };
    let dim = usize::try_from(header.dim).ok()?;
    if rotation.len() != Rotation::values_count(dim) {
        return None;
    }
    let rotation = Rotation::from_parts(dim, header.turned, rotation.to_vec());
    rotation.filter(|_| is_right).map(|rotation| (calibration, rotation))
}

struct Header {
    rows: u64,
    dim: u64,
    m: usize,
    ef_construction: usize,
    stride: usize,
    turned: usize,
}

impl Header {
    fn read(from: &Container) -> Result<Self> {
        let bytes = from.section("head")?.read()?;
        let header = bytes.as_chunks::<8>().0.split_first_chunk::<2>().and_then(|(counts, _)| {
            let [rows, dim] = counts.map(u64::from_le_bytes);
            let numbers = bytes.get(16..)?.as_chunks::<WORD>().0;
            let numbers: &[[u8; WORD]; 4] = numbers.try_into().ok()?;
            let [m, ef_construction, stride, turned] =
                numbers.map(|number| u32::from_le_bytes(number) as usize);
            let is_right = stride > 0 && m > 0 && bytes.len() == 32;
            is_right.then_some(Self { rows, dim, m, ef_construction, stride, turned })
        });
        header.ok_or_else(|| from.senseless())
    }
}

fn upper_words(layers: &[Layer]) -> Vec<u32> {
    let mut words = vec![word(layers.len())];
    for layer in layers {
        words.push(word(layer.rows.len()));
        words.extend(&layer.rows);
        words.extend(layer.links.values());
    }
    words
}

fn layers_of(words: &[u32], header: &Header) -> Option<Vec<Layer>> {
    let mut rest = words;
    let mut layers: Vec<Layer> = Vec::new();
    for _ in 0..take_words(&mut rest, 1)?[0] {
        let count = take_words(&mut rest, 1)?[0];
        let rows = take_words(&mut rest, count as usize)?.to_vec();
        let stride = header.m.checked_mul(2)?;
        let links = take_words(&mut rest, (count as usize).checked_mul(stride)?)?;
        let is_ascending = rows.is_sorted_by(|a, b| a < b);
        let is_inside = rows.last().is_some_and(|&last| u64::from(last) < header.rows);
        if !is_ascending || !is_inside || !are_lists(links, stride, u64::from(count)) {
            return None;
        }
        let links = Links::from_values(stride, links.to_vec());
        let layer = Layer::new(rows, links, layers.last())?;
        layers.push(layer);
    }
    rest.is_empty().then_some(layers)
}

/// Whether every link leads somewhere, and free slots stand at the end of lists only.
fn are_lists(values: &[u32], stride: usize, rows: u64) -> bool {
    values.chunks(stride).all(|list| {
        let used = list.iter().take_while(|&&link| link != NONE).count();
        list[..used].iter().all(|&link| u64::from(link) < rows)
            && list[used..].iter().all(|&link| link == NONE)
    })
}

fn take_words<'a>(rest: &mut &'a [u32], count: usize) -> Option<&'a [u32]> {
    let (words, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(words)
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn word(count: usize) -> u32 {
    u32::try_from(count).expect("rows, dimensions and widths are below 2^32: limits.rs")
}
